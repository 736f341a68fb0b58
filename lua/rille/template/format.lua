-- Formatting text, in both of Python's ways: "%s %05.1f" % values, and "{} {name:>10}".format(values, name=…).
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

local function integer(v, spec)
  local n = number(v, spec)
  local whole = math.tointeger(n) or math.tointeger(n >= 0 and math.floor(n) or math.ceil(n))
  return whole or failure.fail("'%s' needs a whole number", spec)
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

-- ---- % --------------------------------------------------------------------------------------------------------------

-- Letters of numbers -> what Lua's format calls them.
local integers = { d = "d", i = "d", u = "d", x = "x", X = "X", o = "o" }
local floats = { e = "e", E = "E", f = "f", F = "f", g = "g", G = "G" }

-- A field {name, flags, width, precision, letter}, filled with a value.
local function fill(field, v, is_markup)
  local letter, spec = field.letter, field.spec
  check_size(field.width, field.precision:sub(2), spec)
  local head = "%" .. field.flags .. field.width .. field.precision
  if integers[letter] then return (head .. integers[letter]):format(integer(v, spec)) end
  if floats[letter] then return (head .. floats[letter]):format(number(v, spec)) end
  local s
  if letter == "c" then s = type(v) == "string" and v or utf8.char(integer(v, spec))
  elseif letter ~= "s" then s = value.repr(v)
  else s = is_markup and value.escape(v) or value.text(v) end
  s = field.precision == "" and s or cut(s, field.precision:sub(2) ~= "" and field.precision:sub(2) or "0")
  return text.pad(s, tonumber(field.width) or 0, field.flags:find("-", 1, true) and "right" or "left")
end

