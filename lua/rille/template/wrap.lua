-- Wrapping a line of text to a width, as Python's textwrap does: words keep the spaces between them, but for those at which a
-- line ends.
local text = require "rille.template.text"

local M = {}

local LETTER = "[%a\x80-\xFF]"

-- Where a hyphenated word may be cut: behind a hyphen with two letters in front (or letter, hyphen, letter) and letters behind.
local function hyphen_ends(word)
  local ends = {}
  for at in word:gmatch "()%-" do
    local before = word:sub(1, at - 1)
    local fine = before:find(LETTER .. LETTER .. "$") or before:find(LETTER .. "%-" .. LETTER .. "$")
    if fine and word:find("^" .. LETTER .. "%-?" .. LETTER, at + 1) then ends[#ends + 1] = at end
  end
  return ends
end

-- "a--b" is three pieces.
local function split_dashes(word, add)
  local from = 1
  while true do
    local first, last = word:find("%-%-+", from)
    if not first then break end
    if first > from and word:find("^[%w_\x80-\xFF]", last + 1) and word:find("^[%w_!\"'&.,?\x80-\xFF]", first - 1) then
      add(word:sub(from, first - 1))
      add(word:sub(first, last))
      word, from = word:sub(last + 1), 1
    else
      from = last + 1
    end
  end
  add(word)
end

local function add_word(chunks, word, on_hyphens)
  local function add(piece) if piece ~= "" then chunks[#chunks + 1] = piece end end
  if not on_hyphens then return add(word) end
  split_dashes(word, function(piece)
    local from = 1
    for _, at in ipairs(hyphen_ends(piece)) do
      add(piece:sub(from, at))
      from = at + 1
    end
    add(piece:sub(from))
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

-- A word longer than a line: as much of it as there is room for, or all of it where it stays whole. Returns the rest of it, or
-- nil where nothing is left.
local function take_long(word, line, room, options)
  if not options.break_long then
    if line[1] ~= nil then return word end
    line[1] = word
    return nil
  end
  local cut = options.width < 1 and 1 or room
  local head = text.sub(word, 0, cut)
  local hyphen = options.break_on_hyphens and text.find_last(head, "-", #head + 1)
  if hyphen and head:sub(1, hyphen - 1):find "[^-]" then cut = text.char_index(head, hyphen) + 1 end
  line[#line + 1] = text.sub(word, 0, cut)
  return text.sub(word, cut, text.len(word))
end

local function is_space(chunk) return chunk ~= nil and chunk:find "^%s*$" ~= nil end

-- One line of chunks from number i on. Returns its pieces and the number of the next chunk.
local function take_line(chunks, i, options, is_first)
  local line, len = {}, 0
  if is_space(chunks[i]) and not is_first then i = i + 1 end
  while chunks[i] and len + text.len(chunks[i]) <= options.width do
    len = len + text.len(chunks[i])
    line[#line + 1] = chunks[i]
    i = i + 1
  end
  if chunks[i] and text.len(chunks[i]) > options.width then
    local rest = take_long(chunks[i], line, options.width - len, options)
    if rest then chunks[i] = rest else i = i + 1 end
  end
  if is_space(line[#line]) then line[#line] = nil end
  return line, i
end

--- lines(line, {width, break_long, break_on_hyphens}) -> list
function M.lines(line, options)
  local chunks, result, i = split(line, options.break_on_hyphens), {}, 1
  while chunks[i] do
    local pieces
    pieces, i = take_line(chunks, i, options, result[1] == nil)
    if pieces[1] then result[#result + 1] = table.concat(pieces) end
  end
  return result
end

return M
