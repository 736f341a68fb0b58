-- runtime/data/sqlite/connection.c: what a schema may use. It is trusted, for there are only SQLite's own functions.
local rille = require "rille"
local scratch = require "spec.support.scratch"

describe("the schema of a database", function()
  local files, db
  setup(function() files = scratch.new() end)
  teardown(function() files:close() end)
  before_each(function()
    for _, tail in ipairs { "", "-wal", "-shm" } do os.remove(files:path("x.db" .. tail)) end
    db = rille.sqlite.open(files:path "x.db")
  end)
  after_each(function() db:close() end)

  local function fails(pattern, f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok)
    assert.match(pattern, tostring(err))
  end

  it("may use full-text search in triggers and views, for who writes and who only reads", function()
    db:exec [[
      CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);
      CREATE VIRTUAL TABLE words USING fts5(body, content = 't', content_rowid = 'id');
      CREATE TRIGGER added AFTER INSERT ON t BEGIN INSERT INTO words(rowid, body) VALUES (new.id, new.body); END;
      CREATE VIEW ranked AS SELECT rowid, bm25(words) AS rank FROM words WHERE words MATCH 'red']]
    db:exec "INSERT INTO t(body) VALUES ('a red house'), ('a blue one')"
    local reader <close> = rille.sqlite.open(files:path "x.db", { read_only = true })
    for _, handle in ipairs { db, reader } do assert.equal(1, handle:one("SELECT rowid FROM ranked").rowid) end
  end)

  it("may use JSON in checks, indexes and generated columns", function()
    db:exec [[
      CREATE TABLE checked(data TEXT CHECK (json_valid(data)));
      CREATE TABLE t(data TEXT, kind AS (data ->> 'kind'));
      CREATE INDEX by_kind ON t(data ->> 'kind')]]
    db:exec [[INSERT INTO t(data) VALUES ('{"kind":"a"}')]]
    assert.equal("a", db:value "SELECT kind FROM t WHERE data ->> 'kind' = 'a'")
    fails("CHECK constraint failed", db.exec, db, "INSERT INTO checked VALUES ('{')")
  end)

  it("may not load code: a file that a stranger made can have any views and triggers", function()
    db:exec [[
      CREATE TABLE t(id INTEGER PRIMARY KEY);
      CREATE VIEW v AS SELECT load_extension('/nowhere') AS x;
      CREATE TRIGGER added AFTER INSERT ON t BEGIN SELECT load_extension('/nowhere'); END]]
    fails("unsafe use of load_extension", db.query, db, "SELECT x FROM v")
    fails("unsafe use of load_extension", db.exec, db, "INSERT INTO t VALUES (1)")
    fails("not authorized", db.query, db, "SELECT load_extension('/nowhere')")
  end)

  -- Functions that SQLite does not call innocuous, and lets a schema that is trusted use. Who sees this fail judges them.
  it("gains JSON, full-text search and R-trees by being trusted, and nothing else", function()
    local harmless = { "^json", "^%->", "^fts5", "^rtree", "^bm25$", "^highlight$", "^snippet$", "^match$", "^matchinfo$",
      "^offsets$", "^optimize$" }
    local INNOCUOUS, DIRECT_ONLY = 0x200000, 0x80000
    local sql = "SELECT DISTINCT name FROM pragma_function_list WHERE flags & ? = 0"
    for _, row in ipairs(db:query(sql, INNOCUOUS | DIRECT_ONLY)) do
      local known = false
      for _, pattern in ipairs(harmless) do known = known or row.name:find(pattern) ~= nil end
      assert.is_true(known, row.name)
    end
  end)
end)
