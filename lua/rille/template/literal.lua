-- Numbers and strings as Jinja2 writes them, which is as Python does.
local text = require "rille.template.text"

local M = {}

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

-- ---- numbers --------------------------------------------------------------------------------------------------------

-- Returns where a run of pieces ends that begins at `at`, or nil if none does.
local function run_end(source, at, piece)
  local stop
  local _, last = find(source, piece, at)
  while last do
    stop = last
    _, last = find(source, piece, last + 1)
  end
  return stop
end

local function digits_end(source, at)
  local _, stop = find(source, "^%d+", at)
  while stop do -- single underscores may stand between digits
    local _, further = find(source, "^_%d+", stop + 1)
    if not further then return stop end
    stop = further
  end
end

local bases = { b = { "^_?[01]", 2 }, o = { "^_?[0-7]", 8 }, x = { "^_?%x", 16 } }

-- 0b…, 0o… and 0x…: value and end, or nil.
local function based_integer(source, at)
  local base = byte(source, at) == 48 and bases[sub(source, at + 1, at + 1):lower()]
  local stop = base and run_end(source, at + 2, base[1])
  if not stop then return nil end
  return text.number((sub(source, at + 2, stop):gsub("_", "")), base[2]), stop
end

-- Returns where a float ends whose first digits end at `whole`, or nil if it is no float.
local function float_end(source, at, whole)
  if sub(source, at - 1, at - 1) == "." then return nil end -- a.1.5 is two subscripts
  local stop = whole
  if find(source, "^%.%d", stop + 1) then stop = digits_end(source, stop + 2) end
  local _, sign = find(source, "^[eE][+-]?%f[%d]", stop + 1)
  if sign then stop = digits_end(source, sign + 1) end
  return stop > whole and stop or nil
end

--- The number at `at`: kind, value and where it ends. An integer beyond 64 bits is a float.
function M.number(source, at)
  local value, stop = based_integer(source, at)
  if value then return math.type(value), value, stop end
  local whole = digits_end(source, at)
  stop = float_end(source, at, whole)
  if stop then return "float", tonumber((sub(source, at, stop):gsub("_", ""))) + 0.0, stop end
  if byte(source, at) == 48 then return "integer", 0, run_end(source, at, "^_?0") end -- 007 is two, which no grammar takes
  value = tonumber((sub(source, at, whole):gsub("_", "")))
  return math.type(value), value, whole
end

-- ---- strings --------------------------------------------------------------------------------------------------------

local escapes = {
  n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v", ["\\"] = "\\", ["'"] = "'", ['"'] = '"', ["\n"] = "",
}
local hex_lengths = { x = 2, u = 4, U = 8 }
local REPLACEMENT = 0xFFFD

local function is_surrogate(point) return point >= 0xD800 and point <= 0xDFFF end

-- \x…, \u… and \U… whose digits are at `at`: text and where to go on. Two halves of a surrogate pair are one character.
local function hex_escape(s, at, length, fail)
  local point = tonumber(match(s, "^" .. ("%x"):rep(length), at) or "", 16)
  if not point or point > 0x10FFFF then fail "a \\x, \\u or \\U escape needs 2, 4 or 8 hexadecimal digits, up to 10FFFF" end
  local low = tonumber(match(s, "^\\u([dD][c-fC-F]%x%x)", at + length) or "", 16)
  if low and point >= 0xD800 and point <= 0xDBFF then
    return utf8.char(0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)), at + length + 6
  end
  return utf8.char(is_surrogate(point) and REPLACEMENT or point), at + length
end

-- The escape whose letter is at `at`: text and where to go on. An unknown one stands for itself.
local function escape(s, at, fail)
  local letter = sub(s, at, at)
  if escapes[letter] then return escapes[letter], at + 1 end
  if hex_lengths[letter] then return hex_escape(s, at + 1, hex_lengths[letter], fail) end
  local octal = match(s, "^[0-7][0-7]?[0-7]?", at)
  if octal then return utf8.char(tonumber(octal, 8)), at + #octal end
  if letter == "N" then fail "characters cannot be named here: write \\u and the number" end
  return "\\", at
end

--- Returns the text between a string literal's quotes, with its escapes replaced. Calls fail(message) if one is wrong.
function M.unescape(s, fail)
  local pieces, from = {}, 1
  while true do
    local at = find(s, "\\", from, true)
    pieces[#pieces + 1] = sub(s, from, (at or 0) - 1)
    if not at then return table.concat(pieces) end
    pieces[#pieces + 1], from = escape(s, at + 1, fail)
  end
end

return M
