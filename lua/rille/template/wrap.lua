-- Wrapping a line of text to a width, as Python's textwrap does: words keep the spaces between them, but for those at which a
-- line ends. A line may be one word of a megabyte: what is left of it is a place in it, and no byte is looked at twice for
-- each line.
local text = require "rille.template.text"

local M = {}

local find, sub = string.find, string.sub

local LETTER = "[%a\x80-\xFF]"

-- Returns where a hyphenated word may be cut: after a hyphen with two letters (or letter, hyphen, letter) before it and letters
-- after it.
local function hyphen_ends(word)
  local ends = {}
  for at in word:gmatch "()%-" do
    local before = sub(word, math.max(1, at - 3), at - 1)
    local fine = find(before, LETTER .. LETTER .. "$") or find(before, LETTER .. "%-" .. LETTER .. "$")
    if fine and find(word, "^" .. LETTER .. "%-?" .. LETTER, at + 1) then ends[#ends + 1] = at end
  end
  return ends
end

-- "a--b" is three pieces.
local function split_dashes(word, add)
  local start, from = 1, 1
  while true do
    local first, last = find(word, "%-%-+", from)
    if not first then break end
    if first > from and find(word, "^[%w_\x80-\xFF]", last + 1) and find(word, "^[%w_!\"'&.,?\x80-\xFF]", first - 1) then
      add(sub(word, start, first - 1))
      add(sub(word, first, last))
      start = last + 1
    end
    from = last + 1
  end
  add(sub(word, start))
end

local function add_word(chunks, word, on_hyphens)
  local function add(piece)
    if piece ~= "" then chunks[#chunks + 1] = piece end
    text.check_items(#chunks)
  end
  if not on_hyphens then return add(word) end
  split_dashes(word, function(piece)
    local from = 1
    for _, at in ipairs(hyphen_ends(piece)) do
      add(sub(piece, from, at))
      from = at + 1
    end
    add(sub(piece, from))
  end)
end

-- Words and the spaces between them, in turn.
local function split(line, on_hyphens)
  local chunks = {}
  for spaces, word in line:gmatch "(%s*)(%S*)" do
    if spaces ~= "" then chunks[#chunks + 1] = spaces end
    if word ~= "" then add_word(chunks, word, on_hyphens) end
  end
  return chunks
end

-- ---- what is left ---------------------------------------------------------------------------------------------------

-- The chunk looked at is number i; of it, what starts at byte `at` is left, `len` characters.
local Chunks = {}
Chunks.__index = Chunks

function Chunks:step()
  self.i = self.i + 1
  local chunk = self[self.i]
  self.at, self.len = 1, chunk and text.len(chunk)
  self.wide = chunk and self.len < #chunk -- has characters of several bytes
  return chunk
end

-- The byte where its next `count` characters end.
function Chunks:stop(count)
  if not self.wide then return self.at + count - 1 end
  return (utf8.offset(self[self.i], count + 1, self.at) or #self[self.i] + 1) - 1
end

-- The next `count` characters, which are taken off it.
function Chunks:take(count)
  local stop = self:stop(count)
  local piece = sub(self[self.i], self.at, stop)
  self.at, self.len = stop + 1, self.len - count
  if self.len <= 0 then self:step() end
  return piece
end

function Chunks:is_space() return self.len and find(self[self.i], "^%s") ~= nil end

-- ---- lines ----------------------------------------------------------------------------------------------------------

-- Returns how much of a word that is longer than a line goes into one that has room for `room` characters.
local function cut_of(chunks, room, options)
  if not options.break_on_hyphens then return room end
  local head = sub(chunks[chunks.i], chunks.at, chunks:stop(room))
  local hyphen = text.find_last(head, "-")
  return hyphen and find(sub(head, 1, hyphen - 1), "[^-]") and text.char_index(head, hyphen) + 1 or room
end

local function take_long(chunks, line, room, options)
  if options.break_long then line[#line + 1] = chunks:take(cut_of(chunks, room, options))
  elseif line[1] == nil then line[1] = chunks:take(chunks.len) end
end

local function take_line(chunks, options, is_first)
  local line, len = {}, 0
  if chunks:is_space() and not is_first then chunks:step() end
  while chunks.len and len + chunks.len <= options.width do
    len = len + chunks.len
    line[#line + 1] = chunks:take(chunks.len)
  end
  if chunks.len and chunks.len > options.width then take_long(chunks, line, options.width - len, options) end
  if line[1] and not find(line[#line], "%S") then line[#line] = nil end
  return line
end

--- lines(line, {width, break_long, break_on_hyphens}) -> list; the width is 1 or more
function M.lines(line, options)
  local chunks, result = setmetatable(split(line, options.break_on_hyphens), Chunks), {}
  chunks.i = 0
  chunks:step()
  while chunks.len do
    local pieces = take_line(chunks, options, result[1] == nil)
    if pieces[1] then result[#result + 1] = table.concat(pieces) end
  end
  return result
end

return M
