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
