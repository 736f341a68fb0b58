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

-- ---- errors -------------------------------------------------------------------------------------------------------

local function raise(field)
  error(rille.error("boom", "it went wrong", { field = field, status = 409, kept = { 1, { deep = true } } }))
end

function M.raises_function() raise(print) end
function M.raises_userdata() raise(io.stdout) end
function M.raises_response() raise(rille.text "no") end
function M.raises_thread() raise(coroutine.create(print)) end
function M.raises_nan() raise(0 / 0) end

function M.raises_cycle()
  local cycle = { text = "x" }
  cycle.itself, cycle[cycle] = cycle, "key"
  raise(cycle)
end

function M.raises_deep()
  local deep = {}
  local at = deep
  for _ = 1, 500 do at.x = {} at = at.x end
  raise(deep)
end

function M.raises_mixed()
  raise { "kept", print, n = 1, f = print, [print] = "by function", list = { true, io.stdout, false } }
end

function M.raises_table() error { code = "mine", n = 1, f = print } end
function M.raises_object()
  error(setmetatable({ code = "mine", message = 7 }, { __tostring = function() return "an object" end }))
end

function M.raises_broken_object() error(setmetatable({}, { __tostring = function() error "inside" end })) end
function M.raises_nil() error() end
function M.raises_bare_response() error(rille.text("no", 404)) end
function M.raises_bare_function() error(print) end
function M.raises_large() error(("x"):rep(3000000)) end
function M.fails_to_answer() return 1, { print } end

function M.raises_status()
  local app = rille.app()
  app:get("/", function() return "no", 404 end)
  local client <close> = require("rille.testing.client").new(app)
  client:get("/"):raise_for_status()
end

-- ---- endless ------------------------------------------------------------------------------------------------------

function M.for_ever() while true do end end
function M.for_ever_caught() while true do pcall(M.for_ever) end end
function M.for_ever_in_strands() while true do coroutine.wrap(function() pcall(M.for_ever) end)() end end
function M.for_ever_shielded() rille.shield(M.for_ever) end
function M.for_ever_in_children() rille.all(function() rille.sleep(1e6) end, function() rille.sleep(0) M.for_ever() end) end

-- Leaves a file where its __close has run to its end.
function M.cleans_up(path, computes)
  local done <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    local stop = os.clock() + 0.15
    while os.clock() < stop do end -- luacheck: ignore 542
    rille.sleep(0.001)
    assert(io.open(path, "w")):close()
  end })
  if computes then M.for_ever() end
  rille.sleep(1e6)
end

function M.nested(depth)
  if depth == 0 then return "bottom" end
  return rille.offload("spec.support.offloaded", "nested", depth - 1)
end

function M.sleeps_with_hash()
  rille.try(rille.timeout, 0, rille.password.hash, "secret")
  rille.sleep(1e6)
end

return M
