-- runtime/bind/data/row_stream.c, on runtime/data/sqlite/row_stream.c: db:rows over more rows than are read at once.
local rille = require "rille"
local scratch = require "spec.support.scratch"

local COUNT = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) "
local NUMBERS = COUNT .. "SELECT n, 'row number ' || n AS text FROM c"

-- A sanitizer keeps what was freed for a while.
local is_sanitized = os.execute 'grep -q __asan_init "$(readlink /proc/$PPID/exe)"'

local function resident_kb()
  local file = assert(io.open "/proc/self/statm")
  local pages = file:read "a":match "^%d+ (%d+)"
  file:close()
  return tonumber(pages) * 4
end

describe("db:rows over many rows", function()
  local files, db
  setup(function() files = scratch.new() end)
  teardown(function() files:close() end)
  before_each(function()
    for _, tail in ipairs { "", "-wal", "-shm" } do os.remove(files:path("x.db" .. tail)) end
    db = rille.sqlite.open(files:path "x.db", { busy_timeout = 0.1 })
    db:exec "CREATE TABLE t(id INTEGER PRIMARY KEY, v)"
    db:exec("INSERT INTO t(v) SELECT hex(n) FROM (" .. COUNT .. "SELECT n FROM c)", 20000)
  end)
  after_each(function() db:close() end)

  local function message(f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok)
    return tostring(err)
  end

  -- Whether nobody keeps a snapshot from before the last write: then the log can begin anew.
  local function log_is_free()
    db:exec "UPDATE t SET v = 'x' WHERE id = 1"
    return db:one("PRAGMA wal_checkpoint(TRUNCATE)").busy == 0
  end
  local function assert_ends()
    for _ = 1, 100 do
      if log_is_free() then return end
      rille.sleep(0.01)
    end
    error "the statement was not ended"
  end

  it("comes to each, in order, for every number of rows", function()
    for _, most in ipairs { 1, 63, 64, 65, 66, 1000, 5000, 50001 } do
      local seen = 0
      for row in db:rows(NUMBERS, most) do
        seen = seen + 1
        assert(row.n == seen and row.text == "row number " .. seen)
      end
      assert.equal(most, seen)
    end
  end)

  it("takes memory for a piece of them, not for all", function()
    collectgarbage()
    local before, resident, most, seen = collectgarbage "count", resident_kb(), 0, 0
    for row in db:rows(NUMBERS, 300000) do -- some 50 MB of tables
      seen = seen + 1
      if row.n % 50000 == 0 then
        collectgarbage() -- what is left is held
        most = math.max(most, collectgarbage "count")
      end
    end
    assert.equal(300000, seen)
    assert.is_true(most - before < 4000, ("%.0f KB of Lua"):format(most - before))
    assert.is_true(is_sanitized or resident_kb() - resident < 30000, ("%.0f KB resident"):format(resident_kb() - resident))
  end)

  it("takes values of all kinds, which live as long as it goes on", function()
    local function rows()
      return db:rows(COUNT .. "SELECT n, ? AS a FROM c WHERE n > ? AND n NOT IN (?)", 3000, "te" .. "xt", 0,
        rille.list { 2, 3000, "a" .. "b" })
    end
    local seen, last = 0, nil
    for row in rows() do
      if seen % 500 == 0 then collectgarbage() end
      assert(row.a == "text")
      seen, last = seen + 1, row
    end
    assert.equal("2998 2999", seen .. " " .. last.n)
    seen = 0
    for _ in db:rows("SELECT id FROM t WHERE id > :least", { least = 18000 }) do seen = seen + 1 end
    assert.equal(2000, seen)
  end)

  it("sees what was there when it began, while others write, and while the loop waits", function()
    local seen = 0
    for row in db:rows "SELECT id, v FROM t ORDER BY id" do
      seen = seen + 1
      if row.id % 5000 == 1 then
        assert.equal(1, db:exec("UPDATE t SET v = 'new' WHERE id = ?", row.id + 4000).changes)
        assert.equal("new", db:value("SELECT v FROM t WHERE id = ?", row.id + 4000), "what was written is seen beside it")
        db:transaction(function(tx) tx:exec "INSERT INTO t(v) VALUES ('more')" end)
        rille.sleep(0.001)
      end
      assert(row.v ~= "new" and row.v ~= "more")
    end
    assert.equal(20000, seen)
    assert.equal(20004, db:value "SELECT count(*) FROM t")
  end)

  it("goes beside others of its kind", function()
    local function sum()
      local total = 0
      for row in db:rows "SELECT id FROM t" do total = total + row.id end
      return total
    end
    local sums = { rille.all(sum, sum, sum, sum) }
    assert.same({ 200010000, 200010000, 200010000, 200010000 }, sums)
    local pairs_seen = 0
    for a in db:rows "SELECT id FROM t WHERE id <= 200" do
      for b in db:rows("SELECT id FROM t WHERE id < ?", 100) do
        if b.id == a.id then pairs_seen = pairs_seen + 1 end
      end
    end
    assert.equal(99, pairs_seen)
  end)

  describe("ends its statement when the loop is left", function()
    it("by break, return or an error", function()
      for row in db:rows "SELECT id FROM t" do
        assert.is_false(log_is_free(), "the loop is still in it")
        if row.id == 1 then break end
      end
      assert_ends();
      (function()
        for row in db:rows "SELECT id FROM t" do if row.id == 9000 then return end end
      end)()
      assert_ends()
      assert.match("in the loop", message(function()
        for row in db:rows "SELECT id FROM t" do if row.id == 9000 then error "in the loop" end end
      end))
      assert_ends()
    end)

    it("by a cancellation in the loop, or in a wait for rows", function()
      local task = rille.spawn(function()
        for _ in db:rows "SELECT id FROM t" do rille.sleep(100) end
      end)
      rille.sleep(0.05)
      task:cancel()
      assert_ends()
      local began = rille.now()
      task = rille.spawn(function()
        for _ in db:rows(COUNT .. "SELECT max(n) FROM c, t", 1000000000) do error "that takes for ever" end
      end)
      rille.sleep(0.05)
      task:cancel()
      assert_ends()
      assert.equal(20000, db:value "SELECT count(*) FROM t WHERE hex(v) > ''", "the thread is free again")
      assert.is_true(rille.now() - began < 60)
    end)

    it("by a cancellation when the rows have been read and have not arrived", function()
      local function cancel_later(task)
        rille.spawn(function() -- in the same turn: the thread has read when this is over
          local began = os.clock()
          while os.clock() - began < 0.05 do end
          task:cancel()
        end)
      end
      local next_row = db:rows "SELECT id FROM t"
      cancel_later(rille.spawn(function() while next_row() do end end))
      rille.sleep(0.01)
      assert_ends()
      assert.match("a wait for its rows was given up", message(next_row))
      collectgarbage "stop"
      cancel_later(rille.spawn(function() for _ in db:rows "SELECT id FROM t" do rille.sleep(100) end end))
      rille.sleep(0.01)
      local ok, err = pcall(assert_ends)
      collectgarbage "restart"
      assert(ok, err)
    end)

    it("by itself at the end, and by a collection where nobody loops", function()
      local next_row = db:rows "SELECT id FROM t"
      for _ = 1, 20000 do assert(next_row()) end
      assert.is_nil(next_row())
      assert.is_nil(next_row())
      assert_ends()
      local function begin() return db:rows "SELECT id FROM t"() ~= nil end
      assert.is_true(begin())
      collectgarbage()
      collectgarbage()
      assert_ends()
    end)
  end)

  it("raises an error of a row when it comes to that", function()
    local seen, sql = 0, "SELECT id, abs(CASE id WHEN 15000 THEN -9223372036854775807 - 1 ELSE id END) FROM t"
    assert.match("integer overflow, in: SELECT id, abs", message(function()
      for row in db:rows(sql) do seen = row.id end
    end))
    assert.is_true(seen > 64 and seen < 15000, seen)
    assert_ends()
    assert.match("no such column: nowhere", message(function() for _ in db:rows "SELECT nowhere FROM t" do end end))
    assert.match("2 parameters", message(function() for _ in db:rows("SELECT ? FROM t WHERE id > ?", 1) do end end))
  end)

  it("raises after a wait that was given up, because rows are missing then", function()
    local next_row = db:rows("SELECT 1 AS n FROM t UNION ALL SELECT max(n) FROM (" .. COUNT .. "SELECT n FROM c)", 1000000000)
    for _ = 1, 64 do next_row() end
    local err
    repeat
      local ok, said = pcall(rille.timeout, 0.05, next_row)
      err = not ok and said
    until err
    assert.equal("timeout", err.code)
    assert.match("a wait for its rows was given up", message(next_row))
  end)

  it("is under way 64 times at most; the next one is told since when, and where, and does not wait", function()
    local streams = {}
    local function begin() streams[#streams + 1] = select(4, db:rows(NUMBERS, 20001)) end
    for _ = 1, 64 do begin() end
    local line = debug.getinfo(begin, "S").linedefined
    local ok, err = pcall(begin)
    assert.is_false(ok)
    assert.equal("busy", err.code)
    assert.equal(503, err.status)
    assert.match("^64 loops over db:rows are under way, the oldest for %d+%.%d s, begun at spec/rille/sqlite/row_stream_spec.lua:"
      .. line .. ", in: WITH", err.message)
    streams[30]:close()
    begin()
    assert.is_false(pcall(begin))
    for _, stream in pairs(streams) do stream:close() end
    for _ = 1, 70 do -- those that have ended do not count
      for row in db:rows(NUMBERS, 100) do assert(row) end
    end
  end)

  it("raises once its database is closed, and does not hinder that", function()
    local other = rille.sqlite.open(files:path "x.db")
    local err = message(function()
      for row in other:rows "SELECT id FROM t" do
        if row.id == 1000 then other:close() end
      end
    end)
    assert.match("the database was closed", err)
    assert_ends()
  end)

  it("reads all at once in a transaction, in memory, and where it writes", function()
    db:transaction(function(tx)
      tx:exec "DELETE FROM t WHERE id > 1000"
      local seen = 0
      for row in tx:rows "SELECT id FROM t" do
        tx:exec("DELETE FROM t WHERE id = ?", row.id)
        seen = seen + 1
      end
      assert.equal(1000, seen)
    end)
    local seen = 0
    for _ in db:rows("INSERT INTO t(v) SELECT n FROM (" .. COUNT .. "SELECT n FROM c) RETURNING id", 500) do
      seen = seen + 1
      if seen == 10 then break end
    end
    assert.equal(500, db:value "SELECT count(*) FROM t")
    local memory <close> = rille.sqlite.open ":memory:"
    seen = 0
    for _ in memory:rows(NUMBERS, 500) do seen = seen + 1 end
    assert.equal(500, seen)
  end)
end)
