-- Operators and comparisons as Python's, on Lua's values (value.lua). What is undefined raises; integers that leave 64 bits
-- become floats.
local failure = require "rille.template.failure"
local format = require "rille.template.format"
local native = require "rille.native.core"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local kind, describe, markup, escape = value.kind, value.describe, value.markup, value.escape
local math_type, type, getmetatable = math.type, type, getmetatable
local Markup = value.Markup

local function is_text(what) return what == "string" or what == "markup" end
local function is_list(what) return what == "list" or what == "tuple" end
local function raw_text(v) return type(v) == "string" and v or v[1] end

-- Neither operand can be used so.
local function refuse(symbol, a, b)
  value.check_defined(a)
  value.check_defined(b)
  failure.fail("%s and %s cannot be joined by '%s'", describe(a), describe(b), symbol)
end

-- A number, or a boolean as one; else nil.
local function number(v)
  if math_type(v) then return v end
  if v == true then return 1 end
  if v == false then return 0 end
end

-- ---- arithmetic -----------------------------------------------------------------------------------------------------

-- An integer result whose exact value differs from what wraps around is a float.
local function exact(wrapped, float)
  if math_type(wrapped) == "integer" and math.abs(wrapped - float) > 1024 and math.abs(float) >= 2 ^ 62 then return float end
  return wrapped
end

