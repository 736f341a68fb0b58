-- Formats text, in both of Python's ways: "%s %05.1f" % values, and "{} {name:>10}".format(values, name=…).
local failure = require "rille.template.failure"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local MOST_WIDTH, MOST_PRECISION = 1000, 99

local function number(v, spec)
  if v == true or v == false then return v and 1 or 0 end
  if math.type(v) then return v end
  value.check_defined(v)
  failure.fail("'%s' needs a number, got %s", spec, value.describe(v))
end

-- Cut off to a whole number, which is a float where it leaves 64 bits.
local function integer(v, spec)
  local n = number(v, spec)
  if n ~= n or n == math.huge or n == -math.huge then failure.fail("'%s' needs a whole number", spec) end
  return math.tointeger(n) or n >= 0 and math.floor(n) or math.ceil(n)
end

local function check_size(width, precision, spec)
  if (tonumber(width) or 0) > MOST_WIDTH or (tonumber(precision) or 0) > MOST_PRECISION then
    failure.fail("'%s' asks for too wide a field", spec)
  end
end

local function cut(s, precision)
  local most = tonumber(precision)
  return most and text.len(s) > most and text.sub(s, 0, most) or s
end

-- ---- numbers --------------------------------------------------------------------------------------------------------

-- Letters of numbers -> what Lua's format calls them.
local integers = { d = "d", i = "d", u = "d", x = "x", X = "X", o = "o" }
local floats = { e = "e", E = "E", f = "f", F = "f", g = "g", G = "G" }
local alternates = { x = "0x", X = "0X", o = "0o", b = "0b" }

local function binary(n)
  local digits = {}
  repeat
    table.insert(digits, 1, n & 1)
    n = n >> 1
  until n == 0
  return table.concat(digits)
end

-- The digits of a whole number without its sign; the smallest integer has no positive counterpart, but its digits are right.
local function integer_digits(n, letter)
  if n < 0 then n = -n end
  if math.type(n) == "float" then
    if integers[letter] ~= "d" then failure.fail("a number of more than 64 bits has no format '%s'", letter) end
    return ("%.0f"):format(n)
  end
  if letter == "b" then return binary(n) end
  return (("%" .. integers[letter]):format(n):gsub("^-", ""))
end

local function is_negative(x) return x < 0 or (x == 0 and 1 / x < 0) end

-- The digits of a float without its sign; `precision` has two digits at most.
local function float_digits(x, letter, precision, alternate)
  if x ~= x then return "nan" end
  return (("%" .. (alternate and "#" or "") .. "." .. precision .. floats[letter]):format(x):gsub("^-", ""))
end

