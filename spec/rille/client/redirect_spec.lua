-- runtime/bind/client/pool.c
local rille = require "rille"
local fakes = require "spec.support.fake"

describe("redirects", function()
  local fake
  setup(function() fake = fakes.start() end)
  teardown(function() fake:close() end)

  -- Status and method of a request, and the method that arrives behind the redirect; "body" where the body does too.
  local matrix = {
    { 301, "GET", "GET" }, { 301, "HEAD", "HEAD" }, { 301, "POST", "GET" }, { 301, "PUT", "PUT body" },
    { 301, "DELETE", "DELETE" },
    { 302, "GET", "GET" }, { 302, "HEAD", "HEAD" }, { 302, "POST", "GET" }, { 302, "PUT", "PUT body" },
    { 302, "PATCH", "PATCH body" },
    { 303, "GET", "GET" }, { 303, "HEAD", "HEAD" }, { 303, "POST", "GET" }, { 303, "PUT", "GET" }, { 303, "DELETE", "GET" },
    { 307, "GET", "GET" }, { 307, "HEAD", "HEAD" }, { 307, "POST", "POST body" }, { 307, "PUT", "PUT body" },
    { 308, "GET", "GET" }, { 308, "HEAD", "HEAD" }, { 308, "POST", "POST body" }, { 308, "PATCH", "PATCH body" },
  }

  it("keep or change method and body as the Fetch standard says", function()
    for _, case in ipairs(matrix) do
      local status, method, expected = table.unpack(case)
      local there = fake:script(fakes.raw("200 OK", method == "HEAD" and "" or "there"))
      local here = fake:script("HTTP/1.1 " .. status .. " Go\r\nLocation: " .. there .. "/x\r\nContent-Length: 0\r\n\r\n")
      local has_body = method == "POST" or method == "PUT" or method == "PATCH"
      local res = rille.fetch(fake.url .. here,
        { method = method, json = has_body and { a = 1 } or nil, headers = { ["X-Keep"] = "1" } })
      local got = fake:log(there)[1]
      local what = status .. " " .. method
      assert.equal(expected, got.method .. (got.size > 0 and " body" or ""), what)
      assert.equal(got.size > 0 and "application/json" or nil, got.headers["content-type"], what)
      assert.equal(got.size > 0 and "7" or nil, got.headers["content-length"], what)
      assert.equal("1", got.headers["x-keep"], what)
      assert.equal(fake.url .. there .. "/x", res.url, what)
      assert.same({ status, fake.url .. here }, { res.history[1].status, res.history[1].url }, what)
    end
  end)

  it("of other kinds, or without a Location, are returned as they are", function()
    for _, head in ipairs { "300 Choices\r\nLocation: /x", "304 Same\r\nLocation: /x", "302 Found",
      "201 Made\r\nLocation: /x" } do
      local path = fake:script("HTTP/1.1 " .. head .. "\r\nContent-Length: 0\r\n\r\n")
      assert.equal(tonumber(head:sub(1, 3)), rille.fetch(fake.url .. path).status)
    end
  end)

  it("are resolved against where they came from", function()
    local here = fake:script(fakes.redirect(302, "../c?q=1#part"), fakes.ok "c")
    local res = rille.fetch(fake.url .. here .. "/a/b/../d")
    assert.same({ "c", fake.url .. here .. "/c?q=1" }, { res:text(), res.url })
    here = fake:script(fakes.redirect(302, "?page=2"), fakes.ok "two")
    res = rille.fetch(fake.url .. here .. "/list?page=1")
    assert.same({ "two", fake.url .. here .. "/list?page=2" }, { res:text(), res.url })
  end)

  it("are followed ten times and no more, or as often as is said", function()
    local path = fake:script(fakes.redirect(302, "?again"))
    local _, err = rille.try(rille.fetch, fake.url .. path)
    assert.same({ "redirect", 502 }, { err.code, err.status })
    assert.equal(11, #fake:log(path))
    assert.equal(302, rille.fetch(fake.url .. path, { follow = false }).status)
    assert.equal(302, rille.fetch(fake.url .. path, { follow = 0 }).status)
    local two = fake:script(fakes.redirect(302, "?1"), fakes.redirect(307, "?2"), fakes.ok "end")
    assert.equal(2, #rille.fetch(fake.url .. two, { follow = 2 }).history)
    two = fake:script(fakes.redirect(302, "?1"), fakes.redirect(307, "?2"), fakes.ok "end")
    _, err = rille.try(rille.fetch, fake.url .. two, { follow = 1 })
    assert.equal("redirect", err.code)
  end)

  it("lead to http and https only", function()
    for _, location in ipairs { "file:///etc/passwd", "ftp://x/", "javascript:alert(1)", "data:text/plain,x", "http:x", "//",
      "http://a\\b/" } do
      local _, err = rille.try(rille.fetch, fake.url .. fake:script(fakes.redirect(302, location)))
      assert.equal("redirect", err.code, location)
    end
  end)

  it("cannot take a body along that is gone", function()
    local path = fake:script(fakes.redirect(307, "?again"), fakes.ok "got it")
    local sent = 0
    local function body()
      sent = sent + 1
      return sent <= 3 and "piece" or nil
    end
    local _, err = rille.try(rille.fetch, fake.url .. path, { method = "POST", body = body })
    assert.equal("redirect", err.code)
    assert.matches("iterator", tostring(err))
    path = fake:script(fakes.redirect(307, "?again"), fakes.ok "got it")
    local res = rille.fetch(fake.url .. path, { method = "POST", files = { a = { path = "spec/support/fake.lua" } } })
    assert.equal("got it", res:text())
    local log = fake:log(path)
    assert.equal(log[1].sha256, log[2].sha256, "a file is read again")
  end)

  describe("to another origin", function()
    local secrets = { Authorization = "Bearer t", Cookie = "own=1", ["Proxy-Authorization"] = "Basic eA==", Host = "api.test",
      ["X-Keep"] = "1" }

    local function behind(location_of, opts)
      local there = fake:script(fakes.ok())
      local here = fake:script(fakes.redirect(307, location_of(there)))
      rille.fetch(fake.url .. here, opts)
      return fake:log(there)[1].headers, fake:log(here)[1].headers
    end

    it("drop Authorization, Cookie, Proxy-Authorization, Host and the request's own cookies", function()
      local away, home = behind(function(path) return fake.other .. path end, { headers = secrets, cookies = { a = "b" } })
      assert.same({ "Bearer t", "own=1; a=b", "api.test" }, { home.authorization, home.cookie, home.host })
      assert.is_nil(home["proxy-authorization"], "that is for a proxy only, see route_spec.lua")
      assert.same({ fake.other:match "//(.*)", "1" }, { away.host, away["x-keep"] })
      for _, name in ipairs { "authorization", "cookie", "proxy-authorization" } do assert.is_nil(away[name], name) end
    end)

    it("drop basic credentials, and answer no digest challenge", function()
      local away, home = behind(function(path) return fake.other .. path end, { auth = { "ada", "x" } })
      assert.is_nil(away.authorization)
      assert.matches("^Basic ", home.authorization)
      local there = fake:script(fakes.raw("401 No", "", { 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"' }))
      local here = fake:script(fakes.redirect(302, fake.other .. there))
      assert.equal(401, rille.fetch(fake.url .. here, { auth = { "ada", "x", digest = true } }).status)
      assert.equal(1, #fake:log(there))
    end)

    it("drop a client certificate, as a client with a base URL does", function()
      local path = fake:script(fakes.redirect(302, fake.mutual .. "/echo"))
      local own = { ca = fake.ca, cert = fake.directory .. "/client.pem" }
      assert.equal(200, rille.fetch(fake.mutual .. "/echo", own).status)
      local code = select(2, rille.try(rille.fetch, fake.https .. path, own)).code
      assert.is_true(code == "tls" or code == "reset", code)
      own.base_url = fake.https
      local client <close> = rille.client(own)
      code = select(2, rille.try(client.get, client, fake.mutual .. "/echo", { absolute = true })).code
      assert.is_true(code == "tls" or code == "reset", code)
      assert.equal(200, client:get(fake.mutual .. "/echo", { absolute = true, cert = own.cert }).status)
    end)

    it("that are too many leave no connection taken", function()
      local path = fake:script { { send = "HTTP/1.1 302 Found\r\nLocation: next\r\nContent-Length: 1048576\r\n\r\n" },
        { send = ("x"):rep(65536), times = 16 } }
      local client <close> = rille.client { limit = 1, follow = 1 }
      assert.equal("redirect", select(2, rille.try(client.get, client, fake.url .. path .. "/x")).code)
      assert.same({ running = 0, waiting = 0 }, client:stats())
    end)

    it("drop them for good, even when the way leads back", function()
      local home = fake:script(fakes.ok())
      local away = fake:script(fakes.redirect(307, fake.url .. home))
      local start = fake:script(fakes.redirect(307, fake.other .. away))
      rille.fetch(fake.url .. start, { headers = secrets })
      assert.is_nil(fake:log(home)[1].headers.authorization)
    end)

    it("count scheme, host and port", function()
      for _, to in ipairs { fake.other, fake.url:gsub("127.0.0.1", "localhost"), fake.https } do
        local there = fake:script(fakes.ok())
        local here = fake:script(fakes.redirect(302, to .. there))
        rille.fetch(fake.url .. here, { headers = { Authorization = "t" }, verify = false })
        assert.is_nil(fake:log(there)[1].headers.authorization, to)
      end
    end)

    it("keep all of it on the same origin", function()
      local away = behind(function(path) return path end, { headers = secrets, cookies = { a = "b" } })
      assert.same({ "Bearer t", "own=1; a=b", "api.test" }, { away.authorization, away.cookie, away.host })
    end)

    it("take nothing from credentials in a Location", function()
      local away = behind(function(path) return fake.other:gsub("//", "//eve:x@") .. path end, {})
      assert.is_nil(away.authorization)
    end)
  end)

  it("carry the cookies that they set", function()
    local path = fake:script(fakes.redirect(303, "?done", { "Set-Cookie: sid=7" }), fakes.ok "hi")
    rille.fetch(fake.url .. path)
    assert.equal("sid=7", fake:log(path)[2].headers.cookie)
    path = fake:script(fakes.ok "a", fakes.ok "b")
    rille.fetch(fake.url .. path)
    rille.fetch(fake.url .. path)
    assert.is_nil(fake:log(path)[2].headers.cookie, "fetch keeps no jar")
  end)
end)
