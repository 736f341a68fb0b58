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
end)