-- The field whose % is at `at`, and where to go on.
local function parse_field(format, at)
  local name, rest = format:match("^%(([^()]*)%)()", at + 1)
  local flags, width, precision, letter, behind = format:match("^([-+ #0]*)(%*?%d*)(%.?%d*)[hlL]?([%a%%])()", rest or at + 1)
  if not letter or not ("diouxXeEfFgGcrsa%"):find(letter, 1, true) then
    failure.fail("this format is not understood: '%s'", format:sub(at, at + 10))
  end
  return { name = name, flags = flags, width = width, precision = precision, letter = letter, spec = format:sub(at, behind - 1) },
    behind
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
  local values, pieces, from = new_values(args), {}, 1
  while true do
    local at = format:find("%", from, true)
    pieces[#pieces + 1] = format:sub(from, (at or 0) - 1)
    if not at then break end
    local field
    field, from = parse_field(format, at)
    if field.width == "*" then field.width = tostring(integer(values:next(), field.spec)) end
    pieces[#pieces + 1] = field.letter == "%" and "%"
      or fill(field, field.name and values:named(field.name) or values:next(), is_markup)
  end
  values:check_all_taken()
  return table.concat(pieces)
end

--- format % args. Of markup the result is markup, and values that are not are escaped.
function M.percent(format, args)
  if not value.is_markup(format) then return percent(format, args, false) end
  return value.markup(percent(format[1], args, true))
end

-- ---- { } ------------------------------------------------------------------------------------------------------------

local function group_thousands(digits, separator)
  local head, tail = digits:match "^([+-]?%d+)(.*)$"
  if not head then return digits end
  local grouped = head:reverse():gsub("(%d%d%d)", "%1" .. separator):reverse()
  return (grouped:gsub("^([+-]?)" .. separator:gsub("%p", "%%%0"), "%1")) .. tail
end

local function plain_number(v, spec, letter, precision)
  if letter == "" or letter == "s" then return precision and ("%." .. precision .. "g"):format(v) or value.text(v) end
  if letter == "n" then letter = math.type(v) == "integer" and "d" or "g" end
  if letter == "%" then return ("%." .. (precision or 6) .. "f%%"):format(number(v, spec) * 100) end
  if letter == "b" then
    local n, digits = integer(v, spec), ""
    repeat digits, n = (n & 1) .. digits, n >> 1 until n == 0
    return digits
  end
  if integers[letter] then return ("%" .. integers[letter]):format(integer(v, spec)) end
  if floats[letter] then return ("%." .. (precision or 6) .. floats[letter]):format(number(v, spec)) end
  failure.fail("this format is not understood: '%s'", spec)
end

-- A number with its sign and its zeros in front.
local function format_number(v, spec, field)
  local digits = plain_number(v, spec, field.letter, field.precision)
  if field.comma ~= "" then digits = group_thousands(digits, field.comma) end
  if field.sign ~= "" and field.sign ~= "-" and not digits:find "^-" then digits = field.sign .. digits end
  if field.zero == "" or field.align then return digits end
  local sign, rest = digits:match "^([+ -]?)(.*)$"
  return sign .. text.pad(rest, (tonumber(field.width) or 0) - #sign, "left", "0")
end

local sides = { ["<"] = "right", [">"] = "left", ["^"] = "both", ["="] = "left" }

-- [[fill]align][sign][0][width][,][.precision][letter]
local function parse_spec(spec)
  local fill_char, align, rest = spec:match("^(" .. utf8.charpattern .. ")([<>=^])(.*)$")
  if not align then
    align, rest = spec:match "^([<>=^]?)(.*)$"
    fill_char, align = nil, align ~= "" and align or nil
  end
  local sign, zero, width, comma, precision, letter = rest:match "^([-+ ]?)#?(0?)(%d*)([,_]?)%.?(%d*)([%a%%]?)$"
  if not sign then failure.fail("this format is not understood: '%s'", spec) end
  check_size(width, precision, spec)
  return { fill = fill_char, align = align, sign = sign, zero = zero, width = width, comma = comma,
    precision = precision ~= "" and precision or nil, letter = letter }
end

local function format_value(v, spec)
  if spec == "" then return value.text(v) end
  local field = parse_spec(spec)
  local is_number = math.type(v) ~= nil
  local s = is_number and format_number(v, spec, field) or cut(value.text(v), field.precision)
  return text.pad(s, tonumber(field.width) or 0, sides[field.align] or (is_number and "left" or "right"), field.fill)
end

-- The value of a field's name: "", "0", "name", with .attribute and [item] behind.
local function look_up(name, args, kwargs, counter)
  local runtime = require "rille.template.lookup"
  local head, rest = name:match "^([^.%[]*)(.*)$"
  local v
  if head == "" then
    counter.i = counter.i + 1
    v = args[counter.i]
  elseif head:find "^%d+$" then v = args[tonumber(head) + 1]
  else v = kwargs and kwargs[head] end
  if v == nil then failure.fail("there is no value for '{%s}'", name) end
  for dot, key in rest:gmatch "([.%[])([^.%[%]]+)%]?" do
    v = dot == "." and runtime.attr(v, key) or runtime.item(v, math.tointeger(tonumber(key)) or key)
  end
  return v
end

--- format.format(...): kwargs is a table or nil.
function M.braces(format, kwargs, ...)
  local args, counter, pieces, from = { ... }, { i = 0 }, {}, 1
  while true do
    local at = format:find("[{}]", from)
    pieces[#pieces + 1] = format:sub(from, (at or 0) - 1)
    if not at then break end
    local brace = format:sub(at, at)
    if format:sub(at + 1, at + 1) == brace then
      pieces[#pieces + 1], from = brace, at + 2
    else
      local name, conversion, spec, behind = format:match("^{([^{}:!]*)(!?%a?):?([^{}]*)}()", at)
      if not name then failure.fail("a brace stands alone in this format: '%s'", format:sub(at, at + 10)) end
      local v = look_up(name, args, kwargs, counter)
      if conversion == "!r" then v = value.repr(v) end
      pieces[#pieces + 1], from = format_value(v, spec), behind
    end
  end
  return table.concat(pieces)
end

return M
