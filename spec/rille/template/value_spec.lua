-- lua/rille/template/value.lua, lua/rille/template/value/kind.lua, lua/rille/template/value/mapping.lua,
-- lua/rille/template/value/text.lua, lua/rille/template/operators.lua, lua/rille/template/items.lua
local items = require "rille.template.items"
local operators = require "rille.template.operators"
local rille = require "rille"
local value = require "rille.template.value"

local function code_of(f, ...)
  local _, err = rille.try(f, ...)
  return err and err.code
end

describe("kinds of values", function()
  it("are told apart by what is in them", function()
    local kinds = {
      { nil, "undefined" }, { rille.null, "none" }, { true, "boolean" }, { 1.5, "number" }, { "x", "string" },
      { value.markup "x", "markup" }, { { 1 }, "list" }, { rille.array {}, "list" }, { {}, "mapping" }, { { a = 1 }, "mapping" },
      { value.tuple { 1 }, "tuple" }, { value.mapping(), "mapping" }, { print, "function" }, { value.undefined "x", "undefined" },
      { setmetatable({}, { __name = "thing" }), "object" },
    }
    for _, case in ipairs(kinds) do assert.equal(case[2], value.kind(case[1])) end
    assert.equal("undefined", value.kind(nil))
  end)
end)

describe("values as text", function()
  it("print as Python's, but for true, false and none", function()
    local tuple = value.tuple
    local cases = {
      { "a'b", "a'b" }, { true, "true" }, { rille.null, "none" }, { 1.0, "1.0" }, { 1e100, "1e+100" }, { { 1, "a" }, "[1, 'a']" },
      { { "it's" }, '["it\'s"]' }, { { "\n\1" }, "['\\n\\x01']" }, { tuple { 1 }, "(1,)" }, { tuple { 1, 2 }, "(1, 2)" },
      { { b = 1, a = { c = 2 } }, "{'a': {'c': 2}, 'b': 1}" }, { value.undefined "x", "" }, { value.markup "<b>", "<b>" },
    }
    for _, case in ipairs(cases) do assert.equal(case[2], value.text(case[1])) end
  end)

  it("that contain themselves are cut where they come again", function()
    local list = { 1 }
    list[2] = list
    assert.equal("[1, [...]]", value.text(list))
    local shared = { 1 }
    assert.equal("[[1], [1]]", value.text { shared, shared })
  end)

  it("that double at each level are refused", function()
    local v = { 1 }
    for _ = 1, 40 do v = { v, v } end
    assert.equal("template", code_of(value.text, v))
  end)

  it("are escaped unless they are HTML already", function()
    assert.equal("&lt;b&gt;", value.escape "<b>")
    assert.equal("<b>", value.escape(value.markup "<b>"))
    assert.equal("[&#39;&lt;&#39;]", value.escape { "<" })
    assert.equal("<i>", value.escape(setmetatable({}, { __html = function() return "<i>" end })))
  end)
end)

describe("mappings of templates", function()
  it("keep the order of their keys", function()
    local m = value.dict("b", 1, "a", 2)
    value.set(m, "c", 3)
    assert.same({ "b", "a", "c" }, value.keys(m))
    assert.equal("c", value.last_key(m))
    assert.equal(1, value.remove(m, "b"))
    assert.same({ "a", "c" }, value.keys(m))
    value.set(m, "b", 4)
    assert.same({ "a", "c", "b" }, value.keys(m))
    value.clear(m)
    assert.same({}, value.keys(m))
  end)

  it("take what Lua code has added last, sorted", function()
    local m = value.dict("b", 1)
    m.z, m.a = 2, 3
    assert.same({ "b", "a", "z" }, value.keys(m))
  end)

  it("have no nan for a key", function() assert.equal("template", code_of(value.set, value.mapping(), 0 / 0, 1)) end)

  it("show templates no private fields of objects", function()
    local object = setmetatable({ _own = 1, shown = 2, hidden = 3 }, { __hidden = { hidden = true } })
    assert.is_true(value.is_hidden(object, "_own"))
    assert.is_true(value.is_hidden(object, "hidden"))
    assert.is_falsy(value.is_hidden(object, "shown"))
    assert.is_false(value.is_hidden({ _own = 1 }, "_own"))
    assert.is_nil(value.own(object, "_own"))
    assert.equal(2, value.own(object, "shown"))
  end)
end)

