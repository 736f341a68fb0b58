-- runtime/data/excerpt.c, runtime/data/error.c, runtime/data/sqlite/error.c, runtime/data/sqlite/code.c
-- runtime/data/{error,excerpt}.c, runtime/data/sqlite/{error,code,sql}.c, runtime/bind/data/error.c: what an error of SQL
-- tells.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local testing = require "rille.testing"

describe("an error of SQL", function()
  local files = scratch.new()
  teardown(function() files:close() end)

  for _, where in ipairs { "in a file", "in memory" } do
    describe(where, function()
      local db
      before_each(function()
        os.remove(files:path "x.db")
        db = rille.sqlite.open(where == "in memory" and ":memory:" or files:path "x.db")
        db:exec [[
          CREATE TABLE t(id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, team, nick, age INTEGER,
            CONSTRAINT grown_up CHECK (age >= 18), CHECK (nick <> ''), UNIQUE (team, nick));
          CREATE TABLE child(id INTEGER PRIMARY KEY, t REFERENCES t(id), note);
          CREATE UNIQUE INDEX by_note ON child(lower(note));
          INSERT INTO child(note) VALUES ('a');
          CREATE TABLE strict_one(n INTEGER) STRICT;
          CREATE TRIGGER never BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'nobody leaves: no such table: t'); END;
          INSERT INTO t(id, email, team, nick) VALUES (1, 'ada@example.org', 'a', 'ada');]]
      end)
      after_each(function() db:close() end)

      local function fails(method, ...)
        local result, err = rille.try(db[method], db, ...)
        assert.is_nil(result)
        assert.equal("sql", err.code)
        return err
      end

      for statement, wanted in pairs {
        ["INSERT INTO t(email) VALUES ('ada@example.org')"] = { "23505", "unique", "t.email", "UNIQUE", 2067 },
        ["INSERT INTO child(note) VALUES ('A')"] = { "23505", "unique", "by_note", "UNIQUE", 2067 },
        ["INSERT INTO t(email, team, nick) VALUES ('b', 'a', 'ada')"] = { "23505", "unique", "t.team, t.nick", "UNIQUE", 2067 },
        ["INSERT INTO t(id, email) VALUES (1, 'b')"] = { "23505", "primary_key", "t.id", "PRIMARYKEY", 1555 },
        ["INSERT INTO t(id) VALUES (2)"] = { "23502", "not_null", "t.email", "NOTNULL", 1299 },
        ["INSERT INTO t(email, age) VALUES ('b', 17)"] = { "23514", "check", "grown_up", "CHECK", 275 },
        ["INSERT INTO t(email, nick) VALUES ('b', '')"] = { "23514", "check", "nick <> ''", "CHECK", 275 },
        ["INSERT INTO child(t) VALUES (7)"] = { "23503", "foreign_key", nil, "FOREIGNKEY", 787 },
        ["INSERT INTO strict_one VALUES ('x')"] = { "22P02", "datatype", nil, "DATATYPE", 3091 },
        ["DELETE FROM t"] = { "P0001", "trigger", nil, "TRIGGER", 1811 },
      } do
        it("names the constraint that failed: " .. statement, function()
          for _, run in ipairs {
            function() return fails("exec", statement) end,
            function() return fails("exec", statement .. " RETURNING 1 + ?", 1) end,
            function() return fails("batch", { { statement } }) end,
            function()
              return select(2, rille.try(db.transaction, db, function(tx) tx:exec(statement) end))
            end,
          } do
            local err = run()
            assert.same({ wanted[1], wanted[2], wanted[3], "SQLITE_CONSTRAINT_" .. wanted[4], wanted[5] },
              { err.sqlstate, err.violation, err.constraint, err.sqlite_name, err.sqlite })
            assert.equal(statement, err.statement:sub(1, #statement))
            assert.is_nil(err.line)
          end
        end)
      end

      it("of a deferred foreign key is one too", function()
        db:exec "CREATE TABLE d(t REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)"
        local err = fails("exec", "INSERT INTO d VALUES (9)")
        assert.same({ "23503", "foreign_key", "SQLITE_CONSTRAINT_FOREIGNKEY" }, { err.sqlstate, err.violation, err.sqlite_name })
      end)

      -- "^" marks the place
      for statement, state in pairs {
        ["^selec 1"] = "42601",
        ["SELECT 1 FORM ^t"] = "42601",
        ["SELECT 1 FROM^"] = "42601",
        ["SELECT ^'open"] = "42601",
        ["SELECT id, ^titel FROM t"] = "42703",
        ["SELECT ^t.titel FROM t"] = "42703",
        ['SELECT ^"titel" FROM t'] = "42703",
        ["UPDATE t SET ^titel = 'titel' WHERE :titel = 1"] = "42703",
        ["INSERT INTO t(id, [^titel]) VALUES (1, 2)"] = "42703",
        ["SELECT * FROM ^nowhere"] = "42P01",
        ["SELECT * FROM /* nowhere */ ^Nowhere"] = "42P01",
        ["SELECT nowhere.id FROM ^nowhere"] = "42P01",
        ["INSERT INTO ^nowhere VALUES (1)"] = "42P01",
        ["DROP TABLE ^nowhere"] = "42P01",
        ["DROP INDEX ^nowhere"] = "42704",
        ["SELECT ^upperr(email) FROM t"] = "42883",
        ["SELECT ^upper(email, 1) FROM t"] = "42883",
        ["SELECT 1 FROM t, child WHERE ^id = 1"] = "42702",
        ["CREATE TABLE ^t(a)"] = "42P07",
        ["ALTER TABLE t RENAME COLUMN ^titel TO x"] = "42703",
      } do
        it("shows the place of the mistake: " .. statement, function()
          local sql, column = statement:gsub("%^", "", 1), statement:find("^", 1, true)
          local err = fails("exec", sql)
          if sql:find("[", 1, true) then column = column - 1 end
          assert.same({ state, 1, column, sql, 1, "SQLITE_ERROR" },
            { err.sqlstate, err.line, err.column, err.statement, err.sqlite, err.sqlite_name })
          assert.equal((", in line 1, column %d:\n  %s\n  %s^"):format(column, sql, (" "):rep(column - 1)),
            err.message:sub(err.message:find(", in line", 1, true), -1))
        end)
      end

      it("is the same after a change of the schema was rolled back", function()
        fails("exec", "CREATE TABLE gone(a UNIQUE); INSERT INTO gone VALUES (1), (1)")
        local err = fails("query", "SELECT titel")
        assert.same({ "42703", "SQLITE_ERROR", 8 }, { err.sqlstate, err.sqlite_name, err.column })
      end)

      it("shows no place where it is not known", function()
        for _, sql in ipairs { "INSERT INTO t VALUES (1)", "SELECT 1 UNION SELECT 1, 2", "SELECT json('{')",
          "DELETE FROM nowhere WHERE id IN (SELECT id FROM nowhere)" } do
          local err = fails("exec", sql)
          assert.same({ nil, nil, sql }, { err.line, err.column, err.statement })
          assert.matches(", in: " .. sql, err.message, 1, true)
        end
        db:exec "CREATE VIEW broken AS SELECT id FROM t; PRAGMA user_version = 1"
        db:exec "DROP VIEW broken; CREATE VIEW broken AS SELECT nowhere AS id FROM t"
        local err = fails("query", "SELECT id FROM broken WHERE id = 1")
        assert.same({ "42703", nil }, { err.sqlstate, err.column })
      end)

      it("has the line of the text that was given, however long that is", function()
        local err = fails("exec", "INSERT INTO t(email) VALUES ('b');\n\n\tSELECT 'é',\n\t\ttitel\r\n FROM t;\nSELECT 2")
        assert.same({ 4, 3, "SELECT 'é',\n\t\ttitel\r\n FROM t" }, { err.line, err.column, err.statement })
        assert.equal("no such column: titel, in line 4, column 3:\n  titel\n  ^", err.message)
        err = fails("exec", "SELECT 1;\n  INSERT INTO t(email)\n VALUES ('ada@example.org');\nSELECT 2")
        assert.same({ 2, nil, "INSERT INTO t(email)\n VALUES ('ada@example.org')" }, { err.line, err.column, err.statement })
        assert.equal("UNIQUE constraint failed: t.email, in line 2:\n  INSERT INTO t(email)", err.message)
        err = fails("query", "SELECT /*" .. ("'ü', "):rep(50000) .. "*/ titel /*" .. (", 'ü'"):rep(50000) .. "*/ FROM t")
        assert.equal(13 + 5 * 50000, err.column)
        assert.matches("^no such column: titel, in line 1, column 250013:\n  … .-'ü', %*/ titel /%*, 'ü'.- …\n +%^$", err.message)
        assert.is_true(#err.message < 600 and utf8.len(err.message) ~= nil)
        err = fails("query", "SELECT '" .. ("\xF0\x9F\x8D\xB0"):rep(300) .. "' UNION SELECT 1, 2")
        assert.matches(", in: SELECT '[^ ]+ …$", err.message)
        assert.is_not_nil(utf8.len(err.message))
      end)
    end)
  end

  it("never has the values of parameters, and a client sees nothing of it", function()
    local db <close> = rille.sqlite.open ":memory:"
    db:exec "CREATE TABLE t(a UNIQUE, b CHECK (b < 10)); INSERT INTO t VALUES ('hunter2', 1)"
    local app = rille.app()
    app:get("/", function() db:exec("INSERT INTO t VALUES (?, ?)", "hunter2", 1) end)
    app:get("/check", function() db:exec("INSERT INTO t VALUES (?, ?)", "other", 4711) end)
    app:get("/typo", function() db:exec("INSERT INTO t(titel) VALUES (?)", "hunter2") end)
    local client = testing.client(app)
    for _, path in ipairs { "/", "/check", "/typo" } do
      for _, accept in ipairs { "text/html", "application/json", "text/plain" } do
        local res = client:get(path, { headers = { accept = accept } })
        assert.equal(500, res.status)
        for _, word in ipairs { "hunter2", "4711", "INSERT", "titel", "UNIQUE", "23505", "t.a" } do
          assert.is_nil(res:text():find(word, 1, true), word)
        end
      end
    end
    for _, call in ipairs { { "INSERT INTO t VALUES (?, ?)", "hunter2", 1 }, { "INSERT INTO t VALUES (?, ?)", "x", 4711 } } do
      local _, err = rille.try(db.exec, db, table.unpack(call))
      for key, value in pairs(err) do
        assert.is_nil(key ~= "traceback" and tostring(value):find "hunter2" or tostring(value):find "4711", key)
      end
    end
  end)
end)
