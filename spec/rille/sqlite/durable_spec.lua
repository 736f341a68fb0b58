-- What a server was told to keep is there, whatever becomes of it: kill -9, a disk without room, another process on the file.
-- runtime/data/sqlite/{writer,batch,recovery}.c, runtime/cli/main.c. Fifty kills: script/soak durable.
local rille = require "rille"
local processes = require "spec.support.process"
local scratch = require "spec.support.scratch"

local program = [[
local rille = require "rille"
local app = rille.app()
local db
app:lifespan(function(self, running)
  db = rille.sqlite.open "x.db"
  db:exec "CREATE TABLE IF NOT EXISTS t(n INTEGER NOT NULL CHECK (n >= 0), k TEXT, UNIQUE(n, k))"
  db:exec "CREATE TABLE IF NOT EXISTS sum(id INTEGER PRIMARY KEY, n INTEGER)"
  db:exec "INSERT OR IGNORE INTO sum VALUES (1, 0)"
  running()
  db:close()
end)
app:post("/row/{n}", function(req)
  db:exec("INSERT INTO t VALUES (?, 'row')", req.params.n)
  return "kept"
end)
app:post("/batch/{n}", function(req)
  db:batch { { "INSERT INTO t VALUES (?, 'batch')", req.params.n }, { "INSERT INTO t VALUES (?, 'batch2')", req.params.n } }
  return "kept"
end)
app:post("/transaction/{n}", function(req)
  db:transaction(function(tx)
    tx:exec("INSERT INTO t VALUES (?, 'transaction')", req.params.n)
    tx:exec "UPDATE sum SET n = n + 1"
  end)
  return "kept"
end)
app:post("/large", function()
  db:exec "INSERT INTO t SELECT count(*), hex(zeroblob(50000)) FROM t"
  return "kept"
end)
app:get("/count", function() return tostring(db:value "SELECT count(*) FROM t") end)
return app
]]

describe("a server that keeps rows", function()
  local place, client

  before_each(function()
    place = scratch.new()
    place:write("app.lua", program)
    client = rille.client { timeout = 60 }
  end)
  after_each(function()
    client:close()
    place:close()
  end)

  local function serve() return processes.start(place, { "serve", "app.lua", "--port", "0", "--threads", "2" }) end

  local function value(sql)
    local db <close> = rille.sqlite.open(place:path "x.db")
    assert.equal("ok", db:value "PRAGMA integrity_check")
    return db:value(sql)
  end

  it("has each that it acknowledged once, and all or nothing of a transaction, after it was killed", function()
    local kinds, kept, next_n = { "row", "batch", "transaction" }, {}, 0
    for round = 1, 4 do
      local server <close> = serve()
      local url, answered = server:url(), 0
      local tasks = {}
      for i = 1, 12 do
        tasks[i] = rille.spawn(function()
          while true do
            next_n = next_n + 1
            local n, kind = next_n, kinds[next_n % 3 + 1]
            local ok, answer = pcall(client.post, client, ("%s/%s/%d"):format(url, kind, n))
            if not ok then return end
            assert.equal(200, answer.status)
            kept[n], answered = kind, answered + 1
            if answered == 40 + round * 7 then server:signal "KILL" end
          end
        end)
      end
      for _, task in ipairs(tasks) do task:wait() end
    end
    local db <close> = rille.sqlite.open(place:path "x.db")
    assert.equal("ok", db:value "PRAGMA integrity_check")
    for n, kind in pairs(kept) do
      assert.equal(1, db:value("SELECT count(*) FROM t WHERE n = ? AND k = ?", n, kind), kind .. " " .. n)
    end
    assert.equal(0, db:value [[SELECT count(*) FROM t AS a WHERE k = 'batch'
      AND NOT EXISTS (SELECT * FROM t WHERE n = a.n AND k = 'batch2')]])
    assert.equal(db:value "SELECT count(*) FROM t WHERE k = 'transaction'", db:value "SELECT n FROM sum")
  end)

  it("answers 507 if there is no room, goes on reading, and writes again once there is room", function()
    local server <close> = serve()
    local url, kept = server:url(), 0
    local function limit(size) assert(os.execute(("prlimit --pid %d --fsize=%s:"):format(server.pid, size))) end
    limit(1000000)
    local status
    for _ = 1, 100 do
      status = client:post(url .. "/large").status
      if status ~= 200 then break end
      kept = kept + 1
    end
    assert.equal(507, status)
    assert.equal(tostring(kept), client:get(url .. "/count"):text())
    assert.matches("File too large", server:log(), 1, true)
    limit "unlimited"
    assert.equal(200, client:post(url .. "/large").status)
    assert.equal(tostring(kept + 1), client:get(url .. "/count"):text())
    assert.is_nil(server:ended())
  end)

  it("refuses only those of 64 that break a rule", function()
    local server <close> = serve()
    local url, numbers = server:url(), {}
    for i = 1, 64 do numbers[i] = i % 4 == 0 and -i or i end
    local statuses = rille.map(numbers, function(n) return client:post(url .. "/row/" .. n).status end, { limit = 64 })
    for i, status in ipairs(statuses) do assert.equal(i % 4 == 0 and 500 or 200, status, i) end
    assert.equal(48, value "SELECT count(*) FROM t")
  end)

  it("counts right beside another server on the same file", function()
    local one <close> = serve()
    local other <close> = serve()
    local urls = { one:url(), other:url() }
    local numbers = {}
    for i = 1, 24 do numbers[i] = i end
    rille.map(numbers, function(n)
      assert.equal(200, client:post(("%s/transaction/%d"):format(urls[n % 2 + 1], n)).status)
    end, { limit = 8 })
    assert.equal(24, value "SELECT n FROM sum")
    assert.equal(24, value "SELECT count(*) FROM t")
  end)
end)
