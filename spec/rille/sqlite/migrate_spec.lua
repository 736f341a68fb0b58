local rille = require "rille"
local scratch = require "spec.support.scratch"

describe("migrations", function()
  local files, db
  before_each(function()
    files = scratch.new()
    files:write("m/002-b.sql", "ALTER TABLE t ADD COLUMN b; INSERT INTO t(a, b) VALUES (2, 2);")
    files:write("m/001-a.sql", "CREATE TABLE t(a);\n-- a comment; with a semicolon\nINSERT INTO t VALUES (1);")
    files:write("m/readme.txt", "not SQL")
    db = rille.sqlite.open(files:path "x.db")
  end)
  after_each(function()
    db:close()
    files:close()
  end)

  it("run each file once, in the order of their names", function()
    assert.equal(2, db:migrate(files:path "m"))
    assert.same({ { a = 1 }, { a = 2, b = 2 } }, db:query "SELECT * FROM t ORDER BY a")
    assert.equal(0, db:migrate(files:path "m"))
    files:write("m/003-c.sql", "DELETE FROM t WHERE a = 1")
    assert.equal(1, db:migrate(files:path "m"))
    assert.equal(1, db:value "SELECT count(*) FROM t")
  end)

  it("stop at one that is broken, which leaves nothing and is named; earlier ones stay, and it can be mended", function()
    files:write("m/003-broken.sql", "CREATE TABLE half(x); INSERT INTO nowhere VALUES (1);")
    files:write("m/004-later.sql", "CREATE TABLE later(x)")
    local _, err = rille.try(db.migrate, db, files:path "m")
    assert.equal("sql", err.code)
    assert.matches("migration 003-broken.sql: no such table: nowhere", err.message, 1, true)
    assert.equal("t", db:value "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'rille%'")
    files:write("m/003-broken.sql", "CREATE TABLE half(x)")
    assert.equal(2, db:migrate(files:path "m"))
  end)

  it("are applied once by many at the same time: tasks, handles and processes", function()
    files:write("migrate.lua", [[
      local rille = require "rille"
      local db = rille.sqlite.open(arg[1] .. "/x.db")
      io.write(db:migrate(arg[1] .. "/m"))
    ]])
    local processes = {}
    for i = 1, 3 do
      processes[i] = io.popen(("%s run %s %s"):format(files.rille, files:path "migrate.lua", files.directory))
    end
    local total = 0
    for _, n in ipairs(rille.map({ 1, 2, 3 }, function() return db:migrate(files:path "m") end)) do total = total + n end
    for _, process in ipairs(processes) do
      local said = process:read "a"
      process:close()
      total = total + assert(tonumber(said), said)
    end
    assert.equal(2, total)
    assert.equal(2, db:value "SELECT count(*) FROM t")
  end)

  it("say where a directory is missing, and start at the root", function()
    assert.has_error(function() db:migrate(files:path "none") end)
    assert.error_matches(function() db:migrate(1) end, "a directory was expected")
    assert.equal(3, db:migrate "app/migrations")
  end)
end)
