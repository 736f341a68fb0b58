-- lua/rille/names.lua, lua/rille/names/classes.lua, lua/rille/names/messages.lua, lua/rille/names/words.lua
--
-- What a program is told is in spec/regress/300-unknown-fields_spec.lua and spec/mistakes_spec.lua.
local classes = require "rille.names.classes"
local names = require "rille.names"
local rille = require "rille"

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  return message
end

describe("a class of names", function()
  it("raises for a field that is not there, and not for one that may be absent", function()
    local Thing = { open = print }
    names.class("spec_thing", Thing, { fields = { "size" }, absent = { "cache" }, is_one = false })
    assert.is_nil(Thing.size)
    assert.is_nil(Thing.cache)
    assert.equal(print, Thing.open)
    assert.matches("spec_thing has no 'sizes', did you mean spec_thing.size?",
      message_of(function() return Thing.sizes end), 1, true)
  end)

  it("is one of the library's modules, or none", function()
    assert.is_true(classes.is_module(rille))
    assert.is_true(classes.is_module(rille.log))
    assert.is_false(classes.is_module {})
    assert.equal(rille, classes.library())
  end)

  it("tells a colon that should be a dot", function()
    local message = message_of(names.check_colon, rille, "rille.file")
    assert.matches("rille.file was called with a colon: write rille.file(", message, 1, true)
    assert.is_nil(names.check_colon({}, "rille.file"))
    assert.is_nil(names.check_colon("x.txt", "rille.file"))
  end)

  it("has words for what something is called elsewhere", function()
    assert.matches("rille.fetch(url, options) makes a request", names.unknown("rille", "request"), 1, true)
    assert.equal(names.unknown("req", "getHeader"), names.unknown("req", "get_header"):gsub("get_header", "getHeader"))
  end)

  it("cuts a name that nobody can mean, and shows no control characters", function()
    local message = names.unknown("app", ("x"):rep(500) .. "\n")
    assert.is_true(#message < 300)
    assert.is_nil(names.unknown("app", "a\nb"):find "%c")
  end)

  it("describes values", function()
    assert.equal("nil", names.describe(nil))
    assert.equal("a string", names.describe "x")
    assert.equal("rille.null", names.describe(rille.null))
    assert.equal("an app", names.describe(rille.app()))
  end)
end)
