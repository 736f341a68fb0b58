-- Strings as sequences of characters (UTF-8), with what Python's str does to them. A string that is not UTF-8 is taken byte
-- by byte.
--
-- Both the text and what is searched in it may be hostile. Searches use native.find_text, which is linear for any input
-- (string.find is not). The size of a result is checked before it is made.
local native = require "rille.native.core"
local native_template = require "rille.native.template"

local M = {}

local find, sub, rep = string.find, string.sub, string.rep
local find_text, find_last = native.find_text, native.find_text_last

--- Strings made here are no longer than this: "x" * 10 ** 12 is nobody's page.
M.MOST = 64 << 20
--- Lists made here have no more items.
M.MOST_ITEMS = 1000000

local failure = require "rille.template.failure"

--- Raises where text of this length is too long to be made.
function M.check_length(length)
  if length > M.MOST then failure.fail("a text of more than %d bytes is not made by a template", M.MOST) end
end

--- Raises where a list of this length, or a mapping, is too long to be made.
function M.check_items(count)
  if count > M.MOST_ITEMS then failure.fail("a list of more than %d items is not made by a template", M.MOST_ITEMS) end
end

--- check_times(count, size): raises where `count` times `size` bytes are too long. Neither is negative; their product may
--- leave 64 bits.
function M.check_times(count, size)
  if size > 0 and count > M.MOST // size then M.check_length(math.maxinteger) end
end