-- Pads to a width as a field is padded: unlike str.center, {:^} puts the odd space last.
local function pad(s, width, side, fill)
  if side == "both" then s = text.pad(s, width - (width - text.len(s) + 1) // 2, "left", fill) end
  return text.pad(s, width, side == "both" and "right" or side, fill)
end

-- Sign, prefix and digits, padded to a width. `side` is where the padding stands ("left", "right", "both"), or "inside": between
-- the sign and the digits.
local function assemble(sign, digits, width, side, fill)
  if side ~= "inside" then return pad(sign .. digits, width, side, fill) end
  return sign .. text.pad(digits, width - text.len(sign), "left", fill)
end

-- ---- % --------------------------------------------------------------------------------------------------------------

local function has(flags, flag) return flags:find(flag, 1, true) ~= nil end

local function fill_number(field, v, width, is_left)
  local flags, letter, precision = field.flags, field.letter, tonumber(field.precision:sub(2))
  local is_integer, alternate = integers[letter] ~= nil, has(flags, "#")
  local n = is_integer and integer(v, field.spec) or number(v, field.spec)
  local sign = is_negative(n) and "-" or has(flags, "+") and "+" or has(flags, " ") and " " or ""
  local digits
  if is_integer then
    digits = integer_digits(n, letter)
    digits = ("0"):rep((precision or 0) - #digits) .. digits
    sign = sign .. (alternate and alternates[letter] or "")
  else
    digits = float_digits(n, letter, precision or field.precision ~= "" and 0 or 6, alternate)
  end
  if is_left then return assemble(sign, digits, width, "right") end
  local zeros = has(flags, "0") and n == n and math.abs(n) ~= math.huge
  return assemble(sign, digits, width, zeros and "inside" or "left", zeros and "0" or " ")
end

-- A field {name, flags, width, precision, letter}, filled with a value.
local function fill(field, v, is_markup)
  local letter, spec, width = field.letter, field.spec, tonumber(field.width) or 0
  local is_left = has(field.flags, "-") or width < 0
  width = math.abs(width)
  check_size(width, field.precision:sub(2), spec)
  if integers[letter] or floats[letter] then return fill_number(field, v, width, is_left) end
  local s
  if letter == "c" then s = type(v) == "string" and v or text.char(integer(v, spec))
  elseif letter ~= "s" then s = value.repr(v)
  else s = is_markup and value.escape(v) or value.text(v) end
  s = field.precision == "" and s or cut(s, field.precision:sub(2) ~= "" and field.precision:sub(2) or "0")
  return text.pad(s, width, is_left and "right" or "left")
end

-- A run of bytes at `at`, by a pattern of one class: it, and where to go on. Each run is taken whole, and nobody comes back
-- to it: one pattern for all of a field would try every way to share a run of digits among its parts.
local function take(s, at, pattern)
  local _, stop = s:find(pattern, at)
  return s:sub(at, stop), stop + 1
end

-- The field whose % is at `at`, and where to go on.
local function parse_field(format, at)
  local field, to = {}, at + 1
  if format:byte(to) == 40 then
    local close = format:find(")", to, true)
    if close then field.name, to = format:sub(to + 1, close - 1), close + 1 end
  end
  field.flags, to = take(format, to, "^[-+ #0]*")
  field.width, to = take(format, to, "^%*?")
  if field.width == "" then field.width, to = take(format, to, "^%d*") end
  field.precision, to = take(format, to, "^%.?")
  if field.precision ~= "" then
    local digits
    digits, to = take(format, to, "^%d*")
    field.precision = "." .. digits
  end
  to = select(2, take(format, to, "^[hlL]?"))
  field.letter, field.spec = format:sub(to, to), format:sub(at, math.min(to, at + 20))
  if field.letter == "" or not ("diouxXeEfFgGcrsa%"):find(field.letter, 1, true) then
    failure.fail("this format is not understood: '%s'", text.excerpt(format, at))
  end
  return field, to + 1
end

-- The values of a format: those of a tuple in turn, of a mapping by name, or the one there is.
local Values = {}
Values.__index = Values

local function new_values(args)
  local kind = value.kind(args)
  return setmetatable({ args = args, is_tuple = kind == "tuple", is_mapping = kind == "mapping", may_be_left = kind == "mapping"
    or kind == "list", taken = 0 }, Values)
end

function Values:next()
  self.taken = self.taken + 1
  local v = self.args
  if self.is_tuple then v = v[self.taken] elseif self.taken > 1 and not self.is_mapping then v = nil end
  if v == nil then failure.fail "there are fewer values than this format takes" end
  return v
end

function Values:named(name)
  local v = self.is_mapping and self.args[name]
  if v == nil or not self.is_mapping then failure.fail("there is no value named '%s' for this format", name) end
  return v
end

function Values:check_all_taken()
  if not self.may_be_left and self.taken < (self.is_tuple and #self.args or 1) then
    failure.fail "there are more values than this format takes"
  end
end

local function percent(format, args, is_markup)
  local values, pieces, from, length = new_values(args), {}, 1, #format
  while true do
    local at = format:find("%", from, true)
    pieces[#pieces + 1] = format:sub(from, (at or 0) - 1)
    if not at then break end
    local field
    field, from = parse_field(format, at)
    if field.width == "*" then field.width = tostring(integer(values:next(), field.spec)) end
    local piece = field.letter == "%" and "%"
      or fill(field, field.name and values:named(field.name) or values:next(), is_markup)
    pieces[#pieces + 1], length = piece, length + #piece
    text.check_length(length)
  end
  values:check_all_taken()
  return text.concat(pieces, "")
end

--- format % args. Of markup the result is markup, and values that are not are escaped.
function M.percent(format, args)
  if not value.is_markup(format) then return percent(format, args, false) end
  return value.markup(percent(format[1], args, true))
end

-- ---- { } ------------------------------------------------------------------------------------------------------------

-- "1234567.5" -> "1,234,567.5"
local function group_thousands(digits, separator)
  local whole = digits:match "^%d+"
  if not whole then return digits end
  local first = (#whole - 1) % 3 + 1
  return whole:sub(1, first) .. whole:sub(first + 1):gsub("%d%d%d", separator .. "%0") .. digits:sub(#whole + 1)
end

-- Returns the digits of a number without its sign, and their prefix.
local function number_digits(v, spec, field)
  local letter, precision = field.letter, field.precision
  if letter == "n" then letter = math.type(v) == "integer" and "d" or "g" end
  if letter == "b" or integers[letter] then
    return integer_digits(integer(v, spec), letter), field.alternate ~= "" and alternates[letter] or ""
  end
  if letter == "%" then return float_digits(number(v, spec) * 100.0, "f", precision or 6) .. "%", "" end
  if floats[letter] then return float_digits(number(v, spec), letter, precision or 6, field.alternate ~= ""), "" end
  if letter ~= "" and letter ~= "s" then failure.fail("this format is not understood: '%s'", text.excerpt(spec)) end
  if precision then
    local digits = float_digits(v, "g", precision, field.alternate ~= "")
    return digits:find "^%d+$" and math.type(v) == "float" and digits .. ".0" or digits, ""
  end
  return (value.text(v):gsub("^-", "")), ""
end

local sides = { ["<"] = "right", [">"] = "left", ["^"] = "both", ["="] = "inside" }

-- A number with its sign, padded.
local function format_number(v, spec, field)
  local digits, prefix = number_digits(v, spec, field)
  if field.comma ~= "" then digits = group_thousands(digits, field.comma) end
  local sign = (is_negative(v) and "-" or field.sign ~= "-" and field.sign or "") .. prefix
  local zeros = field.zero ~= ""
  return assemble(sign, digits, tonumber(field.width) or 0, sides[field.align] or zeros and "inside" or "left",
    field.fill or zeros and "0" or nil)
end

-- [[fill]align][sign][#][0][width][,][.precision][letter]: the parts after the alignment, each of one class
local spec_parts = { { "sign", "^[-+ ]?" }, { "alternate", "^#?" }, { "zero", "^0?" }, { "width", "^%d*" }, { "comma", "^[,_]?" },
  { "point", "^%.?" }, { "precision", "^%d*" }, { "letter", "^[%a%%]?" } }

local function parse_spec(spec)
  local fill_char, align, rest = spec:match("^(" .. utf8.charpattern .. ")([<>=^])(.*)$")
  if not align then
    align, rest = spec:match "^([<>=^]?)(.*)$"
    fill_char, align = nil, align ~= "" and align or nil
  end
  local field, to = { fill = fill_char, align = align }, 1
  for _, part in ipairs(spec_parts) do field[part[1]], to = take(rest, to, part[2]) end
  if to <= #rest then failure.fail("this format is not understood: '%s'", text.excerpt(spec)) end
  check_size(field.width, field.precision, text.excerpt(spec))
  if field.precision == "" then field.precision = nil end
  return field
end

local function format_value(v, spec)
  if spec == "" then return value.text(v) end
  local field = parse_spec(spec)
  if math.type(v) then return format_number(v, spec, field) end
  if field.align == "=" then failure.fail("'=' is for numbers: '%s'", text.excerpt(spec)) end
  return pad(cut(value.text(v), field.precision), tonumber(field.width) or 0, sides[field.align] or "right", field.fill)
end

-- Returns the value of a field's name: "", "0" or "name", then any number of .attribute and [item].
local function look_up(lookup, name, args, kwargs, counter)
  local head, rest = name:match "^([^.%[]*)(.*)$"
  local v
  if head == "" then
    counter.i = counter.i + 1
    v = args[counter.i]
  elseif head:find "^%d+$" then v = args[tonumber(head) + 1]
  else v = kwargs and kwargs[head] end
  if v == nil then failure.fail("there is no value for '{%s}'", name) end
  for dot, key in rest:gmatch "([.%[])([^.%[%]]+)%]?" do
    v = dot == "." and lookup.attr(v, key) or lookup.item(v, math.tointeger(tonumber(key)) or key)
  end
  return v
end

-- {name!conversion:spec} at `at`: its parts and where to go on; nil where it is none.
local function parse_replacement(format, at)
  local close = format:byte(at) == 123 and format:find("[{}]", at + 1)
  if not close or format:byte(close) ~= 125 then return nil end
  local name, to = take(format, at + 1, "^[^{}:!]*")
  local conversion
  conversion, to = take(format, to, "^!?%a?")
  to = select(2, take(format, to, "^:?"))
  return name, conversion, format:sub(to, close - 1), close + 1
end

--- Formats as Python's format.format(...): kwargs is a table or nil; lookup.attr and lookup.item (lookup.lua) read what a field
--- names.
function M.braces(lookup, format, kwargs, ...)
  local args, counter, pieces, from, length = { ... }, { i = 0 }, {}, 1, #format
  while true do
    local at = format:find("[{}]", from)
    pieces[#pieces + 1] = format:sub(from, (at or 0) - 1)
    if not at then break end
    local brace = format:sub(at, at)
    if format:sub(at + 1, at + 1) == brace then
      pieces[#pieces + 1], from = brace, at + 2
    else
      local name, conversion, spec, behind = parse_replacement(format, at)
      if not name then failure.fail("a brace stands alone in this format: '%s'", text.excerpt(format, at)) end
      local v = look_up(lookup, name, args, kwargs, counter)
      if conversion == "!r" then v = value.repr(v) end
      pieces[#pieces + 1], from = format_value(v, spec), behind
      length = length + #pieces[#pieces]
      text.check_length(length)
    end
  end
  return text.concat(pieces, "")
end

return M
