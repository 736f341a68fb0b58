-- runtime/bind/data/transaction.c, runtime/bind/data/pending.c
-- runtime/data/op.c
-- runtime/data/sqlite/{interactive,writer,batch}.c, runtime/data/transaction.c and runtime/bind/data/transaction.c.
local rille = require "rille"
local settle = require "spec.support.settle"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

-- A task of its own for each step: a transaction's own task may not use the database beside it.
local function meanwhile(f, ...) return rille.spawn(f, ...) end

describe("a database", function()
  local files, db
  setup(function() files = scratch.new() end)
  teardown(function() files:close() end)
  before_each(function()
    os.remove(files:path "x.db")
    os.remove(files:path "x.db-wal")
    os.remove(files:path "x.db-shm")
    db = rille.sqlite.open(files:path "x.db")
    db:exec "CREATE TABLE t(id INTEGER PRIMARY KEY, v)"
  end)
  after_each(function() db:close() end)

  local function insert(v) return db:exec("INSERT INTO t(v) VALUES (?)", v) end
  local function values() return db:value "SELECT group_concat(v, ' ') FROM (SELECT v FROM t ORDER BY id)" end

  describe("in a transaction", function()
    it("keeps all of it, and gives what the function returns", function()
      assert.same({ n = 3, "x", nil, 2 }, table.pack(db:transaction(function(tx)
        tx:exec("INSERT INTO t(v) VALUES (?)", "a")
        assert.equal(2, tx:value("INSERT INTO t(v) VALUES (?) RETURNING id", "b"))
        assert.same({ { v = "a" }, { v = "b" } }, tx:query "SELECT v FROM t ORDER BY id")
        for row in tx:rows "SELECT v FROM t WHERE id = 1" do assert.equal("a", row.v) end
        return "x", nil, 2
      end)))
      assert.equal("a b", values())
    end)

    for name, value in pairs { ["a string"] = "boom", ["an error value"] = rille.error(409, "taken"), ["false"] = false } do
      it("keeps nothing after an error, which is raised as the " .. name .. " it was", function()
        local _, err = pcall(db.transaction, db, function(tx)
          tx:exec "INSERT INTO t(v) VALUES ('lost')"
          error(value, 0)
        end)
        assert.equal(value, err)
        assert.is_nil(values())
        insert "next"
        assert.equal("next", values())
      end)
    end

    it("keeps nothing after a statement that failed, where nobody caught that", function()
      assert.has_error(function()
        db:transaction(function(tx)
          tx:exec "INSERT INTO t(v) VALUES ('lost')"
          tx:exec "INSERT INTO nowhere VALUES (1)"
        end)
      end)
      assert.is_nil(values())
    end)

    it("keeps nothing when its task is cancelled", function()
      local inside = rille.event()
      local task = meanwhile(db.transaction, db, function(tx)
        tx:exec "INSERT INTO t(v) VALUES ('lost')"
        inside:set()
        rille.sleep(100)
      end)
      inside:wait()
      task:cancel()
      assert.error_matches(function() task:wait() end, "cancelled")
      insert "next"
      assert.equal("next", values())
    end)

    it("keeps nothing when its time is up", function()
      local clock = testing.clock()
      local task = meanwhile(rille.timeout, 2, db.transaction, db, function(tx)
        tx:exec "INSERT INTO t(v) VALUES ('lost')"
        rille.sleep(100)
      end)
      clock:advance(3)
      assert.equal("timeout", select(2, rille.try(task.wait, task)).code)
      assert.is_nil(values())
    end)

    it("is seen by nobody else before it is committed", function()
      local inside, go = rille.event(), rille.event()
      local task = meanwhile(db.transaction, db, function(tx)
        tx:exec "INSERT INTO t(v) VALUES ('new')"
        inside:set()
        go:wait()
      end)
      inside:wait()
      assert.equal(0, db:value "SELECT count(*) FROM t")
      go:set()
      task:wait()
      assert.equal(1, db:value "SELECT count(*) FROM t")
    end)

    it("makes others wait, in the order in which they came", function()
      local inside, go = rille.event(), rille.event()
      local first = meanwhile(db.transaction, db, function(tx)
        tx:exec "INSERT INTO t(v) VALUES ('1')"
        inside:set()
        go:wait()
        tx:exec "INSERT INTO t(v) VALUES ('1')"
      end)
      inside:wait()
      local second = meanwhile(db.transaction, db, function(tx) tx:exec "INSERT INTO t(v) VALUES ('2')" end)
      settle()
      local third = meanwhile(insert, "3")
      settle()
      go:set()
      for _, task in ipairs { first, second, third } do task:wait() end
      assert.equal("1 1 2 3", values())
    end)

    it("raises where the database's own methods are used instead of its own, in tasks it spawned too", function()
      db:transaction(function(tx)
        for _, method in ipairs { "query", "one", "value", "exec", "batch", "begin" } do
          assert.error_matches(function() db[method](db, "SELECT 1") end, "inside a transaction its own methods are used")
        end
        local _, err = rille.try(function() return meanwhile(db.query, db, "SELECT 1"):wait() end)
        assert.matches("inside a transaction", tostring(err))
        assert.equal(1, tx:value "SELECT 1")
      end)
      assert.equal(1, db:value "SELECT 1")
    end)

    it("has savepoints: what fails inside is undone alone", function()
      db:transaction(function(tx)
        tx:exec "INSERT INTO t(v) VALUES ('kept')"
        pcall(tx.transaction, tx, function(inner)
          inner:exec "INSERT INTO t(v) VALUES ('lost')"
          error "inside"
        end)
        assert.equal("result", tx:transaction(function(inner)
          inner:exec "INSERT INTO t(v) VALUES ('too')"
          return "result"
        end))
      end)
      assert.equal("kept too", values())
    end)

    it("refuses a function that is none, and what must run alone", function()
      assert.error_matches(function() db:transaction "x" end, "a function%(tx%) was expected")
      local _, err = pcall(db.transaction, db, function(tx) tx:exec("VACUUM") end)
      assert.matches("outside a transaction", tostring(err))
    end)

    it("whose statement rolled it back says so, and commits nothing", function()
      db:exec "CREATE TABLE u(a UNIQUE)"
      local _, err = pcall(db.transaction, db, function(tx)
        tx:exec "INSERT INTO u VALUES (1)"
        pcall(tx.exec, tx, "INSERT OR ROLLBACK INTO u VALUES (1)")
        tx:exec "INSERT INTO u VALUES (2)"
      end)
      assert.matches("rolled back by a statement of its own", tostring(err))
      assert.equal(0, db:value "SELECT count(*) FROM u")
    end)
  end)

  describe("begin", function()
    it("gives a transaction that commit keeps", function()
      do
        local tx <close> = db:begin()
        tx:exec "INSERT INTO t(v) VALUES ('kept')"
        tx:commit()
        assert.error_matches(function() tx:exec "SELECT 1" end, "the transaction has ended")
        assert.error_matches(function() tx:commit() end, "the transaction has ended")
      end
      assert.equal("kept", values())
    end)

    it("gives one that is rolled back where its variable ends without commit", function()
      do
        local tx <close> = db:begin()
        tx:exec "INSERT INTO t(v) VALUES ('lost')"
      end
      assert.is_nil(values())
      local tx = db:begin()
      tx:exec "INSERT INTO t(v) VALUES ('lost')"
      tx:rollback()
      assert.is_nil(values())
    end)

    it("waits its turn, and gives its turn up when it is cancelled", function()
      local tx <close> = db:begin()
      tx:exec "INSERT INTO t(v) VALUES ('first')"
      local other = rille.sqlite.open(files:path "x.db") -- another handle of the same writer
      local waiting = meanwhile(function() return other:begin() end)
      rille.sleep(0)
      assert.equal("running", waiting.status)
      waiting:cancel()
      assert.error_matches(function() waiting:wait() end, "cancelled")
      tx:commit()
      other:exec "INSERT INTO t(v) VALUES ('second')"
      other:close()
      assert.equal("first second", values())
    end)
  end)

  describe("that its task leaves open", function()
    local native = require "rille.native.core"

    -- The runner fails a test that leaves one: here that is what is looked for.
    local function forget() db:take_left() end

    for how, f in pairs {
      ["by returning"] = function() end,
      ["by an error"] = function() error "failed" end,
      ["by being cancelled"] = function() rille.sleep(60) end,
    } do
      it("is rolled back " .. how .. ", though a handle of it is kept, with the line of begin in the log", function()
        local kept, begun = nil, rille.event()
        native.take_log()
        local task = meanwhile(function()
          kept = db:begin()
          kept:exec "INSERT INTO t(v) VALUES ('lost')"
          begun:set()
          f()
        end)
        begun:wait()
        if how == "by being cancelled" then task:cancel() end
        pcall(task.wait, task)
        insert "next" -- nobody waits for ever
        assert.equal("next", values())
        assert.matches("spec/rille/sqlite/transaction_spec.lua:", native.take_log(), 1, true)
        assert.error_matches(function() kept:exec "INSERT INTO t(v) VALUES ('late')" end,
          "the transaction has ended, with the task that began it")
        kept:close()
        forget()
      end)
    end

    it("is rolled back though it is inside tx:transaction, and though its children used it", function()
      local task = meanwhile(function()
        local tx = db:begin()
        tx:savepoint "save"
        meanwhile(function() tx:exec "INSERT INTO t(v) VALUES ('lost')" end):wait()
      end)
      task:wait()
      insert "next"
      assert.equal("next", values())
      forget()
    end)

    it("is rolled back when it is a request's, and the next request writes", function()
      local app = rille.app()
      app:post("/leak", function()
        app.state.tx = db:begin()
        app.state.tx:exec "INSERT INTO t(v) VALUES ('lost')"
        return "leaked"
      end)
      app:post("/write", function() insert "next" return "written" end)
      app:post("/use", function() app.state.tx:commit() return "committed" end)
      local client = testing.client(app)
      native.take_log()
      assert.equal("leaked", client:post("/leak"):text())
      assert.equal("written", client:post("/write"):text())
      assert.equal(500, client:post("/use").status)
      assert.matches("the transaction has ended, with the task that began it", native.take_log(), 1, true)
      assert.equal("next", values())
      forget()
    end)

    it("is rolled back when it is collected, and says so", function()
      native.take_log()
      db:begin():exec "INSERT INTO t(v) VALUES ('lost')"
      collectgarbage()
      collectgarbage()
      insert "next"
      assert.equal("next", values())
      assert.matches("let go of without an end", native.take_log(), 1, true)
    end)
  end)

  describe("that is idle", function()
    local native = require "rille.native.core"

    -- Rolled back, though its task goes on.
    local function hold(f)
      local inside, go = rille.event(), rille.event()
      local task = meanwhile(db.transaction, db, function(tx)
        tx:exec "INSERT INTO t(v) VALUES ('lost')"
        inside:set()
        go:wait()
        f(tx)
      end)
      inside:wait()
      return task, go
    end

    it("for 5 seconds is rolled back, and says so where it is used next", function()
      local clock = testing.clock()
      for _, f in ipairs { function(tx) tx:exec "DELETE FROM t" end, function() end,
        function(tx) tx:transaction(function() end) end } do
        native.take_log()
        local task, go = hold(f)
        clock:advance(4.9)
        assert.equal("", native.take_log())
        clock:advance(0.2)
        assert.matches("idle for too long, and was rolled back begun_at=spec/rille/sqlite/transaction_spec.lua:%d+",
          native.take_log())
        insert "next"
        go:set()
        assert.error_matches(function() task:wait() end,
          "^the transaction begun at spec/rille/sqlite/transaction_spec.lua:%d+ was idle for 5 s and was rolled back: ")
        assert.equal("next", values())
        db:exec "DELETE FROM t"
      end
    end)

    it("between its statements for less is kept, as long as it takes in all", function()
      local clock = testing.clock()
      local task = meanwhile(db.transaction, db, function(tx)
        for i = 1, 4 do
          tx:exec("INSERT INTO t(v) VALUES (?)", i)
          tx:transaction(function() rille.sleep(3) end)
        end
      end)
      clock:advance(13)
      task:wait()
      assert.equal("1 2 3 4", values())
    end)

    it("may be so for as long as its database was opened with", function()
      for limit, fails in pairs { [0] = false, [60] = false, [1] = true } do
        local other <close> = rille.sqlite.open(files:path "x.db", { idle_timeout = limit })
        local clock = testing.clock()
        local task = meanwhile(other.transaction, other, function() rille.sleep(30) end)
        clock:advance(31)
        assert.equal(not fails, (pcall(task.wait, task)), limit)
        clock:close()
      end
    end)

    it("is named by who waits for it, with how long", function()
      local task, go = hold(function() end)
      local err = select(2, pcall(rille.timeout, 0.01, insert, "1"))
      assert.matches("begun at spec/rille/sqlite/transaction_spec.lua:%d+, open for %d+.%d s, without a statement for %d+.%d s",
        err.message)
      go:set()
      task:wait()
    end)
  end)

  describe("that others wait for", function()
    local function hold()
      local inside, go = rille.event(), rille.event()
      local task = meanwhile(db.transaction, db, function()
        inside:set()
        go:wait()
      end)
      inside:wait()
      return function() go:set() task:wait() end
    end

    it("is named by the tree of tasks", function()
      local let_go = hold()
      local waiting = meanwhile(insert, "1")
      settle()
      local said
      for _, task in ipairs(rille.tasks()) do
        if task.waits and task.waits:find "^db:exec" then said = task.waits end
      end
      assert.matches("^db:exec, for the transaction begun at spec/rille/sqlite/transaction_spec.lua:%d+$", said)
      let_go()
      waiting:wait()
    end)

    it("is named by the error of who has waited long enough", function()
      local let_go = hold()
      local err = select(2, pcall(rille.timeout, 0.01, insert, "1"))
      assert.equal("timeout", err.code)
      assert.matches("waiting for the transaction begun at spec/rille/sqlite/transaction_spec.lua:%d+, open for %d", err.message)
      let_go()
      assert.equal("timed out after 0 s", select(2, pcall(rille.timeout, 0, rille.sleep, 1)).message)
    end)

    it("would be waited for by its own task for ever: that raises", function()
      local other <close> = rille.sqlite.open(files:path "x.db")
      files:write("m/1.sql", "CREATE TABLE m(a)")
      db:transaction(function(tx)
        for name, arg in pairs { exec = "DELETE FROM t", begin = "", batch = {}, migrate = files:path "m",
          backup = files:path "c.db" } do
          assert.error_matches(function() db[name](db, arg) end, "inside a transaction its own methods are used")
          assert.error_matches(function() other[name](other, arg) end, "for a transaction of its own task, begun at")
        end
        assert.equal(0, other:value "SELECT count(*) FROM t") -- a read sees what is committed
        tx:exec "INSERT INTO t(v) VALUES ('kept')"
      end)
      assert.equal("kept", values())
    end)
  end)

  it("ends once: two that end in one turn are not taken for each other", function()
    for _ = 1, 20 do
      rille.map({ 1, 2, 3, 4 }, function(i) db:transaction(function(tx) tx:exec("INSERT INTO t(v) VALUES (?)", i) end) end)
      assert.is_nil(db:open_transaction())
    end
    assert.equal(80, db:value "SELECT count(*) FROM t")
  end)

  it("cannot be ended from inside tx:transaction", function()
    local _, err = pcall(db.transaction, db, function(tx)
      tx:transaction(function(inner) inner:commit() end)
    end)
    assert.matches("tx:commit: a tx:transaction is under way in it", tostring(err), 1, true)
    insert "next"
    assert.equal("next", values())
  end)
end)
