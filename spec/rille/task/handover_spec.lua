-- Locks, semaphores and channels: who gets what, in which order, and what is left when somebody is cancelled.
-- runtime/bind/core/task.c
-- runtime/bind/core/queue.c
local rille = require "rille"
local testing = require "rille.testing"
local settle = require "spec.support.settle"

-- Starts f(1) … f(n) one after another, so that each waits before the next one starts.
local function start_in_order(n, f)
  local tasks = {}
  for i = 1, n do
    tasks[i] = rille.spawn(f, i)
    settle()
  end
  return tasks
end

describe("a channel", function()
  it("takes values from senders that wait in the order in which they came", function()
    for capacity = 0, 3 do
      local channel, got = rille.channel(capacity), {}
      start_in_order(8, function(i) channel:send(i) end)
      for i = 1, 8 do
        got[i] = channel:receive()
        rille.sleep(0)
      end
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, got)
    end
  end)

  it("gives values to receivers that wait in the order in which they came", function()
    local channel, got = rille.channel(), {}
    local tasks = start_in_order(5, function(i) got[i] = channel:receive() end)
    for i = 1, 5 do channel:send(i) end
    for i = 1, 5 do tasks[i]:wait() end
    assert.same({ 1, 2, 3, 4, 5 }, got)
  end)

  it("lets nobody overtake a sender that waits", function()
    local channel, got = rille.channel(1), {}
    channel:send "first"
    local waits = rille.spawn(channel.send, channel, "second")
    settle()
    got[1] = channel:receive()
    local late = rille.spawn(channel.send, channel, "third")
    settle()
    got[2], got[3] = channel:receive(), channel:receive()
    waits:wait()
    late:wait()
    assert.same({ "first", "second", "third" }, got)
  end)

  it("carries false", function()
    local channel = rille.channel()
    local receiver = rille.spawn(channel.receive, channel)
    settle()
    channel:send(false)
    assert.is_false(receiver:wait())
    local sender = rille.spawn(channel.send, channel, false)
    settle()
    assert.is_false(channel:receive())
    sender:wait()
  end)

  it("loses no value where the receiver is cancelled in the turn in which it came", function()
    local channel, got = rille.channel(), nil
    local receiver = rille.spawn(function()
      got = channel:receive()
      rille.sleep(0)
    end)
    settle()
    channel:send "value"
    receiver:cancel()
    assert.equal("cancelled", select(2, rille.try(receiver.wait, receiver)).code)
    assert.equal("value", got)
  end)

  it("keeps a value for the next one where the receiver was cancelled before it came", function()
    local channel = rille.channel()
    local first = rille.spawn(channel.receive, channel)
    local second = rille.spawn(channel.receive, channel)
    settle()
    first:cancel()
    channel:send "value"
    assert.equal("value", second:wait())
  end)

  it("withdraws the value of a sender that was cancelled while it waited", function()
    local channel = rille.channel()
    local tasks = start_in_order(3, function(i) channel:send(i) end)
    tasks[2]:cancel()
    rille.sleep(0)
    assert.equal(1, channel:receive())
    assert.equal(3, channel:receive())
    local clock = testing.clock()
    local receiver = rille.spawn(rille.timeout, 1, channel.receive, channel)
    settle()
    clock:advance(1)
    assert.equal("timeout", select(2, rille.try(receiver.wait, receiver)).code)
  end)

  it("keeps nothing of a thousand sends that timed out", function()
    local channel, clock = rille.channel(), testing.clock()
    local kept = setmetatable({}, { __mode = "v" })
    for i = 1, 1000 do
      kept[i] = {}
      local task = rille.spawn(rille.timeout, 0.001, channel.send, channel, kept[i])
      settle()
      clock:advance(0.001)
      rille.try(task.wait, task)
    end
    rille.sleep(0)
    collectgarbage()
    collectgarbage()
    assert.is_true(#kept < 10)
  end)

  it("raises 'closed' in senders that wait when it is closed, and what was sent before is received", function()
    local channel = rille.channel(1)
    channel:send "sent"
    local waits = rille.spawn(channel.send, channel, "not sent")
    settle()
    channel:close()
    assert.equal("closed", select(2, rille.try(waits.wait, waits)).code)
    assert.equal("sent", channel:receive())
    assert.is_nil(channel:receive())
  end)
end)

describe("a semaphore", function()
  it("cannot be released more often than it was acquired", function()
    local semaphore = rille.semaphore(2)
    local ok, err = pcall(semaphore.release, semaphore)
    assert.is_false(ok)
    assert.matches("2 permits and all of them are free", err, 1, true)
    semaphore:acquire()
    semaphore:release()
    assert.is_false((pcall(semaphore.release, semaphore)))
  end)
end)

describe("a lock", function()
  local lock
  before_each(function() lock = rille.lock() end)

  it("cannot be released where it is not held", function()
    local ok, err = pcall(function() lock:release() end)
    assert.is_false(ok)
    assert.matches("handover_spec.lua:%d+: this lock is not held", err)
    local one = rille.spawn(lock.with, lock, rille.sleep, 0)
    one:wait()
    assert.is_false((pcall(lock.release, lock)))
  end)

  it("cannot be released by another task than its holder, which still has it then", function()
    local holder = rille.spawn(lock.with, lock, rille.sleep, 0)
    settle()
    local ok, err = pcall(function() lock:release() end)
    assert.is_false(ok)
    assert.matches("held by another task", err, 1, true)
    holder:wait()
    lock:with(function() end)
  end)

  it("raises where its holder enters it again", function()
    lock:with(function()
      local ok, err = pcall(lock.acquire, lock)
      assert.is_false(ok)
      assert.matches("holds the lock already", err, 1, true)
    end)
    lock:with(function() end)
  end)

  it("has one holder at a time where waiters are cancelled in the turn in which it comes to them", function()
    local inside, most, got = 0, 0, 0
    local function work()
      lock:with(function()
        inside = inside + 1
        most = math.max(most, inside)
        got = got + 1
        pcall(rille.sleep, 0)
        inside = inside - 1
      end)
    end
    lock:acquire()
    local tasks = start_in_order(4, work)
    lock:release()
    tasks[1]:cancel()
    tasks[3]:cancel()
    for i = 1, 4 do rille.try(tasks[i].wait, tasks[i]) end
    assert.equal(1, most)
    assert.equal(3, got)
    lock:with(function() end)
  end)
end)
