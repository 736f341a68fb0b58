-- runtime/vm/error.c, runtime/app/serving.c
-- runtime/app/handle.c
local rille = require "rille"
local native = require "rille.native.core"
local testing = require "rille.testing"

describe("an error value", function()
  it("has status, code, message and a __tostring, from a status or from a code", function()
    local err = rille.error(404, "no such post", { post = 7 })
    assert.same({ 404, "not_found", "no such post", 7 }, { err.status, err.code, err.message, err.post })
    assert.equal("no such post", tostring(err))
    assert.same({ 404, "not_found", "Not Found" }, { rille.error(404).status, rille.error(404).code, rille.error(404).message })
    for code, status in pairs { sql = 500, connect = 502, busy = 503, timeout = 504, own_word = 500 } do
      assert.same({ status, code }, { rille.error(code, "x").status, rille.error(code, "x").code })
    end
    assert.is_false(pcall(rille.error, 200))
    assert.is_false(pcall(rille.error, 600))
    assert.is_false(pcall(rille.error, nil))
  end)

  it("is raised by abort, with a traceback where somebody asks for one", function()
    local _, err = rille.try(rille.abort, 418, "short", { headers = { ["X-A"] = "1" } })
    assert.same({ 418, "short", "1" }, { err.status, err.message, err.headers["X-A"] })
  end)

  it("wraps what else is raised, in rille.try, keeping it as the cause", function()
    local res, err = rille.try(error, "a string")
    assert.is_nil(res)
    assert.same({ 500, "a string" }, { err.status, err.message })
    local value = {}
    err = select(2, rille.try(error, value))
    assert.equal(value, err.cause)
    local _, none = rille.try(error, nil)
    assert.equal(500, none.status)
    assert.same({ n = 3, 1, nil, 3 }, table.pack(rille.try(function() return 1, nil, 3 end)))
  end)

  it("has the traceback of where it was raised", function()
    local function inner() error "deep" end
    local _, err = rille.try(function() inner() end)
    assert.matches("error_spec%.lua:%d+: in upvalue 'inner'", err.traceback)
    assert.not_matches("%[C%]: in function 'error'.-%[C%]: in function 'error'", err.traceback)
  end)
end)

