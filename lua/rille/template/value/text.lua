-- Turns values into text: as they print, as HTML, in a printed list, and in words for messages. Their truth is here too: in both
-- places an undefined value is an error if the template is strict.
local failure = require "rille.template.failure"
local fields = require("rille.template.value.mapping").fields
local native = require "rille.native.core"
local native_template = require "rille.native.template"
local strings = require "rille.template.text"
local values = require "rille.template.value.kind"

local M = {}

local kind, kinds, null, Strict = values.kind, values.kinds, native.null, values.Strict
local getmetatable, type, next = getmetatable, type, next

-- ---- in words -------------------------------------------------------------------------------------------------------

local words = {
  undefined = "undefined", none = "none", boolean = "a boolean", number = "a number", string = "text", markup = "text",
  list = "a list", tuple = "a tuple", mapping = "a mapping", ["function"] = "a function", thread = "a coroutine",
  object = "an object",
}

--- Returns what a value is, in words for messages.
function M.describe(value)
  local what = kind(value)
  local ours = what == "object" and kinds[getmetatable(value)]
  return ours and "a " .. ours.name or words[what] or "a " .. what
end

-- Returns why a value is undefined.
local function reason(value)
  if value[1] then return value[1] end
  local object, key = value[2], value[3]
  return ("%s has %s"):format(object == null and "none" or M.describe(object),
    type(key) == "string" and ("no attribute '%s'"):format(key) or ("no item %s"):format(M.repr(key)))
end

--- Raises an undefined value as an error.
function M.raise_undefined(value) failure.undefined(reason(value)) end

--- Raises if a value is undefined, with its own message.
function M.check_defined(value)
  if value == nil then failure.undefined "a value that is undefined was used" end
  if values.is_undefined(value) then M.raise_undefined(value) end
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

-- Returns what write(t, walk) makes of a table, in brackets.
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
  for i, key in ipairs(fields(t)) do pieces[i] = repr(key, walk) .. ": " .. repr(t[key], walk) end
  return table.concat(pieces, ", ")
end

local function repr_list(t, walk) return repr_table(t, walk or new_walk(), "[", "]", write_items) end

local function repr_mapping(t, walk) return repr_table(t, walk or new_walk(), "{", "}", write_fields) end

M.repr_mapping = repr_mapping

-- Returns the text of an object, without its address.
local function object_text(value, walk)
  local meta = values.meta_of(value)
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

--- Returns what a value prints as, without escaping.
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

--- Returns a value as a printed list shows it: text is quoted.
function M.repr(value) return repr(value, new_walk()) end

-- An object that has a method __html is HTML already, as markup is; so is what an imported template printed.
local function html_of(value)
  local meta = values.meta_of(value)
  local ours = kinds[meta]
  if ours then return ours.is_html and ours.text(value) end
  local html = meta and meta.__html
  return html and html(value)
end

--- Returns the text of a value, and true if that is HTML already: for put.
function M.text_to_put(value)
  local html = html_of(value)
  if html then return tostring(html), true end
  return M.text(value), values.is_markup(value)
end

--- Returns a value as HTML.
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
    local meta = values.meta_of(value)
    local ours = meta and kinds[meta]
    if ours then return not ours.truth or ours.truth(value) end
    return not (meta and meta.__len) or #value > 0
  end,
}

--- Returns true if a table or userdata counts as true. C answers for all other values.
function M.truth_of_object(value) return truths[kind(value)](value) end

return M
