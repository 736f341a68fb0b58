-- Three sleeps, one after another and at once.
--
--   rille run examples/async-demo/main.lua
local rille = require "rille"

local M = {}

M.naps = { 1, 2, 3 } -- seconds

local function nap(seconds)
  rille.sleep(seconds)
  return seconds
end

--- Each waits for the one before: the sum of them all.
function M.one_after_another(naps)
  local slept = {}
  for i, seconds in ipairs(naps) do slept[i] = nap(seconds) end
  return slept
end

--- All of them wait together: the longest.
function M.at_once(naps) return rille.map(naps, nap) end

--- measure(f, …) -> result of f(…), seconds that it took
function M.measure(f, ...)
  local start = rille.now()
  local result = f(...)
  return result, rille.now() - start
end

function M.main()
  for _, way in ipairs { "one_after_another", "at_once" } do
    local slept, seconds = M.measure(M[way], M.naps)
    print(("%s: slept %s s in %.1f s"):format(way:gsub("_", " "), table.concat(slept, " + "), seconds))
  end
end

return M
