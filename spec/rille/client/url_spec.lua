-- The URL of a request: one for everybody who looks at it, within the client's base_url, or refused with a reason.
local rille = require "rille"
local fakes = require "spec.support.fake"
local mock = require "rille.testing.mock"
local testing = require "rille.testing"

describe("the URL of a request", function()
  local fake
  before_each(function() fake = mock.new():on("ANY", "http*", function(call) return call.url end) end)
  after_each(function() fake:close() end)

  -- What a hook sees, what the response says, and what is sent.
  local function everywhere(url, opts)
    local client <close> = rille.client(opts)
    local seen
    client:use(function(req, send)
      seen = req.url
      return send(req)
    end)
    local res = client:get(url)
    assert.equal(seen, res.url, url)
    assert.equal(seen, res:text(), url)
    return seen
  end

  it("is the same to hooks, to the response and to the server", function()
    for given, url in pairs {
      ["http://a.test/v1/../admin"] = "http://a.test/admin",
      ["http://a.test/v1/%2e%2E/admin"] = "http://a.test/admin",
      ["http://a.test/v1/.%2e/%2E/admin/%2e"] = "http://a.test/admin/",
      ["http://a.test/../.."] = "http://a.test/",
      ["HTTP://A.Test:80"] = "http://a.test/",
      ["https://a.test:443?q"] = "https://a.test/?q",
      ["http://a.test//b///c"] = "http://a.test//b///c",
      ["http://a.test/b?c=/../d#e"] = "http://a.test/b?c=/../d",
      ["http://a.test/ü b"] = "http://a.test/%C3%BC%20b",
      ["http://☃.test/"] = "http://xn--n3h.test/",
      ["http://bücher.test/"] = "http://xn--bcher-kva.test/",
      ["http://BÜCHER.test/"] = "http://xn--bcher-kva.test/",
      ["http://b%C3%BCcher.test/"] = "http://xn--bcher-kva.test/",
      ["http://faß.test/"] = "http://xn--fa-hia.test/",
      ["http://例え。テスト/"] = "http://xn--r8jz45g.xn--zckzah/",
      ["http://127.1/"] = "http://127.0.0.1/",
      ["http://①②⑦.0.0.1/"] = "http://127.0.0.1/",
    } do
      assert.equal(url, everywhere(given))
    end
  end)

  it("is worked out before the cookies that belong to it", function()
    local client <close> = rille.client {}
    client.cookies:set("http://bücher.test/", "a", "1")
    client.cookies:set("http://xn--bcher-kva.test/admin", "b", "2", { path = "/admin" })
    client:get "http://BÜCHER.test/v1/%2e%2e/admin"
    assert.equal("b=2; a=1", fake.calls[1].headers.cookie)
    assert.equal("1", client.cookies:get("http://xn--bcher-kva.test/", "a"))
  end)

  describe("that cannot be fetched", function()
    local cases = {
      { "", "http:// or https:// in front" }, { "/x", "http:// or https:// in front" }, { "example.com", "in front" },
      { "//a.test/", "in front" }, { "ftp://a.test/", "http:// or https://" }, { "javascript:alert(1)", "scheme" },
      { "file:///etc/passwd", "scheme" }, { "http:a.test", "two slashes" }, { "http:/a.test/", "two slashes" },
      { "http://", "no host" }, { "http:///x", "no host" }, { "http://:80/", "no host" }, { "http://u@/", "no host" },
      { "http://a.test:0/", "port" }, { "http://a.test:65536/", "port" }, { "http://a.test:x/", "port" },
      { "http://[::1/", "IPv6" }, { "http://[nonsense]/", "IPv6" }, { "http://a.test\\@b.test/", "backslash" },
      { "http://a.test/\tb", "control character" }, { "http://a.test/\r\nX: y", "control character" },
      { "http://a\0.test/", "NUL" },
      { "http://a b/", "its host holds a character" }, { "http://a%2fb/", "its host holds a character" },
      { "http://a／b.test/", "its host holds a character" }, { "http://a..test/", "empty label" },
      { "http://" .. ("a"):rep(64) .. ".test/", "longer than 63" }, { "http://" .. ("a."):rep(200) .. "test/",
      "longer than 253" },
      { "http://256.1.1.1/", "no IPv4 address" }, { "http://\xff.test/", "not UTF%-8" }, { "http://-ü.test/", "IDNA" },
      { "http://u:%00@a.test/", "control character" }, { "http://a.test/" .. ("a"):rep(65536), "longer than 64 KiB" },
    }

    it("is a mistake of whoever gave it: 400, with a code of its own and the reason", function()
      for _, case in ipairs(cases) do
        local url, why = table.unpack(case)
        for _, ask in ipairs {
          function() return rille.fetch(url) end,
          function() return rille.fetch(url, { query = { a = 1 } }) end,
          function()
            local client <close> = rille.client { deny_private = true }
            return client:post(url)
          end,
        } do
          local res, err = rille.try(ask)
          assert.is_nil(res, url)
          assert.same({ "url", 400 }, { err.code, err.status }, tostring(err))
          assert.matches("is no URL to fetch: .*" .. why, err.message)
        end
      end
      assert.equal(0, #fake.calls)
    end)

    it("is shown without its query and its credentials, and not at length", function()
      local _, err = rille.try(rille.fetch, "ftp://user:secret@a.test/x?key=secret")
      assert.equal("'ftp://a.test/x' is no URL to fetch: its scheme cannot be fetched, it needs http:// or https:// in front",
        err.message)
      assert.equal("ftp://a.test/x", err.url)
      _, err = rille.try(rille.fetch, ("ü"):rep(5000))
      assert.is_true(#err.message < 300)
      assert.truthy(utf8.len(err.message))
      _, err = rille.try(rille.fetch, "\xff\r\n\27[31m")
      assert.equal("'???" .. "?[31m'", err.message:match "^%b''")
    end)

    it("is the server's mistake where it redirects there", function()
      for _, case in ipairs(cases) do
        local location = case[1]
        local relative = location == "" or location:find "^/" or location == "example.com"
        if not relative and not location:find "[%c]" then
          local other <close> = mock.new():on("GET", "http://a.test/", { status = 302, headers = { Location = location } })
          local _, err = rille.try(rille.fetch, "http://a.test/")
          assert.same({ "redirect", 502 }, { err.code, err.status }, location)
          other.unmatched = {}
        end
      end
    end)

    it("raises for cookies and in a hook as well", function()
      local jar = rille.client.cookies()
      assert.equal("url", select(2, rille.try(jar.get, jar, "nowhere", "a")).code)
      local client <close> = rille.client {}
      client:use(function(req, send)
        req.url = "http://a b/"
        return send(req)
      end)
      assert.equal("url", select(2, rille.try(client.get, client, "http://a.test/")).code)
    end)
  end)
end)

describe("base_url", function()
  local fake
  before_each(function() fake = mock.new():on("ANY", "http*", function(call) return call.url end) end)
  after_each(function() fake:close() end)

  local function refused(why, f, ...)
    local _, err = rille.try(f, ...)
    assert.same({ "url", 400 }, { err.code, err.status }, tostring(err))
    assert.matches(why, err.message)
    assert.is_nil(err.message:find("base.test", 1, true), "it tells nothing of the client: " .. err.message)
  end

  it("is put in front of a path, with one slash between", function()
    local client <close> = rille.client { base_url = "http://base.test/v1" }
    for path, url in pairs { ["x"] = "/v1/x", ["/x"] = "/v1/x", [""] = "/v1", ["?a"] = "/v1?a", ["/"] = "/v1/", ["#top"] = "/v1",
      ["x//y"] = "/v1/x//y", ["a:b"] = "/v1/a:b", ["@evil.test"] = "/v1/@evil.test", [":80/x"] = "/v1/:80/x",
      [".evil.test/"] = "/v1/.evil.test/", ["x/../y"] = "/v1/y",
      ["x?u=http://evil.test/../.."] = "/v1/x?u=http://evil.test/../..",
      ["x/..%2Fy"] = "/v1/x/..%2Fy", ["%252e%252e/x"] = "/v1/%252e%252e/x" } do
      assert.equal("http://base.test" .. url, client:get(path):text(), path)
    end
  end)

  it("is not left for another origin, whatever that looks like", function()
    local client <close> = rille.client { base_url = "http://base.test:8080/v1", headers = { ["X-Api-Key"] = "KEY" } }
    for _, url in ipairs { "http://evil.test/", "https://base.test:8080/v1", "http://base.test/v1", "http://base.test:8081/v1/x",
      "HTTP://evil.test/", "hTTps://evil.test", "//evil.test/", "//evil.test:8080/v1/x", "//base.test/v1",
      "http://base.test:8080@evil.test/", "http://base.test@evil.test:8080/v1", "http://base.test.:8080/v1",
      "http://base.test.evil.test:8080/v1", "http://ｅvil.test/", "///evil.test/", "////evil.test" } do
      for _, opts in ipairs { false, { headers = {} }, { query = { a = 1 } } } do
        local _, err = rille.try(client.get, client, url, opts or nil)
        assert.same({ "url", 400 }, { err and err.code, err and err.status }, url)
      end
    end
    for _, url in ipairs { "http:evil.test/", "http:/evil.test/", "http:\\\\evil.test/", "\\\\evil.test/",
      "/\\evil.test/", "\\/evil.test",
      "ftp://evil.test/", "h\tttp://evil.test/", "/\t/evil.test/", "\n//evil.test/", "//evil\\.test/" } do
      refused("", client.get, client, url)
    end
    assert.equal(0, #fake.calls)
    assert.equal("http://base.test:8080/other", client:get("http://base.test:8080/other"):text())
    assert.equal("http://base.test:8080/other", client:get("HTTP://BASE.test:8080/other"):text())
    assert.equal("http://base.test:8080/other", client:get("//base.test:8080/other"):text())
    assert.equal("KEY", fake.calls[3].headers["x-api-key"])
  end)

  it("is left where the call says so, without what the client sends to its own", function()
    local client <close> = rille.client { base_url = "http://base.test/v1", auth = { bearer = "TOKEN" },
      headers = { ["X-Api-Key"] = "KEY", Cookie = "c=1", Host = "inner.test", ["X-Other"] = "1", ["User-Agent"] = "me" } }
    client.cookies:set("http://base.test/", "jar", "1")
    for _, url in ipairs { "http://evil.test/x", "//evil.test/x" } do
      assert.equal("http://evil.test/x", client:get(url, { absolute = true }):text())
      local sent = table.remove(fake.calls).headers
      for _, name in ipairs { "x-api-key", "authorization", "cookie", "host", "x-other" } do assert.is_nil(sent[name], name) end
      assert.equal("me", sent["user-agent"])
    end
    client:get("http://evil.test/", { absolute = true, headers = { ["X-Api-Key"] = "OTHER" }, auth = { bearer = "OTHER" } })
    local sent = table.remove(fake.calls).headers
    assert.same({ "OTHER", "Bearer OTHER" }, { sent["x-api-key"], sent.authorization })
    client:get("/x", { absolute = true })
    assert.equal("KEY", table.remove(fake.calls).headers["x-api-key"], "a path is at home")
  end)

  it("is not climbed out of, in any spelling", function()
    for _, base in ipairs { "http://base.test/v1", "http://base.test/v1/", "http://base.test/a/b/c", "http://base.test" } do
      local client <close> = rille.client { base_url = base }
      for _, path in ipairs { "..", "/..", "../x", "/../../x", "x/../../y", "%2e%2e/x", "%2E./x", ".%2e", "/./../x",
        "x//../../..",
        "..%2fx", "%2e%2e%2Fx", "..%5cx", "x/..%2f..%2fy", "../?x", "..#", "../v1/x" } do
        refused("leads out of the path", client.get, client, path)
        refused("leads out of the path", client.get, client, path, { query = "a=1" })
      end
    end
    assert.equal(0, #fake.calls)
  end)

  it("holds for what a hook makes of the URL, and what is not the hook's own stays at home", function()
    local client <close> = rille.client { base_url = "http://base.test/v1", headers = { ["X-Api-Key"] = "KEY" },
      auth = { bearer = "TOKEN" } }
    local function lead(to, absolute, own)
      client.hooks = {}
      client:use(function(req, send)
        req.url = to
        if absolute then req.absolute = true end
        for name, value in pairs(own or {}) do req.headers[name] = value end
        return send(req)
      end)
    end
    for _, to in ipairs { "http://evil.test/", "//evil.test/", "../x", "/%2e%2e/x" } do
      lead(to)
      refused("", client.get, client, "/x")
    end
    lead("/there/../y")
    assert.equal("http://base.test/v1/y", client:get("/x"):text())
    assert.equal("KEY", table.remove(fake.calls).headers["x-api-key"])
    lead("http://mirror.test/", true, { ["X-Mine"] = "1", Cookie = "mine=1" })
    local opts = { headers = { ["X-Trace"] = "1", ["X-Auth-Token"] = "T" }, cookies = { a = "b" } }
    assert.equal("http://mirror.test/", client:get("/x", opts):text())
    local sent = table.remove(fake.calls).headers
    assert.same({ "1", "1", "mine=1" }, { sent["x-mine"], sent["x-trace"], sent.cookie })
    for _, name in ipairs { "x-api-key", "authorization", "x-auth-token" } do assert.is_nil(sent[name], name) end
  end)

  it("keeps what a hook sends home whole, when it has asked elsewhere before", function()
    local client <close> = rille.client { base_url = "http://base.test/v1", headers = { ["X-Api-Key"] = "KEY" } }
    client:use(function(req, send)
      local home = req.url
      req.absolute, req.url = true, "http://mirror.test/"
      send(req)
      req.url = home
      return send(req)
    end)
    client:get "/x"
    assert.same({ nil, "KEY" }, { fake.calls[1].headers["x-api-key"], fake.calls[2].headers["x-api-key"] })
  end)

  it("takes no query, no fragment, and nothing that cannot be fetched", function()
    for _, base in ipairs { "nowhere", "http://x/?q", "http://x/?", "http://x/#f", "ftp://x/", "http://a b/", "//x" } do
      assert.error_matches(function() rille.client { base_url = base } end, "base_url: ", nil, nil, base)
    end
    local client <close> = rille.client { base_url = "HTTP://Bücher.test:80/a/../b" }
    assert.equal("http://xn--bcher-kva.test/b/x", client:get("x"):text())
  end)
end)

describe("a redirect to another origin", function()
  local fake
  before_each(function()
    fake = mock.new():on("GET", "http://a.test/", { status = 302, headers = { Location = "//b.test/" } })
      :on("GET", "http://b.test/", { status = 302, headers = { Location = "http://a.test/back" } })
      :on("GET", "http://a.test/back", "end")
  end)
  after_each(function() fake:close() end)

  -- The headers that the other origin has seen, and those of the way back.
  local function behind(client_options, opts)
    local client <close> = rille.client(client_options)
    assert.equal("end", client:get("http://a.test/", opts):text())
    return fake.calls[2].headers, fake.calls[3].headers
  end

  it("takes away what the client sends to all, but what says how to answer", function()
    local own = { ["X-API-Key"] = "k", ["X-Tenant"] = "t", Authorization = "Bearer t", ["User-Agent"] = "me",
      Accept = "text/plain" }
    for _, base in ipairs { "http://a.test", false } do
      local away, back = behind { base_url = base or nil, headers = own }
      for _, name in ipairs { "x-api-key", "x-tenant", "authorization" } do
        assert.is_nil(away[name], name)
        assert.is_nil(back[name], "for good")
      end
      assert.same({ "me", "text/plain" }, { away["user-agent"], away.accept })
      fake.calls = {}
    end
  end)

  it("takes away what a call names like a secret, and no other of its headers", function()
    local given = { ["X-Keep"] = "1", ["Idempotency-Key"] = "i", ["Accept-Language"] = "de" }
    local secrets = { "Authorization", "Proxy-Authorization", "Cookie", "Host", "X-API-Key", "Api-Key", "ApiKey", "X-Auth-Token",
      "X-Amz-Security-Token", "PRIVATE-TOKEN", "X-Vault-Token", "Ocp-Apim-Subscription-Key", "X-Session", "X-Secret",
      "X-Password",
      "X-CSRF-Token", "X-Hub-Signature-256" }
    for _, name in ipairs(secrets) do given[name] = "s" end
    local away = behind({}, { headers = given })
    for _, name in ipairs(secrets) do assert.is_nil(away[name], name) end
    assert.same({ "1", "i", "de" }, { away["x-keep"], away["idempotency-key"], away["accept-language"] })
  end)
end)

describe("a host outside ASCII", function()
  local fake
  setup(function() fake = fakes.start() end)
  teardown(function() fake:close() end)

  it("is asked for by its ASCII form, and the server sees it so", function()
    local client <close> = rille.client { base_url = "http://bücher.example", unix = fake.directory .. "/unix" }
    assert.equal("xn--bcher-kva.example", client:get("/echo"):json().headers.host)
  end)

  it("is one that has no address, not one that is malformed", function()
    local _, err = rille.try(rille.fetch, "http://bücher.invalid:1/", { timeout = 5 })
    assert.equal("connect", err.code)
    assert.matches("^GET http://xn%-%-bcher%-kva.invalid:1/: ", err.message)
  end)

  it("may be the host of a test's client", function()
    local app = rille.app()
    app:get("/x", function(req) return req.host end)
    local client <close> = testing.client(app, { host = "BÜCHER.test" })
    assert.equal("xn--bcher-kva.test", client:get("/x"):text())
    assert.error_matches(function() testing.client(app, { host = "ü b" }) end, "host 'ü b': its host holds a character")
  end)

  it("is known to the guard by either form", function()
    for _, allow in ipairs { "bücher.localhost", "xn--bcher-kva.localhost", "*.LOCALHOST", "BÜCHER.localhost:1" } do
      local client <close> = rille.client { deny_private = true, allow = { allow } }
      local _, err = rille.try(client.get, client, "http://bücher.localhost:1/", { timeout = 5 })
      assert.equal("connect", err.code, allow)
    end
  end)
end)

describe("parsing a URL happens once for a request", function()
  local native = require "rille.native.client"
  local fake
  setup(function() fake = fakes.start() end)
  teardown(function() fake:close() end)

  -- How many URLs are parsed while the client asks for a path.
  local function parses(client, path)
    local before = native.url_cut_count()
    assert.equal("hi", client:get(path):text())
    return native.url_cut_count() - before
  end

  local cookie = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nhi"

  it("with a base_url, a cookie jar and an address policy", function()
    local client <close> = rille.client { base_url = fake.url, allow = { "127.0.0.1" }, limit_per_host = 2 }
    assert.equal(1, parses(client, fake:script(cookie)))
    assert.equal(1, parses(client, fake:script(cookie)))
    assert.equal("1", client.cookies:get(fake.url, "a"))
  end)

  it("and once more for each redirect", function()
    local client <close> = rille.client { base_url = fake.url }
    for _, location in ipairs { fake:script(cookie), fake.url .. fake:script(cookie), fake.other .. fake:script(cookie) } do
      local here = fake:script("HTTP/1.1 302 Go\r\nSet-Cookie: b=2\r\nLocation: " .. location .. "\r\nContent-Length: 0\r\n\r\n")
      assert.equal(2, parses(client, here), location)
    end
  end)

  it("whatever hooks, retries and libcurl do with it", function()
    local client <close> = rille.client { base_url = fake.url, proxy = "http://x.invalid", no_proxy = "*" }
    client:use(function(req, send) return send(req) end)
    assert.equal(1, parses(client, fake:script(cookie)))
    local changes <close> = rille.client { base_url = fake.url }
    changes:use(function(req, send)
      req.url = req.url .. "?x"
      return send(req)
    end)
    assert.equal(2, parses(changes, fake:script(cookie)))
    local busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
    local stubborn <close> = rille.client { base_url = fake.url, retries = 1 }
    assert.equal(1, parses(stubborn, fake:script(busy, cookie)))
  end)

  it("and not at all for the same URL as before", function()
    local client <close> = rille.client { base_url = fake.url }
    local path = fake:script(cookie, cookie)
    assert.equal(1, parses(client, path))
    assert.equal(0, parses(client, path))
  end)
end)
