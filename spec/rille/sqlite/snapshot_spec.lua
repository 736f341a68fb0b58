-- runtime/data/sqlite/snapshot.c: reads of one turn share a transaction, and no program can tell. Whoever was told of a write, by
-- whatever way, finds it on every worker. ctests/data/sqlite/test_snapshot.c has each interleaving; this is all of it over HTTP.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

-- Each answer tells its worker, and the least that several reads of one turn have seen.
local APP = [[
  local rille = require "rille"
  local app = rille.app()
  local worker = tostring(app)
  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open "x.db"
    db:exec "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY)"
    self.state.db = db
    running()
  end)
  app:post("/", function(req) return rille.json { id = req.app.state.db:exec("INSERT INTO t DEFAULT VALUES").last_id } end)
  app:get("/", function(req)
    local least = math.maxinteger
    for _ = 1, 4 do least = math.min(least, req.app.state.db:value "SELECT coalesce(max(id), 0) FROM t") end
    return rille.json { least = least, worker = worker }
  end)
  app:get("/hold", function(req) -- one turn, in which the news comes by a file
    local function most() return req.app.state.db:value "SELECT max(id) FROM t" end
    for _ = 1, 3 do most() end
    io.open("holding", "w"):write("yes"):close()
    local file
    repeat file = io.open "written" until file
    file:close()
    return rille.json { most = most() }
  end)
  return app
]]

describe("a write that was acknowledged", function()
  local files, server
  setup(function()
    files = scratch.new()
    files:write("app.lua", APP)
    server = served.start(files, { command = "serve app.lua --threads 2" })
  end)
  teardown(function()
    server:stop()
    files:close()
  end)

  it("is read by every request that comes after, on each worker, while both are busy with reads", function()
    local workers, count, rounds = {}, 0, 0
    local function see(answer)
      if not workers[answer.worker] then count = count + 1 end
      workers[answer.worker] = true
    end
    local readers = {}
    for i = 1, 6 do -- they keep snapshots open
      readers[i] = rille.spawn(function()
        while true do see(rille.fetch(server.url):json()) end
      end)
    end
    while rounds < 60 or count < 2 do
      rounds = rounds + 1
      local id = rille.fetch(server.url, { method = "POST" }):json().id
      local asked = {}
      for i = 1, 4 do
        asked[i] = rille.spawn(function() return rille.fetch(server.url, { headers = { Connection = "close" } }):json() end)
      end
      for _, task in ipairs(asked) do
        local answer = task:wait()
        see(answer)
        assert.is_true(answer.least >= id, ("%d was written, and %d was read"):format(id, answer.least))
      end
    end
    for _, reader in ipairs(readers) do
      reader:cancel()
      rille.try(reader.wait, reader)
    end
  end)

  it("is read by a handler that hears of it between two reads", function()
    local db <close> = rille.sqlite.open(files:path "x.db")
    local held = rille.spawn(function() return rille.fetch(server.url .. "/hold"):json() end)
    files:wait_for "holding"
    local id = db:exec("INSERT INTO t DEFAULT VALUES").last_id
    files:write("written", "")
    assert.equal(id, held:wait().most)
  end)

  it("is read where another process made it", function()
    files:write("write.lua", [[
      local rille = require "rille"
      local db <close> = rille.sqlite.open "x.db"
      for _ = 1, 20 do
        print(db:exec("INSERT INTO t DEFAULT VALUES").last_id)
        io.stdout:flush()
        io.read()
      end
    ]])
    local db <close> = rille.sqlite.open(files:path "x.db")
    local answers = files:path "answers"
    assert(os.execute("mkfifo " .. answers))
    local writer = assert(io.popen(("cd %s && %s run write.lua < answers"):format(files.directory, files.rille)))
    local answer = assert(io.open(answers, "w"))
    for _ = 1, 20 do
      for _ = 1, 3 do db:value "SELECT max(id) FROM t" end -- a snapshot is open, and nothing waits until the next line
      local id = tonumber(writer:read())
      assert.equal(id, db:value "SELECT max(id) FROM t")
      assert.is_true(rille.fetch(server.url):json().least >= id)
      answer:write "go on\n"
      answer:flush()
    end
    answer:close()
    writer:close()
  end)
end)
