-- Filters of numbers, and of values as such.
local failure = require "rille.template.failure"
local json = require "rille.template.json"
local methods = require "rille.template.methods"
local pretty = require "rille.template.pretty"
local native = require "rille.native.core"
local record = require "rille.template.record"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local function number(v, what)
  if v == true or v == false then return v and 1 or 0 end
  if math.type(v) then return v end
  value.check_defined(v)
  failure.fail("%s needs a number, got %s", what, value.describe(v))
end

M.abs = record.new("", function(v)
  local n = number(v, "abs")
  return n == math.mininteger and -(n + 0.0) or math.abs(n)
end, { kind = "value" })

-- ---- numbers of text ------------------------------------------------------------------------------------------------

-- Text as an integer of a base from 2 to 36, with its prefix if it has one; nil where it is none.
local prefixes = { [2] = "^0[bB]", [8] = "^0[oO]", [16] = "^0[xX]" }

local function parse_integer(s, base)
  local sign, digits = native.trim(s):match "^([+-]?)([%w_]+)$"
  if not digits or digits:find("__", 1, true) or digits:find "^_" or digits:sub(-1) == "_" then return nil end
  if prefixes[base] then digits = digits:gsub(prefixes[base], "") end
  digits = digits:gsub("_", "")
  if not tonumber(digits, base) then return nil end -- which wraps around, but knows digits
  local n = text.number(digits, base)
  return sign == "-" and -n or n
end

local named_floats = { inf = math.huge, infinity = math.huge, nan = 0 / 0 }

-- Text as a number with a point or exponent; nil where it is none. Hexadecimal is none to Python.
local function parse_float(s)
  local sign, digits = native.trim(s):match "^([+-]?)(%S+)$"
  if not digits then return nil end
  local n = named_floats[digits:lower()]
  if not n and digits:find "^[%d.]" and not digits:find "[xX]" then
    digits = digits:gsub("(%d)_(%d)", "%1%2"):gsub("(%d)_(%d)", "%1%2") -- twice: "1_2_3" shares its 2
    n = tonumber(digits)
  end
  return n and (sign == "-" and -n or n) + 0.0
end

local function whole(n)
  if n ~= n or n == math.huge or n == -math.huge then return nil end
  local truncated = n >= 0 and math.floor(n) or math.ceil(n)
  return math.tointeger(truncated) or truncated
end

M.int = record.new("default base", function(v, default, base)
  default = default == nil and 0 or default
  base = base == nil and 10 or methods.integer_argument(base, "int")
  if base < 2 or base > 36 then failure.fail "int: the base is from 2 to 36" end
  if type(v) == "boolean" then return v and 1 or 0 end
  if math.type(v) then return whole(v) or default end
  value.check_defined(v)
  local kind = value.kind(v)
  if kind ~= "string" and kind ~= "markup" then return default end
  local s = value.text(v)
  local n = parse_integer(s, base)
  if n then return n end
  n = parse_float(s)
  n = n and whole(n)
  return n == nil and default or n
end)

M.float = record.new("default", function(v, default)
  default = default == nil and 0.0 or default
  if type(v) == "boolean" then return v and 1.0 or 0.0 end
  if math.type(v) then return v + 0.0 end
  value.check_defined(v)
  local kind = value.kind(v)
  local n = (kind == "string" or kind == "markup") and parse_float(value.text(v))
  return n or default
end)

-- ---- rounding -------------------------------------------------------------------------------------------------------

-- As Python rounds: by the exact value of the binary number, a tie to the even digit.
local function round(n, precision)
  if math.type(n) == "integer" and precision >= 0 then return n end
  if precision >= 0 then return tonumber(("%%.%df"):format(math.min(precision, 99)):format(n)) + 0.0 end
  local unit = 10.0 ^ -precision
  local result = tonumber(("%.0f."):format(n / unit)) * unit
  return math.type(n) == "integer" and math.tointeger(result) or result
end

M.round = record.new("precision method", function(v, precision, method)
  local n = number(v, "round")
  precision = precision == nil and 0 or methods.integer_argument(precision, "round")
  if method == nil or method == "common" then return round(n, precision) end
  if method ~= "ceil" and method ~= "floor" then failure.fail "round goes by 'common', 'ceil' or 'floor'" end
  local unit = 10.0 ^ precision
  return math[method](n * unit) / unit
end, { kind = "value" })

local units = { "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB" }

M.filesizeformat = record.new("binary", function(v, binary)
  local bytes = math.type(v) and v or parse_float(value.text(v)) or number(v, "filesizeformat")
  local base = binary == true and 1024 or 1000
  if bytes == 1 then return "1 Byte" end
  if bytes ~= bytes or math.abs(bytes) == math.huge then failure.fail "filesizeformat needs a number that is finite" end
  if bytes < base then return ("%.0f Bytes"):format(whole(bytes)) end
  local unit = 1
  while unit < #units and bytes >= (base + 0.0) ^ (unit + 1) do unit = unit + 1 end
  local name = units[unit]
  if binary == true then name = name:upper():sub(1, 1) .. "iB" end
  return ("%.1f %s"):format(bytes / (base + 0.0) ^ unit, name)
end, { kind = "value" })

-- ---- values ---------------------------------------------------------------------------------------------------------

M.default = record.in_context("default_value boolean", function(c, _, v, default, boolean)
  if value.is_undefined(v) or (boolean ~= nil and c.R.truth(boolean) and not c.R.truth(v)) then
    return default == nil and "" or default
  end
  return v
end, { takes_nil = true })
M.d = M.default

M.attr = record.in_context("name!", function(c, _, v, name) return c.R.attr(v, value.text(name)) end)

M.pprint = record.new("verbose", function(v) return pretty.text(v) end, { kind = "value" })

-- Safe inside of <script> and in attributes in single quotes: < > & ' are written as escapes.
local unsafe = { ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026", ["'"] = "\\u0027" }

M.tojson = record.new("indent", function(v, indent)
  indent = methods.given(indent)
  local width = type(indent) == "string" and indent
    or indent and text.times(" ", methods.integer_argument(indent, "tojson"))
  return value.markup((json.encode(v, width or nil):gsub("[<>&']", unsafe)))
end, { kind = "value" })

return M
