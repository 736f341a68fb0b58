local rille = require "rille"
local mock = require "rille.testing.mock"

describe("testing.mock", function()
  local function unmatched(url)
    local _, err = rille.try(rille.fetch, url)
    return err ~= nil and err.code == "unmatched"
  end

  it("answers with status, headers, body or JSON, without a socket", function()
    local fake <close> = mock.new()
    fake:on("GET", "http://api.test/", { status = 201, json = { n = 1 },
      headers = { ["X-A"] = "1", ["Set-Cookie"] = { "a=1", "b=2" } } })
    local res = rille.fetch "http://api.test/"
    assert.same({ 201, "1", { n = 1 }, "application/json" }, { res.status, res.headers["x-a"], res:json(), res.content_type })
    assert.same({ "a=1", "b=2" }, res:header_all "set-cookie")
    fake:on("get", "http://api.test/text", "just text")
    assert.equal("just text", rille.fetch("http://api.test/text"):text())
    fake:on("GET", "http://api.test/nothing")
    assert.same({ 200, "" }, { rille.fetch("http://api.test/nothing").status, rille.fetch("http://api.test/nothing"):text() })
  end)

  it("records what was asked", function()
    local fake <close> = mock.new()
    fake:on("POST", "http://api.test/items", { status = 204 })
    rille.fetch("http://api.test/items?page=2&q=a+b", { method = "POST", json = { x = 1 }, auth = { bearer = "t" } })
    local call = fake.calls[1]
    assert.same({ "POST", "http://api.test/items?page=2&q=a+b", "/items", { page = "2", q = "a b" }, "Bearer t", { x = 1 } },
      { call.method, call.url, call.path, call.query, call.headers.Authorization, call:json() })
    rille.fetch("http://api.test/items", { method = "POST", body = coroutine.wrap(function()
      coroutine.yield "a"
      coroutine.yield "b"
    end) })
    assert.equal("ab", fake.calls[2].body)
  end)

  it("matches a URL to the letter, with or without its query, a * and a Lua pattern", function()
    local fake = mock.new()
    fake:on("GET", "http://api.test/a-b", "plain"):on("GET", "http://api.test/q?x=1", "query")
      :on("GET", "http://api.test/all/*", "star"):on("ANY", "http://api%.test/users/%d+", "pattern")
      :on("GET", function(url) return url:find "function" end, "function")
    local function text(url) return rille.fetch(url):text() end
    assert.equal("plain", text "http://api.test/a-b")
    assert.equal("plain", text "http://api.test/a-b?x=2")
    assert.equal("query", text "http://api.test/q?x=1")
    assert.equal("star", text "http://api.test/all/x/y?z")
    assert.equal("pattern", text "http://api.test/users/42")
    assert.equal("pattern", rille.fetch("http://api.test/users/42", { method = "DELETE" }):text())
    assert.equal("function", text "http://api.test/function")
    for _, url in ipairs { "http://api.test/a-bc", "http://api.test/q?x=2", "http://api.test/al", "http://api.test/users/x",
      "http://apixtest/users/1" } do
      assert.is_true(unmatched(url), url)
    end
    assert.has_error(function() fake:close() end)
  end)

  it("gives several answers in turn, the last one again and again", function()
    local fake <close> = mock.new()
    fake:on("GET", "http://a.test/", "1"):on("GET", "http://a.test/", "2")
    local got = {}
    for i = 1, 3 do got[i] = rille.fetch("http://a.test/"):text() end
    assert.same({ "1", "2", "2" }, got)
  end)

  it("answers by a function, which may wait; the deadline holds", function()
    local fake <close> = mock.new()
    fake:on("GET", "http://a.test/*", function(req)
      rille.sleep(tonumber(req.query.wait))
      return { json = req.query }
    end)
    assert.same({ wait = "0" }, rille.fetch("http://a.test/?wait=0"):json())
    local _, err = rille.try(rille.fetch, "http://a.test/?wait=5", { timeout = 0.05 })
    assert.same({ "timeout", "total" }, { err.code, err.phase })
    fake:on("GET", "http://slow.test/", { delay = 5 })
    _, err = rille.try(rille.fetch, "http://slow.test/", { timeout = 0.05 })
    assert.equal("timeout", err.code)
  end)

  it("fails like the wire does", function()
    local fake <close> = mock.new()
    for code, status in pairs { timeout = 504, connect = 502, reset = 502, tls = 502 } do
      fake:on("GET", "http://" .. code .. ".test/", { error = code })
      local _, err = rille.try(rille.fetch, "http://" .. code .. ".test/")
      assert.same({ code, status, "http://" .. code .. ".test/" }, { err.code, err.status, err.url })
    end
    local own = rille.error("quota", "spent", { status = 429 })
    fake:on("GET", "http://own.test/", { error = own })
    local _, err = rille.try(rille.fetch, "http://own.test/")
    assert.equal(own, err)
  end)

  it("leaves redirects, cookies and raise to the client", function()
    local fake <close> = mock.new()
    local client <close> = rille.client { raise = true }
    fake:on("POST", "http://a.test/login",
      { status = 303, headers = { Location = "http://a.test/home", ["Set-Cookie"] = "sid=1" } })
    fake:on("GET", "http://a.test/home", function(req) return req.headers.cookie end)
    local res = client:post("http://a.test/login", { form = { user = "ada" } })
    assert.same({ "sid=1", 303, "user=ada" }, { res:text(), res.history[1].status, fake.calls[1].body })
    fake:on("GET", "http://a.test/gone", { status = 410 })
    local _, err = rille.try(client.get, client, "http://a.test/gone")
    assert.same({ "status", 410 }, { err.code, err.response.status })
  end)

  it("fails for a request that nothing matches, where it is made and at the end", function()
    local fake = mock.new():on("GET", "http://a.test/", "x")
    local _, err = rille.try(rille.fetch, "http://b.test/")
    assert.equal("unmatched", err.code)
    assert.matches("no mock answers GET http://b.test/; there are:\n\tGET http://a.test/", tostring(err))
    _, err = rille.try(fake.close, fake)
    assert.matches("GET http://b.test/", tostring(err))
  end)

  it("leaves others in force, whichever is closed first", function()
    local first, second = mock.new(), mock.new()
    second:on("GET", "http://a.test/", "second")
    first:close()
    assert.equal("second", rille.fetch("http://a.test/"):text())
    local third = mock.new()
    third:on("GET", "http://a.test/", "third")
    third:close()
    assert.equal("second", rille.fetch("http://a.test/"):text())
    second:close()
  end)

  it("has the client's own status for each error, and leaves the query out", function()
    local fake <close> = mock.new()
    for code, status in pairs { too_large = 502, closed = 500, invalid = 500, redirect = 502, timeout = 504, denied = 403 } do
      fake:on("GET", "http://" .. code .. ".test/?secret=1", { error = code })
      local _, err = rille.try(rille.fetch, "http://" .. code .. ".test/?secret=1")
      assert.same({ code, status }, { err.code, err.status })
      assert.is_nil(err.message:find("secret", 1, true))
    end
  end)

  it("takes a pattern for one where a class looks like an escaped byte, and no broken one", function()
    local fake <close> = mock.new()
    fake:on("GET", "http://a%.test/e/%da", "matched")
    assert.equal("matched", rille.fetch("http://a.test/e/1a"):text())
    fake:on("GET", "http://b%.test/[%d", "x")
    assert.error_matches(function() rille.fetch "http://b.test/1" end, "'http://b%%%.test/%[%%d' is no pattern")
  end)

  it("is gone when it is closed", function()
    local fake = mock.new()
    fake:close()
    fake:close()
    local _, err = rille.try(rille.fetch, "http://127.0.0.1:1/")
    assert.equal("connect", err.code)
  end)
end)
