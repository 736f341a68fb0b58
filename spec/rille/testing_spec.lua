-- runtime/bind/core/testing.c, runtime/bind/http/local.c, runtime/bind/http/server.c
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

-- What a `rille test` of its own says of a spec.
local function run(files, source, ...)
  files:write("inner_spec.lua", source)
  return files:run("RILLE_TEST_DEADLINE=1 " .. files.rille, "test", "inner_spec.lua", "-o", "TAP", ...)
end

describe("a test", function()
  local files
  setup(function() files = scratch.new() end)
  teardown(function() files:close() end)

  describe("that leaves something behind", function()
    local output
    setup(function()
      output = run(files, [[
local rille = require "rille"
local testing = require "rille.testing"
describe("inner", function()
  local db
  setup(function()
    db = rille.sqlite.open "leaks.db"
    db:exec "CREATE TABLE IF NOT EXISTS t(v)"
  end)
  local function stays() rille.sleep(60) end
  it("01 a task", function() rille.spawn(stays) end)
  it("02 a task of a task", function()
    rille.spawn(function()
      rille.spawn(stays)
      rille.sleep(60)
    end)
    rille.sleep(0)
  end)
  it("03 a transaction", function() Kept = db:begin() end)
  it("04 can write behind it", function() db:exec "INSERT INTO t VALUES (1)" end)
  it("05 a transaction of a task that has ended", function()
    rille.spawn(function() Kept = db:begin() end):wait()
  end)
  it("06 can write behind it", function() db:exec "INSERT INTO t VALUES (1)" end)
  it("07 a body", function()
    local app = rille.app()
    app:get("/", function() return ("x"):rep(1000):rep(10000) end)
    rille.fetch(testing.server(app).url)
  end)
  it("08 a request that no mock answers", function()
    testing.mock()
    pcall(rille.fetch, "http://nowhere.test/")
  end)
  it("09 time", function() rille.sleep(60) end)
  it("10 time, on a clock that stands still", function()
    testing.clock()
    rille.sleep(60)
  end)
  it("11 log lines, and fails", function()
    rille.log.warn("look at this", { answer = 42 })
    error "on purpose"
  end)
  it("12 log lines, and does not fail", function() rille.log.warn "nobody sees this" end)
  it("13 nothing", function()
    local app = rille.app()
    app:get("/", function() return ("x"):rep(1000):rep(10000) end)
    local client = testing.client(app)
    client:get "/"
    rille.spawn(stays):cancel()
    rille.spawn(function() end):wait()
    rille.timeout(60, function() end)
    local tx <close> = db:begin()
    testing.database "."
    testing.mock()
  end)
end)
]])
    end)

    local function line_of(name) return output:match("[^\n]* %- inner " .. name .. "[^\n]*") or output end
    local function detail_of(name)
      return output:match("not ok[^\n]* %- inner " .. name .. "[^\n]*\n(.-)\nn?o?t? ?ok ") or output
    end

    for name, why in pairs {
      ["01 a task"] = "leaves a task behind: inner_spec.lua:10",
      ["02 a task of a task"] = "leaves a task behind: inner_spec.lua:12, inner_spec.lua:13",
      ["03 a transaction"] = "leaves an open transaction behind: inner_spec.lua:18",
      ["05 a transaction of a task that has ended"] = "leaves an open transaction behind: inner_spec.lua:21",
      ["07 a body"] = "leaves an unread body behind: http://127.0.0.1:",
      ["08 a request that no mock answers"] = "requests that no mock answered: GET http://nowhere.test/",
      ["09 time"] = "the test took longer than 1 s",
      ["10 time, on a clock that stands still"] = "the test took longer than 1 s",
    } do
      it("fails and says which: " .. name:sub(4), function()
        assert.matches("^not ok", line_of(name))
        assert.matches(why, detail_of(name), 1, true)
      end)
    end

    for _, name in ipairs { "04 can write", "06 can write", "12 log lines, and does not fail", "13 nothing" } do
      it("does not disturb the next one: " .. name, function() assert.matches("^ok", line_of(name)) end)
    end

    it("shows what was logged where it fails, and only there", function()
      assert.matches("look at this answer=42", output)
      assert.not_matches("nobody sees this", output)
    end)
  end)

  it("runs in an order that the seed decides, its ready tasks too", function()
    local source = [[
local rille = require "rille"
for i = 1, 6 do it("t" .. i, function()
  local order = {}
  for k = 1, 6 do rille.spawn(function() order[#order + 1] = k end) end
  rille.sleep(0)
  rille.sleep(0)
  io.write("<", i, ":", table.concat(order), ">")
end) end
]]
    local function order(...)
      local output = run(files, source, ...)
      local text = {}
      for part in output:gmatch "<%d:%d+>" do text[#text + 1] = part end
      assert.equal(6, #text, output)
      return table.concat(text)
    end
    assert.equal("<1:123456><2:123456><3:123456><4:123456><5:123456><6:123456>", order())
    local first = order("--seed", "1")
    assert.equal(first, order "--seed=1")
    assert.not_equal(first, order("--seed", "2"))
    assert.not_equal("123456", first:match ":(%d+)")
  end)

  it("takes busted's options, and its exit status says how it went", function()
    files:write("good_spec.lua", 'it("is good #yes", function() end) it("is bad", function() error "x" end)')
    local status = function(...) return files:run("sh -c '\"$@\" >/dev/null 2>&1; echo $?' -", files.rille, "test", ...) end
    assert.equal("0\n", status("good_spec.lua", "--tags=yes"))
    assert.equal("1\n", status "good_spec.lua")
  end)
end)

describe("testing.clock", function()
  it("moves now and time together, and fires timers in their order", function()
    local clock = testing.clock()
    local now, time, fired = rille.now(), rille.time(), {}
    local tasks = rille.spawn(rille.map, { 3, 1, 2 }, function(s)
      rille.sleep(s)
      fired[#fired + 1] = ("%d at %g"):format(s, rille.now() - now)
      rille.sleep(10)
    end)
    clock:advance(5)
    assert.same({ "1 at 1", "2 at 2", "3 at 3" }, fired)
    assert.equal(5.0, rille.now() - now)
    assert.is_true(math.abs(rille.time() - time - 5) < 0.001)
    clock:advance(3600)
    tasks:wait()
  end)

  it("stands still while a job runs on a thread", function()
    local clock = testing.clock()
    local now = rille.now()
    local task = rille.spawn(function()
      local hash = rille.password.hash "secret"
      return hash, rille.now() - now
    end)
    clock:advance(100)
    local _, took = task:wait()
    assert.equal(0.0, took)
  end)

  it("is one at a time, and real again once it is closed", function()
    local clock = testing.clock()
    assert.error_matches(testing.clock, "virtual already")
    clock:close()
    clock:close()
    assert.error_matches(function() clock:advance(1) end, "real again")
    local again <close> = testing.clock() -- luacheck: ignore 211
  end)
end)

describe("testing.client", function()
  local app
  before_each(function() app = rille.app() end)

  it("starts lifespans before it returns and ends them when it is closed", function()
    local events = {}
    app:lifespan(function(self, running)
      rille.sleep(0)
      self.state.ready = "ready"
      running()
      events[#events + 1] = "ended"
    end)
    app:get("/", function(req) return req.app.state.ready end)
    do
      local client <close> = testing.client(app)
      assert.equal("ready", app.state.ready)
      assert.equal("ready", client:get("/"):text())
      assert.same({}, events)
    end
    assert.same({ "ended" }, events)
  end)

  it("keeps cookies unless told otherwise, and each its own", function()
    app:get("/set", function() return rille.text("ok"):cookie("a", "1") end)
    app:get("/", function(req) return req.cookies.a or "none" end)
    local one, two, none = testing.client(app), testing.client(app), testing.client(app, { cookies = false })
    one:get "/set"
    none:get "/set"
    assert.same({ "1", "none", "none" }, { one:get("/"):text(), two:get("/"):text(), none:get("/"):text() })
  end)

  it("sends headers, query, JSON, forms, files and bodies as fetch does", function()
    app:post("/", function(req)
      local form = (req.content_type or ""):find "form" and req:form() or {}
      return rille.json { method = req.method, type = req.content_type, q = req.query.q, header = req.headers["x-a"],
        field = form.f, file = form.image and { form.image.filename, form.image:bytes() } or nil,
        body = not form.f and req:text() or nil }
    end)
    local client = testing.client(app)
    local function post(opts) return client:post("/", opts):json() end
    assert.same({ method = "POST", q = "a b&c", header = "1", body = "raw" },
      post { query = { q = "a b&c" }, headers = { ["X-A"] = "1" }, body = "raw" })
    assert.same({ method = "POST", type = "application/json", body = '{"a":[1]}' }, post { json = { a = { 1 } } })
    assert.same({ method = "POST", type = "application/x-www-form-urlencoded", field = "1 2" }, post { form = { f = "1 2" } })
    assert.same({ method = "POST", type = "multipart/form-data", field = "v", file = { "a.png", "\0\1" } },
      post { form = { f = "v" }, files = { image = { filename = "a.png", content_type = "image/png", body = "\0\1" } } })
    local parts = { "one ", "two" }
    assert.equal("one two", post({ body = function() return table.remove(parts, 1) end }).body)
  end)

  it("follows redirects where that is asked for", function()
    app:get("/from", function() return rille.redirect "/to" end)
    app:get("/to", function() return "there" end)
    local client = testing.client(app)
    assert.equal(303, client:get("/from").status)
    assert.equal("/to", client:get("/from").headers.location)
    local res = client:get("/from", { follow = true })
    assert.same({ 200, "there", 1 }, { res.status, res:text(), #res.history })
  end)

  it("gives a streamed body as it is written", function()
    local written = 0
    app:get("/", function()
      return rille.stream("text/plain", function(out)
        for _ = 1, 3 do
          written = written + 1
          out:write(written .. ";")
          rille.sleep(0)
        end
      end)
    end)
    local client = testing.client(app)
    local all = {}
    for chunk in client:get("/"):chunks() do all[#all + 1] = chunk end
    assert.equal("1;2;3;", table.concat(all))
  end)

  it("asks its app only, by a path, and says what else it was given", function()
    local client = testing.client(app)
    assert.error_matches(function() client:get "nowhere" end, "a path that starts with '/'")
    assert.error_matches(function() client:get("/", { jsn = 1 }) end, "did you mean 'json'")
    assert.error_matches(function() testing.client {} end, "an app was expected, got a table")
    assert.error_matches(function() testing.client(app, { cookie = true }) end, "did you mean 'cookies'")
    client:close()
    assert.error_matches(function() client:get "/" end, "closed")
  end)
end)

describe("testing.server", function()
  it("listens on a free port of this machine until it is closed", function()
    local app = rille.app()
    app:get("/", function(req) return req.remote end)
    local server = testing.server(app)
    assert.matches("^http://127%.0%.0%.1:%d+$", server.url)
    assert.equal("127.0.0.1", rille.fetch(server.url):text())
    server:close()
    assert.equal("connect", select(2, rille.try(rille.fetch, server.url)).code)
  end)

  it("may be several at once, of one app too", function()
    local app = rille.app()
    app:get("/", function() return "x" end)
    local a, b = testing.server(app), testing.server(app)
    assert.not_equal(a.port, b.port)
    assert.equal("xx", rille.fetch(a.url):text() .. rille.fetch(b.url):text())
  end)
end)

describe("testing.database", function()
  it("is fresh and migrated each time", function()
    for _ = 1, 3 do
      local db = testing.database "app/migrations"
      assert.equal(0, db:value "SELECT count(*) FROM posts")
      db:exec "INSERT INTO posts(title, text, owner, editor) VALUES ('t', 'x', 'o', 'o')"
      assert.equal(1, db:value "SELECT count(*) FROM posts")
    end
  end)

  it("is closed with its test", function()
    local kept = testing.database "app/migrations"
    require("rille.testing.cleanup").enter()
    local inner = testing.database "app/migrations"
    assert.is_nil(require("rille.testing.cleanup").leave())
    assert.error_matches(function() inner:query "SELECT 1" end, "closed")
    assert.equal(1, kept:value "SELECT 1")
  end)
end)
