-- Lifespans open what a program needs before it listens, and close it after it has stopped.
--
--   app:lifespan(function(self, running) … open … running() … close … end)
--
-- Each is a task. They are started in order of registration (a mounted app's after its parent's), and each has started when it
-- calls running(). At the stop running() returns, in reverse order. If one fails to start, or the process is told to stop while
-- one starts, all that have begun are ended: nothing that was opened is left open.
local native = require "rille.native.core"

local M = {}
local Lifespans = {}
Lifespans.__index = Lifespans

local function collect(app, list)
  for _, lifespan in ipairs(app.lifespans) do list[#list + 1] = { app = app, run = lifespan.run, where = lifespan.where } end
  for _, mount in ipairs(app.mounts) do collect(mount.app, list) end
  return list
end

local function unless_well(undo)
  return setmetatable({}, { __close = function(_, err)
    if err ~= nil then undo() end
  end })
end

-- Starts one up to its running(); raises what it raises.
local function start_one(entry)
  local started, stop = native.queue(), native.queue()
  local is_running, is_stopping, has_ended, failure = false, false, false, nil
  local task = native.spawn_root(function()
    local result = table.pack(pcall(entry.run, entry.app, function()
      if is_running then error("running() was called twice", 2) end
      is_running = true
      started:wake()
      if not is_stopping then stop:wait "the stop" end
    end))
    local was_running = is_running
    is_running, has_ended = false, true
    started:wake()
    if result[1] then return end
    if not was_running then failure = { result[2] } else error(result[2], 0) end
  end)
  local given_up <close> = unless_well(function() -- luacheck: ignore 211
    task:cancel "it is not needed any more"
    native.wait_end(task)
  end)
  if not is_running then started:wait "a lifespan to start" end
  if failure then error(failure[1], 0) end
  if has_ended then error(entry.where .. ": this lifespan ended without having called running()", 0) end
  return { task = task, stop = function() is_stopping = true; stop:wake() end }
end

--- start(app) -> lifespans
function M.start(app)
  local self = setmetatable({}, Lifespans)
  local started_before <close> = unless_well(function() self:stop() end) -- luacheck: ignore 211
  for _, entry in ipairs(collect(app, {})) do self[#self + 1] = start_one(entry) end
  return self
end

--- lifespans:stop(): in reverse order, each to its end. An error is logged and the others still end; returns whether all
--- ended well.
function Lifespans:stop()
  local well = true
  for i = #self, 1, -1 do
    self[i].stop()
    local _, err = native.try(function() self[i].task:wait() return true end)
    if err then
      well = false
      native.log("error", "a lifespan failed at its end", { error = tostring(err), traceback = err.traceback })
    end
    self[i] = nil
  end
  return well
end

return M
