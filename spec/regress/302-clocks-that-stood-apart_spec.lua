-- testing.clock moved rille's clocks and neither Lua's nor SQLite's: what a program wrote with datetime('now') was of today.
-- runtime/bind/core/testing.c
local rille = require "rille"
local testing = require "rille.testing"

describe("the virtual clock", function()
  it("is Lua's and SQLite's too", function()
    local db <close> = rille.sqlite.open ":memory:"
    db:exec "CREATE TABLE t(at TEXT DEFAULT CURRENT_TIMESTAMP, n INTEGER)"
    local clock <close> = testing.clock()
    local year = 365 * 86400
    local before = os.time()
    clock:advance(10 * year)
    local now = math.floor(rille.time())
    assert.equal(before + 10 * year, now)
    assert.equal(now, os.time())
    assert.equal(now, db:value "SELECT unixepoch('now')")
    assert.equal(os.date("!%Y-%m-%d %H:%M:%S", now), os.date "!%Y-%m-%d %H:%M:%S")
    db:exec "INSERT INTO t(n) VALUES (1)" -- on the writer's thread
    assert.equal(os.date "!%Y-%m-%d %H:%M:%S", db:value "SELECT at FROM t")
    assert.near(now, (db:value "SELECT julianday('now')" - 2440587.5) * 86400, 1)
  end)

  it("leaves them as they were", function()
    local db <close> = rille.sqlite.open ":memory:"
    do
      local clock <close> = testing.clock()
      clock:advance(1e9)
    end
    assert.near(rille.time(), os.time(), 2)
    assert.near(rille.time(), db:value "SELECT unixepoch('now')", 2)
  end)

  it("is not asked for a time that is given", function()
    local clock <close> = testing.clock() -- luacheck: ignore 211
    local function at(hour) return os.time { year = 2001, month = 1, day = 1, hour = hour } end
    assert.equal(3600, at(2) - at(1))
    assert.equal("1970-01-01", os.date("!%Y-%m-%d", 0))
    assert.equal("string", type(os.date()))
    assert.equal("table", type(os.date "*t"))
  end)
end)