describe("what is undefined", function()
  it("is empty, and an error where the template is strict", function()
    local lenient, strict = value.undefined("no x", false), value.undefined("no x", true)
    assert.equal("", value.text(lenient))
    assert.is_false(value.truth_of_object(lenient))
    for _, use in ipairs { value.text, value.truth_of_object, value.check_defined } do
      assert.equal("undefined", code_of(use, strict))
    end
    assert.equal("undefined", code_of(value.check_defined, lenient))
  end)
end)

describe("operators", function()
  it("make floats of integers that leave 64 bits", function()
    assert.equal(2.0 ^ 63, operators.add(math.maxinteger, 1))
    assert.equal("float", math.type(operators.mul(1 << 40, 1 << 40)))
    assert.equal(1 << 60, operators.pow(2, 60))
    assert.equal(2.0 ^ 100, operators.pow(2, 100))
    assert.equal(2.0 ^ 63, operators.neg(math.mininteger))
  end)

  it("work on text and lists as in Python", function()
    assert.equal("abab", operators.mul("ab", 2))
    assert.same({ 1, 2, 3 }, { table.unpack(operators.add({ 1 }, { 2, 3 })) })
    assert.equal("&lt;<b>", operators.add("<", value.markup "<b>")[1])
    assert.equal(-2, operators.floordiv(-3, 2))
    assert.equal(1, operators.mod(-3, 2))
    assert.equal("1 + 2", operators.mod("%d + %d", value.tuple { 1, 2 }))
    for _, wrong in ipairs { { 1, "a" }, { {}, 1 }, { rille.null, 1 } } do
      assert.equal("template", code_of(operators.add, wrong[1], wrong[2]))
    end
    assert.equal("template", code_of(operators.div, 1, 0))
  end)

  it("compare lists item by item, and nothing with what has no order", function()
    assert.is_true(operators.lt({ 1, 2 }, { 1, 3 }))
    assert.is_true(operators.lt({ 1 }, { 1, 0 }))
    assert.is_true(operators.eq({ a = { 1 } }, { a = { 1 } }))
    assert.is_false(operators.eq({ 1 }, value.tuple { 1 }))
    assert.is_true(operators.eq(true, 1))
    assert.is_false(operators.ge(0 / 0, 1))
    assert.equal("template", code_of(operators.lt, 1, "a"))
  end)

  it("stop comparing at the first that does not hold", function()
    local asked = 0
    local function later() asked = asked + 1 return 3 end
    assert.is_true(operators.compare_all(1, "lt", 2, "later lt", later))
    assert.is_false(operators.compare_all(1, "gt", 2, "later lt", later))
    assert.equal(1, asked)
  end)

  it("compare values that contain themselves", function()
    local a, b = { 1 }, { 1 }
    a[2], b[2] = a, b
    assert.is_true(operators.eq(a, b))
  end)
end)

describe("what is looped over", function()
  it("is a list, the keys of a mapping, or the characters of a text", function()
    local function all(v) return { table.unpack((items.all_items(nil, v))) } end
    assert.same({ 1, 2 }, all { 1, 2 })
    assert.same({ "a", "b" }, all { b = 1, a = 2 })
    assert.same({ "ä", "b" }, all "äb")
    assert.same({}, all(value.undefined "x"))
    assert.equal("template", code_of(items.all_items, nil, 7))
  end)

  it("is unpacked into as many names as it has items", function()
    assert.same({ 1, 2 }, { items.unpack({ 1, 2 }, 2) })
    assert.equal("template", code_of(items.unpack, { 1, 2 }, 3))
    assert.equal("template", code_of(items.unpack, { 1, 2, 3 }, 2))
  end)

  it("is sorted without changing the order of equals", function()
    local list = { "b1", "a1", "b2", "a2" }
    local keys = { "b", "a", "b", "a" }
    assert.same({ "a1", "a2", "b1", "b2" }, { table.unpack(items.sort(list, keys, operators.compare)) })
    assert.same({ "b1", "b2", "a1", "a2" }, { table.unpack(items.sort(list, { "b", "a", "b", "a" }, operators.compare, true)) })
  end)
end)
