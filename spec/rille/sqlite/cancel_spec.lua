-- runtime/bind/data/pending.c and runtime/data/op.c:
-- A write whose task is cancelled: one that has not begun is dropped, one that has is finished and its caller
-- learns of that, and the cancellation is raised at the next wait. Never is somebody told "cancelled" of what was written.
-- runtime/bind/data/pending.c, runtime/bind/data/transaction.c
-- runtime/data/op.c
local rille = require "rille"
local settle = require "spec.support.settle"
local scratch = require "spec.support.scratch"
local testing = require "rille.testing"

describe("a write whose task is cancelled", function()
  local files, db
  setup(function() files = scratch.new() end)
  teardown(function() files:close() end)
  before_each(function()
    for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(files:path("x.db" .. suffix)) end
    db = rille.sqlite.open(files:path "x.db")
    db:exec "CREATE TABLE t(v)"
  end)
  after_each(function() db:close() end)

  local function count() return db:value "SELECT count(*) FROM t" end
  local function many(n)
    return ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t SELECT i FROM n")
      :format(n)
  end

  -- Runs f in a task that is cancelled a little later, again and again until f had begun its write by then; gives what the
  -- task said. `done` says whether there is anything of it.
  local function cancel_once_begun(f, done)
    for try = 1, 60 do
      local task = rille.spawn(f)
      rille.sleep(0.002 * try)
      task:cancel()
      local results = table.pack(rille.try(task.wait, task))
      if results[1] ~= nil then return table.unpack(results, 1, results.n) end
      assert.equal("cancelled", results[2].code)
      assert.is_false(done(), "told 'cancelled', and yet it was done")
    end
    error "it was never begun in time"
  end
  local function any() return count() > 0 end

  -- What follows a write in the same task: its outcome, and what the next wait says.
  local function then_wait(write)
    return function()
      local outcome = write()
      local _, err = pcall(rille.sleep, 0)
      return outcome, err
    end
  end

  describe("and has begun gives its outcome, and the next wait is cancelled:", function()
    local writes = {
      ["db:exec"] = function() return db:exec(many(100000)).changes end,
      ["db:value with RETURNING"] = function() return db:value(many(100000) .. " RETURNING 100000") end,
      ["db:batch"] = function() return db:batch({ { many(50000) }, { many(50000) } }).changes end,
      ["several statements"] = function() return db:exec(many(50000) .. "; " .. many(50000)).changes end,
    }
    for name, write in pairs(writes) do
      it(name, function()
        local outcome, err = cancel_once_begun(then_wait(write), any)
        assert.equal(100000, outcome)
        assert.equal("cancelled", err.code)
        assert.equal(100000, count())
      end)
    end

    it("tx:exec, whose transaction is rolled back then", function()
      local outcome
      for try = 1, 60 do
        outcome = nil
        local task = rille.spawn(db.transaction, db, function(tx) outcome = tx:exec(many(50000)).changes end)
        rille.sleep(0.002 * try)
        task:cancel()
        local ok = pcall(task.wait, task)
        assert.equal(ok and 50000 or 0, count())
        if outcome then break end
      end
      assert.equal(50000, outcome)
    end)

    it("db:migrate", function()
      files:write("m/1.sql", "CREATE TABLE a(x);" .. many(50000))
      files:write("m/2.sql", many(50000))
      local outcome, err = cancel_once_begun(then_wait(function() return db:migrate(files:path "m") end), any)
      assert.equal(2, outcome)
      assert.equal("cancelled", err.code)
      assert.equal(100000, count())
      assert.equal(2, db:value "SELECT count(*) FROM rille_migrations")
    end)

    it("db:backup", function()
      db:exec(many(100000))
      local copy = files:path "copy.db"
      local outcome, err = cancel_once_begun(then_wait(function() return db:backup(copy) or true end), function()
        return files:read "copy.db" ~= nil
      end)
      assert.is_truthy(outcome)
      assert.equal("cancelled", err.code)
      local other <close> = rille.sqlite.open(copy)
      assert.equal(100000, other:value "SELECT count(*) FROM t")
    end)
  end)

  describe("is told what is so, whenever its time is up:", function()
    -- A write of one row takes about as long as these: some are dropped, some are written.
    local function each_moment(write)
      local written = 0
      for i = 1, 60 do
        local ok, err = pcall(rille.timeout, i / 20000, write, i)
        if not ok then assert.equal("timeout", err.code) end
        written = written + (ok and 1 or 0)
        assert.equal(written, count(), ok and "told 'written'" or "told 'timeout'")
      end
    end

    it("db:exec", function()
      each_moment(function(i) return db:exec("INSERT INTO t VALUES (?)", i) end)
    end)

    it("db:batch", function()
      each_moment(function(i) return db:batch { { "INSERT INTO t VALUES (?)", i }, { "DELETE FROM t WHERE v = 'none'" } } end)
    end)

    it("db:transaction, its commit included", function()
      each_moment(function(i)
        return db:transaction(function(tx) return tx:exec("INSERT INTO t VALUES (?)", i) end)
      end)
    end)

    it("tx:commit by hand", function()
      each_moment(function(i)
        local tx <close> = db:begin()
        tx:exec("INSERT INTO t VALUES (?)", i)
        tx:commit()
      end)
    end)
  end)

  describe("by whatever ends it:", function()
    it("a group's failure", function()
      for try = 1, 40 do
        local outcome
        local before = count()
        pcall(rille.group, function(g)
          g:spawn(function() outcome = db:exec(many(20000)).changes end)
          g:spawn(function() rille.sleep(0.001 * try) error "failed" end)
        end)
        assert.equal(before + (outcome or 0), count())
        if outcome then return end
      end
      error "it was never begun in time"
    end)

    it("a client that leaves", function()
      local app, ended = rille.app(), rille.event()
      local outcome, after
      app:post("/", function()
        outcome = select(2, pcall(db.exec, db, many(100000)))
        after = select(2, pcall(rille.sleep, 60)) or "slept"
        ended:set()
        return "done"
      end)
      local server = testing.server(app)
      pcall(rille.fetch, server.url, { method = "POST", timeout = 0.02 })
      ended:wait()
      local written = type(outcome) == "table" and outcome.changes or 0
      assert.equal(written, count())
      assert.equal("cancelled", after.code)
    end)

    it("a signal", function()
      files:write("writer.lua", ([[
        local rille = require "rille"
        local db <close> = rille.sqlite.open "x.db"
        io.open("started", "w"):write("yes"):close()
        local ok, done = pcall(db.exec, db, "%s")
        print(ok and done.changes or done.code)
        print(select(2, pcall(rille.sleep, 60)).code)
      ]]):format(many(400000)))
      local said = files:run("sh", "-c", files.rille .. " run writer.lua & n=0; "
        .. "until [ -s started ] || [ $n -gt 2000 ]; do n=$((n + 1)); sleep 0.01; done; "
        .. "sleep 0.1; kill -TERM $!; wait $!")
      local first, second = said:match "^(%S+)\n(%S+)"
      assert.equal(tonumber(first) or 0, count(), said)
      assert.equal("cancelled", second)
    end)
  end)

  describe("and has not begun is dropped:", function()
    -- While somebody else has a transaction.
    local function meanwhile(f)
      local inside, go = rille.event(), rille.event()
      local holder = rille.spawn(db.transaction, db, function(tx)
        tx:exec "INSERT INTO t VALUES ('holder')"
        inside:set()
        go:wait()
      end)
      inside:wait()
      local task = rille.spawn(f)
      settle()
      task:cancel()
      local _, err = rille.try(task.wait, task)
      assert.equal("cancelled", err.code)
      go:set()
      holder:wait()
      assert.equal("holder", db:value "SELECT group_concat(v) FROM t")
    end

    it("db:exec", function() meanwhile(function() db:exec "INSERT INTO t VALUES (1)" end) end)
    it("db:batch", function() meanwhile(function() db:batch { { "INSERT INTO t VALUES (1)" } } end) end)
    it("db:begin", function() meanwhile(function() db:begin() end) end)
    it("db:transaction", function()
      meanwhile(function() db:transaction(function(tx) tx:exec "INSERT INTO t VALUES (1)" end) end)
    end)
    it("db:migrate", function()
      files:write("one/1.sql", "INSERT INTO t VALUES (1)")
      meanwhile(function() db:migrate(files:path "one") end)
    end)
    it("db:backup", function()
      meanwhile(function() db:backup(files:path "never.db") end)
      assert.is_nil(files:read "never.db")
    end)
  end)

  it("leaves the worker alone: many of them, of every kind, at random", function()
    local seed = os.time()
    math.randomseed(seed)
    local told, mistakes = 0, 0
    for _ = 1, 10 do
      local tasks = {}
      for i = 1, 20 do
        tasks[i] = rille.spawn(function()
          if i % 4 == 0 then
            db:transaction(function(tx) tx:exec "INSERT INTO t VALUES (1)" if i % 8 == 0 then rille.sleep(0.001) end end)
          elseif i % 4 == 1 then db:batch { { "INSERT INTO t VALUES (1)" } }
          else db:exec "INSERT INTO t VALUES (1)" end
          return "written"
        end)
      end
      rille.sleep(math.random() / 500)
      for i = 1, 20 do
        if math.random() < 0.6 then tasks[i]:cancel() end
      end
      for i = 1, 20 do
        local said, err = rille.try(tasks[i].wait, tasks[i])
        if said then told = told + 1 elseif err.code ~= "cancelled" then mistakes = mistakes + 1 end
      end
    end
    assert.same({ 0, told }, { mistakes, count() }, "seed " .. seed)
  end)
end)

describe("a read that another task waits for", function()
  -- It would go on for ever, and the worker would wait for it.
  it("ends when its database is closed", function()
    local files <close> = scratch.new()
    local db = rille.sqlite.open(files:path "x.db")
    local task = rille.spawn(db.value, db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
    settle()
    db:close()
    local _, err = rille.try(task.wait, task)
    assert.equal("closed", err.code)
    assert.matches("^the database was closed", err.message)
  end)
end)
