-- runtime/bind/data/sqlite.c, runtime/bind/data/rows.c, runtime/bind/data/pending.c
-- runtime/bind/data/database.c, runtime/bind/data/params.c, runtime/bind/data/error.c
-- runtime/data/op.c, runtime/data/rows.c, runtime/data/sqlite/connection.c, runtime/data/sqlite/locks.c,
-- runtime/data/sqlite/run.c, runtime/data/sqlite/writer.c, runtime/data/sqlite/store.c
-- lua/rille/sqlite.lua, on runtime/data/sqlite/{store,batch,statement,cache,sqlite,clock,error}.c and
-- runtime/bind/data/{database,params,rows,error,sqlite}.c: what a program gets from a database.
local rille = require "rille"
local settle = require "spec.support.settle"
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

  describe("answers", function()
    it("query with a list of rows, one with a row or nil, value with a column or nil", function()
      insert "a"
      insert "b"
      assert.same({ { id = 1, v = "a" }, { id = 2, v = "b" } }, db:query "SELECT * FROM t ORDER BY id")
      assert.same({ id = 2, v = "b" }, db:one("SELECT * FROM t WHERE id = ?", 2))
      assert.same({ id = 1, v = "a" }, db:one "SELECT * FROM t ORDER BY id")
      assert.is_nil(db:one("SELECT * FROM t WHERE id = ?", 9))
      assert.equal("b", db:value "SELECT v, id FROM t ORDER BY id DESC")
      assert.is_nil(db:value "SELECT v FROM t WHERE id = 9")
      assert.same({}, db:query "SELECT * FROM t WHERE id = 9")
    end)

    it("lists that are JSON arrays, empty ones too, and rows without what is NULL", function()
      assert.equal("[]", rille.json_encode(db:query "SELECT * FROM t"))
      assert.equal("[]", rille.json_encode(db:query "INSERT INTO t(v) SELECT 1 WHERE 0 RETURNING v"))
      insert(rille.null)
      assert.equal('[{"id":1}]', rille.json_encode(db:query "SELECT * FROM t"))
      assert.equal("{}", rille.json_encode(db:one "SELECT NULL AS a, NULL AS b"))
    end)

    it("exec with what has changed", function()
      assert.same({ changes = 1, last_id = 1 }, insert "a")
      assert.same({ changes = 1, last_id = 2 }, insert "b")
      assert.equal(2, db:exec("UPDATE t SET v = ?", "c").changes)
      assert.equal(0, db:exec("DELETE FROM t WHERE id = ?", 9).changes)
      assert.equal(0, db:exec("SELECT * FROM t WHERE id = ?", 1).changes)
    end)

    it("any statement by any method: what writes goes to the writer", function()
      assert.same({ id = 1, v = "a" }, db:one("INSERT INTO t(v) VALUES (?) RETURNING *", "a"))
      assert.equal(2, db:value("INSERT INTO t(v) VALUES (?) RETURNING id", "b"))
      assert.same({ { v = "a!" }, { v = "b!" } }, db:query "UPDATE t SET v = v || '!' RETURNING v")
      assert.is_nil(db:one("DELETE FROM t WHERE id = ?", 1))
      assert.equal("b!", values())
    end)

    it("rows one after another, in a loop that may end early and may wait", function()
      for _, v in ipairs { "a", "b", "c" } do insert(v) end
      local seen = {}
      for row in db:rows("SELECT * FROM t WHERE id > ? ORDER BY id", 1) do
        rille.sleep(0)
        seen[#seen + 1] = row.v
      end
      assert.same({ "b", "c" }, seen)
      for row in db:rows "SELECT * FROM t ORDER BY id" do
        seen = row.id
        if seen == 1 then break end
      end
      assert.equal(1, seen)
      for _ in db:rows "SELECT * FROM t WHERE 0" do error "there are none" end
    end)

    it("with what was written before, whoever wrote it", function()
      for i = 1, 50 do
        insert(i)
        assert.equal(i, db:value "SELECT count(*) FROM t")
      end
      local other <close> = rille.sqlite.open(files:path "x.db")
      other:exec "DELETE FROM t"
      assert.equal(0, db:value "SELECT count(*) FROM t")
    end)
  end)

  describe("takes parameters", function()
    it("of every type and gives them back as they were", function()
      local function round(v) return db:value("SELECT ?", v) end
      local long = ("x"):rep(100000)
      for _, v in ipairs { 0, 1, -1, math.maxinteger, math.mininteger, 0.5, -0.1, 1e300, 2.0, "", "text", "é", long } do
        insert(v)
        assert.equal(v, round(v))
        assert.equal(math.type(v), math.type(round(v)))
        local stored = db:value "SELECT v FROM t ORDER BY id DESC"
        assert.equal(v, stored)
        assert.equal(math.type(v), math.type(stored))
      end
    end)

    it("booleans as 1 and 0, null as NULL, a blob as a BLOB of any bytes, text with NUL whole", function()
      local function type_of(v) return db:value("SELECT typeof(?)", v) end
      assert.same({ 1, 0 }, { db:value("SELECT ?", true), db:value("SELECT ?", false) })
      assert.same({ "integer", "null", "blob", "text", "real", "integer" }, { type_of(true), type_of(rille.null),
        type_of(rille.blob "\0\255"), type_of "x", type_of(1.0), type_of(1) })
      assert.equal("\0\255\n", db:value("SELECT ?", rille.blob "\0\255\n"))
      assert.equal("", db:value("SELECT ?", rille.blob ""))
      insert "a\0b"
      assert.equal("a\0b", db:value "SELECT v FROM t")
    end)

    it("in a list, by name, and by number", function()
      assert.same({ a = 1, b = "x" }, db:one("SELECT ? AS a, ? AS b", { 1, "x" }))
      assert.same({ a = 1, b = "x" }, db:one("SELECT :n AS a, :s AS b", { n = 1, s = "x" }))
      assert.same({ a = "x", b = 1 }, db:one("SELECT ?2 AS a, ?1 AS b", 1, "x"))
      assert.same({ a = 5, b = 5 }, db:one("SELECT :n AS a, :n AS b", { n = 5 }))
      assert.equal(2, db:value("SELECT :b", { a = 1, b = 2 }))
      assert.equal("v", db:value("SELECT ?", rille.blob "v"))
    end)

    it("and raises at the program's line where one is nil, missing, too many, or of no type of SQL", function()
      local function message(f, ...)
        local err = select(2, pcall(f, db, ...))
        return tostring(err)
      end
      assert.matches("parameter 1.*nil", message(db.query, "SELECT ?", nil))
      assert.matches("parameter 2.*nil", message(db.exec, "SELECT ?, ?", 1, nil))
      assert.matches(":b", message(db.one, "SELECT :a, :b", { a = 1 }), 1, true)
      assert.matches("table", message(db.one, "SELECT ?, ?", 1, {}))
      assert.matches("function", message(db.one, "SELECT ?", print))
      assert.has_error(function() db:one("SELECT ?, ?", 1) end)
      assert.has_error(function() db:one("SELECT ?", 1, 2) end)
      assert.has_error(function() db:query(nil) end)
      assert.has_error(function() db:query {} end)
    end)

    it("and says what to write where a list is given for one ?, or a number is none", function()
      insert "a"
      insert "b"
      for _, call in ipairs {
        function() db:query("SELECT * FROM t WHERE id IN (?)", { 1, 2 }) end,
        function() db:query("SELECT * FROM t WHERE v <> ? AND id IN (?)", "c", { 1, 2 }) end,
        function() db:query("SELECT * FROM t WHERE v <> :v AND id IN (:ids)", { v = "c", ids = { 1, 2 } }) end,
      } do
        assert.error_matches(call, "IN %(%?%) w.* rille.list%(values%)")
      end
      assert.error_matches(function() db:exec("INSERT INTO t(v) VALUES (?)", 0 / 0) end, "parameter 1 is not a number")
      assert.error_matches(function() db:exec("INSERT INTO t(v) VALUES (:v)", { v = -(0 / 0) }) end,
        "parameter v is not a number")
      assert.equal(math.huge, db:value("SELECT ?", math.huge))
      assert.equal(2, db:value "SELECT count(*) FROM t")
    end)

    it("that are large elsewhere than in the worker", function()
      local before = db:stats()
      assert.equal(2000000, db:value("SELECT length(?)", ("x"):rep(2000000)))
      assert.equal(1, db:stats().thread_reads - before.thread_reads)
      assert.equal(0, db:stats().inline_reads - before.inline_reads)
    end)

    it("that cannot be SQL, whatever they hold", function()
      local evil = "'); DROP TABLE t; --"
      insert(evil)
      assert.equal(evil, values())
      assert.equal(1, db:value("SELECT count(*) FROM t WHERE v = ?", evil))
    end)
  end)

  describe("raises", function()
    it("code sql, status 500, with message, statement and the constraint's kind", function()
      db:exec "CREATE TABLE u(a UNIQUE NOT NULL, b CHECK (b > 0))"
      db:exec("INSERT INTO u VALUES (?, ?)", 1, 1)
      local _, err = rille.try(db.exec, db, "INSERT INTO u VALUES (?, ?)", 1, 1)
      assert.same({ "sql", 500, "unique" }, { err.code, err.status, err.violation })
      assert.matches("UNIQUE constraint failed: u.a, in: INSERT INTO u VALUES (?, ?)", err.message, 1, true)
      _, err = rille.try(db.exec, db, "INSERT INTO u VALUES (?, ?)", rille.null, 1)
      assert.equal("not_null", err.violation)
      _, err = rille.try(db.exec, db, "INSERT INTO u VALUES (?, ?)", 2, -1)
      assert.equal("check", err.violation)
      assert.equal(1, db:value "SELECT count(*) FROM u")
    end)

    it("for what is no SQL, for a table that is not there, in every method", function()
      for _, method in ipairs { "query", "one", "value", "exec" } do
        for _, sql in ipairs { "SELEC 1", "SELECT * FROM nowhere", "INSERT INTO nowhere VALUES (1)" } do
          local _, err = rille.try(db[method], db, sql)
          assert.equal("sql", err.code)
        end
      end
    end)

    it("for what would reach around our own transactions", function()
      for _, sql in ipairs { "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT x", "ATTACH 'y.db' AS y" } do
        assert.is_false(pcall(db.exec, db, sql), sql)
      end
      insert "still works"
      assert.equal("still works", values())
    end)

    it("for several statements, but in exec without parameters", function()
      assert.equal(2, db:exec("INSERT INTO t(v) VALUES (1); INSERT INTO t(v) VALUES (2)").changes)
      assert.has_error(function() db:query "SELECT 1; SELECT 2" end)
      assert.has_error(function() db:exec("INSERT INTO t(v) VALUES (?); DELETE FROM t", 1) end)
      assert.equal("1 2", values())
      assert.has_error(function() db:exec "INSERT INTO t(v) VALUES (3); INSERT INTO nowhere VALUES (1)" end)
      assert.equal("1 2", values())
    end)

    it("for one statement in a comment's company it does not", function()
      for _, tail in ipairs { ";", "-- x", "; -- x", ";;", "; /* x */", "; /* x */ -- y\n;\t", ";\n--", "; /* open",
        "\f;\xEF\xBB\xBF" } do
        assert.equal(1, db:value("SELECT 1 " .. tail), tail)
        assert.equal(1, #db:query("/* x */ SELECT ? " .. tail, 1), tail)
        assert.equal(1, db:exec("INSERT INTO t(v) VALUES (?)" .. tail, 1).changes)
        assert.equal(1, db:batch({ { "DELETE FROM t WHERE v = ?" .. tail, 1 } }).changes)
        assert.equal(1, db:transaction(function(tx) return tx:value("SELECT ? " .. tail, 1) end), tail)
      end
      for _, tail in ipairs { "; x", "; /* x */ SELECT 2", "; -- x\nSELECT 2", ";\v" } do
        assert.has_error(function() db:value("SELECT 1 " .. tail) end)
      end
    end)

    it("and names the statement of several that failed", function()
      local _, err = rille.try(db.batch, db, { { "INSERT INTO t(v) VALUES (?)", 1 }, { "INSERT INTO nowhere VALUES (1)" } })
      assert.equal("batch: item 2: no such table: nowhere, in line 1, column 13:\n  INSERT INTO nowhere VALUES (1)\n"
        .. "              ^", err.message)
      _, err = rille.try(db.batch, db, { { "INSERT INTO t(id) VALUES (?)", 1 }, { "INSERT INTO t(id) VALUES (?)", 1 } })
      assert.matches("batch: item 2: UNIQUE", err.message, 1, true)
      assert.equal("primary_key", err.violation)
      for call, message in pairs {
        [{ { "SELECT 1" }, { "INSERT INTO t(v) VALUES (?)", print } }] = "batch: item 2: parameter 1 is a function",
        [{ { "SELECT 1" }, { "INSERT INTO t(id, v) VALUES (?, ?)", 1 } }] =
          "batch: item 2: the statement has 2 parameters, 1 value was",
        [{ { "SELECT 1" }, {} }] = "batch: item 2: its first value is the statement",
        [{ { "SELECT 1" }, { 1 } }] = "batch: item 2: its first value is the statement",
        [{ { "SELECT 1" }, "SELECT 2" }] = "batch: item 2 is a table",
      } do
        local ok, why = pcall(db.batch, db, call)
        assert.is_false(ok)
        assert.matches(message, tostring(why), 1, true)
      end
      _, err = rille.try(db.exec, db, "INSERT INTO t(v) VALUES (1);\nINSERT INTO nowhere VALUES (2);\nSELECT 1")
      assert.equal("no such table: nowhere, in line 2, column 13:\n  INSERT INTO nowhere VALUES (2);\n              ^",
        err.message)
      assert.is_nil(values())
    end)

    it("code search, 400, for words that are no query of FTS5, and knows how to look for them", function()
      db:exec "CREATE VIRTUAL TABLE f USING fts5(body)"
      db:exec("INSERT INTO f VALUES (?)", [[say "hello" to foo:bar's world]])
      local find = "SELECT count(*) FROM f WHERE f MATCH ?"
      for _, text in ipairs { 'a"b', "foo:bar", "(", "AND", "-x", "", "!!!", "NEAR(", "hello'" } do
        local _, err = rille.try(db.value, db, find, text)
        assert.same({ "search", 400 }, { err.code, err.status }, text)
        assert.is_nil(err.message:find("SELECT", 1, true), "the statement is nobody's business")
        db:value(find, rille.sqlite.match_query(text))
        assert.equal("search", select(2, rille.try(db.transaction, db, function(tx) return tx:value(find, text) end)).code)
      end
      local function found(...) return db:value(find, rille.sqlite.match_query(...)) end
      assert.same({ 1, 1, 1, 0, 0 },
        { found "hello", found '"world', found "bar's hello !!!", found "hello nobody", found " \0 " })
      assert.same({ 0, 1, 1 },
        { found "hello wor", found("hello wor", { prefix = true }), found("nobody hello", { any = true }) })
      assert.error_matches(function() rille.sqlite.match_query(1) end, "a string was expected")
      assert.error_matches(function() rille.sqlite.match_query("x", { prefx = true }) end, "did you mean 'prefix'")
      local _, err = rille.try(db.value, db, "SELECT nowhere FROM f WHERE f MATCH ?", "x")
      assert.equal("sql", err.code) -- that is the program's
    end)

    it("once it is closed, and closing again is nothing", function()
      local other = rille.sqlite.open ":memory:"
      other:close()
      other:close()
      assert.error_matches(function() other:query "SELECT 1" end, "closed")
    end)
  end)

  describe("writes", function()
    it("a batch whole or not at all", function()
      local two = { { "INSERT INTO t(v) VALUES (?)", "a" }, { "INSERT INTO t(v) VALUES (:v)", { v = "b" } } }
      assert.equal(2, db:batch(two).changes)
      assert.equal("a b", values())
      assert.has_error(function() db:batch { { "DELETE FROM t" }, { "INSERT INTO nowhere VALUES (?)", 1 } } end)
      assert.equal("a b", values())
      assert.has_error(function() db:batch { { "DELETE FROM t" }, { "INSERT INTO t(v) VALUES (?)", print } } end)
      assert.has_error(function() db:batch { "DELETE FROM t" } end)
      assert.equal("a b", values())
      db:batch {}
    end)

    it("of many tasks as one group, in which one that fails fails alone", function()
      db:exec "INSERT INTO t(id, v) VALUES (1, 'there')"
      local inside, go = rille.event(), rille.event()
      local holder = meanwhile(db.transaction, db, function()
        inside:set()
        go:wait()
      end)
      inside:wait()
      local tasks = {}
      for i = 1, 50 do
        local sql = i == 25 and "INSERT INTO t(id, v) VALUES (1, ?)" or "INSERT INTO t(v) VALUES (?)"
        tasks[i] = meanwhile(db.exec, db, sql, i)
      end
      settle()
      local before = db:stats()
      go:set()
      holder:wait()
      local failed = 0
      for _, task in ipairs(tasks) do
        if select(2, rille.try(task.wait, task)) then failed = failed + 1 end
      end
      local after = db:stats()
      assert.equal(1, failed)
      assert.equal(50, db:value "SELECT count(*) FROM t")
      assert.equal(1, after.groups - before.groups - 1, "the holder's own is the other")
    end)

    it("nothing that was cancelled before it began", function()
      local inside, go = rille.event(), rille.event()
      local holder = meanwhile(db.transaction, db, function()
        inside:set()
        go:wait()
      end)
      inside:wait()
      local dropped, kept = meanwhile(insert, "dropped"), meanwhile(insert, "kept")
      settle()
      dropped:cancel()
      go:set()
      holder:wait()
      kept:wait()
      assert.equal("cancelled", dropped.status)
      assert.equal("kept", values())
    end)

    it("checks deferred foreign keys for each writer, not for the whole group", function()
      db:exec [[PRAGMA foreign_keys = ON]]
      db:exec [[CREATE TABLE p(id INTEGER PRIMARY KEY);
                CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)]]
      local good = meanwhile(insert, "good")
      local bad = meanwhile(db.exec, db, "INSERT INTO c VALUES (?)", 9)
      good:wait()
      assert.equal("foreign_key", select(2, rille.try(bad.wait, bad)).violation)
      assert.equal("good", values())
    end)
  end)

  describe("shares its file", function()
    local holding = [[
import sqlite3, sys
db = sqlite3.connect("x.db", isolation_level=None)
db.execute("BEGIN IMMEDIATE")
db.execute("INSERT INTO t(v) VALUES ('other')")
open("held", "w").write("yes")
sys.stdin.read()
db.execute("COMMIT")
]]

    it("with another process: it waits for busy_timeout, then raises code busy, 503", function()
      db:close()
      local impatient <close> = rille.sqlite.open(files:path "x.db", { busy_timeout = 0.05 })
      files:write("hold.py", holding)
      local other = files:start("python3", "hold.py")
      files:wait_for "held"
      local _, err = rille.try(impatient.exec, impatient, "INSERT INTO t(v) VALUES ('mine')")
      assert.same({ "busy", 503 }, { err.code, err.status })
      assert.equal(0, impatient:value "SELECT count(*) FROM t", "readers are not held up")
      other:close()
      impatient:exec "INSERT INTO t(v) VALUES ('mine')"
      assert.equal("other mine", impatient:value "SELECT group_concat(v, ' ') FROM t")
      os.remove(files:path "held")
    end)

    -- Whether the system tells who holds locks: Linux does, some sandboxes do not.
    local function tells_locks()
      local file <close> = io.open "/proc/locks"
      return file ~= nil and file:read "a":find("POSIX", 1, true) ~= nil
    end

    it("each handle for as long as it was told, all that wait together", function()
      files:write("hold.py", holding)
      local other = files:start("python3", "hold.py")
      files:wait_for "held"
      local impatient <close> = rille.sqlite.open(files:path "x.db", { busy_timeout = 0.1 })
      local patient = meanwhile(insert, "patient")
      local from, failed = rille.now(), 0
      rille.map({ 1, 2, 3, 4 }, function(i)
        local _, err = rille.try(impatient.exec, impatient, "INSERT INTO t(v) VALUES (?)", i)
        assert.same({ "busy", 503 }, { err.code, err.status })
        assert.matches("database is locked: another process has held it for %d+%.%d s.*, waited %d+%.%d s$", err.message)
        assert.same({ 5, "SQLITE_BUSY", "55P03" }, { err.sqlite, err.sqlite_name, err.sqlstate })
        if tells_locks() then assert.matches("%(process %d+, python", err.message) end
        failed = failed + 1
      end)
      assert.equal(4, failed)
      assert.equal("running", patient.status)
      other:close()
      patient:wait()
      assert.is_true(rille.now() - from < 60)
      assert.equal("other patient", values())
      os.remove(files:path "held")
    end)

    it("and writes once the other one has let go", function()
      files:write("hold.py", holding)
      local other = files:start("python3", "hold.py")
      files:wait_for "held"
      local mine = meanwhile(insert, "mine")
      rille.sleep(0.05)
      assert.equal("running", mine.status)
      other:close()
      mine:wait()
      assert.equal("other mine", values())
      os.remove(files:path "held")
    end)

    it("as a reader only, where that was asked for", function()
      insert "there"
      local reader <close> = rille.sqlite.open(files:path "x.db", { read_only = true })
      assert.equal("there", reader:value "SELECT v FROM t")
      db:close()
      local alone <close> = rille.sqlite.open(files:path "x.db", { read_only = true })
      assert.equal("there", alone:value "SELECT v FROM t")
      assert.has_error(function() alone:exec "DELETE FROM t" end)
      assert.has_error(function() alone:transaction(function() end) end)
      assert.error_matches(function() rille.sqlite.open(files:path "none.db", { read_only = true }) end, "cannot open")
    end)

    it("keeps what it has said is written when the process is killed in that moment", function()
      files:write("writer.lua", [[
        local rille = require "rille"
        local db = rille.sqlite.open "x.db"
        local said = io.open("said", "w")
        for i = 1, math.huge do
          db:exec("INSERT INTO t(v) VALUES (?)", i)
          said:seek "set"
          said:write(i)
          said:flush()
        end
      ]])
      db:close()
      files:run("timeout -s KILL 0.5 " .. files.rille, "run", "writer.lua")
      db = rille.sqlite.open(files:path "x.db")
      local said = tonumber(files:read "said")
      assert.is_true(said > 0)
      assert.is_true(db:value "SELECT count(*) FROM t" >= said)
      assert.equal("ok", db:value "PRAGMA integrity_check")
    end)
  end)

  describe("reads", function()
    it("what is slow on a thread of its own, remembers that, and holds nobody up", function()
      local slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT sum(i) FROM n"
      local before = db:stats()
      local ticks, stop = 0, false
      local ticker = meanwhile(function()
        while not stop do
          ticks = ticks + 1
          rille.sleep(0)
        end
      end)
      assert.equal(200000 * 200001 // 2, db:value(slow, 200000))
      stop = true
      ticker:wait()
      assert.is_true(ticks > 10, ticks .. " turns of another task")
      assert.equal(1, db:stats().thread_reads - before.thread_reads)
      assert.equal(3, db:value(slow, 2)) -- nobody knows beforehand that this one is quick
      assert.equal(1, db:stats().slow_reads - before.slow_reads)
    end)

    it("and stops reading when nobody waits any more", function()
      local task = meanwhile(db.value, db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
      rille.sleep(0)
      task:cancel()
      assert.error_matches(function() task:wait() end, "cancelled")
      local other <close> = rille.sqlite.open(files:path "x.db", { readers = 1 }) -- closing joins the thread that read
      assert.equal(1, other:value "SELECT 1")
    end)

    it("what was slow inline again, once it has had its runs elsewhere and is quick", function()
      local sum = "WITH RECURSIVE m(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM m WHERE i < ?) SELECT sum(i) FROM m"
      db:value(sum, 200000)
      local before = db:stats()
      for _ = 1, 30 do db:value(sum, 2) end
      local after = db:stats()
      assert.equal(16, after.thread_reads - before.thread_reads)
      assert.equal(14, after.inline_reads - before.inline_reads)
    end)

    it("what is quick inline, without a wait", function()
      local before = db:stats().inline_reads
      for _ = 1, 10 do db:value "SELECT 1" end
      assert.equal(10, db:stats().inline_reads - before)
    end)
  end)

  describe("is", function()
    it("copied while it is in use", function()
      insert "kept"
      db:backup(files:path "copy.db")
      insert "later"
      local copy <close> = rille.sqlite.open(files:path "copy.db")
      assert.equal("kept", copy:value "SELECT v FROM t")
      assert.has_error(function() db:backup(files:path "copy.db") end)
    end)

    it("counted", function()
      local before = db:stats()
      insert "a"
      db:value "SELECT 1"
      local after = db:stats()
      assert.equal(1, after.writes - before.writes)
      assert.equal(1, after.groups - before.groups)
      assert.equal(1, after.inline_reads - before.inline_reads)
      assert.equal("integer", math.type(after.checkpoints))
    end)

    it("left without a -wal by the last one that closes it", function()
      insert "a"
      assert.is_truthy(files:read "x.db-wal")
      db:close()
      assert.is_nil(files:read "x.db-wal")
    end)

    it("private where it is in memory", function()
      local a <close> = rille.sqlite.open ":memory:"
      local b <close> = rille.sqlite.open ":memory:"
      a:exec "CREATE TABLE only_here(x)"
      assert.equal(0, a:value "SELECT count(*) FROM only_here")
      assert.has_error(function() b:query "SELECT * FROM only_here" end)
    end)
  end)

  describe("open", function()
    it("says what is wrong with its options", function()
      assert.error_matches(function() rille.sqlite.open(1) end, "the path is a string")
      assert.error_matches(function() rille.sqlite.open("x", { readonly = true }) end, "did you mean 'read_only'")
      assert.error_matches(function() rille.sqlite.open("x", { synchronous = "SOMETIMES" }) end, "FULL, NORMAL, EXTRA or OFF")
      assert.error_matches(function() rille.sqlite.open(files:path "no/such/place.db") end, "cannot open")
    end)

    it("takes a path and nothing else for one", function()
      assert.error_matches(function() rille.sqlite.open "" end, "the path is empty")
      assert.error_matches(function() rille.sqlite.open "x.db\0y" end, "the path holds a NUL byte")
      assert.error_matches(function() rille.sqlite.open "file:x.db?mode=ro" end, "not a URI")
      assert.error_matches(function() db:backup "" end, "the path is empty")
      assert.error_matches(function() rille.sqlite.open(files:path "no/such/place.db") end, "No such file or directory")
    end)

    it("has no option that is not in effect: what another one of the same file says raises", function()
      os.execute("ln -sf x.db " .. files:path "link.db")
      for _, path in ipairs { "x.db", "link.db", "./x.db", "../" .. files.directory:match "[^/]+$" .. "/x.db" } do
        local file = files:path(path)
        assert.error_matches(function() rille.sqlite.open(file, { readers = 3 }) end, "already, with readers = 1, not 3")
        assert.error_matches(function() rille.sqlite.open(file, { synchronous = "OFF" }) end,
          'with synchronous = "FULL", not "OFF"')
        rille.sqlite.open(file, { readers = 1, synchronous = "FULL" }):close()
        rille.sqlite.open(file, { busy_timeout = 1 }):close() -- each one's own
      end
      db:close()
      local first <close> = rille.sqlite.open(files:path "x.db", { readers = 2, synchronous = "NORMAL" })
      assert.equal(1, first:value "PRAGMA synchronous")
      assert.error_matches(function() rille.sqlite.open(files:path "x.db", { readers = 1 }) end, "readers = 2, not 1")
      rille.sqlite.open(files:path "x.db"):close() -- says nothing, and gets what is there
    end)

    it("refuses options that would mean nothing", function()
      for _, readers in ipairs { 0, -1, 17, 1.5 } do
        assert.has_error(function() rille.sqlite.open(files:path "y.db", { readers = readers }) end)
      end
      assert.error_matches(function() rille.sqlite.open(":memory:", { read_only = true }) end, "cannot be read%-only")
      assert.error_matches(function() rille.sqlite.open(files:path "x.db", { read_only = true, synchronous = "OFF" }) end,
        "for who writes")
      rille.sqlite.open(":memory:", { readers = 4, busy_timeout = math.huge, synchronous = "NORMAL" }):close() -- as in production
      assert.is_nil(files:read "y.db")
    end)

    it("refuses what is no database, when it is opened or asked", function()
      files:write("not.db", ("this is text\n"):rep(1000))
      assert.is_false(pcall(function()
        local other <close> = rille.sqlite.open(files:path "not.db")
        other:query "SELECT * FROM sqlite_master"
      end))
    end)
  end)
end)
