local native = require "rille.native"
local new = require "rille.new"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

describe("rille new", function()
  local root

  before_each(function()
    root = os.tmpname()
    os.remove(root)
    os.execute("mkdir " .. root)
  end)

  after_each(function() os.execute("rm -r " .. root) end)

  it("makes what a project needs, with its name in it", function()
    new.make(root .. "/blog")
    for _, file in ipairs { "app/init.lua", "app/routes/notes.lua", "app/migrations/001-notes.sql", "templates/index.html",
      "spec/notes_spec.lua", "Procfile", "Dockerfile", ".luarc.json", ".gitignore", ".github/workflows/test.yml" } do
      assert.equal("file", (native.file_info(root .. "/blog/" .. file) or {}).type, file)
    end
    assert.matches("<h1>blog</h1>", read(root .. "/blog/templates/index.html"), 1, true)
    assert.is_nil(read(root .. "/blog/app/init.lua"):find "NAME")
  end)

  it("puts a secret of its own into .env, which git does not see", function()
    new.make(root .. "/one")
    new.make(root .. "/two")
    local one, two = read(root .. "/one/.env"), read(root .. "/two/.env")
    assert.matches("^SECRET=[%w_-]+\n$", one)
    assert.is_true(#one >= 8 + 48)
    assert.not_equal(one, two)
    assert.matches(".env\n", read(root .. "/one/.gitignore"), 1, true)
  end)

  it("touches nothing that is there", function()
    new.make(root .. "/blog")
    assert.has_error(function() new.make(root .. "/blog") end, ("new: '%s/blog' is there already"):format(root))
  end)

  for _, name in ipairs { "", "a b", "1x", "..", "a/../b c", "x;rm" } do
    it("refuses the name '" .. name .. "'", function()
      assert.has_error(function() new.make(root .. "/" .. name) end)
    end)
  end
end)
