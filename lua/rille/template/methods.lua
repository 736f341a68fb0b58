-- Methods that templates written for Python call on text, lists and mappings: title.upper(), names.append(x), d.items(). A
-- method is a record {f = function(self, ...), params = {name = position}}; `self` of text is a Lua string. With `keywords` f is
-- function(self, kwargs, ...). With `reads` too it is function(lookup, self, kwargs, ...), and reads attributes of its arguments.
--
-- On markup the same methods work on its text and give markup again; what they put into it is escaped.
local failure = require "rille.template.failure"
local format = require "rille.template.format"
local html = require "rille.template.html"
local items = require "rille.template.items"
local native = require "rille.native.core"
local operators = require "rille.template.operators"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local null = native.null

-- Returns a record for a function whose parameters after self have these names.
local function method(names, f)
  local params, position = {}, 0
  for name in names:gmatch "%S+" do
    position = position + 1
    params[name] = position
  end
  return { f = f, params = params }
end

-- An argument that may be left out: none and what is undefined are as good as nothing.
local function given(v)
  if v == null or value.is_undefined(v) then return nil end
  return v
end

local function string_argument(v, what)
  local kind = value.kind(v)
  if kind == "markup" then return v[1] end
  if kind ~= "string" then
    value.check_defined(v)
    failure.fail("%s needs text, got %s", what, value.describe(v))
  end
  return v
end

local function integer_argument(v, what)
  if v == true or v == false then return v and 1 or 0 end
  local integer = math.tointeger(v)
  if type(v) == "string" or not integer then failure.fail("%s needs a whole number, got %s", what, value.describe(v)) end
  return integer
end

M.string_argument, M.integer_argument, M.given = string_argument, integer_argument, given

-- ---- text -----------------------------------------------------------------------------------------------------------

local str = {}
M.str = str

for _, name in ipairs { "upper", "lower", "capitalize", "title", "swapcase" } do str[name] = method("", text[name]) end
str.casefold = str.lower
str.islower, str.isupper = method("", text.is_lower), method("", text.is_upper)

local classes = {
  isalpha = "^[%a\x80-\xFF]+$", isalnum = "^[%w\x80-\xFF]+$", isdigit = "^%d+$", isdecimal = "^%d+$", isnumeric = "^%d+$",
  isspace = "^%s+$", isidentifier = "^[%a_\x80-\xFF][%w_\x80-\xFF]*$", isascii = "^[\0-\x7F]*$", isprintable = "^[^%c]*$",
}
for name, pattern in pairs(classes) do
  str[name] = method("", function(s) return s:find(pattern) ~= nil end)
end
str.istitle = method("", function(s) return s:find "%a" ~= nil and s == text.title(s) end)

for name, sides in pairs { strip = { true, true }, lstrip = { true, false }, rstrip = { false, true } } do
  str[name] = method("chars", function(s, chars) return text.strip(s, given(chars), sides[1], sides[2]) end)
end

for name, where in pairs { ljust = "right", rjust = "left", center = "both" } do
  str[name] = method("width fillchar", function(s, width, fill)
    return text.pad(s, integer_argument(width, name), where, given(fill))
  end)
end

