-- The text of a file of source as people save it: a byte order mark in front is an editor's, a first line that begins with '#' a
-- shell's. Lua's own loader passes over both; so does everything that rille loads itself.
local native = require "rille.native.core"

local M = {}

--- without_mark(text) -> text, without the byte order mark of UTF-8
function M.without_mark(text) return text:sub(1, 3) == "\xEF\xBB\xBF" and text:sub(4) or text end

--- read(path) -> the text of a Lua file
function M.read(path)
  local text = assert(native.read_file(path))
  local first = text:sub(1, 2)
  if first == "\xFF\xFE" or first == "\xFE\xFF" then error(path .. ": this file is UTF-16: save it as UTF-8", 0) end
  text = M.without_mark(text)
  if text:byte(1) ~= 35 then return text end
  return text:sub(text:find("\n", 1, true) or #text + 1) -- the newline stays: lines keep their numbers
end

return M
