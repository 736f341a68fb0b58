-- Nothing that was raised vanishes: it is raised in somebody who waits, or it is in the log, once.
-- runtime/vm/task/task.c, runtime/vm/task/scope.c, runtime/vm/error.c
-- runtime/vm/task/end.c, runtime/vm/task/trace.c
local native = require "rille.native.core"
local rille = require "rille"
local settle = require "spec.support.settle"

local function raises_in_close(message)
  return setmetatable({}, { __close = function() error(message, 0) end })
end

local function sleeps_and_fails_to_close(message)
  local guard <close> = raises_in_close(message) -- luacheck: ignore 211
  rille.sleep(60)
end

local function count(log, text)
  return select(2, log:gsub(text:gsub("%p", "%%%0"), ""))
end

describe("an error in the cleanup of a task that was cancelled", function()
  before_each(function() native.take_log() end)

  local function assert_logged(text)
    rille.sleep(0)
    local log = native.take_log()
    assert.equal(1, count(log, text), log)
    assert.matches("it had been cancelled here", log, 1, true)
    assert.matches("failure_spec.lua", log, 1, true)
  end

  it("is logged where a sibling in a group failed", function()
    rille.spawn(function()
      local _, err = rille.try(rille.group, function(group)
        group:spawn(sleeps_and_fails_to_close, "cleanup 1")
        settle()
        group:spawn(error, "the first", 0)
      end)
      assert.equal("the first", err.message)
    end):wait()
    assert_logged "cleanup 1"
  end)

  it("is logged where another one won a race", function()
    rille.spawn(function()
      local first = rille.race(function() settle() return "first" end, function() sleeps_and_fails_to_close "cleanup 2" end)
      assert.equal("first", first)
    end):wait()
    assert_logged "cleanup 2"
  end)

  it("is logged where rille.all failed", function()
    rille.spawn(function()
      rille.try(rille.all, function() sleeps_and_fails_to_close "cleanup 3" end, function() settle() error("x", 0) end)
    end):wait()
    assert_logged "cleanup 3"
  end)

  it("is logged where its parent has ended", function()
    rille.spawn(function()
      rille.spawn(sleeps_and_fails_to_close, "cleanup 4")
      settle()
    end):wait()
    assert_logged "cleanup 4"
  end)

  it("is raised in who waits for it, which is not a cancellation then, and logged by nobody", function()
    local task = rille.spawn(sleeps_and_fails_to_close, "cleanup 5")
    settle()
    task:cancel()
    local ok, err = pcall(task.wait, task)
    assert.is_false(ok)
    assert.equal("cleanup 5", err)
    assert.equal("failed", task.status)
    rille.sleep(0)
    assert.equal("", native.take_log())
  end)
end)

describe("a task that ends by its cancellation", function()
  it("is cancelled, and nothing is logged", function()
    native.take_log()
    local task = rille.spawn(rille.sleep, 60)
    settle()
    task:cancel "for a reason"
    assert.equal("cancelled: for a reason", select(2, rille.try(task.wait, task)).message)
    assert.equal("cancelled", task.status)
    rille.sleep(0)
    assert.equal("", native.take_log())
  end)
end)

describe("two children of a group that fail in one turn", function()
  it("are both told of: one is raised, the other logged", function()
    native.take_log()
    local told
    rille.spawn(function()
      local _, err = rille.try(rille.group, function(group)
        group:spawn(error, "one of two", 0)
        group:spawn(error, "two of two", 0)
      end)
      told = err.message
    end):wait()
    local other = told == "one of two" and "two of two" or "one of two"
    local log = native.take_log()
    assert.equal(1, count(log, other), log)
    assert.equal(0, count(log, told), log)
  end)

  it("leave a line where the group itself ends by an error of its own", function()
    native.take_log()
    rille.spawn(function()
      local ok, err = pcall(rille.group, function(group)
        local guard <close> = raises_in_close "of the group's function" -- luacheck: ignore 211
        group:spawn(error, "of the child", 0)
        rille.sleep(60)
      end)
      assert.is_false(ok)
      assert.equal("of the group's function", err)
    end):wait()
    assert.equal(1, count(native.take_log(), "of the child"))
  end)
end)

describe("a deadline of no time at all", function()
  it("lets no wait pass", function()
    local reached = false
    local _, err = rille.try(rille.timeout, 0, function()
      rille.sleep(0)
      reached = true
    end)
    assert.equal("timeout", err.code)
    assert.is_false(reached)
    assert.equal(7, rille.timeout(0, function() return 7 end))
  end)
end)
