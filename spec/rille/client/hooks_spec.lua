-- runtime/bind/client/head.c
local rille = require "rille"
local mock = require "rille.testing.mock"
local testing = require "rille.testing"

describe("client:use", function()
  local fake, client
  before_each(function()
    fake = mock.new()
    client = rille.client { base_url = "http://api.test" }
  end)
  after_each(function()
    client:close()
    fake:close()
  end)

  it("runs hooks around each call, the first outermost", function()
    fake:on("GET", "http://api.test/", "body")
    local order = {}
    for _, name in ipairs { "a", "b" } do
      client:use(function(req, send)
        order[#order + 1] = name .. " " .. req.method .. " " .. req.url
        local res = send(req)
        order[#order + 1] = name .. " " .. res.status
        return res
      end)
    end
    assert.equal("body", client:get("/"):text())
    assert.same({ "a GET http://api.test/", "b GET http://api.test/", "b 200", "a 200" }, order)
  end)

  it("lets a hook change headers, body and URL of this call only", function()
    fake:on("POST", "http://api.test/*", {})
    client:use(function(req, send)
      req.headers["X-Signature"] = #req.body .. ":" .. req.headers["content-type"]
      req.url = req.url .. "?signed=1"
      return send(req)
    end)
    client:post("/a", { json = { 1 } })
    assert.same({ "3:application/json", "1" }, { fake.calls[1].headers["x-signature"], fake.calls[1].query.signed })
    client:post("/b", { body = "plain", headers = { ["Content-Type"] = "text/plain" } })
    assert.equal("5:text/plain", fake.calls[2].headers["x-signature"])
    assert.has_error(function()
      client:use(function(req) req.headers["X-A"] = "a\r\nb" end)
      client:post("/c", { body = "", headers = { ["Content-Type"] = "x" } })
    end)
  end)

  it("lets a hook answer by itself, with a response or plain data, or send again", function()
    fake:on("GET", "http://api.test/real", "real")
    local kept
    client:use(function(req, send)
      if req.url:find "/cached" then return { status = 203, headers = { ["X-Cache"] = "hit" }, json = { 1, 2 } } end
      if req.url:find "/kept" then return kept end
      kept = send(req)
      return send(req)
    end)
    local res = client:get "/cached"
    assert.same({ 203, "hit", { 1, 2 }, "http://api.test/cached", "application/json" },
      { res.status, res.headers["x-cache"], res:json(), res.url, res.content_type })
    assert.equal("real", client:get("/real"):text())
    assert.equal("real", client:get("/kept"):text())
    assert.equal(2, #fake.calls)
    client:use(function() return "a string" end)
    assert.has_error(function() client:get "/real" end)
  end)

  it("sees one call, whatever redirects and retries it takes", function()
    fake:on("GET", "http://api.test/a", { status = 302, headers = { Location = "/b" } })
    fake:on("GET", "http://api.test/b", "end")
    local seen = 0
    client:use(function(req, send)
      seen = seen + 1
      return send(req)
    end)
    assert.equal("end", client:get("/a"):text())
    assert.equal(1, seen)
  end)

  it("sends its own request again, whatever redirects made of it", function()
    fake:on("POST", "http://api.test/there", { status = 303, headers = { Location = "http://other.test/done" } })
    fake:on("GET", "http://other.test/done", { status = 401 })
    client:use(function(req, send)
      req.headers.Authorization = "Bearer old"
      send(req)
      assert.same({ "http://api.test/there", "POST", "x" }, { req.url, req.method, req.body })
      req.headers.Authorization = "Bearer new"
      return send(req)
    end)
    client:post("/there", { body = "x" })
    local told = {}
    for i, call in ipairs(fake.calls) do told[i] = ("%s %s"):format(tostring(call), call.headers.authorization) end
    assert.same({ "POST http://api.test/there Bearer old", "GET http://other.test/done nil",
      "POST http://api.test/there Bearer new", "GET http://other.test/done nil" }, told)
  end)

  it("does not send an iterator a second time", function()
    fake:on("PUT", "http://api.test/", {})
    client:use(function(req, send)
      send(req)
      return send(req)
    end)
    local left = 2
    local _, err = rille.try(client.put, client, "/", { body = function()
      left = left - 1
      return left >= 0 and "part" or nil
    end })
    assert.same({ "invalid", 500 }, { err.code, err.status })
    assert.matches("PUT http://api.test/: its body came from an iterator and is gone", err.message)
    assert.equal(1, #fake.calls)
    client:put("/", { body = "twice" })
    assert.equal("twice", fake.calls[3].body)
  end)

  it("has one deadline for all that it sends", function()
    local clock = testing.clock()
    fake:on("GET", "http://api.test/", { delay = 0.4 })
    client:use(function(req, send)
      send(req)
      return send(req)
    end)
    local task = rille.spawn(rille.try, client.get, client, "/", { timeout = 0.6 })
    clock:advance(1)
    local _, err = task:wait()
    assert.same({ "timeout", "total", "http://api.test/", "GET" }, { err.code, err.phase, err.url, err.method })
  end)

  it("may put plain headers, an iterator, a method in small letters or credentials into a request", function()
    fake:on("ANY", "http://api.test/*", {})
    local change
    client:use(function(req, send)
      change(req)
      return send(req)
    end)
    function change(req)
      req.headers = { ["X-A"] = "1" }
      req.method = "put"
      req.body = coroutine.wrap(function() coroutine.yield "a" coroutine.yield "b" end)
      req.url = "http://ada:pass@api.test/there"
    end
    client:get "/"
    local call = fake.calls[1]
    assert.same({ "PUT", "http://api.test/there", "1", "ab", "Basic YWRhOnBhc3M=" },
      { call.method, call.url, call.headers["x-a"], call.body, call.headers.authorization })
    for what, wrong in pairs {
      ["body: a string or an iterator"] = function(req) req.body = {} end,
      ["the headers of a request are a table"] = function(req) req.headers = "X-A: 1" end,
      ["the method of a request is a string"] = function(req) req.method = nil end,
      ["is no URL"] = function(req) req.url = "file:///etc/passwd" end,
      ["a URL is a string"] = function(req) req.url = 5 end,
    } do
      change = wrong
      assert.error_matches(function() client:get "/" end, what)
    end
    assert.equal(1, #fake.calls)
  end)

  it("answers with what a response has, or not at all", function()
    for _, wrong in ipairs { { stauts = 404 }, { status = "404" }, { body = 5 } } do
      local other <close> = rille.client {}
      other:use(function() return wrong end)
      assert.error_matches(function() other:get "http://api.test/" end, "response: ")
      assert.error_matches(function() rille.client.response(wrong) end, "response: ")
    end
  end)

  it("passes errors through", function()
    fake:on("GET", "http://api.test/", { error = "connect" })
    local caught
    client:use(function(req, send)
      local res, err = rille.try(send, req)
      caught = err
      return res or { status = 599 }
    end)
    assert.equal(599, client:get("/").status)
    assert.equal("connect", caught.code)
  end)
end)

describe("the trace of the request that is served", function()
  local trace, span = ("4bf92f3577b34da6"):rep(2), "00f067aa0ba902b7"

  -- What a handler's request carries, when the one that it serves has these headers.
  local function passed_on(given, own)
    local fake <close> = mock.new()
    fake:on("GET", "http://api.test/", {})
    local app = rille.app()
    app:get("/", function() return rille.fetch("http://api.test/", { headers = own }):text() end)
    local client <close> = testing.client(app)
    client:get("/", { headers = given }):text()
    return fake.calls[1].headers.traceparent, fake.calls[1].headers.tracestate
  end

  it("goes on, with its state", function()
    local parent = ("00-%s-%s-01"):format(trace, span)
    assert.same({ parent, "a=1" }, { passed_on { traceparent = parent, tracestate = "a=1" } })
    assert.equal(parent, (passed_on { traceparent = parent }))
    local later = ("01-%s-%s-01-more"):format(trace, span)
    assert.equal(later, (passed_on { traceparent = later }))
  end)

  it("stays where a program has set one", function()
    local parent = ("00-%s-%s-01"):format(trace, span)
    assert.same({ "own", nil }, { passed_on({ traceparent = parent, tracestate = "a=1" }, { traceparent = "own" }) })
    assert.same({ nil, "own=1" }, { passed_on({ traceparent = parent, tracestate = "a=1" }, { tracestate = "own=1" }) })
  end)

  it("is ignored where it is none (W3C Trace Context, section 3.2.2)", function()
    for _, parent in ipairs {
      ("ff-%s-%s-01"):format(trace, span), ("00-%s-%s-01"):format(("0"):rep(32), span),
      ("00-%s-%s-01"):format(trace, ("0"):rep(16)),
      ("00-%s-%s-01"):format(trace:upper(), span), ("00-%s-%s-01"):format(trace:sub(2), "0" .. span),
      ("00-%s-%s-01-more"):format(trace, span), ("01-%s-%s-01more"):format(trace, span), "x",
    } do
      assert.is_nil((passed_on { traceparent = parent, tracestate = "a=1" }), parent)
    end
  end)
end)

describe("retries", function()
  local fake
  before_each(function() fake = mock.new() end)
  after_each(function() fake:close() end)

  local function get(opts)
    local client <close> = rille.client { base_url = "http://api.test", retries = 2 }
    return client:request("/", opts)
  end

  it("are off by default", function()
    fake:on("GET", "http://api.test/", { error = "connect" }):on("GET", "http://api.test/", "late")
    local _, err = rille.try(rille.fetch, "http://api.test/")
    assert.equal("connect", err.code)
  end)

  it("try again what comes and goes, as often as is said", function()
    fake:on("GET", "http://api.test/", { error = "connect" }):on("GET", "http://api.test/", { status = 503 })
      :on("GET", "http://api.test/", "third")
    local clock = testing.clock()
    local started, ended = rille.now(), nil
    local task = rille.spawn(function()
      local text = get():text()
      ended = rille.now()
      return text
    end)
    clock:advance(1)
    assert.equal("third", task:wait())
    assert.equal(3, #fake.calls)
    local took = ended - started
    assert.is_true(took >= 0.15 and took <= 0.3, "0.05 to 0.1 s and 0.1 to 0.2 s, not " .. took)
  end)

  it("end with the last failure, or the last answer", function()
    fake:on("GET", "http://api.test/", { error = "reset" })
    local _, err = rille.try(get)
    assert.equal("reset", err.code)
    assert.equal(3, #fake.calls)
    fake:on("PUT", "http://api.test/", { status = 502, body = "no" })
    local res = get { method = "PUT" }
    assert.same({ 502, "no" }, { res.status, res:text() })
    assert.equal(6, #fake.calls)
  end)

  it("carry the cookies that the failed answer set", function()
    fake:on("GET", "http://api.test/", { status = 429, headers = { ["Set-Cookie"] = "pass=1; Path=/", ["Retry-After"] = "0" } })
      :on("GET", "http://api.test/", "in")
    assert.equal("in", get():text())
    assert.same({ nil, "pass=1" }, { fake.calls[1].headers.cookie, fake.calls[2].headers.cookie })
  end)

  it("leave alone what is an answer", function()
    for i, status in ipairs { 200, 400, 401, 404, 409, 501 } do
      fake:on("GET", "http://api.test/" .. i, { status = status })
      local client <close> = rille.client { retries = 3 }
      assert.equal(status, client:get("http://api.test/" .. i).status)
      assert.equal(i, #fake.calls)
    end
  end)

  it("of what may change something only where it cannot have happened", function()
    fake:on("POST", "http://api.test/", { error = "reset" })
    local _, err = rille.try(get, { method = "POST" })
    assert.same({ "reset", 1 }, { err.code, #fake.calls })
    fake:on("PATCH", "http://api.test/", { status = 503 })
    assert.equal(503, get({ method = "PATCH" }).status)
    assert.equal(2, #fake.calls)
    fake:on("DELETE", "http://api.test/", { error = "connect" }):on("DELETE", "http://api.test/", { status = 204 })
    assert.equal(204, get({ method = "DELETE" }).status)
    fake.calls = {}
    fake:on("OPTIONS", "http://api.test/", {})
    local conn = mock.new():on("POST", "http://api.test/", { error = "connect" }):on("POST", "http://api.test/", { status = 429 })
      :on("POST", "http://api.test/", { status = 201 })
    assert.equal(201, get({ method = "POST", body = "x" }).status)
    assert.same({ "x", "x", "x" }, { conn.calls[1].body, conn.calls[2].body, conn.calls[3].body })
    conn:close()
    local keyed = mock.new():on("POST", "http://api.test/", { error = "reset" }):on("POST", "http://api.test/", { status = 201 })
    assert.equal(201, get({ method = "POST", headers = { ["Idempotency-Key"] = "k1" } }).status)
    keyed:close()
  end)

  it("do not send an iterator's body twice", function()
    fake:on("PUT", "http://api.test/", { error = "connect" })
    local sent = false
    local _, err = rille.try(get, { method = "PUT", body = function()
      if sent then return nil end
      sent = true
      return "once"
    end })
    assert.same({ "connect", 1 }, { err.code, #fake.calls })
  end)

  it("honour Retry-After, unless it leads past the deadline", function()
    fake:on("GET", "http://api.test/", { status = 429, headers = { ["Retry-After"] = "1" } }):on("GET", "http://api.test/", "ok")
    local clock = testing.clock()
    local started, ended = rille.now(), nil
    local task = rille.spawn(function()
      local text = get():text()
      ended = rille.now()
      return text
    end)
    clock:advance(5)
    assert.equal("ok", task:wait())
    assert.equal(1.0, ended - started)
    fake:on("HEAD", "http://api.test/", { status = 503, headers = { ["Retry-After"] = "3600" } })
    assert.equal(503, get({ method = "HEAD" }).status)
    fake:on("PUT", "http://api.test/", { status = 503, headers = { ["Retry-After"] = "Wed, 21 Oct 2099 07:28:00 GMT" } })
    assert.equal(503, get({ method = "PUT" }).status)
    assert.equal(4, #fake.calls)
  end)
end)
