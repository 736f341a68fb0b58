-- Values as templates see them. Strings, numbers, booleans and tables are Lua's own; native.null is none. Tables are told
-- apart by their metatables:
--
--   none, array's     a list where it has an item 1 or is marked by rille.array, else a mapping
--   Tuple             a list that prints in parentheses
--   a mapping's own   of a {…} in a template: keeps the order of its keys (KEYS)
--   Markup            {text}: HTML already, not to be escaped
--   Undefined         {message} or {false, object, key}: prints nothing, is false and empty; anything else raises.
--                     Strict: everything raises
--   others            objects: of the program, or of the runtime (macros, loops …), which say how they behave in `kinds`
--
-- Internals of our own stand at integer keys, so that no name in a template reaches them.
local failure = require "rille.template.failure"
local native = require "rille.native"

local M = {}

local null = native.null
local getmetatable, setmetatable, type, rawget, next = getmetatable, setmetatable, type, rawget, next

local Array = getmetatable(native.array {})
local Tuple = { __name = "rille.template.tuple" }
local Markup = { __name = "rille.markup" }
local Undefined = { __name = "rille.template.undefined", __tostring = function() return "" end }
local Strict = { __name = "rille.template.undefined", __tostring = function() return "" end }
local KEYS = {}

M.Array, M.Tuple, M.Markup, M.Undefined, M.Strict = Array, Tuple, Markup, Undefined, Strict

--- What objects of the runtime are, by metatable:
--- fields name, text(v), is_html, attr(v, name), methods (records by name), truth(v), items(v),
--- call(c, kwargs, esc, v, ...) and put, which is call that prints its result itself.
M.kinds = {}
local kinds = M.kinds

-- ---- making them ----------------------------------------------------------------------------------------------------

function M.list(t) return setmetatable(t, Array) end

function M.tuple(t) return setmetatable(t, Tuple) end

--- rille.template.markup(s): HTML already.
function M.markup(text) return setmetatable({ text }, Markup) end

function M.undefined(message, strict) return setmetatable({ message }, strict and Strict or Undefined) end

--- What stands for a key that an object has not.
function M.missing(object, key, strict) return setmetatable({ false, object, key }, strict and Strict or Undefined) end

function M.is_undefined(value)
  if value == nil then return true end
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return meta == Undefined or meta == Strict
end

function M.is_markup(value) return type(value) == "table" and getmetatable(value) == Markup end

-- For Lua code that gets one (what a macro returns): it goes where a string goes.
local function plain(value) return getmetatable(value) == Markup and value[1] or tostring(value) end

local function escaped(value) return getmetatable(value) == Markup and value[1] or native.html_escape(tostring(value)) end

function Markup.__tostring(value) return value[1] end
function Markup.__len(value) return #value[1] end
function Markup.__concat(a, b) return M.markup(escaped(a) .. escaped(b)) end
function Markup.__eq(a, b) return a[1] == b[1] end
function Markup.__lt(a, b) return plain(a) < plain(b) end
function Markup.__le(a, b) return plain(a) <= plain(b) end

-- ---- mappings with an order -----------------------------------------------------------------------------------------

local function keys_of(t)
  local meta = getmetatable(t)
  return meta and rawget(meta, KEYS)
end

--- A mapping of keys that keep their order.
function M.mapping() return setmetatable({}, { __name = "rille.template.mapping", [KEYS] = {} }) end

-- What can be no key in Lua, or would be another one there: text is text, true is 1 no more.
local function key_of(key)
  if M.is_markup(key) then return key[1] end
  if key ~= key then failure.fail "nan is no key of a mapping" end
  return key
end

