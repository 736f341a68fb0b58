-- All of Jinja2's tests ({{ x is odd }}), by name: records (record.lua).
local failure = require "rille.template.failure"
local operators = require "rille.template.operators"
local record = require "rille.template.record"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local kind = value.kind

local function test(names, f) return record.new(names, f, { kind = "boolean" }) end

-- ---- what there is --------------------------------------------------------------------------------------------------

-- Written into the code: a variable is asked without being read.
M.defined = record.new("", function(v) return not value.is_undefined(v) end, { kind = "boolean", inline = "defined" })
M.undefined = record.new("", value.is_undefined, { kind = "boolean", inline = "undefined" })

local function named(what)
  return record.in_context("", function(c, _, v) return c.env[what][v] ~= nil end, { kind = "boolean" })
end
M.filter, M.test = named "filters", named "tests"

-- ---- types ----------------------------------------------------------------------------------------------------------

local function is_kind(...)
  local kinds = {}
  for _, name in ipairs { ... } do kinds[name] = true end
  return test("", function(v) return kinds[kind(v)] == true end)
end

M.none, M.boolean = is_kind "none", is_kind "boolean"
M.number = is_kind("number", "boolean")
M.string = is_kind("string", "markup")
M.mapping, M.escaped = is_kind "mapping", is_kind "markup"
M["true"] = test("", function(v) return v == true end)
M["false"] = test("", function(v) return v == false end)
M.integer = test("", function(v) return math.type(v) == "integer" end)
M.float = test("", function(v) return math.type(v) == "float" end)

-- Objects of the program hold items if they are tables; ours say so.
local function holds_items(v)
  if kind(v) ~= "object" then return false end
  local ours = value.kinds[value.meta_of(v)]
  if ours then return ours.items ~= nil end
  return type(v) == "table"
end

local sequences = { string = true, markup = true, list = true, tuple = true, mapping = true, undefined = true }
M.sequence = test("", function(v) return sequences[kind(v)] or holds_items(v) end)
M.iterable = test("", function(v) return sequences[kind(v)] or kind(v) == "function" or holds_items(v) end)

M.callable = test("", function(v)
  if type(v) == "function" then return true end
  local meta = value.meta_of(v)
  local ours = value.kinds[meta]
  if ours then return ours.call ~= nil end
  return meta ~= nil and meta.__call ~= nil
end)

-- ---- numbers and text -----------------------------------------------------------------------------------------------

local function modulo(name, v, n)
  if not math.type(v) and type(v) ~= "boolean" then
    value.check_defined(v)
    failure.fail("'%s' needs a number, got %s", name, value.describe(v))
  end
  return operators.mod(v, n)
end

M.odd = test("", function(v) return modulo("odd", v, 2) == 1 end)
M.even = test("", function(v) return modulo("even", v, 2) == 0 end)
M.divisibleby = test("num!", function(v, n) return modulo("divisibleby", v, n) == 0 end)
M.lower = test("", function(v) return text.is_lower(value.text(v)) end)
M.upper = test("", function(v) return text.is_upper(value.text(v)) end)

-- ---- comparisons ----------------------------------------------------------------------------------------------------

M.eq = test("other!", operators.eq)
M.ne = test("other!", function(a, b) return not operators.eq(a, b) end)
for _, name in ipairs { "lt", "le", "gt", "ge" } do M[name] = test("other!", operators[name]) end
M["in"] = test("seq!", operators.contains)
M.sameas = test("other!", rawequal)

for name, short in pairs { equalto = "eq", ["=="] = "eq", ["!="] = "ne", ["<"] = "lt", lessthan = "lt", ["<="] = "le",
  [">"] = "gt", greaterthan = "gt", [">="] = "ge" } do
  M[name] = M[short]
end

return M
