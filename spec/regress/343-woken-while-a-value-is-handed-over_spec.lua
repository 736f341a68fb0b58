-- queue:wake kept the value for the first task that waits, and woke the first one after that. A finalizer that ran in between,
-- while memory for the value was made, could wake that task: then another task was woken without a value, and one value was
-- lost; or no task was there, and memory was overwritten. runtime/bind/core/queue.c
local native = require "rille.native.core"
local rille = require "rille"

describe("a queue in which finalizers wake tasks", function()
  before_each(function() collectgarbage "generational" end)
  after_each(function() collectgarbage "incremental" end)

  -- Runs `f` in a finalizer, at the next allocation.
  local function at_next_allocation(f)
    collectgarbage "stop"
    setmetatable({}, { __gc = f })
    collectgarbage "restart"
  end

  -- Starts tasks that wait -> queue, what they got, the tasks
  local function waiting(count)
    local queue, got, tasks = native.queue(), {}, {}
    for i = 1, count do
      tasks[i] = rille.spawn(function() got[i] = queue:wait "a test" end)
    end
    rille.sleep(0)
    return queue, got, tasks
  end

  it("hands each value to the task that it wakes", function()
    local queue, got, tasks = waiting(2)
    at_next_allocation(function() queue:wake(1, "first") end)
    local woken = queue:wake(1, "second")
    assert.equal(1, woken)
    for _, task in ipairs(tasks) do task:wait() end
    assert.same({ "first", "second" }, got)
  end)

  it("wakes nobody if a finalizer has woken the last", function()
    local queue, got, tasks = waiting(1)
    at_next_allocation(function() queue:wake() end)
    local woken = queue:wake(1, "a value")
    assert.equal(0, woken)
    tasks[1]:wait()
    assert.same({}, got)
    assert.equal(0, queue:count())
  end)

  it("keeps an offer that is made meanwhile", function()
    local queue = native.queue()
    local task = rille.spawn(function() return queue:wait("a test", "an offer") end)
    at_next_allocation(function() queue:wake(1, "nobody waits") end)
    rille.sleep(0)
    assert.equal("an offer", queue:take())
    task:wait()
  end)
end)
