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
local native = require "rille.native.core"
local native_template = require "rille.native.template"
local strings = require "rille.template.text"

local M = {}

local null = native.null
local getmetatable, setmetatable, type, rawget, next = getmetatable, setmetatable, type, rawget, next

local Array = getmetatable(native.array {})
local Tuple = { __name = "rille.template.tuple" }
local Markup = { __name = "rille.markup" }
local Undefined = { __name = "rille.template.undefined", __tostring = function() return "" end }
local Strict = { __name = "rille.template.undefined", __tostring = function() return "" end }
local KEYS = {}
local SHAPE = native.shape_mark -- [0] of the metatable of a row, which is a plain mapping

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

local added = setmetatable({}, { __mode = "k" }) -- a mapping of the program -> how many keys templates have added

-- No mapping grows without an end either.
local function count_key(t, keys)
  local count = keys and #keys or added[t] or 0
  if count >= strings.MOST_ITEMS then
    failure.fail("a mapping of more than %d keys is not made by a template", strings.MOST_ITEMS)
  end
  if keys then return end
  added[t] = count + 1
end

--- t[key] = value, as templates write to mappings.
function M.set(t, key, value)
  key = key_of(key)
  if rawget(t, key) == nil then
    local keys = keys_of(t)
    count_key(t, keys)
    if keys then keys[#keys + 1] = key end
  end
  t[key] = value
end

--- Takes a key away; returns what it had.
function M.remove(t, key)
  key = key_of(key)
  local value, keys = rawget(t, key), keys_of(t)
  t[key] = nil
  for i = keys and value ~= nil and #keys or 0, 1, -1 do
    if keys[i] == key then
      table.remove(keys, i)
      break
    end
  end
  if added[t] and value ~= nil then added[t] = added[t] - 1 end
  return value
end

--- Takes all keys away.
function M.clear(t)
  for key in next, t do t[key] = nil end
  local keys = keys_of(t)
  for i = keys and #keys or 0, 1, -1 do keys[i] = nil end
  added[t] = nil
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

-- ---- what of an object belongs to it alone --------------------------------------------------------------------------

--- Whether a name is private: one that begins with an underscore.
function M.is_private(name) return type(name) == "string" and name:byte() == 95 end

-- A table of the program's that has a metatable: its private fields are its own.
local function is_object(t)
  local meta = M.meta_of(t)
  return meta ~= nil and meta ~= Array and meta ~= Tuple and not kinds[meta] and not keys_of(t)
end

--- Whether a field is not for templates: a private one of an object, or one that is in the set __hidden of its metatable: what
--- changes more than the page is not for those who write pages. The library keeps its own under names with a space in them.
function M.is_hidden(object, name)
  if type(name) ~= "string" then return false end
  if name:byte() == 95 then return type(object) ~= "table" or is_object(object) end
  local meta = M.meta_of(object)
  local names = meta and rawget(meta, "__hidden")
  return names ~= nil and (names[name] or name:find(" ", 1, true) ~= nil)
end

local is_hidden = M.is_hidden

--- What stands in a table itself under a name, for templates; nil of anything that is no table.
function M.own(object, name)
  if type(object) == "table" and not is_hidden(object, name) then return rawget(object, name) end
end

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

--- The keys of a mapping or of an object: of the latter those that are not private.
function M.fields(t)
  local keys = M.keys(t)
  if not is_object(t) then return keys end
  local public = {}
  for _, key in ipairs(keys) do
    if not M.is_private(key) then public[#public + 1] = key end
  end
  return public
end

--- The last of them, or nil.
function M.last_key(t)
  local order = keys_of(t)
  local key = order and order[#order]
  if key ~= nil and rawget(t, key) ~= nil then return key end
  local keys = M.keys(t)
  return keys[#keys]
end

-- ---- asking what they are -------------------------------------------------------------------------------------------

--- kind(value) -> "undefined", "none", "boolean", "number", "string", "markup", "list", "tuple", "mapping", "function",
--- "thread" or "object"
local lua_kinds = { array = Array, tuple = Tuple, markup = Markup, undefined = Undefined, strict = Strict }
M.kind = native_template.kind_function(lua_kinds, KEYS)

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
  return type(meta) == "table" and rawget(meta, 0) ~= SHAPE and meta or nil
end

-- ---- text -----------------------------------------------------------------------------------------------------------

-- A value that contains itself is cut where it comes again ("[...]", as Python prints it), and one that stands in a value many
-- times over is written once and copied. A walk is what is known while one value is printed:
--
--   on[t]       t is being written: it contains what is written now
--   texts[t]    what t has become; cuts: how often something was cut, for such a text holds in its place only
--   left        values and bytes that may still be written
local MOST_DEPTH, MOST_VALUES = 50, 1200000

local function new_walk() return { on = {}, texts = {}, depth = 0, cuts = 0, values = MOST_VALUES, bytes = strings.MOST } end

local function spend(walk, bytes)
  walk.values, walk.bytes = walk.values - 1, walk.bytes - bytes - 2
  if walk.values < 0 or walk.bytes < 0 then failure.fail "this value is too large to be printed" end
end

local repr -- function(value, walk)

-- What write(t, walk) makes of a table, within brackets.
local function repr_table(t, walk, open, close, write)
  local known = walk.texts[t]
  if known then
    spend(walk, #known)
    return known
  end
  if walk.on[t] or walk.depth >= MOST_DEPTH then
    if walk.on[t] then walk.cuts = walk.cuts + 1 end
    spend(walk, 5)
    return open .. "..." .. close
  end
  local cuts = walk.cuts
  walk.on[t], walk.depth = true, walk.depth + 1
  local text = open .. write(t, walk) .. close
  walk.on[t], walk.depth = nil, walk.depth - 1
  if walk.cuts == cuts then walk.texts[t] = text end
  return text
end

-- As Python quotes: single quotes unless the text has those and no double ones.
local named_escapes = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function quoted(text)
  local quote = (text:find("'", 1, true) and not text:find('"', 1, true)) and '"' or "'"
  text = text:gsub("\\", "\\\\"):gsub(quote, "\\%0")
  text = text:gsub("[%c]", function(c) return named_escapes[c] or ("\\x%02x"):format(c:byte()) end)
  return quote .. text .. quote
end

local function write_items(items, walk)
  local pieces = {}
  for i = 1, #items do pieces[i] = repr(items[i], walk) end
  return table.concat(pieces, ", ")
end

local function write_tuple(items, walk) return write_items(items, walk) .. (#items == 1 and "," or "") end

local function write_fields(t, walk)
  local pieces = {}
  for i, key in ipairs(M.fields(t)) do pieces[i] = repr(key, walk) .. ": " .. repr(t[key], walk) end
  return table.concat(pieces, ", ")
end

local function repr_list(t, walk) return repr_table(t, walk or new_walk(), "[", "]", write_items) end

local function repr_mapping(t, walk) return repr_table(t, walk or new_walk(), "{", "}", write_fields) end

M.repr_mapping = repr_mapping

-- Addresses are nobody's business.
local function object_text(value, walk)
  local meta = M.meta_of(value)
  local ours = kinds[meta]
  if ours then return ours.text and ours.text(value, walk) or "<" .. ours.name .. ">" end
  if meta and meta.__tostring then return tostring(value) end
  if type(value) == "table" then return (value[1] ~= nil and repr_list or repr_mapping)(value, walk) end
  return "<" .. (meta and type(meta.__name) == "string" and meta.__name or type(value)) .. ">"
end

local texts = {
  undefined = function(value)
    if value ~= nil and getmetatable(value) == Strict then M.raise_undefined(value) end
    return ""
  end,
  none = function() return "none" end,
  boolean = tostring,
  number = native_template.float_text,
  string = function(value) return value end,
  markup = function(value) return value[1] end,
  list = repr_list,
  tuple = function(value, walk) return repr_table(value, walk or new_walk(), "(", ")", write_tuple) end,
  mapping = repr_mapping,
  ["function"] = function() return "<function>" end,
  thread = function() return "<thread>" end,
  object = object_text,
}

--- What a value prints as, without escaping.
function M.text(value) return texts[kind(value)](value) end

local markup_reprs = {
  string = quoted,
  markup = function(value) return quoted(value[1]) end,
  undefined = function() return "Undefined" end,
}

local containers = { list = true, tuple = true, mapping = true }

function repr(value, walk)
  local what = kind(value)
  if containers[what] then return texts[what](value, walk) end
  local text = (markup_reprs[what] or texts[what])(value, walk)
  spend(walk, #text)
  return text
end

--- As it stands in a printed list: text is quoted.
function M.repr(value) return repr(value, new_walk()) end

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
