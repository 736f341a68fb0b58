-- runtime/data/sqlite/migrate.c, runtime/data/sqlite/sql.c
-- lua/rille/migrations.lua, on runtime/data/sqlite/{migrate,run,sql}.c.
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
    assert.is_true(db:migrate "app/migrations" > 1)
  end)

  -- ---- what a directory may hold -------------------------------------------------------------------------------------

  local function migrate(name) return rille.try(db.migrate, db, files:path(name)) end
  local function assert_refused(name, ...)
    local count, err = migrate(name)
    assert.is_nil(count)
    assert.equal("migration", err.code)
    for _, words in ipairs { ... } do assert.matches(words, err.message, 1, true) end
    assert.is_nil(db:value "SELECT 1 FROM sqlite_master WHERE name = 'gone'")
  end

  it("run by their numbers, not their letters", function()
    files:write("n/10.sql", "INSERT INTO o VALUES ('10')")
    files:write("n/9-b.sql", "INSERT INTO o VALUES ('9')")
    files:write("n/001-a.sql", "CREATE TABLE o(v)")
    files:write("n/20240101120000_c.SQL", "INSERT INTO o VALUES ('time')")
    files:write("n/later.sql", "INSERT INTO o VALUES ('later')")
    assert.equal(5, db:migrate(files:path "n"))
    assert.equal("9 10 time later", db:value "SELECT group_concat(v, ' ') FROM o")
    files:write("n/11.sql", "SELECT 1")
    assert.matches("11.sql", select(2, migrate "n").message, 1, true)
  end)

  it("are not files that are hidden, or something else", function()
    files:write("h/001.sql", "CREATE TABLE a(x)")
    files:write("h/._001.sql", "\0\5\22\7")
    files:write("h/.#002.sql", "no SQL")
    files:write("h/002.sql~", "no SQL")
    files:write("h/sub/003.sql", "no SQL")
    assert.equal(1, db:migrate(files:path "h"))
  end)

  it("are not folders: one is named", function()
    files:write("f/1.sql/x", "")
    assert_refused("f", "/f/1.sql is a folder")
  end)

  it("are not pipes, which nobody writes to", function()
    files:write("p/1.sql", "SELECT 1")
    assert(os.execute("mkfifo " .. files:path "p/2.sql"))
    assert_refused("p", "/p/2.sql is a device")
  end)

  it("are not two of one number", function()
    files:write("s/1-a.sql", "CREATE TABLE gone(x)")
    files:write("s/001-b.sql", "SELECT 1")
    assert_refused("s", "001-b.sql and 1-a.sql have the same number")
  end)

  for _, name in ipairs { "001_users.down.sql", "001-users-down.sql", "001_users_DOWN.sql", "down.sql", "001.undo.sql",
    "001.rollback.sql", "U1__users.sql", "001.Down.SQL" } do
    it("are none that take another back: " .. name, function()
      files:write("d/001_users.up.sql", "CREATE TABLE gone(x)")
      files:write("d/" .. name, "DROP TABLE gone")
      assert_refused("d", name .. " takes another one back")
    end)
  end

  for _, line in ipairs { "-- +goose Down", "-- migrate:down", "-- +migrate Down", "-- rambler down", "-- rollback", "--rollback",
    "--@UNDO", "-- //@UNDO", "# --- !Downs", "-- !Downs", "  --+goose down\r", "---- create above / drop below ----",
    "-- DOWN --", "-- @down", "-- Down" } do
    it("have no part that takes them back: " .. line:gsub("\r", ""), function()
      files:write("g/001.sql", "-- +goose Up\nCREATE TABLE gone(x);\n" .. line .. "\nDROP TABLE gone;\n")
      assert_refused("g", "001.sql, line 3: ", "begins a part that takes the migration back")
    end)
  end

  it("may speak of such things in prose", function()
    files:write("w/001.sql", [[
      -- Tear down the old index. There is no rollback.
      -- down with it
      -- scroll down
      -- rollback DROP TABLE a
      -- goose: what is up
      CREATE TABLE a(x); -- down
      /* undo */
      INSERT INTO a VALUES ('-- migrate:down');]])
    assert.equal(1, db:migrate(files:path "w"))
  end)

  for _, line in ipairs { "-- +goose NO TRANSACTION", "-- migrate:up transaction:false" } do
    it("run in a transaction, whatever they ask for: " .. line, function()
      files:write("t/001.sql", line .. "\nCREATE TABLE gone(x)")
      assert_refused("t", "each migration runs in a transaction")
    end)
  end

  it("hold something", function()
    files:write("e/001.sql", "-- to be written\n;")
    local _, err = migrate "e"
    assert.matches("migration 001.sql: it holds no statement", err.message, 1, true)
    files:write("e/001.sql", "C\0R\0")
    assert.matches("is it UTF-16?", select(2, migrate "e").message, 1, true)
    files:write("e/001.sql", "\xEF\xBB\xBFCREATE TABLE a(x);\r\nCREATE TABLE b(x); -- done")
    assert.equal(1, db:migrate(files:path "e"))
  end)

  it("that fail carry the file, its line and the statement", function()
    files:write("m/003.sql", "CREATE TABLE c(x UNIQUE);\n\n  INSERT INTO c\n  VALUES (?1, nope); -- é\nSELECT 1;")
    local _, err = migrate "m"
    assert.same({ "sql", "003.sql", 4, 15, "INSERT INTO c\n  VALUES (?1, nope)", "42703" },
      { err.code, err.migration, err.line, err.column, err.statement, err.sqlstate })
    files:write("m/003.sql", "CREATE TABLE c(x UNIQUE);\n\n  INSERT INTO c\n  VALUES (1), (1);\nSELECT 1;")
    _, err = migrate "m"
    assert.same({ "003.sql", 3, nil, "INSERT INTO c\n  VALUES (1), (1)", "23505", "c.x" },
      { err.migration, err.line, err.column, err.statement, err.sqlstate, err.constraint })
    files:write("m/003.sql", "CREATE TABLE c(x);\nCREATE TRIGGER a AFTER INSERT ON c BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
      .. "DROP nope;")
    _, err = migrate "m"
    assert.same({ 6, 6, "DROP nope" }, { err.line, err.column, err.statement })
    files:write("m/003.sql", "\xEF\xBB\xBF-- c\r\n\r\nSELEC 1")
    assert.same({ 3, 1 }, { select(2, migrate "m").line, select(2, migrate "m").column })
  end)

  it("name the line that is wrong, of the one that is", function()
    files:write("m/003.sql", "CREATE TABLE c(x);\n\n-- here\nINSERT INTO c\n  VALUES (nowhere.x);\nSELECT 1;")
    assert.equal("migration 003.sql: no such column: nowhere.x, in line 5, column 11:\n  VALUES (nowhere.x);\n          ^",
      select(2, migrate "m").message)
    files:write("m/003.sql", "CREATE TABLE c(x UNIQUE);\nINSERT INTO c VALUES (1), (1);")
    local _, err = migrate "m"
    assert.equal("migration 003.sql: UNIQUE constraint failed: c.x, in line 2:\n  INSERT INTO c VALUES (1), (1);", err.message)
    assert.equal("unique", err.violation)
  end)

  -- ---- what was applied ------------------------------------------------------------------------------------------------

  local native = require "rille.native.core"
  local function checksum_of(name) return native.sha256((files:read(name))) end

  it("keep a checksum, and one that was edited is named with both", function()
    db:migrate(files:path "m")
    local was = checksum_of "m/001-a.sql"
    assert.equal(was, db:value "SELECT checksum FROM rille_migrations WHERE name = '001-a.sql'")
    files:write("m/001-a.sql", "CREATE TABLE t(a, more)")
    files:write("m/003.sql", "CREATE TABLE gone(x)")
    assert_refused("m", "001-a.sql was edited after it was applied", was, checksum_of "m/001-a.sql")
  end)

  it("are the same with other line ends", function()
    db:migrate(files:path "m")
    files:write("m/001-a.sql", (files:read("m/001-a.sql"):gsub("\n", "\r\n")))
    assert.equal(0, db:migrate(files:path "m"))
  end)

  it("that were renamed are named with both names", function()
    db:migrate(files:path "m")
    os.rename(files:path "m/001-a.sql", files:path "m/001-first.sql")
    assert_refused("m", "001-a.sql was applied and is called 001-first.sql now", checksum_of "m/001-first.sql")
    os.rename(files:path "m/001-first.sql", files:path "m/001-a.sql")
    os.rename(files:path "m/002-b.sql", files:path "m/003-b.sql")
    assert_refused("m", "002-b.sql was applied and is called 003-b.sql now")
  end)

  it("that were deleted are named", function()
    db:migrate(files:path "m")
    local was = checksum_of "m/001-a.sql"
    os.remove(files:path "m/001-a.sql")
    assert_refused("m", "001-a.sql was applied and is not there any more", was)
  end)

  it("of a newer version of the program are let be, for an older one must start; the log names them", function()
    db:migrate(files:path "m")
    local was = checksum_of "m/002-b.sql"
    os.remove(files:path "m/002-b.sql")
    native.take_log()
    assert.equal(0, db:migrate(files:path "m"))
    local log = native.take_log()
    assert.matches("migration=002-b.sql", log, 1, true)
    assert.matches(was, log, 1, true)
  end)

  it("that come late are named", function()
    db:migrate(files:path "m")
    files:write("m/001b.sql", "SELECT 1") -- the same number is no way around it
    assert.has_error(function() db:migrate(files:path "m") end)
    os.remove(files:path "m/001b.sql")
    files:write("m/000-late.sql", "CREATE TABLE gone(x)")
    assert_refused("m", "000-late.sql (" .. checksum_of "m/000-late.sql" .. ") comes before 002-b.sql")
  end)

  it("from before there were checksums get theirs, and are noticed from then on", function()
    db:exec "CREATE TABLE rille_migrations(name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) WITHOUT ROWID"
    db:exec "CREATE TABLE t(a)"
    db:exec "INSERT INTO rille_migrations VALUES ('001-a.sql', 1)"
    assert.equal(1, db:migrate(files:path "m"))
    assert.equal(checksum_of "m/001-a.sql", db:value "SELECT checksum FROM rille_migrations WHERE name = '001-a.sql'")
    assert.equal(1, db:value "SELECT applied_at FROM rille_migrations WHERE name = '001-a.sql'")
    files:write("m/001-a.sql", "CREATE TABLE t(a, more)")
    assert_refused("m", "001-a.sql was edited")
  end)

  -- ---- foreign keys ------------------------------------------------------------------------------------------------------

  -- SQLite's own procedure: https://sqlite.org/lang_altertable.html, section 7.
  local rebuild = [[
    CREATE TABLE p2(id INTEGER PRIMARY KEY, n TEXT NOT NULL);
    INSERT INTO p2 SELECT * FROM p;
    DROP TABLE p;
    ALTER TABLE p2 RENAME TO p;
  ]]
  local function with_family(second)
    files:write("k/1.sql", [[
      CREATE TABLE p(id INTEGER PRIMARY KEY, n);
      CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id) ON DELETE CASCADE);
      INSERT INTO p VALUES (1, 'x'), (2, 'y');
      INSERT INTO c VALUES (1, 1), (2, 2);]])
    files:write("k/2.sql", second)
    return migrate "k"
  end
  local function children() return db:value "SELECT count(*) FROM c" end
  local function assert_enforced()
    assert.equal(1, db:value "PRAGMA foreign_keys")
    assert.equal("foreign_key", select(2, rille.try(db.exec, db, "INSERT INTO c VALUES (9, 9)")).violation)
    assert.equal(0, db:value "PRAGMA legacy_alter_table")
  end

  for name, text in pairs {
    ["alone"] = "PRAGMA foreign_keys=OFF;" .. rebuild,
    ["and is turned on again"] = "PRAGMA foreign_keys=OFF;" .. rebuild .. "PRAGMA foreign_keys=ON;",
    ["around a transaction of its own, with a check"] = "-- as the book says\nPRAGMA main.foreign_keys = 0;\nBEGIN TRANSACTION;"
      .. rebuild .. "PRAGMA foreign_key_check;\nCOMMIT;\nPRAGMA foreign_keys = on; -- done\n",
    ["beside another PRAGMA"] = "PRAGMA legacy_alter_table=ON; pragma foreign_keys('no');" .. rebuild
      .. "PRAGMA user_version = 7",
  } do
    it("that begin with PRAGMA foreign_keys=OFF keep the rows of children: " .. name, function()
      assert.equal(2, with_family(text))
      assert.equal(2, children())
      assert.equal(2, db:value "SELECT count(*) FROM p")
      assert_enforced()
    end)
  end

  it("that break a foreign key are refused, name it, and leave nothing", function()
    local _, err = with_family("PRAGMA foreign_keys=OFF;" .. rebuild .. "DELETE FROM p WHERE id = 2;")
    assert.matches("migration 2.sql: FOREIGN KEY constraint failed: rows of c are left without their row in p, such as rowid 2",
      err.message, 1, true)
    assert.equal("foreign_key", err.violation)
    assert.equal(2, db:value "SELECT count(*) FROM p")
    assert.equal(1, db:value "SELECT count(*) FROM rille_migrations")
    assert_enforced()
  end)

  it("are not blamed for what was broken before", function()
    db:exec "PRAGMA foreign_keys = OFF"
    db:exec [[CREATE TABLE old(id REFERENCES gone(id)); CREATE TABLE gone(id PRIMARY KEY); INSERT INTO old VALUES (1)]]
    db:exec "PRAGMA foreign_keys = ON"
    assert.equal(2, with_family("PRAGMA foreign_keys=OFF;" .. rebuild))
    assert.equal(2, children())
  end)

  it("that fail while foreign keys are off leave them on", function()
    assert.is_nil(with_family("PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON;" .. rebuild
      .. "INSERT INTO nowhere VALUES (1)"))
    assert.equal(2, children())
    assert_enforced()
  end)

  it("in memory keep them too", function()
    files:write("k/1.sql", "CREATE TABLE p(id INTEGER PRIMARY KEY, n); CREATE TABLE c(p REFERENCES p(id) ON DELETE CASCADE);"
      .. "INSERT INTO p VALUES (1, 'x'); INSERT INTO c VALUES (1)")
    files:write("k/2.sql", "PRAGMA foreign_keys=OFF;" .. rebuild)
    local memory <close> = rille.sqlite.open ":memory:"
    assert.equal(2, memory:migrate(files:path "k"))
    assert.equal(1, memory:value "SELECT count(*) FROM c")
  end)

  for name, case in pairs {
    ["OFF after something else"] = { "CREATE TABLE a(x);\nPRAGMA foreign_keys=OFF;" .. rebuild,
      "PRAGMA foreign_keys=OFF stands first", 2 },
    ["OFF inside the transaction"] = { "BEGIN;\nPRAGMA foreign_keys=OFF;" .. rebuild .. "COMMIT",
      "PRAGMA foreign_keys=OFF stands first", 2 },
    ["ON before the end"] = { "PRAGMA foreign_keys=OFF; CREATE TABLE a(x);\nPRAGMA foreign_keys=ON; DROP TABLE p",
      "PRAGMA foreign_keys=ON stands last", 2 },
    ["journal_mode"] = { "PRAGMA journal_mode=WAL; CREATE TABLE a(x)", "PRAGMA journal_mode cannot be set inside a migration" },
    ["recursive_triggers"] = { "CREATE TABLE a(x);\nPRAGMA recursive_triggers=ON",
      "PRAGMA recursive_triggers cannot be set inside a migration", 2 },
    ["writable_schema"] = { "PRAGMA writable_schema=ON", "it can destroy the database" },
    ["a typo"] = { "PRAGMA foreign_key=OFF;" .. rebuild, "there is no PRAGMA foreign_key" },
    ["a BEGIN without COMMIT"] = { "BEGIN; CREATE TABLE a(x)", "its BEGIN has no COMMIT" },
    ["something after COMMIT"] = { "BEGIN; CREATE TABLE a(x); COMMIT;\nDROP TABLE p", "nothing stands after its COMMIT", 2 },
    ["a COMMIT in the middle"] = { "CREATE TABLE a(x);\nCOMMIT; DROP TABLE p", "BEGIN and COMMIT may stand around all of it", 2 },
    ["a SAVEPOINT"] = { "SAVEPOINT x; DROP TABLE p", "SAVEPOINT, ROLLBACK and ATTACH nowhere" },
    ["VACUUM"] = { "VACUUM", "cannot VACUUM from within a transaction" },
  } do
    it("refuse what would do nothing, or something else, aloud: " .. name, function()
      local count, err = with_family(case[1])
      assert.is_nil(count)
      assert.equal("sql", err.code)
      assert.matches("migration 2.sql: ", err.message, 1, true)
      assert.matches(case[2], err.message, 1, true)
      assert.matches(("in line %d:"):format(case[3] or 1), err.message, 1, true)
      assert.equal(2, children())
      assert.equal(2, db:value "SELECT count(*) FROM sqlite_master WHERE name IN ('p', 'c', 'a', 'p2')")
      assert_enforced()
    end)
  end

  it("may defer foreign keys, use TEMP tables and ask for the last id, and leave nothing of that behind", function()
    assert.equal(2, with_family [[
      PRAGMA defer_foreign_keys=ON;
      INSERT INTO c VALUES (3, 3);
      CREATE TEMP TABLE work AS SELECT 3 AS id;
      INSERT INTO p SELECT id, 'late' FROM work;
      UPDATE p SET n = last_insert_rowid() WHERE id = 3;]])
    assert.equal("3", tostring(db:value "SELECT n FROM p WHERE id = 3"))
    assert.has_error(function() db:query "SELECT * FROM work" end)
    assert_enforced()
  end)

  -- ---- a copy before -----------------------------------------------------------------------------------------------------

  describe("with a copy that is made before", function()
    local native_files = require "rille.native.core"
    local function copies(folder)
      local list = native_files.list_directory(files:path(folder))
      table.sort(list)
      return list
    end
    local function tables_of(path)
      local copy <close> = rille.sqlite.open(files:path(path), { read_only = true })
      return copy:value "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name)"
    end
    before_each(function() assert(os.execute("mkdir " .. files:path "copies")) end)

    it("go on from what is in it: the database as it was, named by the time, for its owner alone", function()
      assert.equal(2, db:migrate(files:path "m", { backup = files:path "copies" }))
      assert.same({}, copies "copies") -- there was nothing to copy
      assert.equal(0, db:migrate(files:path "m", { backup = files:path "copies" }))
      assert.same({}, copies "copies")
      files:write("m/003-c.sql", "CREATE TABLE c(x)")
      assert(os.execute("chmod 600 " .. files:path "x.db"))
      assert.equal(1, db:migrate(files:path "m", { backup = files:path "copies" }))
      local list = copies "copies"
      assert.equal(1, #list)
      assert.matches("^x%-%d+T%d+Z%.db$", list[1])
      assert.equal("rille_migrations t", tables_of("copies/" .. list[1]))
      assert.equal(384, native_files.file_info(files:path("copies/" .. list[1])).mode) -- 0600
    end)

    it("are not run if it cannot be made", function()
      db:migrate(files:path "m")
      files:write("m/003-c.sql", "CREATE TABLE c(x)")
      local _, err = rille.try(db.migrate, db, files:path "m", { backup = files:path "nowhere/x.db" })
      assert.equal("sql", err.code)
      assert.matches("^the copy .*nowhere/x%-%d+T%d+Z%.db cannot be made: No such file or directory$", err.message)
      assert.is_nil(db:value "SELECT 1 FROM sqlite_schema WHERE name = 'c'")
      assert.error_matches(function() db:migrate(files:path "m", { backup = "" }) end, "backup is a path")
      assert.error_matches(function() db:migrate(files:path "m", { backups = "x" }) end, "did you mean 'backup'")
      assert.equal(1, db:migrate(files:path "m", { backup = files:path "copies/of.this.sqlite" }))
      assert.matches("^of%.this%-%d+T%d+Z%.sqlite$", copies "copies"[1])
    end)

    it("of a database in memory too", function()
      local memory <close> = rille.sqlite.open ":memory:"
      memory:exec "CREATE TABLE own(x)"
      assert.equal(2, memory:migrate(files:path "m", { backup = files:path "copies" }))
      assert.matches("^memory%-.*%.db$", copies "copies"[1])
      assert.equal("own", tables_of("copies/" .. copies "copies"[1]))
    end)

    it("are copied once and applied once by many at the same time", function()
      db:migrate(files:path "m")
      files:write("m/003-c.sql", "CREATE TABLE c(x)")
      files:write("migrate.lua", [[
        local rille = require "rille"
        local db = rille.sqlite.open(arg[1] .. "/x.db")
        io.write(db:migrate(arg[1] .. "/m", { backup = arg[1] .. "/copies/" .. arg[2] .. ".db" }))
      ]])
      local processes, total = {}, 0
      for i = 1, 3 do
        processes[i] = io.popen(("%s run %s %s %d"):format(files.rille, files:path "migrate.lua", files.directory, i))
      end
      for _, n in ipairs(rille.map({ 4, 5, 6 }, function(i)
        return db:migrate(files:path "m", { backup = files:path("copies/" .. i .. ".db") })
      end)) do total = total + n end
      for _, process in ipairs(processes) do
        total = total + assert(tonumber(process:read "a"))
        process:close()
      end
      assert.equal(1, total)
      assert.equal(1, #copies "copies")
      assert.equal("rille_migrations t", tables_of("copies/" .. copies "copies"[1]))
    end)

    it("leave nothing of it when the disk is full, and run nothing", function()
      files:write("big/1.sql", "CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
        .. "i < 20000) " .. "SELECT 'some text to fill a page ' || i AS text FROM n")
      db:migrate(files:path "big")
      files:write("big/2.sql", "CREATE TABLE never(x)")
      db:close()
      for _, option in ipairs { "--backup copies", "--dry-run" } do
        local command = "trap '' XFSZ; ulimit -f 200; %s migrate %s x.db big; echo $?"
        local said = files:run("sh", "-c", command:format(files.rille, option))
        assert.matches("^rille: the copy [^\n]+ cannot be made: [^\n]+\n1\n$", said)
        assert.same({}, copies "copies")
        for _, name in ipairs(copies ".") do assert.is_nil(name:find("dry-run", 1, true), name) end
      end
      db = rille.sqlite.open(files:path "x.db")
      assert.is_nil(db:value "SELECT 1 FROM sqlite_schema WHERE name = 'never'")
    end)
  end)

  it("are copied by db:backup, also through a handle that only reads; nothing is replaced", function()
    db:migrate(files:path "m")
    local reading <close> = rille.sqlite.open(files:path "x.db", { read_only = true })
    for i, handle in ipairs { db, reading } do
      local path = files:path("copy" .. i .. ".db")
      handle:backup(path)
      local copy <close> = rille.sqlite.open(path, { read_only = true })
      assert.equal(2, copy:value "SELECT count(*) FROM t")
      local before = files:read("copy" .. i .. ".db")
      local _, err = rille.try(handle.backup, handle, path)
      assert.matches("exists already: a copy replaces nothing", err.message, 1, true)
      assert.equal(before, files:read("copy" .. i .. ".db"))
    end
    files:write("other.txt", "mine")
    assert(os.execute("ln -s nowhere " .. files:path "link"))
    for _, name in ipairs { "other.txt", "link", "m", "nosuch/x.db" } do
      assert.is_false(pcall(db.backup, db, files:path(name)), name)
    end
    assert.equal("mine", files:read "other.txt")
    assert.is_nil(files:read "nowhere")
  end)

  -- ---- the command ---------------------------------------------------------------------------------------------------------

  describe("on the command line", function()
    local function rille_migrate(...) return files:run(files.rille, "migrate", ...) end
    before_each(function() db:close() end)

    it("are run, and counted", function()
      assert.equal("y.db: 2 new migrations\n", rille_migrate("y.db", "m"))
      assert.equal("y.db: 0 new migrations\n", rille_migrate("y.db", "m"))
      assert(os.execute("mkdir " .. files:path "empty"))
      assert.equal("z.db: 0 new migrations, there are no .sql files in empty\n", rille_migrate("z.db", "empty"))
    end)

    it("tell what is wrong in a line, without a traceback, and make no database before", function()
      assert.equal("rille: migrate: cannot read the directory nosuch: No such file or directory\n",
        rille_migrate("y.db", "nosuch"))
      files:write("g/1.sql", "-- migrate:down\nDROP TABLE x")
      assert.matches("^rille: migration g/1.sql, line 1: [^\n]+\n$", rille_migrate("y.db", "g"))
      assert.is_nil(files:read "y.db")
      files:write("m/003.sql", "CREATE TABLE")
      assert.equal("rille: migration 003.sql: incomplete input, in line 1, column 13:\n  CREATE TABLE\n              ^\n",
        rille_migrate("y.db", "m"))
      assert.matches("^rille: cannot open no/y.db: unable to open database file %(No such file or directory%)\n$",
        rille_migrate("no/y.db", "m"))
    end)

    it("say what was expected", function()
      assert.matches("^rille: migrate needs a database and a directory", rille_migrate "y.db")
      assert.matches("^rille: migrate knows no option '%-%-statu'", rille_migrate("--statu", "y.db", "m"))
    end)

    it("are copied before, and the copy is named", function()
      rille_migrate("y.db", "m")
      assert.equal("y.db: 0 new migrations\n", rille_migrate("--backup", "z.db", "y.db", "m"))
      files:write("m/003.sql", "CREATE TABLE c(x)")
      assert.matches("^y.db was copied to z%-%d+T%d+Z%.db\ny.db: 1 new migration\n$", rille_migrate("y.db", "m", "--backup=z.db"))
      assert.matches("^rille: %-%-backup needs a path", rille_migrate("y.db", "m", "--backup"))
      assert.matches("^rille: %-%-backup needs a path", rille_migrate("y.db", "m", "--backup="))
      assert.matches("^rille: %-%-backup goes with neither", rille_migrate("y.db", "m", "--dry-run", "--backup", "z"))
      assert.matches("^rille: %-%-status and %-%-dry%-run do not go", rille_migrate("y.db", "m", "--dry-run", "--status"))
    end)

    it("are tried on a copy: in order, each as it would run, and nothing is changed", function()
      assert.equal("would run  001-a.sql\nwould run  002-b.sql\ny.db: 2 new migrations would run; nothing was changed\n",
        rille_migrate("--dry-run", "y.db", "m"))
      assert.is_nil(files:read "y.db")
      rille_migrate("y.db", "m")
      assert.equal("y.db: 0 new migrations would run; nothing was changed\n", rille_migrate("--dry-run", "y.db", "m"))
      local before = files:read "y.db"
      files:write("m/3.sql", "PRAGMA foreign_keys=OFF; CREATE TABLE c(x)")
      files:write("m/10.sql", "INSERT INTO c VALUES (1)")
      assert.equal("would run  3.sql\nwould run  10.sql\ny.db: 2 new migrations would run; nothing was changed\n",
        rille_migrate("y.db", "m", "--dry-run"))
      files:write("m/11.sql", "INSERT INTO c VALUES (1);\nINSERT INTO c\n  VALUES (x)")
      assert.equal("would run  3.sql\nwould run  10.sql\nrille: migration 11.sql: no such column: x, in line 3, column 11:\n"
        .. "  VALUES (x)\n          ^\n", rille_migrate("y.db", "m", "--dry-run"))
      assert.equal(before, files:read "y.db")
      files:write("m/001-a.sql", "CREATE TABLE t(a, edited)")
      assert.matches("^rille: migrations of m: 001%-a.sql was edited", rille_migrate("y.db", "m", "--dry-run"))
      for _, name in ipairs(native.list_directory(files.directory)) do assert.is_nil(name:find("dry-run", 1, true), name) end
    end)

    it("are tried without what a killed process has left of that, but for one that lives", function()
      rille_migrate("y.db", "m")
      files:write("m/003.sql", "CREATE TABLE c(x)")
      local file <close> = assert(io.open "/proc/self/stat")
      local alive = ("y.db.dry-run-%d-abc"):format(file:read "n")
      local process = io.popen "echo $$" -- it has ended when it is read to the end
      local dead = "y.db.dry-run-" .. process:read "n" .. "-abc"
      process:close()
      local expected = { alive, "y.db.dry-run-abc", "other.db.dry-run-1-abc" }
      for _, name in ipairs { dead, dead .. "-wal", table.unpack(expected) } do files:write(name, "") end
      assert.matches("1 new migration would run", rille_migrate("--dry-run", "y.db", "m"))
      local left = {}
      for _, name in ipairs(native.list_directory(files.directory)) do
        if name:find("dry-run", 1, true) then left[#left + 1] = name end
      end
      table.sort(left)
      table.sort(expected)
      assert.same(expected, left)
    end)

    it("show their states", function()
      local said = rille_migrate("--status", "y.db", "m")
      assert.matches("pending +001%-a.sql +%-\npending +002%-b.sql +%-\n$", said)
      assert.is_nil(files:read "y.db", "made by a question")
      rille_migrate("y.db", "m")
      files:write("m/001-a.sql", "CREATE TABLE t(a, edited)")
      files:write("m/000-late.sql", "SELECT 1")
      files:write("m/003-new.sql", "SELECT 1")
      said = rille_migrate("y.db", "m", "--status")
      assert.matches("late +000%-late.sql +%-\n", said)
      assert.matches("edited +001%-a.sql +%d+%-%d+%-%d+ %d+:%d+:%d+ UTC\n", said)
      assert.matches("applied +002%-b.sql +%d", said)
      assert.matches("pending +003%-new.sql +%-\n", said)
      assert.matches("rille: migration 001%-a.sql was edited", said)
      assert.matches("echo 1", files:run("sh", "-c", files.rille .. " migrate --status y.db m > /dev/null 2>&1 || echo echo $?"))
      os.remove(files:path "m/001-a.sql")
      os.remove(files:path "m/002-b.sql")
      os.remove(files:path "m/003-new.sql")
      said = rille_migrate("y.db", "m", "--status")
      assert.matches("unknown +001%-a.sql", said)
    end)
  end)
end)
