-- An app that runs without a server: compiled, its lifespans started. Shared by clients of the same app.
local background = require "rille.background"
local compile = require "rille.compile"
local lifespan = require "rille.lifespan"
local names = require "rille.names"
local options = require "rille.options"

local M = {}
local Running = {}
Running.__index = Running

local by_app = setmetatable({}, { __mode = "k" })

--- start(app) -> running, to be closed
function M.start(app)
  if not require("rille.app").is(app) then
    options.raise("testing: an app was expected, got %s (a program that returns a function is called first: require \"app\" {…})",
      names.describe(app))
  end
  local running = by_app[app]
  if not running then
    running = setmetatable({ app = app, users = 0, compiled = compile.compile(app) }, Running)
    running.lifespans = lifespan.start(app)
    by_app[app] = running
  end
  running.users = running.users + 1
  return running
end

function Running:close()
  self.users = self.users - 1
  if self.users > 0 then return end
  by_app[self.app] = nil
  background.finish(0)
  self.lifespans:stop()
end

return M
