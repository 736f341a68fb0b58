local console = require "rille.console"

describe("the console", function()
  it("shows values as they would be written", function()
    assert.equal('"a\\n\\"b\\""', console.show 'a\n"b"')
    assert.equal("{ 1, 2, a = { b = true } }", console.show { 1, 2, a = { b = true } })
    assert.equal("{}", console.show {})
    assert.equal("nil", console.show(nil))
    assert.equal('{ ["a b"] = 1 }', console.show { ["a b"] = 1 })
  end)

  it("shows a table in itself without end", function()
    local t = {}
    t.self = t
    assert.equal("{ self = (itself) }", console.show(t))
  end)

  it("takes expressions and statements", function()
    assert.equal(3, console.compile("1 + 2", {})())
    local env = {}
    console.compile("x = 5", env)()
    assert.equal(5, env.x)
  end)

  it("knows when more lines may follow, and when not", function()
    local chunk, _, incomplete = console.compile("for i = 1, 2 do", {})
    assert.is_nil(chunk)
    assert.is_true(incomplete)
    chunk, _, incomplete = console.compile("for for", {})
    assert.is_nil(chunk)
    assert.is_false(incomplete)
  end)

  it("completes names, fields and methods", function()
    local class = { get = 1, grow = 2 }
    class.__index = class
    local env = { client = setmetatable({ jar = 1 }, class), clock = 1 }
    assert.same({ "client", "clock" }, console.candidates("cl", env))
    assert.same({ "client:get", "client:grow" }, console.candidates("client:g", env))
    assert.same({ "client.jar" }, console.candidates("client.j", env))
    assert.same({ "string.format" }, console.candidates("string.form", setmetatable({}, { __index = _G })))
    assert.same({}, console.candidates("nothing.a", env))
  end)
end)
