-- lua/rille/source.lua, lua/rille/loader.lua
local loader = require "rille.loader"
local Scratch = require "spec.support.scratch"
local source = require "rille.source"

describe("a source file", function()
  local scratch
  before_each(function() scratch = Scratch.new() end)
  after_each(function() os.execute("rm -rf " .. scratch.directory) end)

  local function read(text) return source.read(scratch:write("x.lua", text)) end

  it("has no byte order mark, and no first line for a shell", function()
    assert.equal("return 1", read "\xEF\xBB\xBFreturn 1")
    assert.equal("\nreturn 1", read "#!/usr/bin/env rille\nreturn 1")
    assert.equal("\nreturn 1", read "\xEF\xBB\xBF#!/usr/bin/env rille\nreturn 1")
    assert.equal("", read "#!/usr/bin/env rille")
    assert.equal("", read "")
  end)

  it("in UTF-16 is refused", function()
    for _, mark in ipairs { "\xFF\xFE", "\xFE\xFF" } do
      local ok, message = pcall(read, mark .. "r\0e\0t\0")
      assert.is_false(ok)
      assert.matches("UTF-16", message, 1, true)
    end
  end)

  local function refused(name, text)
    local ok, message = pcall(loader.load_app, scratch:write(name, text))
    assert.is_false(ok)
    return message
  end

  it("that is no app says what it may be", function()
    assert.matches("returned a nil: end it with `return app`", refused("a.lua", "local x = 1"), 1, true)
    assert.matches("returned a number", refused("b.lua", "return 7"), 1, true)
    assert.matches(": rille run ", refused("c.lua", "return {main = print}"), 1, true)
    assert.matches("is a spec: rille test ", refused("d_spec.lua", ""), 1, true)
  end)

  it("that does not compile names its line", function()
    assert.matches("a.lua:2:", refused("a.lua", "local x\nx = = 1"), 1, true)
  end)

  it("is an app, or a function of settings that makes one", function()
    local app = loader.load_app(scratch:write("a.lua", 'return require("rille").app { name = "a" }'))
    assert.equal("a", app.settings.name)
    app = loader.load_app(scratch:write("b.lua", 'return function(s) return require("rille").app { name = s.name } end'),
      { name = "b" })
    assert.equal("b", app.settings.name)
  end)
end)
