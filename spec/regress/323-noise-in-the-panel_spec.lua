-- lua/rille/dev/dashboard.lua, lua/rille/dev/statements.lua
--
-- The panel of `rille dev` had no times, listed what browsers ask for by themselves, and told nothing of one statement run in a
-- loop or of how SQLite goes about one.
-- runtime/cli/dev.c, runtime/cli/dev_news.c, runtime/bind/core/dashboard.c
-- runtime/app/dashboard.c
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local program = [[
local rille = require "rille"
local app = rille.app()
app:lifespan(function(self, running)
  local db <close> = rille.sqlite.open ":memory:"
  db:exec "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO people (name) VALUES ('a'), ('b')"
  self.state.db = db
  running()
end)
app:get("/loop/{count:int}", function(req)
  local db = req.app.state.db
  for i = 1, req.params.count do db:one("SELECT name FROM people WHERE id = ?", i) end
  for i = 1, 2 do db:one("SELECT name FROM people WHERE id = " .. i) end
  return "x"
end)
app:get("/kinds", function(req)
  local db = req.app.state.db
  db:query("SELECT name FROM people WHERE name = :name AND id > :id", { name = "a", id = 1 })
  db:query("  -- a comment\n  SELECT count(*) FROM people")
  db:exec("UPDATE people SET name = ? WHERE id = ?", "c", 1)
  db:exec "PRAGMA user_version = 7"
  db:transaction(function(tx) tx:exec("INSERT INTO people (name) VALUES (?)", ("x"):rep(100)) end)
  return tostring(db:value "PRAGMA user_version")
end)
app:get("/version", function(req) return tostring(req.app.state.db:value "PRAGMA user_version") end)
app:get("/robots.txt", function() return "own" end)
return app
]]

describe("the panel of rille dev", function()
  local place, client, server

  before_each(function()
    place = scratch.new()
    place:write("app.lua", program)
    client = rille.client { timeout = 20 }
    server = served.start(place, { command = "dev app.lua" })
  end)

  after_each(function()
    server:stop()
    client:close()
    place:close()
  end)

  local function get(path) return client:get(server.url .. path) end

  local function requests(count)
    for _ = 1, 500 do
      local list = get "/_rille/state":json().requests
      if #list >= count then return list end
      rille.sleep(0.02)
    end
    error("the requests never came", 2)
  end

  it("says when each request came", function()
    local before = rille.time()
    get "/version":text()
    local request = requests(1)[1]
    assert.is_true(request.time >= before - 1 and request.time <= rille.time() + 1, request.time)
  end)

  it("lists nothing that browsers ask for by themselves, nor its own", function()
    for _, path in ipairs { "/favicon.ico", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png",
      "/.well-known/appspecific/com.chrome.devtools.json", "/_rille/state", "/_rille/live.js", "/robots.txt", "/favicon.ico?x",
      "/version" } do get(path):text() end
    local targets = {}
    for i, request in ipairs(requests(2)) do targets[i] = request.target end
    assert.same({ "/version", "/robots.txt" }, targets)
    assert.not_matches("favicon", server:log())
  end)

  it("flags one statement that a line runs again and again", function()
    get "/loop/4":text()
    get "/loop/5":text()
    get "/loop/300":text()
    local list = requests(3)
    assert.same({ true, true, false }, { list[1].repeated, list[2].repeated, list[3].repeated or false })
    local record = get("/_rille/requests/" .. list[1].id):json()
    assert.same({ { at = "app.lua:11", count = 300, sql = "SELECT name FROM people WHERE id = ?" } }, record.repeated)
    assert.equal(200, #record.sql)
  end)

  it("explains the statements that a request has run, and nothing else", function()
    get "/kinds":text()
    local id = requests(1)[1].id
    local record = get("/_rille/requests/" .. id):json()
    local function plan(number) return get(("/_rille/requests/%s/plan/%s"):format(id, number)) end
    local known = {}
    for _, entry in ipairs(record.sql) do
      if entry.plan then known[#known + 1] = { entry.sql, plan(entry.plan):json() } end
    end
    assert.equal("SEARCH people USING INTEGER PRIMARY KEY (rowid>?)", known[1][2].plan[1].detail)
    assert.equal("SCAN people", known[2][2].plan[1].detail)
    assert.equal("SEARCH people USING INTEGER PRIMARY KEY (rowid=?)", known[3][2].plan[1].detail)
    assert.matches("no plan", known[4][2].error)
    assert.same({}, known[5][2].plan)
    assert.equal("7", get "/version":text())
    assert.equal(404, get("/_rille/requests/nobody/plan/1").status)
    assert.matches("not known", plan(99):json().error)
    assert.equal(404, plan("1%20SELECT").status)
    local at_once = rille.map({ 1, 2, 3, 4, 5, 6 }, function() return plan(record.sql[1].plan):json() end)
    for _, answer in ipairs(at_once) do assert.same(known[1][2], answer) end
    local refused = client:get(("%s/_rille/requests/%s/plan/1"):format(server.url, id), { headers = { Host = "evil.example" } })
    assert.equal(404, refused.status)
  end)

  it("explains nothing any more after the program was loaded again", function()
    get "/kinds":text()
    local id = requests(1)[1].id
    place:write("app.lua", program .. "\n")
    server:wait_for "reloaded"
    assert.matches("loaded again", get(("/_rille/requests/%s/plan/1"):format(id)):json().error)
  end)
end)