--- The strings with `separator` between them, bounded.
function M.concat(pieces, separator)
  local length = math.max(#pieces - 1, 0) * #separator
  for i = 1, #pieces do length = length + #pieces[i] end
  M.check_length(length)
  return table.concat(pieces, separator)
end

local function is_ascii(s) return not find(s, "[\x80-\xFF]") end

--- A piece of a text for a message: from `at` on, cut.
function M.excerpt(s, at)
  at = at or 1
  local stop = at + 20
  while stop < #s and s:byte(stop + 1) & 0xC0 == 0x80 do stop = stop + 1 end
  return sub(s, at, stop) .. (stop < #s and "…" or "")
end

--- Returns the number of characters.
function M.len(s)
  return is_ascii(s) and #s or utf8.len(s) or #s
end

-- Returns the byte offset of character number i (from 0) of a string that is UTF-8; for its length, one past the end.
local function offset(s, i) return utf8.offset(s, i + 1) or #s + 1 end

--- The character of that number in Unicode; raises where there is none.
function M.char(point)
  if point < 0 or point > 0x10FFFF or (point >= 0xD800 and point <= 0xDFFF) then
    failure.fail("there is no character number %s", native_template.float_text(point))
  end
  return utf8.char(point)
end

--- Characters from number `first` up to but not with `last` (from 0, 0 <= first <= last <= len).
function M.sub(s, first, last)
  if first >= last then return "" end
  if M.len(s) == #s then return sub(s, first + 1, last) end
  local from = offset(s, first)
  return sub(s, from, (utf8.offset(s, last - first + 1, from) or #s + 1) - 1)
end

--- Character number i (from 0, or from the end where negative), or nil.
function M.at(s, i)
  local len = M.len(s)
  if i < 0 then i = len + i end
  if i < 0 or i >= len then return nil end
  return M.sub(s, i, i + 1)
end

--- A list of the characters, and how many.
function M.chars(s)
  local list, count = {}, 0
  local length = M.len(s)
  local pattern = length == #s and "." or utf8.charpattern
  M.check_items(length)
  for char in s:gmatch(pattern) do
    count = count + 1
    list[count] = char
  end
  return list, count
end

-- Characters of several bytes are turned round first, so that they come out as they were.
function M.reverse(s)
  if not is_ascii(s) and utf8.len(s) then s = s:gsub("[\xC2-\xF4][\x80-\xBF]+", string.reverse) end
  return s:reverse()
end

-- ---- numbers --------------------------------------------------------------------------------------------------------

local function digit_value(c)
  if c <= 57 then return c - 48 end
  return (c | 0x20) - 87
end

--- The number that digits of a base from 2 to 36 are (they are known to be digits of it): an integer, or a float beyond 64
--- bits.
function M.number(digits, base)
  if base == 10 then return tonumber(digits) end
  local n, most = 0, math.maxinteger // base
  for i = 1, #digits do
    local d = digit_value(digits:byte(i))
    if math.type(n) == "integer" and (n > most or n * base > math.maxinteger - d) then n = n + 0.0 end
    n = n * base + d
  end
  return n
end

-- ---- case -----------------------------------------------------------------------------------------------------------

M.upper, M.lower = native.utf8_upper, native.utf8_lower

-- The first character and the rest.
local function split_first(s)
  local first = utf8.len(s) and s:match("^" .. utf8.charpattern) or sub(s, 1, 1)
  return first, sub(s, #first + 1)
end

function M.capitalize(s)
  local first, rest = split_first(s)
  return M.upper(first) .. M.lower(rest)
end

--- The first letter of each run of letters in upper case, the others in lower case (Python's str.title).
function M.title(s)
  return (s:gsub("[%a\x80-\xFF]+", M.capitalize))
end

local function swap(char)
  local upper = M.upper(char)
  return char == upper and M.lower(char) or upper
end

function M.swapcase(s) return (s:gsub(utf8.len(s) and utf8.charpattern or ".", swap)) end

--- Returns true if there are letters with two cases, and all of them are in this one.
function M.is_lower(s) return s == M.lower(s) and s ~= M.upper(s) end

function M.is_upper(s) return s == M.upper(s) and s ~= M.lower(s) end

-- ---- spaces ---------------------------------------------------------------------------------------------------------

-- Returns how many bytes at the start, or before the end, are of these characters.
local function run(s, chars, from_end)
  local set = {}
  for _, char in ipairs((M.chars(chars))) do set[char] = true end
  local list, count = M.chars(s)
  local taken = 0
  for i = 1, count do
    local char = list[from_end and count - i + 1 or i]
    if not set[char] then break end
    taken = taken + #char
  end
  return taken
end

--- Without spaces, or without these characters, at the left end, the right end, or both.
function M.strip(s, chars, left, right)
  if not chars or is_ascii(chars) then
    if left then s = native.trim_left(s, chars) end
    return right and native.trim_right(s, chars) or s
  end
  if left then s = sub(s, run(s, chars) + 1) end
  if right then s = sub(s, 1, #s - run(s, chars, true)) end
  return s
end

--- Padded with `fill` to a width: to the left, the right or in the middle, as Python does.
function M.pad(s, width, where, fill)
  local missing = width - M.len(s)
  if missing <= 0 then return s end
  fill = fill or " "
  M.check_times(missing, #fill)
  M.check_length(#s + missing * #fill)
  local left = where == "right" and 0 or where == "left" and missing or missing // 2 + (missing & width & 1)
  return rep(fill, left) .. s .. rep(fill, missing - left)
end

-- Blocks of Unicode beyond ASCII that hold no letters and digits: Latin-1's signs, punctuation to arrows and symbols, CJK
-- punctuation, variation selectors, emoji.
local symbols = { { 0x80, 0xA9 }, { 0xAB, 0xB1 }, { 0xB4, 0xB4 }, { 0xB6, 0xB8 }, { 0xBB, 0xBB }, { 0xBF, 0xBF }, { 0xD7, 0xD7 },
  { 0xF7, 0xF7 }, { 0x2000, 0x206F }, { 0x20A0, 0x20CF }, { 0x2190, 0x245F }, { 0x2500, 0x2BFF }, { 0x3000, 0x3004 },
  { 0x3008, 0x3020 }, { 0xFE00, 0xFE6F }, { 0x1F000, 0x1FAFF } }

local function is_symbol(point)
  for _, range in ipairs(symbols) do
    if point >= range[1] and point <= range[2] then return true end
  end
  return false
end

--- With a space for every sign beyond ASCII that is part of no word.
function M.without_symbols(s)
  if is_ascii(s) or not utf8.len(s) then return s end
  return (s:gsub("[\xC2-\xF4][\x80-\xBF]+", function(char) return is_symbol(utf8.codepoint(char)) and " " or nil end))
end

-- ---- taking apart and putting together ------------------------------------------------------------------------------

--- Words, split at runs of spaces; at most `most` splits.
function M.words(s, most)
  local list, at = {}, find(s, "%S")
  while at do
    if most and #list >= most then
      list[#list + 1] = sub(s, at)
      break
    end
    M.check_items(#list + 1)
    local stop = (find(s, "%s", at) or #s + 1) - 1
    list[#list + 1] = sub(s, at, stop)
    at = find(s, "%S", stop + 1)
  end
  return list
end

--- Split at every `separator`, at most `most` times.
function M.split(s, separator, most)
  local list, from = {}, 1
  while not most or #list < most do
    local at = find_text(s, separator, from)
    if not at then break end
    list[#list + 1] = sub(s, from, at - 1)
    from = at + #separator
    M.check_items(#list)
  end
  list[#list + 1] = sub(s, from)
  return list
end

local function reverse_list(list)
  local count = #list
  for i = 1, count // 2 do list[i], list[count - i + 1] = list[count - i + 1], list[i] end
  return list
end

-- As split, at the last places. Those that are looked for from the right may be others than from the left ("aaa" by "aa"); so
-- the text and the separator are turned round.
local function split_reversed(s, separator, most)
  local list = M.split(s:reverse(), separator:reverse(), most)
  for i, piece in ipairs(list) do list[i] = piece:reverse() end
  return reverse_list(list)
end

--- As split, from the right.
function M.split_right(s, separator, most) return split_reversed(s, separator, most) end

--- Returns where `separator` occurs last before byte `stop`, or nil.
M.find_last = find_last

--- Lines, without their ends unless `keep_ends`.
function M.lines(s, keep_ends)
  local list, from = {}, 1
  while from <= #s do
    local at, stop = find(s, "\r?[\n\r\v\f\x1c\x1d\x1e]", from)
    if not at then at, stop = #s + 1, #s end
    list[#list + 1] = sub(s, from, keep_ends and stop or at - 1)
    from = stop + 1
    M.check_items(#list)
  end
  return list
end

--- Returns how often `part` occurs, without overlaps; counts up to `most`.
function M.count(s, part, most)
  if part == "" then return math.min(M.len(s) + 1, most or math.maxinteger) end
  return native.count_text(s, part, most)
end

-- Inserts `new` before each of the first `most` characters, and after the last if there is one more place.
local function spread(s, new, most)
  local left = most or math.maxinteger
  local pattern = utf8.len(s) and utf8.charpattern or "."
  local result = s:gsub(pattern, function(char)
    left = left - 1
    return new .. char
  end, most)
  return left > 0 and result .. new or result
end

--- With `old` replaced by `new`, at most `most` times. An empty `old` stands between all characters.
function M.replace(s, old, new, most)
  if most == 0 then return s end
  local count = M.count(s, old, most)
  M.check_times(count, #new)
  M.check_length(#s + count * (#new - #old))
  return old == "" and spread(s, new, most) or native.replace_text(s, old, new, most)
end

--- `n` times itself.
function M.times(s, n)
  if n <= 0 then return "" end
  M.check_times(n, #s)
  local several = #s < 4096 and 4096 // math.max(#s, 1) or 1
  if n <= several * 2 then return rep(s, n) end
  return rep(rep(s, several), n // several) .. rep(s, n % several) -- rep copies piece by piece: large ones are faster
end

--- The number of the character (from 0) that byte `at` (from 1) belongs to.
function M.char_index(s, at) return M.len(sub(s, 1, at - 1)) end

--- Looks `part` up from character `first` up to `last`: the character's number, or nil. `from_right`: the last one.
function M.index(s, part, first, last, from_right)
  local len = M.len(s)
  first, last = first or 0, last or len
  if first < 0 then first = math.max(0, len + first) end
  if last < 0 then last = math.max(0, len + last) end
  if first > len or first > last then return nil end
  local piece = M.sub(s, first, math.min(last, len))
  local at
  if from_right then at = find_last(piece, part) else at = find_text(piece, part) end
  return at and first + M.char_index(piece, at)
end

return M
