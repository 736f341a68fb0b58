-- Strings as sequences of characters (UTF-8), with what Python's str does to them. A string that is not UTF-8 is taken byte
-- by byte.
local native = require "rille.native"

local M = {}

local find, sub, rep = string.find, string.sub, string.rep

--- Strings made here are no longer than this: "x" * 10 ** 12 is nobody's page.
M.MOST = 64 << 20

local failure = require "rille.template.failure"

--- Raises where text of this length is too long to be made.
function M.check_length(length)
  if length > M.MOST then failure.fail("a text of more than %d bytes is not made by a template", M.MOST) end
end

local function is_ascii(s) return not find(s, "[\x80-\xFF]") end

--- How many characters.
function M.len(s)
  return is_ascii(s) and #s or utf8.len(s) or #s
end

-- Byte offset of character number i (from 0) of a string that is UTF-8; one behind the end for its length.
local function offset(s, i) return utf8.offset(s, i + 1) or #s + 1 end

--- Characters from number `first` up to but not with `last` (from 0, 0 <= first <= last <= len).
function M.sub(s, first, last)
  if first >= last then return "" end
  if is_ascii(s) or not utf8.len(s) then return sub(s, first + 1, last) end
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
  local pattern = (is_ascii(s) or not utf8.len(s)) and "." or utf8.charpattern
  for char in s:gmatch(pattern) do
    count = count + 1
    list[count] = char
  end
  return list, count
end

function M.reverse(s)
  if is_ascii(s) then return s:reverse() end
  local chars, count = M.chars(s)
  for i = 1, count // 2 do chars[i], chars[count - i + 1] = chars[count - i + 1], chars[i] end
  return table.concat(chars)
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

function M.swapcase(s)
  local chars = M.chars(s)
  for i, char in ipairs(chars) do
    local upper = M.upper(char)
    chars[i] = char == upper and M.lower(char) or upper
  end
  return table.concat(chars)
end

--- Whether there are letters with two cases, and all of them are in this one.
function M.is_lower(s) return s == M.lower(s) and s ~= M.upper(s) end

function M.is_upper(s) return s == M.upper(s) and s ~= M.lower(s) end

-- ---- spaces ---------------------------------------------------------------------------------------------------------

-- A Lua pattern for any one of these bytes.
local function class_of(chars) return "[" .. chars:gsub("%W", "%%%0") .. "]" end

-- How many bytes at the start, or before the end, are of these characters.
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
    if chars == "" then return s end
    local class = chars and class_of(chars) or "%s"
    if left then s = s:match("^" .. class .. "*(.*)$") end
    if right then
      local stop = #s
      while stop > 0 and find(s, "^" .. class, stop) do stop = stop - 1 end
      s = sub(s, 1, stop)
    end
    return s
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
  M.check_length(missing * #fill)
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
      list[#list + 1] = sub(s, at):match "^(.-)%s*$"
      break
    end
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
    local at = find(s, separator, from, true)
    if not at then break end
    list[#list + 1] = sub(s, from, at - 1)
    from = at + #separator
  end
  list[#list + 1] = sub(s, from)
  return list
end

-- Where `separator` occurs last before byte `stop`, or nil.
local function find_last(s, separator, stop)
  for at = stop - #separator, 1, -1 do
    if sub(s, at, at + #separator - 1) == separator then return at end
  end
end

--- As split, from the right.
function M.split_right(s, separator, most)
  local list, stop = {}, #s + 1
  while not most or #list < most do
    local at = find_last(s, separator, stop)
    if not at then break end
    table.insert(list, 1, sub(s, at + #separator, stop - 1))
    stop = at
  end
  table.insert(list, 1, sub(s, 1, stop - 1))
  return list
end

M.find_last = find_last

--- Lines, without their ends unless `keep_ends`.
function M.lines(s, keep_ends)
  local list, from = {}, 1
  while from <= #s do
    local at, stop = find(s, "\r?[\n\r\v\f\x1c\x1d\x1e]", from)
    if not at then at, stop = #s + 1, #s end
    list[#list + 1] = sub(s, from, keep_ends and stop or at - 1)
    from = stop + 1
  end
  return list
end

--- With `old` replaced by `new`, at most `most` times. An empty `old` stands between all characters.
function M.replace(s, old, new, most)
  if most == 0 then return s end
  local pieces
  if old == "" then
    local chars = M.chars(s)
    pieces = { "" }
    for i, char in ipairs(chars) do
      if most and i >= most then
        pieces[#pieces + 1] = table.concat(chars, "", i)
        break
      end
      pieces[#pieces + 1] = char
    end
    if not most or most > #chars then pieces[#pieces + 1] = "" end
  else
    pieces = M.split(s, old, most)
  end
  M.check_length(#s + (#pieces - 1) * #new)
  return table.concat(pieces, new)
end

--- How often `part` occurs, without overlaps.
function M.count(s, part)
  if part == "" then return M.len(s) + 1 end
  return #M.split(s, part) - 1
end

--- `n` times itself.
function M.times(s, n)
  if n <= 0 then return "" end
  M.check_length(#s * n)
  return rep(s, n)
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
  if from_right then at = find_last(piece, part, #piece + 1) else at = find(piece, part, 1, true) end
  if not at and part == "" then at = #piece + 1 end
  return at and first + M.char_index(piece, at)
end

return M
