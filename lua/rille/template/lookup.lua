-- Attributes and items of values: the part that is no plain field of a table (that part is C's, bind/template/render.c).
--
-- A field of a mapping comes before a method of the same name, so that order.items is the order's items. A program's objects
-- (tables with a metatable, userdata) are asked in Lua's way, but for names that begin with an underscore, which stay
-- theirs; what they answer with may wait.
local failure = require "rille.template.failure"
local methods = require "rille.template.methods"
local native = require "rille.native.core"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local kinds, kind = value.kinds, value.kind

-- ---- methods of text, lists and mappings as values ------------------------------------------------------------------

local Bound = { __name = "rille.template.method" } -- {record, self}
kinds[Bound] = { name = "method" }

--- Calls a record of methods.lua on `self`.
local function call_record(record, self, kwargs, ...)
  if record.keywords then
    if record.reads then return record.f(M, self, kwargs, ...) end
    return record.f(self, kwargs, ...)
  end
  if not kwargs then return record.f(self, ...) end
  return record.f(self, M.arrange(record.params, kwargs, ...))
end

--- Positional arguments from those given and keyword ones.
function M.arrange(params, kwargs, ...)
  local args = table.pack(...)
  for name, v in pairs(kwargs) do
    local position = params[name]
    if not position or args[position] ~= nil then failure.fail("this function takes no argument '%s' here", name) end
    args[position] = v
    args.n = math.max(args.n, position)
  end
  return table.unpack(args, 1, args.n)
end

kinds[Bound].call = function(_, kwargs, _, bound, ...) return call_record(bound[1], bound[2], kwargs, ...) end

--- A record of methods.lua with its object, as a value that can be called.
function M.bind(record, self) return setmetatable({ record, self }, Bound) end

-- The record of a method by that name, or nil.
local function method_of(what, name)
  local table_of = methods.by_kind[what]
  return table_of and table_of[name]
end

-- ---- attributes -----------------------------------------------------------------------------------------------------

local missing = value.missing

-- Returns what an object of the program or of the runtime has under a name, or nil.
local function of_object(object, name)
  local meta = value.meta_of(object)
  local ours = kinds[meta]
  if ours then return ours.attr and ours.attr(object, name) end
  if not meta or value.is_hidden(object, name) then return nil end
  if type(object) == "userdata" and not meta.__index then return nil end
  return object[name]
end

-- Returns object.name, if that is no field of the table itself; nil if there is no such attribute.
local function peek(object, name)
  local what = kind(object)
  if what == "undefined" then value.check_defined(object) end
  if value.is_private(name) then -- C leaves these to us
    local own = value.own(object, name)
    if own ~= nil then return own end
  end
  if what == "object" then return of_object(object, name) end
  local record = method_of(what, name)
  return record and M.bind(record, object)
end

-- Returns item number `key` (from 0, or from the end) of a list or text.
local function by_number(object, what, key)
  if what == "string" then return text.at(object, key) end
  if what == "markup" then
    local char = text.at(object[1], key)
    return char and value.markup(char)
  end
  return object[key < 0 and #object + key + 1 or key + 1]
end

local has_numbers = { string = true, markup = true, list = true, tuple = true }

-- Lookups for templates that are strict about what is undefined, or not.
local function lookups(strict)
  local L = { peek = peek }

  --- Returns the same, and an undefined value if there is no such attribute.
  function L.attr(object, name)
    local found = peek(object, name)
    if found == nil then return missing(object, name, strict) end
    return found
  end

  --- Returns object[key], if that is no plain item of a list or field of a table.
  function L.item(object, key)
    local what = kind(object)
    if what == "undefined" then value.check_defined(object) end
    if value.is_markup(key) then key = key[1] end
    local found
    if type(key) == "boolean" and has_numbers[what] then key = key and 1 or 0 end
    if has_numbers[what] and math.type(key) == "integer" then found = by_number(object, what, key)
    elseif what == "mapping" then found = object[key]
    elseif what == "object" and not kinds[value.meta_of(object)] and math.type(key) == "integer" then
      found = type(object) == "table" and object[1] ~= nil and by_number(object, "list", key) or of_object(object, key)
    end
    if found ~= nil then return found end
    if type(key) == "string" then return L.attr(object, key) end
    return missing(object, key, strict)
  end

  --- Text of a value, or of an attribute, and whether it is HTML already: what put cannot print itself.
  L.text = value.text_to_put

  function L.attribute_text(object, name)
    local found = value.own(object, name)
    if found == nil then found = strict and L.attr(object, name) or peek(object, name) end
    return value.text_to_put(found)
  end

  --- Returns true if an attribute counts as true.
  function L.truth_of_attribute(object, name)
    local found = strict and L.attr(object, name) or peek(object, name)
    if found == nil then return false end
    if type(found) == "table" or type(found) == "userdata" then return value.truth_of_object(found) end
    return found ~= false and found ~= 0 and found ~= ""
  end

  return L
end

M.lenient, M.strict = lookups(false), lookups(true)

--- attr and item of any value, where nobody is strict.
function M.attr(object, name)
  local found = value.own(object, name)
  if found ~= nil then return found end
  return M.lenient.attr(object, name)
end

M.item = M.lenient.item

-- ---- slices ---------------------------------------------------------------------------------------------------------

local function bound(v, default, len, step)
  if v == nil or v == native.null then return default end
  v = math.tointeger(v) or failure.fail("a slice needs whole numbers, got %s", value.describe(v))
  if v < 0 then v = v + len end
  local least, most = step > 0 and 0 or -1, step > 0 and len or len - 1
  return math.max(least, math.min(v, most))
end

-- The items of a list with these bounds.
local function pick_items(list, len, start, stop, step)
  start = bound(start, step > 0 and 0 or len - 1, len, step)
  stop = bound(stop, step > 0 and len or -1, len, step)
  local result = {}
  for i = start, step > 0 and stop - 1 or stop + 1, step do result[#result + 1] = list[i + 1] end
  return result
end

local function slice_step(step)
  if step == nil or step == native.null then return 1 end
  local n = math.tointeger(step)
  if not n or n == 0 then failure.fail "the step of a slice is a whole number, and not zero" end
  return n
end

--- object[start:stop:step]
function M.slice(object, start, stop, step)
  local what = kind(object)
  step = slice_step(step)
  if what == "string" or what == "markup" then
    local chars, len = text.chars(what == "string" and object or object[1])
    local s = table.concat(pick_items(chars, len, start, stop, step))
    return what == "string" and s or value.markup(s)
  end
  if what == "list" then return value.list(pick_items(object, #object, start, stop, step)) end
  if what == "tuple" then return value.tuple(pick_items(object, #object, start, stop, step)) end
  if what == "mapping" and next(object) == nil then return value.list {} end
  value.check_defined(object)
  failure.fail("%s cannot be sliced", value.describe(object))
end

-- ---- method calls ---------------------------------------------------------------------------------------------------

-- Returns what the program's own object has under a name, and true if that is a method of its class, called with the object.
local function find_method(object, name)
  local own = value.own(object, name)
  if own ~= nil then return own, false end
  return of_object(object, name), true
end

--- object.name(...) for `call`, which calls values: returns record and self of a method of text, lists or mappings; or
--- nil, the function and whether it is called with the object.
function M.method(object, name)
  local what = kind(object)
  if what == "undefined" then value.check_defined(object) end
  if what ~= "object" then
    local own = type(object) == "table" and what ~= "markup" and rawget(object, name)
    if own then return nil, own, false end
    local record = method_of(what, name)
    if record then return record end
    return nil, M.lenient.attr(object, name), false
  end
  local ours = kinds[value.meta_of(object)]
  if ours then
    local record = ours.methods and ours.methods[name]
    return record, not record and M.attr(object, name), false
  end
  local f, is_method = find_method(object, name)
  if f == nil then f, is_method = M.lenient.attr(object, name), false end
  return nil, f, is_method
end

M.call_record = call_record

return M