str.zfill = method("width", function(s, width)
  local sign, digits = s:match "^([+-]?)(.*)$"
  return sign .. text.pad(digits, integer_argument(width, "zfill") - #sign, "left", "0")
end)

local function most_of(v)
  v = given(v)
  return v and v >= 0 and v or nil
end

-- Split by a separator, or by words where that is left out.
local function splitter(by_separator, by_words)
  return function(s, separator, most)
    separator, most = given(separator), most_of(most)
    if separator == "" then failure.fail "text cannot be split at nothing" end
    return value.list(separator and by_separator(s, separator, most) or by_words(s, most))
  end
end

-- Words from the right: what is left of them keeps its spaces inside.
local function words_right(s, most)
  local list = text.words(s)
  if not most or #list <= most then return list end
  local kept, seen, stop = #list - most, 0, #s
  for at in s:gmatch "()%S+" do
    seen = seen + 1
    if seen > kept then
      stop = at - 1
      break
    end
  end
  return table.move(list, kept + 1, #list, 2, { native.trim_right(s:sub(1, stop)) })
end

str.split = method("sep maxsplit", splitter(text.split, text.words))
str.rsplit = method("sep maxsplit", splitter(text.split_right, words_right))
str.splitlines = method("keepends", function(s, keep) return value.list(text.lines(s, keep)) end)

str.partition = method("sep", function(s, separator)
  separator = string_argument(separator, "partition")
  if separator == "" then failure.fail "text cannot be split at nothing" end
  local at = native.find_text(s, separator)
  if not at then return value.tuple { s, "", "" } end
  return value.tuple { s:sub(1, at - 1), separator, s:sub(at + #separator) }
end)

str.rpartition = method("sep", function(s, separator)
  separator = string_argument(separator, "rpartition")
  if separator == "" then failure.fail "text cannot be split at nothing" end
  local at = text.find_last(s, separator)
  if not at then return value.tuple { "", "", s } end
  return value.tuple { s:sub(1, at - 1), separator, s:sub(at + #separator) }
end)

str.replace = method("old new count", function(s, old, new, count)
  return text.replace(s, string_argument(old, "replace"), string_argument(new, "replace"), most_of(count))
end)

-- Returns true if `test` holds for a piece, or for one of a tuple of them.
local function any_of(pieces, test)
  if type(pieces) == "string" then return test(pieces) end
  for _, piece in ipairs((items.all_items(nil, pieces))) do
    if test(piece) then return true end
  end
  return false
end

str.startswith = method("prefix start end", function(s, prefix, first, last)
  if given(first) or given(last) then s = text.sub(s, given(first) or 0, given(last) or text.len(s)) end
  return any_of(prefix, function(piece) return s:sub(1, #piece) == piece end)
end)

str.endswith = method("suffix start end", function(s, suffix, first, last)
  if given(first) or given(last) then s = text.sub(s, given(first) or 0, given(last) or text.len(s)) end
  return any_of(suffix, function(piece) return piece == "" or s:sub(-#piece) == piece end)
end)

str.removeprefix = method("prefix", function(s, prefix) return s:sub(1, #prefix) == prefix and s:sub(#prefix + 1) or s end)

str.removesuffix = method("suffix", function(s, suffix)
  return suffix ~= "" and s:sub(-#suffix) == suffix and s:sub(1, -#suffix - 1) or s
end)

str.count = method("sub", function(s, part) return text.count(s, string_argument(part, "count")) end)

-- find, index and their like from the right.
local function searcher(name, from_right, raises)
  str[name] = method("sub start end", function(s, part, first, last)
    local at = text.index(s, string_argument(part, name), given(first), given(last), from_right)
    if not at and raises then failure.fail("the text does not contain '%s'", part) end
    return at or -1
  end)
end
searcher("find", false, false)
searcher("rfind", true, false)
searcher("index", false, true)
searcher("rindex", true, true)

str.join = method("iterable", function(s, list)
  local pieces = {}
  for i, piece in ipairs((items.all_items(nil, list))) do pieces[i] = string_argument(piece, "join") end
  return text.concat(pieces, s)
end)

str.expandtabs = method("tabsize", function(s, size)
  size = size == nil and 8 or integer_argument(size, "expandtabs")
  local column, length = 0, #s
  return (s:gsub("([^\t\r\n]*)([\t\r\n]?)", function(piece, stop)
    if stop ~= "\t" then
      column = 0
      return nil
    end
    column = column + text.len(piece)
    local spaces = size > 0 and size - column % size or 0
    column, length = column + spaces, length + spaces
    text.check_length(length)
    return piece .. (" "):rep(spaces)
  end))
end)

str.encode = method("encoding errors", function(s) return s end)

str.format = { f = format.braces, params = {}, keywords = true, reads = true }

-- ---- markup ---------------------------------------------------------------------------------------------------------

local function escape_argument(v) return type(v) == "string" and native.html_escape(v) or value.is_markup(v) and v[1] or v end

local function as_markup(result)
  if type(result) == "string" then return value.markup(result) end
  if type(result) == "table" and (getmetatable(result) == value.Array or getmetatable(result) == value.Tuple) then
    for i, piece in ipairs(result) do result[i] = as_markup(piece) end
  end
  return result
end

-- Method -> the argument that goes into the result; the others are only searched for.
local inserted = { replace = 2, ljust = 2, rjust = 2, center = 2 }

-- The method of markup for one of text.
local function on_markup(name, record)
  local position = inserted[name]
  return { params = record.params, f = function(m, ...)
    local args = table.pack(...)
    if position then args[position] = escape_argument(args[position]) end
    return as_markup(record.f(m[1], table.unpack(args, 1, args.n)))
  end }
end

M.markup = {}
for name, record in pairs(str) do M.markup[name] = on_markup(name, record) end

M.markup.format = { params = {}, keywords = true, reads = true, f = function(lookup, m, kwargs, ...)
  local escaped, args = kwargs and {}, table.pack(...)
  for name, v in pairs(kwargs or {}) do escaped[name] = value.markup(value.escape(v)) end
  for i = 1, args.n do args[i] = escape_argument(args[i]) end
  return value.markup(format.braces(lookup, m[1], escaped, table.unpack(args, 1, args.n)))
end }

M.markup.join = method("iterable", function(m, list)
  local pieces = {}
  for i, piece in ipairs((items.all_items(nil, list))) do pieces[i] = value.escape(piece) end
  return value.markup(text.concat(pieces, m[1]))
end)
M.markup.unescape = method("", function(m) return html.unescape(m[1]) end)
M.markup.striptags = method("", function(m) return html.strip_tags(m[1]) end)

-- ---- lists ----------------------------------------------------------------------------------------------------------

local list = {}
M.list = list

-- Position of an item for insert and pop: from 0, or from the end.
local function place(t, i) return i < 0 and #t + i + 1 or i + 1 end

list.append = method("item", function(t, item)
  text.check_items(#t + 1)
  t[#t + 1] = item
  return null
end)

list.extend = method("iterable", function(t, more)
  local others, count = items.all_items(nil, more)
  text.check_items(#t + count)
  table.move(others, 1, count, #t + 1, t)
  return null
end)

list.insert = method("index item", function(t, i, item)
  text.check_items(#t + 1)
  table.insert(t, math.max(1, math.min(place(t, integer_argument(i, "insert")), #t + 1)), item)
  return null
end)

list.pop = method("index", function(t, i)
  local at = place(t, i and integer_argument(i, "pop") or -1)
  if t[at] == nil then failure.fail "pop: there is no such item" end
  return table.remove(t, at)
end)

local function position(t, item)
  for i = 1, #t do
    if operators.eq(t[i], item) then return i end
  end
  failure.fail("the list does not hold %s", value.repr(item))
end

list.remove = method("item", function(t, item)
  table.remove(t, position(t, item))
  return null
end)

list.index = method("item", function(t, item) return position(t, item) - 1 end)

list.count = method("item", function(t, item)
  local count = 0
  for i = 1, #t do count = count + (operators.eq(t[i], item) and 1 or 0) end
  return count
end)

list.clear = method("", function(t)
  for i = #t, 1, -1 do t[i] = nil end
  return null
end)

list.reverse = method("", function(t)
  for i = 1, #t // 2 do t[i], t[#t - i + 1] = t[#t - i + 1], t[i] end
  return null
end)

list.sort = method("reverse", function(t, reverse)
  table.move(items.sort(t, t, operators.compare, reverse), 1, #t, 1, t)
  return null
end)

list.copy = method("", function(t) return items.to_list(nil, t) end)

M.tuple = { index = list.index, count = list.count }

-- ---- mappings -------------------------------------------------------------------------------------------------------

local mapping = {}
M.mapping = mapping

mapping.keys = method("", function(t) return value.list(value.keys(t)) end)

mapping.values = method("", function(t)
  local result = value.keys(t)
  for i, key in ipairs(result) do result[i] = t[key] end
  return value.list(result)
end)

mapping.items = method("", function(t)
  local result = value.keys(t)
  for i, key in ipairs(result) do result[i] = value.tuple { key, t[key] } end
  return value.list(result)
end)

local function get(t, key, default)
  local found = t[value.is_markup(key) and key[1] or key]
  if found ~= nil then return found end
  if default == nil then return null end
  return default
end

mapping.get = method("key default", get)

mapping.pop = method("key default", function(t, key, default)
  local found = value.remove(t, key)
  if found == nil and default == nil then failure.fail("pop: the mapping has no key %s", value.repr(key)) end
  if found == nil then return default end
  return found
end)

mapping.popitem = method("", function(t)
  local key = value.last_key(t)
  if key == nil then failure.fail "popitem: the mapping is empty" end
  return value.tuple { key, value.remove(t, key) }
end)

mapping.setdefault = method("key default", function(t, key, default)
  if t[key] == nil then value.set(t, key, default == nil and null or default) end
  return t[key]
end)

mapping.copy = method("", function(t) return M.copy_mapping(t) end)

mapping.clear = method("", function(t)
  value.clear(t)
  return null
end)

-- Adds what a mapping has, or a list of pairs.
local function add_all(t, more)
  if value.kind(more) == "mapping" then
    for _, key in ipairs(value.keys(more)) do value.set(t, key, more[key]) end
  else
    for _, pair in ipairs((items.all_items(nil, more))) do value.set(t, items.unpack(pair, 2)) end
  end
  return t
end

mapping.update = { keywords = true, params = {}, f = function(t, kwargs, more)
  if more ~= nil then add_all(t, more) end
  if kwargs then add_all(t, kwargs) end
  return null
end }

function M.copy_mapping(t) return add_all(value.mapping(), t) end

M.add_all = add_all

--- Methods by what value.kind says, for text too.
M.by_kind = { string = str, markup = M.markup, list = list, tuple = M.tuple, mapping = mapping }

return M
