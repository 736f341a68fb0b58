-- Threads that a program has seen: they are its own, and may be asked about for as long as it likes.
-- runtime/vm/task/coroutine.c
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

describe("the thread of a task", function()
  it("is dead once its task has ended, however many there were and whatever ran since", function()
    local saved = {}
    for round = 1, 2 do
      rille.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(i)
        saved[round * 10 + i] = coroutine.running()
        rille.sleep(0)
      end)
    end
    rille.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function() rille.sleep(0) end)
    collectgarbage()
    for _, co in pairs(saved) do
      assert.equal("dead", coroutine.status(co))
      assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
      assert.is_true(coroutine.close(co))
      assert.is_boolean(coroutine.isyieldable(co))
      assert.equal("stack traceback:", debug.traceback(co))
    end
  end)

  it("is dead too where its task was cancelled or failed", function()
    local saved, tasks = {}, {}
    tasks[1] = rille.spawn(function() saved[1] = coroutine.running() rille.sleep(60) end)
    tasks[2] = rille.spawn(function() saved[2] = coroutine.running() error "failed" end)
    rille.sleep(0)
    tasks[1]:cancel()
    for _, task in ipairs(tasks) do pcall(task.wait, task) end
    for i = 1, 2 do assert.equal("dead", coroutine.status(saved[i])) end
  end)

  it("cannot be closed or resumed by another task while it runs or waits", function()
    local thread
    local task = rille.spawn(function() thread = coroutine.running() rille.sleep(0) return "its result" end)
    rille.sleep(0)
    assert.equal("normal", coroutine.status(thread))
    assert.is_false((pcall(coroutine.close, thread)))
    assert.is_false((coroutine.resume(thread)))
    assert.equal("its result", task:wait())
  end)

  it("is not that of a later task, so that what is kept under coroutine.running() stays with its request", function()
    local app = rille.app()
    local current = setmetatable({}, { __mode = "k" })
    app:get("/login", function(req)
      current[coroutine.running()] = req.query.name
      return current[coroutine.running()]
    end)
    app:get("/me", function() return tostring(current[coroutine.running()]) end)
    app:get("/other", function() return "seen by nobody" end)
    local client = testing.client(app)
    for _ = 1, 20 do
      assert.equal("ada", client:get("/login?name=ada"):text())
      client:get "/other"
      assert.equal("nil", client:get("/me"):text())
    end
  end)

  it("is not that of a later task where only a strand or a finalizer has seen it", function()
    local seen = {}
    local function remember() seen[coroutine.running()] = true end
    for _ = 1, 5 do
      rille.spawn(function()
        setmetatable({}, { __gc = remember }) -- luacheck: ignore
        for _ = 1, 3 do collectgarbage() end
      end):wait()
    end
    for _ = 1, 50 do
      rille.spawn(function() assert.is_nil(seen[coroutine.running()]) end):wait()
    end
  end)

  it("is used by no second task once the program has asked for the registry", function()
    local script = [[
      local rille = require "rille"
      local registry, threads = debug.getregistry(), {}
      for _ = 1, 20 do
        local id
        rille.spawn(function()
          for _, value in pairs(registry) do
            if type(value) == "thread" and coroutine.status(value) == "running" then id = value end
          end
        end):wait()
        assert(id and not threads[id], "a thread was used twice")
        threads[id] = true
      end
      print "each its own"
    ]]
    local files <close> = scratch.new()
    assert.equal("each its own\n", files:run(files.rille, "run", files:write("threads.lua", script)))
  end)
end)
