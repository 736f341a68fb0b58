-- A migration that builds a table anew, without PRAGMA foreign_keys=OFF, lost the rows of its children and said nothing; what a
-- PRAGMA says of the connection could be asked by PRAGMA and not by SELECT.
local rille = require "rille"
local scratch = require "spec.support.scratch"

local first = [[
  CREATE TABLE p(id INTEGER PRIMARY KEY, n);
  CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id) ON DELETE %s);
  INSERT INTO p VALUES(1, 'x'); INSERT INTO c VALUES(1, 1);]]
local rebuild = [[
  CREATE TABLE p2(id INTEGER PRIMARY KEY, n TEXT NOT NULL); INSERT INTO p2 SELECT * FROM p;
  DROP TABLE %s; ALTER TABLE p2 RENAME TO p;]]

local function migrated(action, second)
  local place <close> = scratch.new()
  place:write("m/1.sql", first:format(action))
  place:write("m/2.sql", second)
  local db <close> = rille.sqlite.open ":memory:"
  local done, err = rille.try(db.migrate, db, place:path "m")
  return done and "done" or err.message, db:value "SELECT count(p) FROM c"
end

describe("a table that is built anew", function()
  for _, action in ipairs { "CASCADE", "SET NULL", "SET DEFAULT" } do
    it("takes no rows of others along (ON DELETE " .. action .. ")", function()
      local said, children = migrated(action, rebuild:format "p")
      assert.matches("builds p anew, and DROP TABLE p deletes or changes rows of c", said, 1, true)
      assert.matches("begin it with PRAGMA foreign_keys=OFF", said, 1, true)
      assert.equal(1, children)
    end)
  end

  for what, sql in pairs {
    ["under a quoted name"] = rebuild:format '"P"', ["in its schema"] = rebuild:format "IF EXISTS main.p",
    ["after comments"] = "-- note\n/* more */ " .. rebuild:format "[p]",
    ["with deferred keys"] = "PRAGMA defer_foreign_keys=ON;" .. rebuild:format "p",
    ["after OFF and ON"] = "PRAGMA foreign_keys=OFF; PRAGMA foreign_keys=ON;" .. rebuild:format "p",
  } do
    it("is found out " .. what, function()
      local said, children = migrated("CASCADE", sql)
      assert.not_equal("done", said)
      assert.equal(1, children)
    end)
  end

  it("keeps them where it begins as SQLite says", function()
    assert.same({ "done", 1 }, { migrated("CASCADE", "PRAGMA foreign_keys=OFF;" .. rebuild:format "p") })
  end)

  it("may go with its children, and others may go", function()
    assert.equal("done", (migrated("CASCADE", "DROP TABLE p; DROP TABLE c; CREATE TABLE p(id); CREATE TABLE c(p)")))
    assert.equal("done", (migrated("CASCADE", "CREATE TABLE x(a); DROP TABLE x; CREATE TABLE x(b); DROP TABLE IF EXISTS nosuch")))
    assert.same({ "done", 0 }, { migrated("CASCADE", "DELETE FROM p") })
  end)
end)

describe("SELECT FROM pragma_…", function()
  it("says what the PRAGMA does", function()
    local place <close> = scratch.new()
    local db <close> = rille.sqlite.open(place:path "a.db")
    db:exec "CREATE TABLE t(a)"
    assert.equal(1, db:value "SELECT foreign_keys FROM pragma_foreign_keys")
    assert.equal("wal", db:value "SELECT journal_mode FROM pragma_journal_mode")
    assert.equal("a", db:value "SELECT name FROM pragma_table_info('t')")
    db:exec "PRAGMA foreign_keys=OFF"
    assert.equal(0, db:value "SELECT foreign_keys FROM pragma_foreign_keys")
  end)
end)
