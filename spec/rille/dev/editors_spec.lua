local editors = require "rille.dev.editors"

describe("RILLE_EDITOR", function()
  for given, expected in pairs {
    ["vscode://file/{path}:{line}"] = "vscode://file/home/ada/a%20b.lua:12",
    ["vscode://file{path}:{line}"] = "vscode://file/home/ada/a%20b.lua:12",
    ["vscode://file/{file}:{line}"] = "vscode://file/home/ada/a%20b.lua:12", ["vscode"] = "vscode://file/home/ada/a%20b.lua:12",
    ["/usr/bin/code"] = "vscode://file/home/ada/a%20b.lua:12", ["subl"] = "subl://open?url=file:///home/ada/a%20b.lua&line=12",
    ["idea"] = "idea://open?file=/home/ada/a%20b.lua&line=12",
    ["x:{path}?{line}&{column}&{other}"] = "x:/home/ada/a%20b.lua?12&1&{other}",
  } do
    it("as " .. given, function()
      assert.equal(expected, editors.url("/home/ada/a b.lua", 12, editors.template_of(given)))
    end)
  end

  it("opens nothing where it names no editor that is known", function()
    for _, given in ipairs { "", "vi", "vscode://file", "/usr/bin/" } do assert.is_nil(editors.template_of(given)) end
    assert.is_nil(editors.template_of(nil))
  end)
end)
