-- Functions for spec/rille/offload_spec.lua, run in states of their own.
local rille = require "rille"

local M = {}

function M.add(a, b) return a + b end
function M.echo(...) return ... end
function M.fails(message) error(message) end
function M.aborts() rille.abort(418, "short and stout") end
function M.sleeps(seconds) rille.sleep(seconds) return "slept" end

function M.spin(seconds)
  local stop = os.clock() + seconds / 2
  while os.clock() < stop do end -- luacheck: ignore 542
end

return M