--- t[key] = value, as templates write to mappings.
function M.set(t, key, value)
  key = key_of(key)
  local keys = keys_of(t)
  if keys and rawget(t, key) == nil then keys[#keys + 1] = key end
  t[key] = value
end

--- Takes a key away; returns what it had.
function M.remove(t, key)
  key = key_of(key)
  local value = rawget(t, key)
  t[key] = nil
  local keys = keys_of(t)
  for i, other in ipairs(keys or {}) do
    if other == key then
      table.remove(keys, i)
      break
    end
  end
  return value
end

--- dict(k, v, …) and dict_with(mapping, k, v, …): a {…} of a template.
function M.dict_with(t, ...)
  for i = 1, select("#", ...), 2 do
    local key, value = select(i, ...)
    M.set(t, key, value)
  end
  return t
end

function M.dict(...) return M.dict_with(M.mapping(), ...) end

local function key_before(a, b)
  local of_a, of_b = type(a), type(b)
  if of_a == "number" and of_b == "number" then return a < b end
  if of_a ~= of_b and (of_a == "number" or of_b == "number") then return of_a == "number" end
  return tostring(a) < tostring(b)
end

-- Lua code may have added keys of its own to a mapping of ours: they come last.
local function ordered_keys(t, order)
  local keys, seen = {}, {}
  for _, key in ipairs(order) do
    if rawget(t, key) ~= nil then keys[#keys + 1], seen[key] = key, true end
  end
  local known = #keys
  local others = {}
  for key in next, t do
    if not seen[key] then others[#others + 1] = key end
  end
  table.sort(others, key_before)
  return table.move(others, 1, #others, known + 1, keys)
end

--- The keys of a mapping: in the order a template gave them, else sorted.
function M.keys(t) return ordered_keys(t, keys_of(t) or {}) end

-- ---- asking what they are -------------------------------------------------------------------------------------------

--- kind(value) -> "undefined", "none", "boolean", "number", "string", "markup", "list", "tuple", "mapping", "function",
--- "thread" or "object"
M.kind = native.kind_function({ array = Array, tuple = Tuple, markup = Markup, undefined = Undefined, strict = Strict }, KEYS)

local kind = M.kind

local words = {
  undefined = "undefined", none = "none", boolean = "a boolean", number = "a number", string = "text", markup = "text",
  list = "a list", tuple = "a tuple", mapping = "a mapping", ["function"] = "a function", thread = "a coroutine",
  object = "an object",
}

--- What a value is, in words for messages.
function M.describe(value)
  local what = kind(value)
  local ours = what == "object" and kinds[getmetatable(value)]
  return ours and "a " .. ours.name or words[what] or "a " .. what
end

-- Why a value is undefined.
local function reason(value)
  if value[1] then return value[1] end
  local object, key = value[2], value[3]
  return ("%s has %s"):format(object == null and "none" or M.describe(object),
    type(key) == "string" and ("no attribute '%s'"):format(key) or ("no item %s"):format(M.repr(key)))
end

--- Raises what stands for something undefined as an error.
function M.raise_undefined(value) failure.undefined(reason(value)) end

--- Raises where a value is undefined, with its own message.
function M.check_defined(value)
  if value == nil then failure.undefined "a value that is undefined was used" end
  if M.is_undefined(value) then M.raise_undefined(value) end
end

--- The metatable of a value of ours or of the program's own, or nil.
function M.meta_of(value)
  local of = type(value)
  if of ~= "table" and (of ~= "userdata" or value == null) then return nil end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta or nil
end

-- ---- text -----------------------------------------------------------------------------------------------------------

local MOST_DEPTH = 50

local repr -- function(value, depth)

-- As Python quotes: single quotes unless the text has those and no double ones.
local named_escapes = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function quoted(text)
  local quote = (text:find("'", 1, true) and not text:find('"', 1, true)) and '"' or "'"
  text = text:gsub("\\", "\\\\"):gsub(quote, "\\%0")
  text = text:gsub("[%c]", function(c) return named_escapes[c] or ("\\x%02x"):format(c:byte()) end)
  return quote .. text .. quote
end

local function repr_items(items, depth)
  local pieces = {}
  for i = 1, #items do pieces[i] = repr(items[i], depth) end
  return table.concat(pieces, ", ")
end

local function repr_mapping(t, depth)
  local pieces = {}
  for i, key in ipairs(M.keys(t)) do pieces[i] = repr(key, depth) .. ": " .. repr(t[key], depth) end
  return "{" .. table.concat(pieces, ", ") .. "}"
end

-- Addresses are nobody's business.
local function object_text(value)
  local meta = M.meta_of(value)
  local ours = kinds[meta]
  if ours then return ours.text and ours.text(value) or "<" .. ours.name .. ">" end
  if meta and meta.__tostring then return tostring(value) end
  if type(value) == "table" then return value[1] ~= nil and "[" .. repr_items(value, 1) .. "]" or repr_mapping(value, 1) end
  return "<" .. (meta and type(meta.__name) == "string" and meta.__name or type(value)) .. ">"
end

local texts = {
  undefined = function(value)
    if value ~= nil and getmetatable(value) == Strict then M.raise_undefined(value) end
    return ""
  end,
  none = function() return "none" end,
  boolean = tostring,
  number = native.float_text,
  string = function(value) return value end,
  markup = function(value) return value[1] end,
  list = function(value, depth) return "[" .. repr_items(value, depth) .. "]" end,
  tuple = function(value, depth) return "(" .. repr_items(value, depth) .. (#value == 1 and ",)" or ")") end,
  mapping = repr_mapping,
  ["function"] = function() return "<function>" end,
  thread = function() return "<thread>" end,
  object = object_text,
}

--- What a value prints as, without escaping.
function M.text(value) return texts[kind(value)](value, 1) end

local markup_reprs = {
  string = quoted,
  markup = function(value) return quoted(value[1]) end,
  undefined = function() return "Undefined" end,
}

function repr(value, depth)
  if depth > MOST_DEPTH then return "..." end
  local what = kind(value)
  return (markup_reprs[what] or texts[what])(value, depth + 1)
end

--- As it stands in a printed list: text is quoted.
function M.repr(value) return repr(value, 1) end

-- An object that has a method __html is HTML already, as markup is; so is what an imported template printed.
local function html_of(value)
  local meta = M.meta_of(value)
  local ours = kinds[meta]
  if ours then return ours.is_html and ours.text(value) end
  local html = meta and meta.__html
  return html and html(value)
end

--- Text of a value, and whether that is HTML already: for put.
function M.text_to_put(value)
  local html = html_of(value)
  if html then return tostring(html), true end
  return M.text(value), M.is_markup(value)
end

--- Text of a value as HTML.
function M.escape(value)
  if type(value) == "string" then return native.html_escape(value) end
  local text, safe = M.text_to_put(value)
  return safe and text or native.html_escape(text)
end

-- ---- truth ----------------------------------------------------------------------------------------------------------

local truths = {
  list = function(value) return #value > 0 end,
  tuple = function(value) return #value > 0 end,
  mapping = function(value) return next(value) ~= nil end,
  markup = function(value) return value[1] ~= "" end,
  undefined = function(value)
    if value ~= nil and getmetatable(value) == Strict then M.raise_undefined(value) end
    return false
  end,
  object = function(value)
    local meta = M.meta_of(value)
    local ours = meta and kinds[meta]
    if ours then return not ours.truth or ours.truth(value) end
    return not (meta and meta.__len) or #value > 0
  end,
}

--- Whether a table or userdata counts as true; what else there is, C answers.
function M.truth_of_object(value) return truths[kind(value)](value) end

return M
