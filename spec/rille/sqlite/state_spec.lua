-- runtime/data/sqlite/{authorizer,pragma,alone}.c:
-- The state of a connection: what a statement asks of it, or leaves behind in it, where several connections serve a program.
-- It works, or raises and says what to write instead.
-- runtime/bind/data/sqlite.c
-- runtime/bind/data/database.c
-- runtime/data/sqlite/pragma.c, runtime/data/sqlite/run.c
local rille = require "rille"
local scratch = require "spec.support.scratch"

for _, where in ipairs { "a file", "memory" } do
  describe("in a database in " .. where, function()
    local files, db
    setup(function() files = scratch.new() end)
    teardown(function() files:close() end)
    before_each(function()
      for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(files:path("x.db" .. suffix)) end
      db = rille.sqlite.open(where == "memory" and ":memory:" or files:path "x.db")
      db:exec "CREATE TABLE t(id INTEGER PRIMARY KEY)"
      db:exec "INSERT INTO t VALUES (7)"
    end)
    after_each(function() db:close() end)

    local function assert_raises(message, method, ...)
      local ok, err = pcall(db[method], db, ...)
      assert.is_false(ok, tostring((...)))
      assert.matches(message, tostring(err), 1, true)
    end
    local function ids() return db:value "SELECT group_concat(id, ' ') FROM t" end

    describe("last_insert_rowid(), changes() and total_changes()", function()
      for name, instead in pairs { last_insert_rowid = "last_id", changes = "changes", total_changes = "changes" } do
        it("raise, and name what to take instead: " .. name, function()
          local call = name .. "()"
          for _, sql in ipairs { "SELECT " .. call, "SELECT 1 WHERE " .. call:upper() .. " > 0",
            "INSERT INTO t VALUES (" .. call .. ")",
            "WITH x AS (SELECT " .. call .. " AS n) SELECT n FROM x", "UPDATE t SET id = id + " .. call .. " RETURNING id" } do
            for _, method in ipairs { "query", "one", "value", "exec" } do
              assert_raises(call .. " asks for the last write", method, sql)
              assert_raises("take " .. instead, method, sql)
              assert_raises("inside a transaction", method, sql)
            end
          end
          assert_raises(call, "batch", { { "INSERT INTO t VALUES (" .. call .. " + 100)" } })
          assert.equal("7", ids())
        end)
      end

      it("raise in a view too", function()
        db:exec "CREATE VIEW v AS SELECT last_insert_rowid() AS n"
        assert_raises("last_insert_rowid() asks for", "value", "SELECT n FROM v")
      end)

      it("answer inside a transaction", function()
        db:transaction(function(tx)
          tx:exec "INSERT INTO t VALUES (9)"
          assert.equal(9, tx:value "SELECT last_insert_rowid()")
          tx:exec "UPDATE t SET id = id + 1 WHERE id > 5"
          assert.equal(2, tx:value "SELECT changes()")
          assert.is_true(tx:value "SELECT total_changes()" > 2)
        end)
      end)

      it("answer after another statement of a script or batch, and in a trigger", function()
        db:exec "INSERT INTO t VALUES (20); INSERT INTO t VALUES (last_insert_rowid() + 1)"
        db:batch { { "INSERT INTO t VALUES (?)", 30 }, { "INSERT INTO t VALUES (last_insert_rowid() + 1)" } }
        db:exec "CREATE TABLE log(id)"
        db:exec "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log VALUES (last_insert_rowid()); END"
        db:exec "INSERT INTO t VALUES (40)"
        assert.equal("7 20 21 30 31 40", ids())
        assert.equal(40, db:value "SELECT id FROM log")
      end)
    end)

    describe("a TEMP table", function()
      it("raises outside a transaction, where nobody would see it", function()
        for _, sql in ipairs { "CREATE TEMP TABLE w(x)", "CREATE TABLE temp.w(x)", "CREATE TEMPORARY VIEW w AS SELECT 1",
          "CREATE TEMP TABLE w AS SELECT 1; -- done" } do
          assert_raises("inside db:transaction", "exec", sql)
          assert_raises("inside db:transaction", "query", sql)
          assert_raises("inside db:transaction", "batch", { { sql } })
        end
      end)

      it("lives as long as its transaction, script or batch, and is in nobody's way then", function()
        for _ = 1, 2 do
          db:transaction(function(tx)
            tx:exec 'CREATE TEMP TABLE "w""x"(x)'
            tx:exec 'INSERT INTO "w""x" VALUES (100)'
            tx:exec "CREATE TEMP VIEW w AS SELECT x + 1 AS x FROM \"w\"\"x\""
            assert.equal(101, tx:value "SELECT x FROM w")
          end)
          db:exec "CREATE TEMP TABLE w(x); INSERT INTO w VALUES (8); DELETE FROM t WHERE id = 8; INSERT INTO t SELECT x FROM w"
          db:batch { { "CREATE TEMP TABLE w(x)" }, { "INSERT INTO w VALUES (?)", 9 }, { "DELETE FROM t WHERE id = 9" },
            { "INSERT INTO t SELECT x FROM w" } }
          pcall(db.transaction, db, function(tx) tx:exec "CREATE TEMP TABLE w(x)" error "undone" end)
        end
        assert.equal("7 8 9", ids())
        local _, err = rille.try(db.query, db, "SELECT * FROM w")
        assert.matches("no such table: w", err.message, 1, true)
      end)
    end)

    describe("a PRAGMA", function()
      it("that asks of the database is answered, in a transaction too", function()
        for _, sql in ipairs { "PRAGMA table_info(t)", "PRAGMA integrity_check", "PRAGMA user_version", "PRAGMA page_count",
          "PRAGMA foreign_keys",
          "SELECT * FROM pragma_table_info('t')" } do
          assert.equal(1, #db:query(sql), sql)
          assert.equal(1, #db:transaction(function(tx) return tx:query(sql) end), sql)
        end
      end)

      it("that is kept in the file is set, by each method, in a transaction, script or batch too", function()
        db:exec "PRAGMA user_version = 1"
        assert.equal(1, db:value "PRAGMA user_version")
        db:query "PRAGMA user_version = 2"
        assert.equal(2, db:value "PRAGMA user_version")
        db:transaction(function(tx) tx:exec "PRAGMA user_version = 3" end)
        assert.equal(3, db:value "PRAGMA user_version")
        pcall(db.transaction, db, function(tx) tx:exec "PRAGMA user_version = 4" error "undone" end)
        assert.equal(3, db:value "PRAGMA user_version")
        db:exec "INSERT INTO t VALUES (1); PRAGMA user_version = 5"
        db:batch { { "PRAGMA application_id = 6" } }
        assert.same({ 5, 6 }, { db:value "PRAGMA user_version", db:value "PRAGMA application_id" })
      end)

      it("that sets something for who writes holds for every write, and says so when it is asked", function()
        db:exec "CREATE TABLE c(t REFERENCES t(id))"
        for _ = 1, 2 do
          db:exec "PRAGMA foreign_keys = OFF"
          assert.equal(0, db:value "PRAGMA foreign_keys")
          assert.equal(1, db:exec("INSERT INTO c VALUES (?)", 99).changes)
          db:exec "DELETE FROM c"
          db:exec "PRAGMA foreign_keys = ON"
          assert.equal(1, db:value "PRAGMA foreign_keys")
          assert.has_error(function() db:exec("INSERT INTO c VALUES (?)", 99) end)
        end
      end)

      for sql, why in pairs {
        ["PRAGMA foreign_key = OFF"] = "there is no PRAGMA foreign_key",
        ["PRAGMA case_sensitive_like = ON"] = "reads use several",
        ["PRAGMA busy_timeout = 100"] = "it is an option of rille.sqlite.open",
        ["PRAGMA synchronous = OFF"] = "it is an option of rille.sqlite.open",
        ["PRAGMA journal_mode = DELETE"] = "depend on the journal mode WAL",
        ["PRAGMA locking_mode = EXCLUSIVE"] = "nobody could read meanwhile",
        ["PRAGMA soft_heap_limit = 1000000"] = "is not counted",
        ["PRAGMA query_only = ON"] = "read_only = true",
        ["PRAGMA writable_schema = ON"] = "it can destroy the database",
        ["PRAGMA defer_foreign_keys = ON"] = "inside one",
        ["PRAGMA foreign_keys = OFF; DELETE FROM t"] = "run alone",
        ["DELETE FROM t; PRAGMA foreign_keys = OFF"] = "cannot be set inside a transaction, script or batch",
      } do
        it("that would hold here and not there, or do nothing, raises: " .. sql, function()
          assert_raises(why, "exec", sql)
          assert.equal("7", ids())
          assert_raises("PRAGMA", "transaction", function(tx)
            if not sql:find "defer" then tx:exec(sql) else error "PRAGMA" end
          end)
        end)
      end

      it("that means what is so already is taken", function()
        db:exec "PRAGMA foreign_keys = ON"
        db:exec "PRAGMA journal_mode = WAL"
        db:exec "PRAGMA locking_mode = normal"
      end)

      it("of a transaction counts in a transaction", function()
        db:exec "CREATE TABLE c(t REFERENCES t(id))"
        db:transaction(function(tx)
          tx:exec "PRAGMA defer_foreign_keys = ON"
          tx:exec "INSERT INTO c VALUES (8)"
          tx:exec "INSERT INTO t VALUES (8)"
        end)
        db:exec "PRAGMA defer_foreign_keys = ON; INSERT INTO c VALUES (9); INSERT INTO t VALUES (9)"
        assert.equal("7 8 9", ids())
        assert.has_error(function() db:exec "INSERT INTO c VALUES (10)" end)
      end)
    end)
  end)
end

describe("in a database that is open to read only", function()
  local files, db
  setup(function()
    files = scratch.new()
    local first <close> = rille.sqlite.open(files:path "x.db")
    first:exec "CREATE TABLE t(id)"
    db = rille.sqlite.open(files:path "x.db", { read_only = true })
  end)
  teardown(function()
    db:close()
    files:close()
  end)

  it("PRAGMAs are asked and not set, and nothing is TEMP", function()
    assert.equal(1, db:value "PRAGMA foreign_keys")
    for _, sql in ipairs { "PRAGMA foreign_keys = OFF", "PRAGMA user_version = 1", "CREATE TEMP TABLE w(x)",
      "SELECT changes()" } do
      assert.has_error(function() db:exec(sql) end)
    end
    assert.equal(1, db:value "PRAGMA foreign_keys")
  end)
end)
