-- A process of its own that serves: for what a state of this process cannot show (limits of a process, its log, `rille dev`).
--
--   local server <close> = require("spec.support.served").start(scratch, { command = "serve app.lua", first = "ulimit -n 64" })
--   server.url   server.port   server:log() -> what it has written   server:wait_for(text)   server:stop() -> its exit status
--
-- It runs in the scratch directory, and ends with the spec.
local rille = require "rille"

local Server = {}
Server.__index = Server

local M = {}

function Server:log() return self.scratch:read(self.name .. ".log") or "" end

function Server:wait_for(text)
  for _ = 1, 1500 do
    if self:log():find(text, 1, true) then return self end
    rille.sleep(0.02)
  end
  error(("'%s' is not in the log:\n%s"):format(text, self:log()), 2)
end

local started = 0

--- start(scratch, {command = "serve app.lua", first = shell commands in front of it, environment = "NAME=value …"}) -> server
function M.start(scratch, opts)
  started = started + 1
  local name = "server-" .. started
  local self = setmetatable({ scratch = scratch, name = name }, Server)
  local shell = ("cd %s && echo $$ > %s.pid && %s exec env %s %s %s --port 0 > %s.log 2>&1"):format(scratch.directory, name,
    opts.first and opts.first .. " &&" or "", opts.environment or "", scratch.rille, opts.command, name)
  self.pipe = assert(io.popen(shell, "w"))
  self.pid = tonumber(scratch:wait_for(name .. ".pid"))
  for _ = 1, 1500 do
    if not os.execute(("kill -0 %d 2> /dev/null"):format(self.pid)) then break end
    self.port = self:log():match "http://[%d.]+:(%d+)"
    if self.port then break end
    rille.sleep(0.02)
  end
  if not self.port then
    self:stop()
    error("the server did not start:\n" .. self:log(), 2)
  end
  self.url = "http://127.0.0.1:" .. self.port
  return self
end

--- stop(signal="TERM") -> its exit status
function Server:stop(signal)
  if not self.pipe then return nil end
  if self.pid then os.execute(("kill -%s %d 2> /dev/null"):format(signal or "TERM", self.pid)) end
  local _, _, status = self.pipe:close()
  self.pipe = nil
  return status
end

function Server:__close() self:stop() end

return M
