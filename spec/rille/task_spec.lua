-- runtime/vm/task/task.c, runtime/vm/task/scope.c, runtime/vm/task/coroutine.c, runtime/vm/error.c,
-- runtime/bind/core/task.c
-- runtime/vm/task/end.c, runtime/vm/task/wait.c, runtime/vm/task/trace.c, runtime/bind/core/scope.c
local rille = require "rille"
local testing = require "rille.testing"
local settle = require "spec.support.settle"

-- What happens, in order.
local function recorder()
  local events = {}
  return events, function(event) events[#events + 1] = event end
end

-- A value whose __close notes that it ran, with the error it saw, and may wait.
local function guard(note, name, seconds)
  return setmetatable({}, { __close = function(_, err)
    if seconds then rille.sleep(seconds) end
    note(name .. (err and " after " .. tostring(err) or ""))
  end })
end

describe("a task", function()
  local clock
  before_each(function() clock = testing.clock() end)

  describe("spawned", function()
    it("runs later, and its results can be waited for, again and again", function()
      local events, note = recorder()
      local task = rille.spawn(function(a, b) note "ran"; return a + b, "second" end, 1, 2)
      note "spawned"
      assert.equal("running", task.status)
      assert.same({ 3, "second" }, { task:wait() })
      assert.same({ 3, "second" }, { task:wait() })
      assert.equal("done", task.status)
      assert.same({ "spawned", "ran" }, events)
    end)

    it("keeps results that are nil or false, and their number", function()
      local task = rille.spawn(function() return nil, false, nil end)
      assert.same({ n = 3, nil, false, nil }, table.pack(task:wait()))
      assert.equal(0, select("#", rille.spawn(function() end):wait()))
    end)

    for name, value in pairs { string = "boom", number = 42, boolean = false, table = { code = "x" } } do
      it("raises its error in who waits, as the " .. name .. " it was", function()
        local task = rille.spawn(function() error(value, 0) end)
        local ok, err = pcall(task.wait, task)
        assert.is_false(ok)
        assert.equal(value, err)
        assert.equal("failed", task.status)
      end)
    end

    it("survives an error that is nil", function()
      local task = rille.spawn(function() error(nil) end)
      local ok, err = pcall(task.wait, task)
      assert.is_false(ok)
      assert.is_nil(err)
    end)

    it("cannot be waited for by itself or by a task of its own", function()
      local task
      task = rille.spawn(function()
        local inner = rille.spawn(function() return pcall(task.wait, task) end)
        return inner:wait()
      end)
      local ok, message = task:wait()
      assert.is_false(ok)
      assert.matches("cannot wait for itself or for a task it belongs to", message)
    end)

    it("cannot outlive its parent: it is cancelled and awaited", function()
      local events, note = recorder()
      local parent = rille.spawn(function()
        rille.spawn(function()
          local g <close> = guard(note, "closed", 1) -- luacheck: ignore 211
          rille.sleep(100)
        end)
        rille.sleep(1)
        note "parent is done"
      end)
      clock:advance(10)
      parent:wait()
      assert.same({ "parent is done", "closed after cancelled: the task it belongs to has ended" }, events)
    end)
  end)

  describe("cancelled", function()
    it("raises at its wait, runs its __close, and raises 'cancelled' in who waits without cancelling it", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        local g <close> = guard(note, "closed") -- luacheck: ignore 211
        rille.sleep(100)
        note "never"
      end)
      settle()
      task:cancel "enough"
      local _, err = rille.try(task.wait, task)
      assert.equal("cancelled", err.code)
      assert.equal("cancelled: enough", err.message)
      assert.equal("cancelled", task.status)
      rille.sleep(0) -- the waiter itself goes on
      assert.same({ "closed after cancelled: enough" }, events)
    end)

    it("never runs where it had not started", function()
      local ran = false
      local task = rille.spawn(function() ran = true end)
      task:cancel()
      assert.error_matches(function() task:wait() end, "cancelled")
      assert.is_false(ran)
    end)

    it("may wait in __close, for a while", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        local g <close> = guard(note, "closed", 4) -- luacheck: ignore 211
        rille.sleep(100)
      end)
      settle()
      task:cancel()
      clock:advance(4)
      assert.same({ "closed after cancelled" }, events)
    end)

    it("is stopped in a __close that waits for too long", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        local g <close> = guard(note, "closed", 60) -- luacheck: ignore 211
        rille.sleep(100)
      end)
      settle()
      task:cancel()
      clock:advance(6)
      assert.same({}, events)
      assert.error_matches(function() task:wait() end, "cleanup took longer than 5 s")
    end)

    it("is told again at the next wait when a pcall swallowed it", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        for i = 1, 3 do
          local _, err = pcall(rille.sleep, 100)
          note(i .. " " .. err.code)
        end
        rille.sleep(100)
        note "never"
      end)
      settle()
      task:cancel()
      assert.error_matches(function() task:wait() end, "cancelled")
      assert.same({ "1 cancelled", "2 cancelled", "3 cancelled" }, events)
    end)

    it("passes through rille.try", function()
      local task = rille.spawn(function()
        return rille.try(rille.sleep, 100)
      end)
      settle()
      task:cancel()
      assert.equal("cancelled", select(2, rille.try(task.wait, task)).code)
    end)

    it("lets __close use pcall and wait inside, without being told again there", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        local g <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
          note(tostring(pcall(error, "x")))
          rille.sleep(1)
          note(tostring(pcall(rille.sleep, 1)))
          note "closed"
        end })
        pcall(function() rille.sleep(100) end)
        rille.sleep(100)
      end)
      settle()
      task:cancel()
      clock:advance(3)
      assert.error_matches(function() task:wait() end, "cancelled")
      assert.same({ "false", "true", "closed" }, events)
    end)

    it("is not disturbed by a second cancel during its cleanup", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        local g <close> = guard(note, "closed", 2) -- luacheck: ignore 211
        rille.sleep(100)
      end)
      settle()
      task:cancel "first"
      clock:advance(1)
      task:cancel "second"
      clock:advance(1)
      assert.same({ "closed after cancelled: first" }, events)
    end)

    it("raises once its pcall inside a pcall has let go, with the right error", function()
      local task = rille.spawn(function()
        local ok, err = pcall(function()
          local inner_ok, inner = pcall(rille.sleep, 100)
          return inner_ok, inner.code
        end)
        return ok, err
      end)
      settle()
      task:cancel()
      assert.same({ true, false }, { task:wait() })
    end)
  end)

  describe("with a timeout", function()
    it("gives results of what is quick enough", function()
      assert.same({ 1, 2 }, { rille.timeout(1, function(a) return a, 2 end, 1) })
    end)

    it("raises code timeout, status 504, at the wait inside", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        return rille.try(rille.timeout, 2, function()
          local g <close> = guard(note, "closed") -- luacheck: ignore 211
          rille.sleep(100)
        end)
      end)
      clock:advance(2)
      local _, err = task:wait()
      assert.equal("timeout", err.code)
      assert.equal(504, err.status)
      assert.same({ "closed after timed out after 2 s" }, events)
    end)

    it("is inherited by every wait inside, and the inner one does not undo the outer", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        local _, outer = rille.try(rille.timeout, 3, function()
          for i = 1, 5 do
            local _, err = rille.try(rille.timeout, 1, rille.sleep, 100)
            note(i .. " " .. (err and err.message or "none"))
          end
        end)
        return outer.message
      end)
      clock:advance(10)
      assert.equal("timed out after 3 s", task:wait())
      assert.same({ "1 timed out after 1 s", "2 timed out after 1 s" }, { events[1], events[2] })
    end)

    it("tells again where a pcall inside swallowed it", function()
      local task = rille.spawn(function()
        return rille.try(rille.timeout, 1, function()
          pcall(rille.sleep, 100)
          pcall(rille.sleep, 100)
          rille.sleep(100)
        end)
      end)
      clock:advance(1)
      assert.equal("timeout", select(2, task:wait()).code)
    end)

    it("is over once its function has returned", function()
      rille.timeout(1, function() end)
      local task = rille.spawn(function() rille.sleep(5) return "slept" end)
      clock:advance(5)
      assert.equal("slept", task:wait())
    end)
  end)

  it("shields what must be finished, and raises behind it", function()
    local events, note = recorder()
    local task = rille.spawn(function()
      rille.shield(function()
        rille.sleep(5)
        note "finished"
      end)
      rille.sleep(1)
      note "never"
    end)
    settle()
    task:cancel()
    clock:advance(10)
    assert.error_matches(function() task:wait() end, "cancelled")
    assert.same({ "finished" }, events)
  end)

  describe("in a group", function()
    it("is awaited, and what the group's function returns is returned", function()
      local events, note = recorder()
      local function work(n)
        rille.sleep(n)
        note(n)
      end
      local task = rille.spawn(rille.group, function(g)
        g:spawn(work, 2)
        g:spawn(work, 1)
        return "result"
      end)
      clock:advance(5)
      assert.equal("result", task:wait())
      assert.same({ 1, 2 }, events)
    end)

    it("cancels its siblings and the group's function by its error, which is the one raised", function()
      local events, note = recorder()
      local task = rille.spawn(rille.group, function(g)
        local outer <close> = guard(note, "function") -- luacheck: ignore 211
        g:spawn(function()
          local sibling <close> = guard(note, "sibling") -- luacheck: ignore 211
          rille.sleep(100)
        end)
        g:spawn(function() rille.sleep(1) error("first", 0) end)
        g:spawn(function() rille.sleep(2) error("second", 0) end)
        rille.sleep(100)
      end)
      clock:advance(5)
      assert.error_matches(function() task:wait() end, "^first$")
      table.sort(events)
      assert.same({ "function after first", "sibling after cancelled: its group has ended" }, events)
    end)
  end)

  it("runs all at once and gives the first result of each", function()
    local task = rille.spawn(function()
      local before = rille.now()
      local a, b, c = rille.all(
        function() rille.sleep(3) return "a" end,
        function() rille.sleep(1) return nil end,
        function() rille.sleep(2) return "c" end)
      return a, b, c, rille.now() - before
    end)
    clock:advance(10)
    assert.same({ n = 4, "a", nil, "c", 3.0 }, table.pack(task:wait()))
  end)

  it("raises the first error of all", function()
    local task = rille.spawn(rille.all,
      function() rille.sleep(2) error("late", 0) end, function() rille.sleep(1) error("early", 0) end)
    clock:advance(5)
    assert.error_matches(function() task:wait() end, "^early$")
  end)

  it("races: the first to end wins, by result or by error", function()
    local events, note = recorder()
    local function slow()
      local g <close> = guard(note, "slow") -- luacheck: ignore 211
      rille.sleep(9)
    end
    local task = rille.spawn(rille.race, slow, function() rille.sleep(1) return "quick", 2 end)
    clock:advance(1)
    assert.same({ "quick", 2 }, { task:wait() })
    assert.same({ "slow after cancelled: another one was first" }, events)
    local failing = rille.spawn(rille.race, slow, function() rille.sleep(1) error("quick", 0) end)
    clock:advance(1)
    assert.error_matches(function() failing:wait() end, "^quick$")
  end)

  it("maps a list at once, in order, with a limit", function()
    local running, most = 0, 0
    local function work(item, index)
      running = running + 1
      most = math.max(most, running)
      rille.sleep(item)
      running = running - 1
      return item * 10 + index
    end
    local task = rille.spawn(rille.map, { 3, 1, 2, 1 }, work, { limit = 2 })
    clock:advance(10)
    assert.same({ 31, 12, 23, 14 }, task:wait())
    assert.equal(2, most)
    assert.same({}, rille.map({}, work))
  end)

  describe("waiting for another", function()
    it("takes turns at a lock, first come first served", function()
      local events, note = recorder()
      local lock = rille.lock()
      local tasks, asked, expected = {}, {}, {}
      for i = 1, 3 do
        tasks[i] = rille.spawn(function()
          asked[#asked + 1] = i
          lock:with(function()
            note(i .. " in")
            rille.sleep(1)
            note(i .. " out")
          end)
        end)
      end
      clock:advance(5)
      for i = 1, 3 do tasks[i]:wait() end
      for _, i in ipairs(asked) do table.move({ i .. " in", i .. " out" }, 1, 2, #expected + 1, expected) end
      assert.equal(6, #events)
      assert.same(expected, events)
    end)

    it("does not lose a permit when who waits for it, or has it, is cancelled", function()
      local semaphore = rille.semaphore(1)
      local holder = rille.spawn(semaphore.with, semaphore, rille.sleep, 100)
      local waiter = rille.spawn(semaphore.with, semaphore, rille.sleep, 100)
      local last = rille.spawn(semaphore.with, semaphore, function() return "got it" end)
      settle()
      waiter:cancel()
      holder:cancel()
      assert.equal("got it", last:wait())
      for _, task in ipairs { holder, waiter } do assert.equal("cancelled", select(2, rille.try(task.wait, task)).code) end
    end)

    it("wakes everybody at an event, and does not wait once it is set", function()
      local event, woken = rille.event(), 0
      local tasks = {}
      for i = 1, 3 do tasks[i] = rille.spawn(function() event:wait() woken = woken + 1 end) end
      settle()
      assert.equal(0, woken)
      event:set()
      for i = 1, 3 do tasks[i]:wait() end
      event:wait()
      assert.equal(3, woken)
    end)

    it("hands values through a channel, in order, up to its capacity ahead", function()
      local channel, sent = rille.channel(2), 0
      local sender = rille.spawn(function()
        for i = 1, 5 do channel:send(i) sent = i end
        channel:close()
      end)
      settle()
      assert.equal(2, sent)
      local got = {}
      for value in channel do got[#got + 1] = value end
      assert.same({ 1, 2, 3, 4, 5 }, got)
      sender:wait()
      assert.is_nil(channel:receive())
      assert.equal("closed", select(2, rille.try(channel.send, channel, 1)).code)
    end)

    it("meets at a channel without capacity", function()
      local channel = rille.channel()
      local events, note = recorder()
      local sender = rille.spawn(function() channel:send "x" note "sent" end)
      rille.sleep(0)
      assert.same({}, events)
      assert.equal("x", channel:receive())
      sender:wait()
      assert.same({ "sent" }, events)
    end)
  end)
end)

describe("waiting", function()
  local function waits_for_it(f)
    local task = rille.spawn(f)
    return task:wait()
  end

  it("works inside pcall, xpcall, iterators, metamethods and __close", function()
    local seen = {}
    local function note(name) rille.sleep(0) seen[#seen + 1] = name return name end
    waits_for_it(function()
      pcall(note, "pcall")
      pcall(pcall, note, "pcall in pcall")
      xpcall(note, function() end, "xpcall")
      for name in function(_, last) if not last then return note "iterator" end end do assert.equal("iterator", name) end
      local object = setmetatable({}, {
        __index = function(_, key) return note(key) end,
        __call = function() return note "__call" end,
        __concat = function() return note "__concat" end,
        __len = function() note "__len" return 1 end,
        __eq = function() note "__eq" return true end,
        __lt = function() note "__lt" return true end,
        __newindex = function() note "__newindex" end,
        __unm = function() return note "__unm" end,
      })
      local _ = object.__index
      object()
      _ = object .. "x"
      _ = #object
      _ = object == setmetatable({}, getmetatable(object))
      _ = object < object
      object.x = 1
      _ = -object
      do local closing <close> = setmetatable({}, { __close = function() note "__close" end }) end -- luacheck: ignore 211
      rille.try(note, "try")
      rille.timeout(5, note, "timeout")
    end)
    assert.same({ "pcall", "pcall in pcall", "xpcall", "iterator", "__index", "__call", "__concat", "__len", "__eq", "__lt",
      "__newindex", "__unm", "__close", "try", "timeout" }, seen)
  end)

  describe("inside a coroutine of the program's own", function()
    it("suspends the task, not the coroutine", function()
      local values = waits_for_it(function()
        local list = {}
        local producer = coroutine.wrap(function(first)
          list[#list + 1] = first
          for i = 1, 3 do
            rille.sleep(0)
            local given = coroutine.yield(i)
            list[#list + 1] = given
          end
          return "end"
        end)
        local function note(value) list[#list + 1] = value end
        note(producer "start")
        for i = 1, 3 do note(producer("resumed " .. i)) end
        return list
      end)
      assert.same({ "start", 1, "resumed 1", 2, "resumed 2", 3, "resumed 3", "end" }, values)
    end)

    it("works through several levels, with resume and status as the manual says", function()
      waits_for_it(function()
        local outer = coroutine.create(function()
          local inner = coroutine.create(function()
            rille.sleep(0)
            coroutine.yield "inner"
            error("failed", 0)
          end)
          assert.same({ true, "inner" }, { coroutine.resume(inner) })
          assert.equal("suspended", coroutine.status(inner))
          assert.same({ false, "failed" }, { coroutine.resume(inner) })
          assert.equal("dead", coroutine.status(inner))
          assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(inner) })
          coroutine.yield "outer"
        end)
        assert.same({ true, "outer" }, { coroutine.resume(outer) })
        assert.same({ true }, { coroutine.resume(outer) })
        assert.equal("dead", coroutine.status(outer))
      end)
    end)

    it("raises a cancellation inside it, and runs its __close, which may wait", function()
      local events, note = recorder()
      local task = rille.spawn(function()
        local co = coroutine.wrap(function()
          local g <close> = setmetatable({}, { __close = function(_, err) -- luacheck: ignore 211
            rille.sleep(0)
            note("inner after " .. tostring(err))
          end })
          rille.sleep(100)
        end)
        local g <close> = guard(note, "outer") -- luacheck: ignore 211
        co()
      end)
      settle()
      task:cancel()
      assert.error_matches(function() task:wait() end, "cancelled")
      assert.same({ "inner after cancelled", "outer after cancelled" }, events)
    end)

    it("is told again behind a coroutine.resume that caught a cancellation", function()
      local task = rille.spawn(function()
        local _, err = coroutine.resume(coroutine.create(function() rille.sleep(100) end))
        assert.equal("cancelled", err.code)
        rille.sleep(100)
        return "never"
      end)
      settle()
      task:cancel()
      assert.error_matches(function() task:wait() end, "cancelled")
    end)

    it("cannot be resumed by another task while it waits", function()
      local go = rille.event()
      local co = coroutine.create(function() go:wait() return "done" end)
      local first = rille.spawn(coroutine.resume, co)
      settle()
      assert.equal("normal", coroutine.status(co))
      assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(co) })
      go:set()
      assert.same({ true, "done" }, { first:wait() })
    end)

    it("closes with its pending values", function()
      local events, note = recorder()
      local co = coroutine.create(function()
        local g <close> = guard(note, "closed") -- luacheck: ignore 211
        coroutine.yield()
      end)
      coroutine.resume(co)
      assert.is_true(coroutine.close(co))
      assert.same({ "closed" }, events)
      assert.equal("dead", coroutine.status(co))
    end)

    it("cannot yield a task itself", function()
      assert.error_matches(function() coroutine.yield() end, "attempt to yield from outside a coroutine")
    end)
  end)

  describe("where it is impossible", function()
    local function message(f)
      local _, err = pcall(f)
      return err
    end

    it("names call, place and line: a sort comparator", function()
      local err = message(function() table.sort({ 2, 1 }, function(a, b) rille.sleep(0) return a < b end) end)
      assert.matches("cannot wait for sleep inside a table%.sort comparator, spec/rille/task_spec%.lua:%d+$", err)
    end)

    it("names a gsub callback", function()
      assert.matches("inside a string%.gsub callback", message(function() ("x"):gsub("x", function() rille.sleep(1) end) end))
    end)

    it("names __tostring", function()
      local object = setmetatable({}, { __tostring = function() rille.sleep(0) return "x" end })
      assert.matches("cannot wait for sleep inside __tostring", message(function() return tostring(object) end))
    end)

    it("looks through a coroutine that was resumed from there", function()
      local err = message(function()
        table.sort({ 2, 1 }, function(a, b)
          coroutine.wrap(function() rille.sleep(0) end)()
          return a < b
        end)
      end)
      assert.matches("inside a table%.sort comparator", err)
    end)

    it("names __close under coroutine.close", function()
      local co = coroutine.create(function()
        local g <close> = setmetatable({}, { __close = function() rille.sleep(0) end }) -- luacheck: ignore 211
        coroutine.yield()
      end)
      coroutine.resume(co)
      local ok, err = coroutine.close(co)
      assert.is_false(ok)
      assert.matches("cannot wait for sleep inside __close run by coroutine%.close", err)
    end)

    it("arms nothing: no timer is left behind", function()
      message(function() table.sort({ 2, 1 }, function(a, b) rille.sleep(60) return a < b end) end)
    end)
  end)
end)

describe("a task cancelled at each of its waits in turn", function()
  -- Waits in every way there is; `n` counts them.
  local function scenario(open, note)
    local lock = rille.lock()
    local g <close> = open(note, "outer", 0) -- luacheck: ignore 211
    rille.sleep(0)
    pcall(function()
      local h <close> = open(note, "inner", 0) -- luacheck: ignore 211
      rille.sleep(0)
    end)
    rille.all(function() rille.sleep(0) end, function() rille.sleep(0) rille.sleep(0) end)
    lock:with(function() rille.sleep(0) end)
    rille.race(function() rille.sleep(0) end, function() rille.sleep(0) rille.sleep(0) end)
    coroutine.wrap(function()
      local i <close> = open(note, "coroutine", 0) -- luacheck: ignore 211
      rille.sleep(0)
    end)()
    rille.timeout(10, function() rille.sleep(0) end)
    for _, value in pairs(rille.map({ 1, 2 }, function(x) rille.sleep(0) return x end)) do assert(value) end
    return "done"
  end

  it("always unwinds, closes what it opened, and leaves nothing", function()
    local steps, most = 0, 0
    while true do
      local opened, closed = 0, 0
      local function open(...)
        opened = opened + 1
        return guard(...)
      end
      local task = rille.spawn(function() return scenario(open, function() closed = closed + 1 end) end)
      for _ = 1, steps do rille.sleep(0) end
      task:cancel()
      local ok, err = pcall(task.wait, task)
      if ok then
        assert.equal("done", err)
        break
      end
      assert.equal("cancelled", err.code)
      assert.is_true(opened == 0 or closed > 0, ("step %d: %d of %d closed"):format(steps, closed, opened))
      most = math.max(most, closed)
      steps = steps + 1
      assert.is_true(steps < 200)
    end
    assert.is_true(steps > 10)
    assert.is_true(most > 1)
  end)
end)

describe("many tasks", function()
  it("are spawned and waited for with flat memory", function()
    local function burst()
      for _ = 1, 25000 do rille.spawn(function() end):wait() end
      collectgarbage()
      return collectgarbage "count"
    end
    burst()
    local before = burst()
    local after
    for _ = 1, 3 do after = burst() end
    assert.is_true(after < before * 1.1, ("%.0f KiB grew to %.0f KiB"):format(before, after))
  end)
end)
