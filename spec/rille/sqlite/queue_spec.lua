-- Writes that wait: how many may, and what the others are told. runtime/data/sqlite/store.c.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local settle = require "spec.support.settle"

describe("the queue of a database", function()
  local files, db
  before_each(function()
    files = scratch.new()
    db = rille.sqlite.open(files:path "x.db", { queue = 5 })
    db:exec "CREATE TABLE t(v)"
  end)
  after_each(function()
    db:close()
    files:close()
  end)

  local function insert(v) return rille.spawn(db.exec, db, "INSERT INTO t VALUES (?)", v) end

  -- Nothing is written before it is let go.
  local function hold()
    local inside, go = rille.event(), rille.event()
    local task = rille.spawn(db.transaction, db, function(tx)
      inside:set()
      go:wait()
      tx:exec "INSERT INTO t VALUES ('of the transaction')"
    end)
    inside:wait()
    return function() go:set() task:wait() end
  end

  it("holds as many as it was opened with; others are told that it is busy, and who they would wait for", function()
    local let_go = hold()
    local tasks = {}
    for i = 1, 8 do tasks[i] = insert(i) end
    settle()
    for i = 6, 8 do
      local _, err = rille.try(tasks[i].wait, tasks[i])
      assert.equal("busy", err.code)
      assert.equal(503, err.status)
      assert.matches("^the database is busy: 5 writes %(%d+ bytes%) wait already, for the transaction begun at "
        .. "spec/rille/sqlite/queue_spec.lua:%d+", err.message)
    end
    assert.equal("busy", select(2, rille.try(db.begin, db)).code)
    assert.equal(0, db:value "SELECT count(*) FROM t") -- reads go on
    let_go() -- the transaction's own statements are taken, for everybody waits for them
    for i = 1, 5 do tasks[i]:wait() end
    assert.equal(6, db:value "SELECT count(*) FROM t")
    insert(9):wait()
  end)

  it("has room again for what was given up", function()
    local let_go = hold()
    local tasks = {}
    for i = 1, 5 do tasks[i] = insert(i) end
    settle()
    for i = 1, 5 do tasks[i]:cancel() end
    settle()
    let_go()
    insert(6):wait()
    assert.equal(2, db:value "SELECT count(*) FROM t")
  end)

  it("holds so many bytes, and one that is larger by itself", function()
    local large = ("x"):rep(40 << 20)
    local let_go = hold()
    local first = insert(large)
    settle()
    assert.equal("busy", select(2, rille.try(function() insert(large):wait() end)).code)
    let_go()
    first:wait()
    insert(large .. large):wait()
    assert.equal(3, db:value "SELECT count(*) FROM t")
  end)

  it("is one for all handles of a file, and its option too", function()
    assert.error_matches(function() rille.sqlite.open(files:path "x.db", { queue = 6 }) end, "queue = 5, not 6")
    local other <close> = rille.sqlite.open(files:path "x.db")
    local let_go = hold()
    local tasks = {}
    for i = 1, 5 do tasks[i] = insert(i) end
    settle()
    assert.equal("busy", select(2, rille.try(function() rille.spawn(other.exec, other, "DELETE FROM t"):wait() end)).code)
    let_go()
    for i = 1, 5 do tasks[i]:wait() end
    assert.error_matches(function() rille.sqlite.open(files:path "y.db", { queue = 0 }) end, "queue is a number from 1 to")
  end)
end)
