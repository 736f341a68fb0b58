-- runtime/bind/data/{handle,database,transaction}.c and runtime/data/transaction.c:
-- Every method of every handle of a database, in every order with what closes it: each raises what is wrong, or works; none
-- touches what is gone. The sanitizers see what Lua does not.
-- runtime/bind/data/sqlite.c, runtime/bind/data/transaction.c
-- runtime/bind/data/handle.c, runtime/bind/data/database.c
local rille = require "rille"
local scratch = require "spec.support.scratch"
local settle = require "spec.support.settle"

describe("a handle of a database", function()
  local files, db
  setup(function()
    files = scratch.new()
    files:write("m/001.sql", "CREATE TABLE IF NOT EXISTS m(a)")
  end)
  teardown(function() files:close() end)
  before_each(function()
    for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(files:path("x.db" .. suffix)) end
    os.remove(files:path "copy.db")
    db = rille.sqlite.open(files:path "x.db")
    db:exec "CREATE TABLE t(id INTEGER PRIMARY KEY, v)"
    db:exec "INSERT INTO t(v) VALUES ('a'), ('b'), ('c')"
  end)
  after_each(function() db:close() end)

  local statements = {
    query = { "SELECT * FROM t" }, one = { "SELECT * FROM t" }, value = { "SELECT v FROM t" }, rows = { "SELECT * FROM t" },
    exec = { "INSERT INTO t(v) VALUES (?)", "d" }, batch = { { { "INSERT INTO t(v) VALUES (?)", "d" } } },
    transaction = { function() end },
  }
  local function with(more)
    local all = {}
    for name, args in pairs(statements) do all[name] = args end
    for name, args in pairs(more) do all[name] = args end
    return all
  end
  local function of_database()
    return with { begin = {}, migrate = { files:path "m" }, backup = { files:path "copy.db" } }
  end
  local function of_transaction() return with { commit = {}, rollback = {}, savepoint = { "save" } } end

  local function assert_each(handle, methods, message)
    for name, args in pairs(methods) do
      local ok, err = pcall(handle[name], handle, table.unpack(args))
      assert.is_false(ok, name .. " did not raise")
      assert.matches(message, tostring(err), 1, true)
      assert.matches("spec/rille/sqlite_handles_spec.lua:", tostring(err), 1, true) -- where the program stands
    end
  end

  -- Runs f while Lua collects.
  local function in_finalizer(f)
    local ran
    setmetatable({}, { __gc = function() ran = table.pack(pcall(f)) end })
    collectgarbage()
    collectgarbage()
    assert.is_truthy(ran, "the finalizer did not run")
    return table.unpack(ran, 1, ran.n)
  end

  local function still_works()
    db:exec "DELETE FROM t"
    assert.same({ changes = 1, last_id = 1 }, db:exec "INSERT INTO t(id, v) VALUES (1, 'works')")
    assert.equal("works", db:value "SELECT v FROM t")
    assert.equal("works", db:transaction(function(tx) return tx:value "SELECT v FROM t" end))
  end

  describe("that was closed", function()
    it("raises in each method, and closes again for nothing: a database", function()
      local other = rille.sqlite.open(files:path "x.db")
      other:close()
      assert_each(other, of_database(), "the database was closed")
      assert.error_matches(function() other:stats() end, "closed")
      assert.equal("database (closed)", tostring(other))
      other:close()
      still_works()
    end)

    for how, close in pairs {
      commit = function(tx) tx:commit() end, rollback = function(tx) tx:rollback() end, close = function(tx) tx:close() end,
    } do
      it("raises in each method, and closes again for nothing: a transaction, by " .. how, function()
        local tx = db:begin()
        close(tx)
        assert_each(tx, of_transaction(), "the transaction has ended")
        tx:close()
        still_works()
      end)
    end

    it("goes on with the rows that were read", function()
      local other = rille.sqlite.open(files:path "x.db")
      local next_row = other:rows "SELECT v FROM t ORDER BY id"
      assert.equal("a", next_row().v)
      other:close()
      assert.same({ "b", "c" }, { next_row().v, next_row().v })
      assert.is_nil(next_row())
    end)
  end)

  describe("whose database was closed", function()
    it("raises in each method, was rolled back, and holds nobody up: a transaction", function()
      local other <close> = rille.sqlite.open(files:path "x.db") -- the file stays open
      local tx = db:begin()
      tx:exec "DELETE FROM t"
      db:close()
      assert_each(tx, of_transaction(), "the transaction has ended: the database was closed")
      tx:close()
      assert.equal(3, other:value "SELECT count(*) FROM t")
      assert.equal(1, other:exec("DELETE FROM t WHERE id = 1").changes)
    end)

    it("raises where the database is closed while it begins", function()
      local err
      rille.all(function() err = select(2, pcall(db.begin, db)) end, function() db:close() end)
      assert.matches("the database was closed", tostring(err), 1, true)
    end)

    it("raises where it is closed by somebody else between two statements, and inside tx:transaction", function()
      local closed, go = rille.event(), rille.event()
      local errors = {}
      local task = rille.spawn(function()
        errors[1] = select(2, pcall(db.transaction, db, function(tx)
          errors[2] = select(2, pcall(tx.transaction, tx, function(inner)
            go:set()
            closed:wait()
            inner:exec "DELETE FROM t"
          end))
          tx:exec "DELETE FROM t"
        end))
      end)
      go:wait()
      db:close()
      closed:set()
      task:wait()
      for _, err in ipairs(errors) do assert.matches("the database was closed", tostring(err), 1, true) end
    end)

    it("gets the answer of what it had sent", function()
      local task = rille.spawn(db.exec, db, "INSERT INTO t(v) VALUES ('sent')")
      rille.spawn(function() db:close() end):wait()
      assert.equal(1, task:wait().changes)
    end)
  end)

  describe("used from another task", function()
    it("raises in each method, and says where it was begun: a transaction", function()
      local begun, go, tx = rille.event(), rille.event(), nil
      local holder = rille.spawn(function()
        local mine <close> = db:begin()
        tx = mine
        begun:set()
        go:wait()
        mine:exec "DELETE FROM t WHERE id = 1"
        mine:commit()
      end)
      begun:wait()
      assert_each(tx, of_transaction(),
        "the transaction belongs to another task, which began it at spec/rille/sqlite_handles_spec.lua:")
      go:set()
      holder:wait()
      assert.equal(2, db:value "SELECT count(*) FROM t")
    end)

    it("is its task's children's too, and theirs", function()
      local tx <close> = db:begin()
      rille.map({ 1, 2, 3 }, function(i)
        return rille.spawn(function() tx:exec("UPDATE t SET v = ? WHERE id = ?", i, i) end):wait()
      end)
      tx:commit()
      assert.equal("1 2 3", db:value "SELECT group_concat(v, ' ') FROM t")
    end)

    it("is one task's own inside tx:transaction, and nobody loses what another one undoes", function()
      local inside, go = rille.event(), rille.event()
      db:transaction(function(tx)
        local child = rille.spawn(function()
          pcall(tx.transaction, tx, function(inner)
            inner:exec "UPDATE t SET v = 'undone'"
            inside:set()
            go:wait()
            error "undo"
          end)
        end)
        inside:wait()
        assert_each(tx, of_transaction(), "another task is inside tx:transaction")
        go:set()
        child:wait()
        tx:exec "UPDATE t SET v = 'kept' WHERE id = 1"
      end)
      assert.equal("kept b c", db:value "SELECT group_concat(v, ' ') FROM t")
    end)

    it("is one that ends while it is inside: those inside of it end with it", function()
      local inside = rille.event()
      local err
      db:transaction(function(tx)
        local child
        pcall(tx.transaction, tx, function(outer)
          child = rille.spawn(function()
            err = select(2, pcall(outer.transaction, outer, function(inner)
              inner:exec "UPDATE t SET v = 'inner'"
              inside:set()
              rille.sleep(0.01)
            end))
          end)
          inside:wait()
          error "undo both"
        end)
        child:wait()
        tx:exec "UPDATE t SET v = 'after' WHERE id = 2"
      end)
      assert.matches("this tx:transaction has ended", tostring(err), 1, true)
      assert.equal("a after c", db:value "SELECT group_concat(v, ' ') FROM t")
    end)

    it("works with a database that another one opened, in turn and at once", function()
      assert.equal("a", rille.spawn(db.value, db, "SELECT v FROM t"):wait())
      rille.map({ 1, 2, 3 }, function(i) db:exec("UPDATE t SET v = ? WHERE id = ?", i, i) end)
      assert.equal("1 2 3", db:value "SELECT group_concat(v, ' ') FROM t")
    end)
  end)

  describe("used by a finalizer", function()
    it("reads, or raises that nobody can wait there, or is inside the transaction: a database", function()
      for name, args in pairs(of_database()) do
        local ok, err = in_finalizer(function() return db[name](db, table.unpack(args)) end)
        local reads = name == "query" or name == "one" or name == "value" or name == "rows"
        assert.equal(reads, ok, name .. ": " .. tostring(err))
        if not ok then assert.matches("inside a finalizer", tostring(err), 1, true) end
      end
      still_works()
    end)

    it("raises that nobody can wait there, but can be closed: a transaction", function()
      local tx = db:begin()
      for name, args in pairs(of_transaction()) do
        local ok, err = in_finalizer(function() return tx[name](tx, table.unpack(args)) end)
        assert.is_false(ok, name)
        assert.matches("inside a finalizer", tostring(err), 1, true)
      end
      assert.is_true(in_finalizer(function() tx:close() end))
      assert_each(tx, of_transaction(), "the transaction has ended")
      still_works()
    end)

    -- Lua collects while rows become tables: a finalizer may read from the same connection, or close it under the read.
    local function garbage(f, n)
      collectgarbage "stop"
      for i = 1, n or 200 do setmetatable({ i }, { __gc = f }) end
      collectgarbage "restart" -- the next thing that is made collects
    end

    it("may read the same database while it is being read", function()
      db:exec "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t(v) SELECT i FROM n"
      local reads, count = 0, db:value "SELECT count(*) FROM t"
      collectgarbage "generational"
      for _ = 1, 20 do
        garbage(function() reads = reads + #db:query "SELECT * FROM t LIMIT 3" end)
        assert.equal(count, #db:query "SELECT id, v, v || '!' AS w FROM t")
      end
      collectgarbage "incremental"
      collectgarbage()
      assert.is_true(reads > 0)
      db:exec "DELETE FROM t"
      assert.equal(0, db:value "SELECT count(*) FROM t")
    end)

    it("may close the database, and its file with it, while it is being read, written, or begun on", function()
      local own = files:path "own.db"
      local first = rille.sqlite.open(own)
      first:exec [[CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t(v) SELECT i FROM n]]
      first:close() -- so that each below has the file for itself
      local long, list = ("x"):rep(100), { { "UPDATE t SET v = ? WHERE id = ?", ("x"):rep(100), 1 } }
      local many = {}
      for i = 1, 40 do many[i] = i end
      local of_many, ids = "SELECT id FROM t WHERE id IN (" .. ("?,"):rep(39) .. "?)", rille.list(many)
      local function nothing() end
      local calls = {
        function(other) return other:query "SELECT id, v, v || '!' AS w FROM t" end,
        function(other) return other:query("SELECT id, v FROM t WHERE v <> ?", long) end,
        function(other) return other:exec("UPDATE t SET v = ? WHERE id = ?", long, 1) end,
        function(other) return other:batch(list) end,
        function(other) other:begin():close() end,
        function(other) return other:transaction(nothing) end,
        function(other) return other:json "SELECT id, v FROM t" end,
        function(other) return other:json_one "SELECT id, v FROM t" end,
        function(other) for _ in other:rows "SELECT id, v FROM t" do nothing() end end,
        function(other) return other:query(of_many, many) end,
        function(other) return other:query("SELECT id FROM t WHERE id IN (?)", ids) end,
        function(other) return other:exec("DELETE FROM t WHERE id IN (?)", ids) end,
        function(other) return other:backup(own) end,
      }
      collectgarbage "generational"
      for number, call in ipairs(calls) do
        for pass = 1, 6 do -- each collects the garbage of all specs before it
          local other = rille.sqlite.open(own)
          local closed
          garbage(function() other:close() closed = true end, pass * 16)
          local ok, err = pcall(call, other)
          if not ok then assert.matches(number < #calls and "closed" or "", tostring(err), 1, true) end
          collectgarbage()
          assert.is_true(closed)
          other:close()
        end
        settle()
      end
      collectgarbage "incremental"
      still_works()
    end)

    it("that changes the parameters' table meanwhile changes nothing of what was sent", function()
      collectgarbage "generational"
      for i = 1, 50 do
        local list, named = { ("x"):rep(50) .. i, ("y"):rep(50) .. i }, { v = ("v"):rep(50) .. i, w = ("w"):rep(50) .. i }
        garbage(function()
          list[1], list[2], named.v = nil, nil, nil
          named["more" .. i] = i
        end)
        pcall(db.query, db, "SELECT ? AS a, ? AS b, v FROM t", list)
        pcall(db.query, db, "SELECT :v AS a, :w AS b, v FROM t", named)
      end
      collectgarbage "incremental"
      still_works()
    end)
  end)

  describe("used by __close", function()
    it("works in each method: a database", function()
      for name, args in pairs(of_database()) do
        do
          local _ <close> = setmetatable({}, { __close = function()
            local result = db[name](db, table.unpack(args))
            if name == "begin" then result:close() end
          end })
        end
      end
      still_works()
    end)

    it("works in each method, also when the task was cancelled: a transaction", function()
      for name, args in pairs(of_transaction()) do
        local inside, ok, err = rille.event(), nil, nil
        local task = rille.spawn(function()
          local tx <close> = db:begin()
          local _ <close> = setmetatable({}, { __close = function()
            ok, err = pcall(tx[name], tx, table.unpack(args))
          end })
          inside:set()
          rille.sleep(60)
        end)
        inside:wait()
        task:cancel()
        pcall(task.wait, task)
        assert.is_true(ok, name .. ": " .. tostring(err))
      end
      still_works()
    end)
  end)
end)
