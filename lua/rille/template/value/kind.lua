-- The kinds of values that templates see (value.lua), and how they are made.
local native = require "rille.native.core"
local native_template = require "rille.native.template"

local M = {}

local null = native.null
local getmetatable, setmetatable, type, rawget = getmetatable, setmetatable, type, rawget

local Array = getmetatable(native.array {})
local Tuple = { __name = "rille.template.tuple" }
local Markup = { __name = "rille.markup" }
local Undefined = { __name = "rille.template.undefined", __tostring = function() return "" end }
local Strict = { __name = "rille.template.undefined", __tostring = function() return "" end }
local KEYS = {}
local SHAPE = native.shape_mark -- [0] of the metatable of a row, which is a plain mapping

M.Array, M.Tuple, M.Markup, M.Undefined, M.Strict, M.KEYS = Array, Tuple, Markup, Undefined, Strict, KEYS

--- Descriptions of the runtime's objects, by metatable:
--- fields name, text(v), is_html, attr(v, name), methods (records by name), truth(v), items(v),
--- call(c, kwargs, esc, v, ...) and put, which is call that prints its result itself.
M.kinds = {}

-- ---- making them ----------------------------------------------------------------------------------------------------

function M.list(t) return setmetatable(t, Array) end

function M.tuple(t) return setmetatable(t, Tuple) end

--- Returns markup, which is HTML already: rille.template.markup(s).
function M.markup(text) return setmetatable({ text }, Markup) end

function M.undefined(message, strict) return setmetatable({ message }, strict and Strict or Undefined) end

--- Returns the undefined value for a key that an object does not have.
function M.missing(object, key, strict) return setmetatable({ false, object, key }, strict and Strict or Undefined) end

function M.is_undefined(value)
  if value == nil then return true end
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return meta == Undefined or meta == Strict
end

function M.is_markup(value) return type(value) == "table" and getmetatable(value) == Markup end

-- Returns the text of a value, so that Lua code can use markup (the result of a macro) as a string.
local function plain(value) return getmetatable(value) == Markup and value[1] or tostring(value) end

local function escaped(value) return getmetatable(value) == Markup and value[1] or native.html_escape(tostring(value)) end

function Markup.__tostring(value) return value[1] end
function Markup.__len(value) return #value[1] end
function Markup.__concat(a, b) return M.markup(escaped(a) .. escaped(b)) end
function Markup.__eq(a, b) return a[1] == b[1] end
function Markup.__lt(a, b) return plain(a) < plain(b) end
function Markup.__le(a, b) return plain(a) <= plain(b) end

-- ---- asking what they are -------------------------------------------------------------------------------------------

--- kind(value) -> "undefined", "none", "boolean", "number", "string", "markup", "list", "tuple", "mapping", "function",
--- "thread" or "object"
local lua_kinds = { array = Array, tuple = Tuple, markup = Markup, undefined = Undefined, strict = Strict }
M.kind = native_template.kind_function(lua_kinds, KEYS)

--- Returns the metatable of a value of ours or of the program's own, or nil.
function M.meta_of(value)
  local of = type(value)
  if of ~= "table" and (of ~= "userdata" or value == null) then return nil end
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, 0) ~= SHAPE and meta or nil
end

return M
