-- Reads files of source as people save them. Lua's own loader skips a byte order mark, which an editor writes, and a first line
-- that begins with '#', which is for a shell. Everything that rille loads itself skips them too.
local M = {}

--- Returns the text without the byte order mark of UTF-8.
function M.without_mark(text) return text:sub(1, 3) == "\xEF\xBB\xBF" and text:sub(4) or text end

--- Returns the text of a Lua file. Raises if it cannot be read or is not UTF-8.
function M.read(path)
  local file <close> = assert(io.open(path, "rb"))
  local text = assert(file:read "a")
  local first = text:sub(1, 2)
  if first == "\xFF\xFE" or first == "\xFE\xFF" then error(path .. ": this file is UTF-16: save it as UTF-8", 0) end
  text = M.without_mark(text)
  if text:byte(1) ~= 35 then return text end
  return text:sub(text:find("\n", 1, true) or #text + 1) -- the newline stays: lines keep their numbers
end

return M
