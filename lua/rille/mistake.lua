-- Mistakes of a program: they are raised at the line that called into the library.
local native = require "rille.native.http"

local M = {}

--- Returns the line of the program that called the library: "app.lua:12".
function M.caller()
  for i = 2, 20 do
    local info = debug.getinfo(i, "Sl")
    if not info then break end
    if info.what ~= "C" and not info.source:find("^=rille/") then return info.short_src .. ":" .. info.currentline end
  end
  return "?"
end

--- Raises a programmer's mistake at the line that called into the library, however deep inside it was found. Where a call in
--- `return f(…)` has left no line to tell, it is the one where the handler begins, or where the task was spawned.
function M.mistake(message)
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info then error(native.place() .. message, 0) end
    if info.what ~= "C" and info.source:sub(1, 7) ~= "=rille/" then break end
    level = level + 1
  end
  error(message, level)
end

--- Raises a mistake, with a format as string.format has it.
function M.raise(format, ...)
  return M.mistake(select("#", ...) > 0 and format:format(...) or format)
end

return M
