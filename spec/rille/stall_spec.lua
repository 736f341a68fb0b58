-- runtime/vm/task/heartbeat.c
local rille = require "rille"
local native = require "rille.native.core"
local testing = require "rille.testing"

local function spin(seconds)
  local stop = rille.now() + seconds
  while rille.now() < stop do end -- luacheck: ignore 542
end

describe("the stall guard", function()
  it("logs where a handler is that runs for long without waiting", function()
    local app = rille.app()
    app:get("/", function() spin(0.25) return "slow" end)
    local client = testing.client(app)
    native.take_log()
    assert.equal("slow", client:get("/"):text())
    local log = native.take_log()
    assert.matches("a task has run for %d+ ms without waiting", log)
    assert.matches("spec/rille/stall_spec%.lua:%d+: in upvalue 'spin'", log)
    assert.equal(1, select(2, log:gsub("without waiting", "")))
  end)

  it("ends a handler that exceeds its app's cpu_limit with a 503, and the next one is served", function()
    local app = rille.app { cpu_limit = 0.15 }
    app:get("/", function() while true do end end)
    app:get("/caught", function() for _ = 1, 3 do pcall(spin, 60) end return "out" end)
    app:get("/quick", function() return "quick" end)
    local client = testing.client(app)
    local res = client:get "/"
    assert.equal(503, res.status)
    assert.equal("quick", client:get("/quick"):text())
    assert.equal("out", client:get("/caught"):text())
  end)
end)
