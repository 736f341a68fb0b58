-- Tasks that outlive their request (app:background). Shutdown waits for them, then cancels what is left.
local native = require "rille.native.core"

local M = {}
local running = {} -- task -> true

--- spawn(f, ...) -> task that belongs to nobody
function M.spawn(f, ...)
  local args = table.pack(...)
  local task
  task = native.spawn_root(function()
    local forget <close> = setmetatable({}, { __close = function() running[task] = nil end }) -- luacheck: ignore 211
    return f(table.unpack(args, 1, args.n))
  end)
  running[task] = true
  return task
end

local function wait_all()
  for task in pairs(running) do native.wait_end(task) end
end

--- wait(): until all of them have ended, those too that they start meanwhile.
function M.wait()
  while next(running) ~= nil do wait_all() end
end

--- finish(seconds): waits so long for all of them, then cancels the rest and waits for their cleanup.
function M.finish(seconds)
  if next(running) == nil or native.try(native.timeout, seconds, function() wait_all() return true end) then return end
  for task in pairs(running) do task:cancel "the server is stopping" end
  wait_all()
end

return M