describe("middleware", function()
  local app, order
  before_each(function() app, order = rille.app(), {} end)

  local function layer(name)
    return function(req, handler)
      order[#order + 1] = name
      local res, err = rille.try(handler, req)
      order[#order + 1] = name .. " " .. (res and res.status or err.status)
      return res or error(err, 0)
    end
  end

  local function build()
    app:get("/", function() order[#order + 1] = "handler" return "ok" end)
    app:use(layer "a")
    app:group { prefix = "/g", use = { layer "group" } }:get("/", function() return "ok" end, { use = { layer "route" } })
    app:use(layer "b")
    app:get("/fails", function() rille.abort(403) end)
    return testing.client(app)
  end

  it("stands around every route, the first outermost, wherever it was written", function()
    local client = build()
    assert.equal("ok", client:get("/"):text())
    assert.same({ "a", "b", "handler", "b 200", "a 200" }, order)
    order = {}
    client:get "/g"
    assert.same({ "a", "b", "group", "route", "route 200", "group 200", "b 200", "a 200" }, order)
  end)

  for name, case in pairs { ["404"] = { "get", "/none" }, ["405"] = { "delete", "/" }, ["403"] = { "get", "/fails" } } do
    it("sees a " .. name .. " raised inside", function()
      local client = build()
      assert.equal(tonumber(name), client[case[1]](client, case[2]).status)
      assert.same({ "a", "b", "b " .. name, "a " .. name }, order)
    end)
  end

  it("sees OPTIONS answered inside", function()
    assert.equal(204, build():options("/").status)
    assert.same({ "a", "b", "b 204", "a 204" }, order)
  end)

  it("gets a response whatever the handler returned or raised, and may change it", function()
    app:use(function(req, handler) return handler(req):header("X-Seen", "1") end)
    app:get("/string", function() return "s", 201 end)
    app:get("/raised", function() error(rille.text("raised", 202), 0) end)
    local client = testing.client(app)
    for path, status in pairs { ["/string"] = 201, ["/raised"] = 202 } do
      local res = client:get(path)
      assert.same({ status, "1" }, { res.status, res.headers["x-seen"] })
    end
  end)

  it("may answer by itself, answer an error, or raise another one", function()
    app:use(function(req, handler)
      if req.path == "/own" then return "own" end
      local res, err = rille.try(handler, req)
      if req.path == "/other" then rille.abort(409, "other") end
      return res or rille.text("caught " .. err.message)
    end)
    app:get("/own", function() error "never" end)
    app:get("/caught", function() rille.abort(400, "it") end)
    app:get("/other", function() return "x" end)
    local client = testing.client(app)
    assert.equal("own", client:get("/own"):text())
    assert.equal("caught it", client:get("/caught"):text())
    assert.equal(409, client:get("/other").status)
  end)

  it("that returns nothing is a 500 that says so in the log", function()
    app:use(function(req, handler) handler(req) end)
    app:get("/", function() return "x" end)
    native.take_log()
    assert.equal(500, testing.client(app):get("/").status)
    assert.matches("GET /", native.take_log(), 1, true)
  end)

  it("around a transaction rolls it back on any error", function()
    local db = testing.database "app/migrations"
    app:use(function(req, handler)
      return db:transaction(function(tx)
        req.state.db = tx
        return handler(req)
      end)
    end)
    local insert = "INSERT INTO posts(title, text, owner, editor) VALUES ('t', 'x', 'o', 'o')"
    app:post("/good", function(req) req.state.db:exec(insert) return "ok" end)
    app:post("/bad", function(req) req.state.db:exec(insert) rille.abort(400) end)
    local client = testing.client(app)
    assert.same({ 200, 400 }, { client:post("/good").status, client:post("/bad").status })
    assert.equal(1, db:value "SELECT count(*) FROM posts")
  end)
end)

describe("on_error", function()
  local app
  before_each(function()
    app = rille.app()
    app:get("/abort/{status:int}", function(req) rille.abort(req.params.status, "said") end)
    app:get("/sql", function() error(rille.error("sql", "no such table"), 0) end)
    app:get("/bug", function(req) return req.state.x.y end)
    app:get("/string", function() error("a string", 0) end)
    app:get("/nil", function() error(nil) end)
  end)

  local function get(path) return testing.client(app):get(path) end

  it("is found by status, by code, and '*' for any, the most exact first", function()
    app:on_error("*", function(_, err) return "any " .. err.status end)
    app:on_error(404, function() return "missing" end)
    app:on_error("sql", function(_, err) return "sql " .. err.status end)
    app:on_error(500, function() return "five hundred" end)
    local client = testing.client(app)
    for path, expected in pairs { ["/none"] = { 404, "missing" }, ["/abort/404"] = { 404, "missing" },
      ["/abort/403"] = { 403, "any 403" }, ["/sql"] = { 500, "sql 500" }, ["/bug"] = { 500, "five hundred" } } do
      local res = client:get(path)
      assert.same(expected, { res.status, res:text() }, path)
    end
    assert.equal(405, client:post("/bug").status)
  end)

  it("answers with the error's status and headers unless it gives its own", function()
    app:on_error(404, function() return rille.json { a = 1 } end)
    app:on_error(405, function() return "no", 400 end)
    app:on_error(403, function() return rille.text("x", 410) end)
    local client = testing.client(app)
    assert.equal(404, client:get("/none").status)
    local res = client:post "/bug"
    assert.same({ 400, "GET, HEAD, OPTIONS" }, { res.status, res.headers.allow })
    assert.equal(410, client:get("/abort/403").status)
  end)

  it("that fails itself is logged, and the standard answer is sent", function()
    app:on_error(404, function() error "in on_error" end)
    native.take_log()
    assert.equal(404, get("/none").status)
    assert.matches("in on_error", native.take_log())
  end)

  local bugs = { ["/bug"] = "attempt to index a nil value (field 'x')", ["/string"] = "a string", ["/nil"] = "nil" }
  for path, inside in pairs(bugs) do
    it("missing: " .. path .. " is a 500 with an opaque id; message and traceback are in the log only", function()
      native.take_log()
      local res = get(path)
      local body = res:text()
      local id = body:match "%((%x+)%)"
      assert.equal(500, res.status)
      assert.is_truthy(id, body)
      assert.not_matches("spec/", body, 1, true)
      assert.not_matches(inside, body, 1, true)
      local log = native.take_log()
      assert.matches("id=" .. id, log, 1, true)
      assert.matches(inside, log, 1, true)
      assert.equal(1, select(2, log:gsub("a handler failed", "")))
      if path == "/bug" then assert.matches("spec/rille/error_spec.lua:%d+: in function", log) end
    end)
  end

  it("missing: 4xx says its message, 5xx never", function()
    local client = testing.client(app)
    assert.matches("said", client:get("/abort/409"):text())
    for _, status in ipairs { 500, 502, 503, 599 } do
      local res = client:get("/abort/" .. status)
      assert.equal(status, res.status)
      assert.not_matches("said", res:text())
    end
    assert.not_matches("no such table", client:get("/sql"):text())
  end)

  it("missing: the answer is text, HTML or JSON as the client asks", function()
    local client = testing.client(app)
    local function type_for(accept) return client:get("/none", { headers = { Accept = accept } }).content_type end
    assert.same({ "text/plain", "text/html", "application/json" },
      { type_for "text/plain", type_for "text/html", type_for "application/json" })
    local res = client:get("/abort/409", { headers = { Accept = "application/json" } })
    assert.same({ status = 409, code = "conflict", message = "said" }, res:json().error)
  end)
end)

describe("on_response", function()
  it("sees every response, errors and misses included, innermost app first", function()
    local app, sub = rille.app(), rille.app()
    local seen = {}
    app:on_response(function(_, res) seen[#seen + 1] = "app " .. res.status end)
    sub:on_response(function(req, res)
      seen[#seen + 1] = "sub " .. req.path
      res:header("X-Hook", "1")
    end)
    sub:get("/", function() return "x" end)
    sub:get("/bug", function() error "x" end)
    app:mount("/sub", sub)
    local client = testing.client(app)
    assert.equal("1", client:get("/sub").headers["x-hook"])
    client:get "/sub/bug"
    client:get "/none"
    assert.same({ "sub /sub", "app 200", "sub /sub/bug", "app 500", "app 404" }, seen)
  end)
end)

describe("a mounted app's errors", function()
  it("are answered by its own on_error, inside its parent's middleware; what it does not know goes on", function()
    local app, sub = rille.app(), rille.app()
    local order = {}
    app:use(function(req, handler)
      local res, err = rille.try(handler, req)
      order[#order + 1] = "parent " .. (res and res.status or "raised " .. err.status)
      return res or error(err, 0)
    end)
    sub:on_error(409, function() return "sub's" end)
    app:on_error("*", function(_, err) return "parent's " .. err.status end)
    sub:get("/409", function() rille.abort(409) end)
    sub:get("/410", function() rille.abort(410) end)
    app:mount("/sub", sub)
    local client = testing.client(app)
    assert.equal("sub's", client:get("/sub/409"):text())
    assert.equal("parent's 410", client:get("/sub/410"):text())
    assert.equal("parent's 404", client:get("/sub/none"):text())
    assert.same({ "parent 409", "parent raised 410", "parent raised 404" }, order)
  end)
end)