local function concat_lists(a, b)
  text.check_items(#a + #b)
  local result = table.move(a, 1, #a, 1, {})
  table.move(b, 1, #b, #result + 1, result)
  return getmetatable(a) == value.Tuple and value.tuple(result) or value.list(result)
end

local function join_markup(a, b)
  a, b = escape(a), escape(b)
  text.check_length(#a + #b)
  return markup(a .. b)
end

function M.add(a, b)
  if math_type(a) == "integer" and math_type(b) == "integer" then
    local sum = a + b
    if (a ~ sum) & (b ~ sum) >= 0 then return sum end -- a sum whose sign is neither's has wrapped around
  end
  local x, y = number(a), number(b)
  if x and y then return exact(x + y, x + 0.0 + y) end
  local of_a, of_b = kind(a), kind(b)
  if is_text(of_a) and is_text(of_b) then
    text.check_length(#raw_text(a) + #raw_text(b))
    if of_a == "string" and of_b == "string" then return a .. b end
    return join_markup(a, b)
  end
  if is_list(of_a) and of_a == of_b then return concat_lists(a, b) end
  refuse("+", a, b)
end

function M.sub(a, b)
  local x, y = number(a), number(b)
  if x and y then return exact(x - y, x + 0.0 - y) end
  refuse("-", a, b)
end

local function repeat_list(list, times)
  local count = #list
  if count > 0 and times > text.MOST_ITEMS // count then text.check_items(math.maxinteger) end
  local result = {}
  if count == 0 then times = 0 end
  for i = 0, times - 1 do table.move(list, 1, count, i * count + 1, result) end
  return setmetatable(result, getmetatable(list) or value.Array)
end

local function repeated(v, times)
  local what = kind(v)
  if what == "string" then return text.times(v, times) end
  if what == "markup" then return markup(text.times(v[1], times)) end
  if is_list(what) then return repeat_list(v, times) end
end

function M.mul(a, b)
  local x, y = number(a), number(b)
  if x and y then return exact(x * y, (x + 0.0) * y) end
  local result = math_type(y) == "integer" and repeated(a, y) or math_type(x) == "integer" and repeated(b, x)
  return result or refuse("*", a, b)
end

local function numbers(symbol, a, b)
  local x, y = number(a), number(b)
  if not (x and y) then refuse(symbol, a, b) end
  return x, y
end

local function check_divisor(y)
  if y == 0 then failure.fail "division by zero" end
end

function M.div(a, b)
  local x, y = numbers("/", a, b)
  check_divisor(y)
  return x / y
end

function M.floordiv(a, b)
  local x, y = numbers("//", a, b)
  check_divisor(y)
  return exact(x // y, (x + 0.0) // y)
end

function M.mod(a, b)
  local what = kind(a)
  if is_text(what) then return format.percent(a, b) end
  local x, y = numbers("%", a, b)
  check_divisor(y)
  return x % y
end

-- By squaring, as long as it is exact.
local function integer_power(x, n)
  local float = (x + 0.0) ^ n
  if math.abs(float) >= 2 ^ 63 then return float end
  local result = 1
  while n > 0 do
    if n & 1 == 1 then result = result * x end
    x, n = x * x, n >> 1
  end
  return result
end

function M.pow(a, b)
  local x, y = numbers("**", a, b)
  if math_type(x) == "integer" and math_type(y) == "integer" and y >= 0 then return integer_power(x, y) end
  if x == 0 and y < 0 then failure.fail "zero has no negative power" end
  return x ^ y
end

local function sign_operand(symbol, a)
  local x = number(a)
  if x then return x end
  value.check_defined(a)
  failure.fail("%s has no sign '%s'", describe(a), symbol)
end

function M.neg(a)
  local x = sign_operand("-", a)
  return x == math.mininteger and -(x + 0.0) or -x
end

function M.pos(a) return sign_operand("+", a) end

--- join(esc, ...): the values as text, one after the other (~). With escaping on it is markup as soon as one of them is.
function M.join(esc, ...)
  local pieces, any_markup, length = { ... }, false, 0
  for i = 1, #pieces do any_markup = any_markup or (esc and value.is_markup(pieces[i])) end
  local as_text = any_markup and escape or value.text
  for i = 1, #pieces do
    if type(pieces[i]) ~= "string" or any_markup then pieces[i] = as_text(pieces[i]) end
    length = length + #pieces[i]
    text.check_length(length)
  end
  local result = table.concat(pieces)
  return any_markup and markup(result) or result
end

-- ---- comparisons ----------------------------------------------------------------------------------------------------

-- Two values that contain themselves, or the same ones many times over, are compared pair by pair: a pair that was looked at is
-- not looked at again, for where it is unequal all is.
local MOST_DEPTH = 180

local equal -- function(a, b, depth, met): met[a][b] of tables that were met, or nil at the top

local function meet(met, a, b)
  local with = met[a]
  if not with then
    with = {}
    met[a] = with
  end
  if with[b] then return true end
  with[b] = true
  return false
end

local function too_deep() failure.fail("values nested more than %d deep cannot be compared", MOST_DEPTH) end

local function equal_lists(a, b, depth, met)
  if #a ~= #b then return false end
  for i = 1, #a do
    if not equal(a[i], b[i], depth, met) then return false end
  end
  return true
end

local function equal_mappings(a, b, depth, met)
  for key, item in next, a do
    if not equal(item, b[key], depth, met) then return false end
  end
  for key in next, b do
    if a[key] == nil then return false end
  end
  return true
end

local function check_strict(v)
  if type(v) == "table" and getmetatable(v) == value.Strict then value.raise_undefined(v) end
end

function equal(a, b, depth, met)
  if a == b then return true end
  local of_a, of_b = type(a), type(b)
  if of_a ~= "table" and of_b ~= "table" then
    if of_a == of_b then return false end
    local x, y = number(a), number(b)
    return x ~= nil and x == y
  end
  check_strict(a)
  check_strict(b)
  of_a, of_b = kind(a), kind(b)
  if is_text(of_a) and is_text(of_b) then return raw_text(a) == raw_text(b) end
  if of_a ~= of_b then return false end
  if not is_list(of_a) and of_a ~= "mapping" then return of_a == "undefined" end
  met = met or {}
  if meet(met, a, b) then return true end
  if depth > MOST_DEPTH then too_deep() end
  return (of_a == "mapping" and equal_mappings or equal_lists)(a, b, depth + 1, met)
end

function M.eq(a, b)
  if a == b and type(a) ~= "table" then return true end
  return equal(a, b, 1)
end

local compare -- function(a, b, symbol, depth): -1, 0 or 1; 2 for what has no order (nan)

local function compare_numbers(x, y) return x < y and -1 or x > y and 1 or x == y and 0 or 2 end

local function compare_lists(a, b, symbol, depth)
  if depth > MOST_DEPTH then too_deep() end
  for i = 1, math.min(#a, #b) do
    if not M.eq(a[i], b[i]) then return compare(a[i], b[i], symbol, depth + 1) end
  end
  return compare_numbers(#a, #b)
end

function compare(a, b, symbol, depth)
  local x, y = number(a), number(b)
  if x and y then return compare_numbers(x, y) end
  local of_a, of_b = kind(a), kind(b)
  if is_text(of_a) and is_text(of_b) then return compare_numbers(raw_text(a), raw_text(b)) end
  if is_list(of_a) and of_a == of_b then return compare_lists(a, b, symbol, depth or 1) end
  value.check_defined(a)
  value.check_defined(b)
  if of_a == "object" and of_b == "object" then
    if a == b then return 0 end
    if (value.meta_of(a) or {}).__lt then return a < b and -1 or 1 end
  end
  failure.fail("%s and %s cannot be compared by '%s'", describe(a), describe(b), symbol)
end

M.compare = compare

function M.lt(a, b) return compare(a, b, "<") == -1 end
function M.le(a, b) return compare(a, b, "<=") <= 0 end
function M.gt(a, b) return compare(a, b, ">") == 1 end
function M.ge(a, b)
  local order = compare(a, b, ">=")
  return order == 0 or order == 1
end

local function contains_item(list, item)
  for i = 1, #list do
    if M.eq(list[i], item) then return true end
  end
  return false
end

local function contains_text(whole, part)
  local what = kind(part)
  if is_text(what) then return native.find_text(raw_text(whole), raw_text(part)) ~= nil end
  value.check_defined(part)
  failure.fail("'in <text>' needs text on its left, not %s", describe(part))
end

local function has_key(t, key)
  if value.is_markup(key) then key = key[1] end
  if type(key) == "table" and kind(key) == "undefined" then return false end
  return t[key] ~= nil
end

--- contains(item, whole): item in whole
function M.contains(item, whole)
  local what = kind(whole)
  if is_list(what) then return contains_item(whole, item) end
  if is_text(what) then return contains_text(whole, item) end
  if what == "mapping" then return has_key(whole, item) end
  if what == "undefined" then
    check_strict(whole)
    return false
  end
  if what ~= "object" then failure.fail("'in' needs something on its right that holds items, not %s", describe(whole)) end
  if whole == native.null then failure.fail "'in' needs something on its right that holds items, not none" end
  return M.contains_in_object(whole, item)
end

-- Objects of the runtime are iterated; those of the program are asked for a field.
function M.contains_in_object(whole, item)
  local ours = value.kinds[value.meta_of(whole)]
  if ours and ours.items then return contains_item(ours.items(whole), item) end
  if value.is_markup(item) then item = item[1] end
  if type(whole) == "table" and whole[1] ~= nil and contains_item(whole, item) then return true end
  return not value.is_hidden(whole, item) and whole[item] ~= nil
end

local verdicts = {
  eq = M.eq, ne = function(a, b) return not M.eq(a, b) end, lt = M.lt, le = M.le, gt = M.gt, ge = M.ge,
  ["in"] = M.contains, notin = function(a, b) return not M.contains(a, b) end,
}

--- compare_all(a, "lt", b, "later le", function() return c end, …): whether all of them hold; asked from left to right until one
--- does not.
function M.compare_all(a, ...)
  for i = 0, select("#", ...) - 2, 2 do
    local operator, b = select(i + 1, ...)
    if operator:byte(6) == 32 then operator, b = operator:sub(7), b() end -- "later lt"
    if not verdicts[operator](a, b) then return false end
    a = b
  end
  return true
end

-- ---- and, or, if ----------------------------------------------------------------------------------------------------

--- Stands for false where Lua's own `or` would pass it by.
M.NO = setmetatable({}, { __name = "no" })
local NO = M.NO

function M.unbox(v)
  if v == NO then return false end
  return v
end

--- either(a, b): a, unless that is nil.
function M.either(a, b)
  if a == nil then return b end
  return a
end

--- cycle(i, ...): argument number i, and after the last again the first.
function M.cycle(i, ...)
  local count = select("#", ...)
  return (select((i - 1) % count + 1, ...))
end

--- as_markup(esc, text): HTML already, where escaping is on.
function M.as_markup(esc, v)
  if not esc or (type(v) == "table" and getmetatable(v) == Markup) then return v end
  return markup(value.text(v))
end

return M
