-- lua/rille/options.lua, lua/rille/mistake.lua
local mistake = require "rille.mistake"
local options = require "rille.options"

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  return message
end

describe("options", function()
  local known = { size = "number", name = "string|table", any = true }

  it("are a table, or none at all", function()
    assert.same({}, options.check(nil, known, "f"))
    local given = { size = 1, name = {}, any = false }
    assert.equal(given, options.check(given, known, "f"))
    assert.matches("f: options are a table, got a number", message_of(options.check, 7, known, "f"), 1, true)
  end)

  it("are not the second value of require, but for a function of options alone a string is a mistake", function()
    assert.same({}, options.check("app/main.lua", known, "f"))
    assert.matches("got the string 'x'", message_of(options.only, "x", known, "f"), 1, true)
  end)

  it("that are unknown name the nearest, else all that there are", function()
    assert.matches("f: unknown option 'sise', did you mean 'size'?", message_of(options.check, { sise = 1 }, known, "f"), 1, true)
    assert.matches("there are any, name, size", message_of(options.check, { q = 1 }, known, "f"), 1, true)
  end)

  it("have types", function()
    assert.matches("f: option 'name' is a string or a table, got a boolean",
      message_of(options.check, { name = true }, known, "f"), 1, true)
  end)

  it("that are sizes are whole and not negative", function()
    assert.equal(1024, options.size(1024.0, "limit"))
    for _, wrong in ipairs { -1, 1.5, "many" } do
      assert.matches("limit is a size in bytes", message_of(options.size, wrong, "limit"))
    end
  end)

  it("that are lists have no names and no holes", function()
    assert.same({ "a", "b" }, options.list({ "a", "b" }, "use"))
    assert.matches("a list was expected, got a table with 'x'", message_of(options.list, { x = 1 }, "use"), 1, true)
    assert.matches("the list has a hole", message_of(options.list, { [1] = "a", [3] = "c" }, "use"), 1, true)
  end)

  it("are sorted by name, whatever they are", function()
    assert.same({ 1, "a", "b" }, options.sorted { b = true, a = true, true })
  end)
end)

describe("a mistake", function()
  it("is raised at the line that called into the library", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local message = message_of(function() return (mistake.raise("no %s", "such thing")) end)
    assert.equal(("options_spec.lua:%d: no such thing"):format(line), message:match "[^/]*$")
  end)

  it("without arguments may have a percent sign in it", function()
    assert.matches("100 % wrong", message_of(function() return (mistake.raise "100 % wrong") end), 1, true)
  end)

  it("knows the caller's line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    assert.matches(("options_spec.lua:%d$"):format(line), (mistake.caller()))
  end)
end)

describe("what can be called", function()
  it("is a function, or has __call", function()
    assert.is_true(options.is_callable(print))
    assert.is_true(options.is_callable(setmetatable({}, { __call = print })))
    assert.is_false(options.is_callable {})
    assert.is_false(options.is_callable "print")
  end)
end)
