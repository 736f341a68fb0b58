-- runtime/vm/task/heartbeat.c
local rille = require "rille"

-- A deadline that passed while a finalizer matched a pattern was raised in there, where errors go nowhere, if the finalizer
-- had got there by a tail call or in a coroutine: then it never came again.
describe("a deadline that passes in a finalizer", function()
  local text = ("x"):rep(20000)
  local function compute() return text:find ".-.-.-y" end

  local function raised_after(finalizer)
    local _, err = pcall(rille.timeout, 0.02, function()
      setmetatable({}, { __gc = finalizer })
      collectgarbage()
      rille.sleep(0)
      rille.sleep(0)
      rille.sleep(60)
    end)
    return err.code
  end

  it("that calls by a tail call", function()
    assert.equal("timeout", raised_after(function() return compute() end))
  end)

  it("that resumes a coroutine", function()
    assert.equal("timeout", raised_after(function() coroutine.wrap(compute)() end))
  end)

  it("on the thread that no task runs on, where spawn collects", function()
    local ran = false
    local _, err = pcall(rille.timeout, 0.02, function()
      collectgarbage "generational"
      for _ = 1, 20 do
        setmetatable({}, { __gc = function()
          if ran then return end
          ran = true
          return compute()
        end })
      end
      for _ = 1, 2000 do rille.spawn(function() end) end
      collectgarbage()
      collectgarbage "incremental"
      rille.sleep(60)
    end)
    rille.sleep(0)
    assert.is_true(ran)
    assert.equal("timeout", err.code)
  end)
end)
