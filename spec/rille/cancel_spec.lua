-- runtime/vm/task/task.c, runtime/vm/task/scope.c, runtime/bind/core/task.c
local rille = require "rille"
local native = require "rille.native.core"
local testing = require "rille.testing"
local descriptors = require "spec.support.descriptors"

-- A handler that waits for everything there is, cancelled at its first wait, at its second, and so on, until it gets through.
describe("a handler cancelled at each of its waits in turn", function()
  local insert = "INSERT INTO posts(title, text, owner, editor) VALUES ('t', 'x', 'o', 'o')"

  local function world()
    local w = { db = testing.database "app/migrations", semaphore = rille.semaphore(2), there = rille.channel(),
      back = rille.channel(), fake = testing.mock(), opened = 0, closed = 0 }
    w.fake:on("GET", "http://api.test/", { delay = 0.001, body = "answer" })
    w.peer = rille.spawn(function()
      for value in w.there do
        rille.sleep(0.001)
        w.back:send(value .. " back")
      end
    end)
    return w
  end

  local function guard(w)
    w.opened = w.opened + 1
    return setmetatable({}, { __close = function()
      w.closed = w.closed + 1
      rille.sleep(0) -- cleanup may wait
    end })
  end

  local function handler(w)
    local outer <close> = guard(w) -- luacheck: ignore 211
    rille.sleep(0.001)
    w.there:send "there and"
    local answer = w.back:receive()
    w.semaphore:with(function()
      local held <close> = guard(w) -- luacheck: ignore 211
      w.db:transaction(function(tx)
        local inner <close> = guard(w) -- luacheck: ignore 211
        tx:exec(insert)
        answer = answer .. " " .. rille.fetch("http://api.test/"):text()
        tx:transaction(function(nested) nested:exec(insert) end)
        answer = answer .. " " .. rille.offload("spec.support.offloaded", "add", 1, 2)
      end)
    end)
    local _, timeout = rille.try(rille.timeout, 0.001, rille.sleep, 100)
    return answer .. " " .. timeout.code
  end

  -- How often the task has waited, or nil once it has ended.
  local function waits_of(id)
    for _, task in ipairs(native.tasks()) do
      if task.id == id then return task.count, task.waits end
    end
  end

  -- Runs it up to its n-th wait and cancels it there; returns how it ended, and what it waited for.
  local function run(w, n)
    local id
    local task = rille.spawn(function()
      id = native.current_task_id()
      return handler(w)
    end)
    local name
    repeat
      rille.sleep(0)
      local count, what = waits_of(id)
      name = what or name
      if count and count >= n and what then
        task:cancel()
        break
      end
    until task.status ~= "running"
    return { pcall(task.wait, task) }, name
  end

  it("leaves no task, gives its permits back, rolls back what it had not committed, and closes what it had opened", function()
    local names, n, ended = {}, 0
    rille.map(rille.array { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, function() rille.offload("spec.support.offloaded", "sleeps", 0.02) end)
    local before = descriptors() -- each thread of the pool has its state now
    repeat
      n = n + 1
      local w = world()
      local name
      ended, name = run(w, n)
      local where = ("wait %d, %s"):format(n, tostring(name))
      names[name or "none"] = true
      if not ended[1] then assert.equal("cancelled", ended[2].code, where) end
      assert.equal(w.opened, w.closed, where)
      assert.is_nil(w.db:open_transaction(), where)
      local count = rille.timeout(5, w.db.value, w.db, "SELECT count(*) FROM posts")
      assert.is_true(count == 0 or count == 2, where .. ": " .. count)
      if ended[1] then assert.equal(2, count) end
      assert.equal(1, w.db:exec(insert).changes, where)
      rille.timeout(5, w.semaphore.with, w.semaphore, function()
        w.semaphore:with(function() end) -- both permits
      end)
      w.peer:cancel()
      pcall(w.peer.wait, w.peer)
      w.db:close()
      w.fake:close()
    until ended[1]
    assert.equal("there and back answer 3 timeout", ended[2])
    for _, name in ipairs { "sleep", "a channel", "db:begin", "db:exec", "tx:transaction", "tx:commit",
      "offload" } do
      assert.is_true(names[name] or false, name .. " was never cancelled")
    end
    assert.is_true(n > 12, n .. " waits")
    local after = descriptors()
    assert.is_true(after <= before, ("%d descriptors, %d before"):format(after, before))
  end)
end)
