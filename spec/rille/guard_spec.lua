-- lua/rille/auth.lua, lua/rille/cors.lua, lua/rille/limit.lua, lua/rille/normalize_path.lua, lua/rille/request_id.lua,
-- lua/rille/security_headers.lua, lua/rille/trust_proxy.lua
--
-- The small middleware that guards an app: cors, security headers, limits, proxies, request ids, paths, authorization.
-- runtime/bind/http/rate_limit.c
local rille = require "rille"
local testing = require "rille.testing"

local function app_with(...)
  local app = rille.app()
  for _, middleware in ipairs { ... } do app:use(middleware) end
  app:any("/", function(req)
    return rille.json { method = req.method, remote = req.remote, scheme = req.scheme, host = req.host, url = req.url }
  end)
  app:get("/fail", function() rille.abort(418) end)
  return app
end

local function client_of(...) return testing.client(app_with(...)) end

describe("cors", function()
  local function headers_of(client, origin, method)
    return client:request("/", { method = method, headers = { Origin = origin } }).headers
  end

  it("names an origin that is allowed, on errors too, and no other", function()
    local client = client_of(rille.cors { origins = { "https://a.example", "https://b.example:8443" }, credentials = true,
      expose = { "X-Total" } })
    for _, origin in ipairs { "https://a.example", "https://b.example:8443" } do
      local headers = headers_of(client, origin)
      assert.equal(origin, headers["access-control-allow-origin"])
      assert.equal("true", headers["access-control-allow-credentials"])
      assert.equal("X-Total", headers["access-control-expose-headers"])
      assert.equal("Origin", headers.vary)
    end
    for _, origin in ipairs { "https://c.example", "http://a.example", "https://a.example.evil", "null" } do
      local headers = headers_of(client, origin)
      assert.is_nil(headers["access-control-allow-origin"])
      assert.is_nil(headers["access-control-allow-credentials"])
      assert.equal("Origin", headers.vary)
    end
    local failed = client:get("/fail", { headers = { Origin = "https://a.example" } })
    assert.equal("https://a.example", failed.headers["access-control-allow-origin"])
  end)

  it("is for everybody unless said, without credentials", function()
    local client = client_of(rille.cors {})
    assert.equal("*", headers_of(client, "https://a.example")["access-control-allow-origin"])
    assert.is_nil(headers_of(client, nil)["access-control-allow-origin"])
    assert.has_error(function() rille.cors { credentials = true } end)
    assert.has_error(function() rille.cors { origins = "*", credentials = true } end)
    assert.has_error(function() rille.cors { origins = { "a.example" } } end)
  end)

  local function preflight(client, origin, method, headers)
    return client:options("/", { headers = { Origin = origin, ["Access-Control-Request-Method"] = method,
      ["Access-Control-Request-Headers"] = headers } })
  end

  it("answers the question before a request", function()
    local client = client_of(rille.cors { origins = { "https://a.example" }, methods = { "GET", "PUT" },
      headers = { "Content-Type", "X-Token" }, max_age = 60 })
    local response = preflight(client, "https://a.example", "PUT", "content-type, x-token")
    assert.equal(204, response.status)
    assert.equal("https://a.example", response.headers["access-control-allow-origin"])
    assert.equal("GET, PUT", response.headers["access-control-allow-methods"])
    assert.equal("content-type, x-token", response.headers["access-control-allow-headers"])
    assert.equal("60", response.headers["access-control-max-age"])
    assert.equal(403, preflight(client, "https://b.example", "PUT").status)
    assert.equal(403, preflight(client, "https://a.example", "DELETE").status)
    assert.equal(403, preflight(client, "https://a.example", "PUT", "x-other").status)
  end)

  it("leaves an ordinary OPTIONS to the app, and asks a function where it is given one", function()
    local client = client_of(rille.cors { origins = function(origin) return origin:find "%.example$" ~= nil end })
    assert.equal("OPTIONS", client:options("/"):json().method)
    assert.equal("https://a.example", headers_of(client, "https://a.example")["access-control-allow-origin"])
    assert.is_nil(headers_of(client, "https://a.test")["access-control-allow-origin"])
  end)
end)

describe("security headers", function()
  it("are on every response, errors included", function()
    local client = client_of(rille.security_headers {})
    for _, path in ipairs { "/", "/fail", "/missing" } do
      local headers = client:get(path).headers
      assert.equal("nosniff", headers["x-content-type-options"])
      assert.equal("strict-origin-when-cross-origin", headers["referrer-policy"])
      assert.equal("DENY", headers["x-frame-options"])
      assert.equal("same-origin", headers["cross-origin-opener-policy"])
      assert.equal("base-uri 'none'; default-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        .. "img-src 'self' data:; object-src 'none'", headers["content-security-policy"])
      assert.is_nil(headers["strict-transport-security"])
    end
  end)

  it("bind to https under https only", function()
    local client = testing.client(app_with(rille.security_headers { hsts = "max-age=60" }), { scheme = "https" })
    assert.equal("max-age=60", client:get("/").headers["strict-transport-security"])
  end)

  it("can be changed, left out, and set by a handler", function()
    local app = app_with(rille.security_headers { csp = { ["img-src"] = "*", ["form-action"] = false }, frame = false,
      referrer = "no-referrer", permissions = "camera=()" })
    app:get("/own", function() return rille.text "x":header("Content-Security-Policy", "default-src 'none'") end)
    local client = testing.client(app)
    local headers = client:get("/").headers
    assert.equal("base-uri 'none'; default-src 'self'; frame-ancestors 'none'; img-src *; object-src 'none'",
      headers["content-security-policy"])
    assert.is_nil(headers["x-frame-options"])
    assert.equal("no-referrer", headers["referrer-policy"])
    assert.equal("camera=()", headers["permissions-policy"])
    assert.equal("default-src 'none'", client:get("/own").headers["content-security-policy"])
    assert.is_nil(client_of(rille.security_headers { csp = false }):get("/").headers["content-security-policy"])
    assert.has_error(function() rille.security_headers { csp = { ["img-src"] = "a; b" } } end)
  end)

  it("allow scripts and styles that carry the number of this response", function()
    local app = app_with(rille.security_headers {})
    app:get("/nonce", function(req) return req:csp_nonce() .. " " .. req:csp_nonce() end)
    local client = testing.client(app)
    local one, two = client:get "/nonce", client:get "/nonce"
    local first, again = one:text():match "^(%S+) (%S+)$"
    assert.equal(first, again)
    assert.not_equal(one:text(), two:text())
    assert.truthy(one.headers["content-security-policy"]:find(("script-src 'self' 'nonce-%s'"):format(first), 1, true))
    assert.truthy(one.headers["content-security-policy"]:find(("style-src 'self' 'nonce-%s'"):format(first), 1, true))
    app = app_with(rille.security_headers { csp = "script-src 'nonce-%NONCE%'" })
    assert.matches("^script%-src 'nonce%-[%w_-]+'$", testing.client(app):get("/").headers["content-security-policy"])
  end)
end)

describe("limit", function()
  it("lets a burst through, then so many a second", function()
    local clock = testing.clock()
    local client = client_of(rille.limit { rate = 2, burst = 5 })
    local function statuses(n)
      local list = {}
      for i = 1, n do list[i] = client:get("/").status end
      return list
    end
    assert.same({ 200, 200, 200, 200, 200, 429, 429 }, statuses(7))
    clock:advance(0.5)
    assert.same({ 200, 429 }, statuses(2))
    clock:advance(100)
    assert.same({ 200, 200, 200, 200, 200, 429 }, statuses(6))
  end)

  it("says when to come again", function()
    testing.clock()
    local client = client_of(rille.limit { rate = 0.1, burst = 1 })
    client:get "/"
    local response = client:get "/"
    assert.equal(429, response.status)
    assert.equal("10", response.headers["retry-after"])
  end)

  it("counts by whatever is asked for", function()
    local client = client_of(rille.limit { rate = 1, burst = 1, by = function(req) return req.headers["x-user"] end })
    local function status(user) return client:get("/", { headers = { ["X-User"] = user } }).status end
    assert.same({ 200, 429, 200, 429 }, { status "ada", status "ada", status "bob", status "bob" })
    assert.same({ 200, 200, 200 }, { status(nil), status(nil), status(nil) })
  end)

  it("counts each limit by itself, and those of one name together", function()
    local app = app_with()
    for i = 1, 2 do
      app:get("/own" .. i, function() return "" end, { use = { rille.limit { rate = 1, burst = 1 } } })
      app:get("/shared" .. i, function() return "" end, { use = { rille.limit { rate = 1, burst = 1, name = "spec" } } })
    end
    local client = testing.client(app)
    assert.same({ 200, 200 }, { client:get("/own1").status, client:get("/own2").status })
    assert.same({ 200, 429 }, { client:get("/shared1").status, client:get("/shared2").status })
  end)

  it("wants a rate", function()
    for _, options in ipairs { {}, { rate = 0 }, { rate = -1 }, { rate = 0 / 0 }, { rate = 1, burst = 0 } } do
      assert.has_error(function() rille.limit(options) end)
    end
  end)
end)

describe("trust_proxy", function()
  local function seen(client, headers) return client:get("/", { headers = headers }):json() end

  it("believes a trusted proxy, and nobody else", function()
    local headers = { ["X-Forwarded-For"] = "203.0.113.7", ["X-Forwarded-Proto"] = "https",
      ["X-Forwarded-Host"] = "blog.example" }
    local trusting = seen(client_of(rille.trust_proxy { "127.0.0.0/8" }), headers)
    assert.same({ method = "GET", remote = "203.0.113.7", scheme = "https", host = "blog.example",
      url = "https://blog.example/" }, trusting)
    local other = seen(client_of(rille.trust_proxy { "10.0.0.0/8", "::1" }), headers)
    assert.same({ method = "GET", remote = "127.0.0.1", scheme = "http", host = "127.0.0.1", url = "http://127.0.0.1/" }, other)
    assert.same(other, seen(client_of(), headers))
  end)

  it("takes the first address that is no proxy, from our end", function()
    local client = client_of(rille.trust_proxy { "127.0.0.1", "10.0.0.0/8", "2001:db8::/32" })
    local function remote(list) return seen(client, { ["X-Forwarded-For"] = list }).remote end
    assert.equal("203.0.113.7", remote "6.6.6.6, 203.0.113.7, 10.1.2.3")
    assert.equal("203.0.113.7", remote "203.0.113.7,10.1.2.3 , 10.0.0.1")
    assert.equal("203.0.113.7", remote "6.6.6.6, 203.0.113.7:4711")
    assert.equal("2001:db9::1", remote "6.6.6.6, [2001:db9::1]:443, 2001:db8::5")
    assert.equal("10.1.2.3", remote "10.1.2.3")
    assert.equal("127.0.0.1", remote "unknown")
    assert.equal("127.0.0.1", remote "6.6.6.6, <script>")
  end)

  it("reads Forwarded where that is what the proxy sends", function()
    local client = client_of(rille.trust_proxy { "127.0.0.1" })
    assert.same({ method = "GET", remote = "2001:db9::17", scheme = "https", host = "blog.example:8443",
      url = "https://blog.example:8443/" },
      seen(client, { Forwarded = 'for=6.6.6.6;proto=http, For="[2001:db9::17]:4711";proto=https;host="blog.example:8443"' }))
    local both = { Forwarded = "for=6.6.6.6", ["X-Forwarded-For"] = "203.0.113.7" }
    assert.equal("203.0.113.7", seen(client, both).remote)
    assert.equal("6.6.6.6", seen(client_of(rille.trust_proxy { "127.0.0.1", headers = "forwarded" }), both).remote)
    assert.equal("127.0.0.1",
      seen(client_of(rille.trust_proxy { "127.0.0.1", headers = "x-forwarded" }), { Forwarded = "for=6.6.6.6" }).remote)
  end)

  it("ignores what is no scheme or host", function()
    local client = client_of(rille.trust_proxy { "127.0.0.1" })
    local request = seen(client, { ["X-Forwarded-For"] = "203.0.113.7", ["X-Forwarded-Proto"] = "javascript",
      ["X-Forwarded-Host"] = "evil.example/path" })
    assert.equal("http://127.0.0.1/", request.url)
  end)

  it("says which of its networks is none", function()
    for _, list in ipairs { {}, { "10.0.0.0/33" }, { "10.0.0.1/8" }, { "example.com" }, { "1.2.3" }, { 7 } } do
      assert.has_error(function() rille.trust_proxy(list) end)
    end
    assert.has_error(function() rille.trust_proxy { "10.0.0.0/8", headers = "x" } end)
    local _, message = pcall(rille.trust_proxy, { "::1", "10.0.0.0/33" })
    assert.matches("'10.0.0.0/33' is no network", message)
  end)
end)

describe("request_id", function()
  it("is on every response, and another one each time", function()
    local client = client_of(rille.request_id {})
    local one, two = client:get("/").headers["x-request-id"], client:get("/fail").headers["x-request-id"]
    assert.matches("^%x+$", one)
    assert.not_equal(one, two)
    assert.not_equal("abc", client:get("/", { headers = { ["X-Request-ID"] = "abc" } }).headers["x-request-id"])
  end)

  it("is the proxy's where that is trusted and harmless", function()
    local client = client_of(rille.request_id { trust = true, header = "X-Trace" })
    local function answer(id) return client:get("/", { headers = { ["X-Trace"] = id } }).headers["x-trace"] end
    assert.equal("a-b.c:1", answer "a-b.c:1")
    assert.matches("^%x+$", answer "<script>")
    assert.matches("^%x+$", answer(("x"):rep(129)))
  end)
end)

describe("normalize_path", function()
  local client
  before_each(function()
    local app = app_with(rille.normalize_path {})
    app:get("/posts", function() return "posts" end)
    app:post("/posts", function() return "posted" end)
    app:get("/about/", function() return "about" end)
    app:get("/a/{name}", function(req) return req.params.name end)
    client = testing.client(app)
  end)

  local function location(path)
    local response = client:get(path)
    return response.status, response.headers.location
  end

  it("leads to the path that there is", function()
    assert.same({ 308, "/posts" }, { location "/posts/" })
    assert.same({ 308, "/about/" }, { location "/about" })
    assert.same({ 308, "/a/x" }, { location "/a//x/" })
    assert.same({ 308, "/posts?page=2&q=/x/" }, { location "/posts/?page=2&q=/x/" })
    assert.equal(308, client:post("/posts/").status)
  end)

  it("leaves alone what has a route, or none either way", function()
    assert.equal(200, client:get("/posts").status)
    assert.equal(404, client:get("/missing/").status)
    assert.equal(405, client:delete("/posts").status)
    assert.equal(404, client:delete("/posts/").status)
  end)

  it("never leads to another host", function()
    local app = rille.app()
    app:use(rille.normalize_path {})
    app:get("/{name}", function(req) return req.params.name end)
    app:get("/{name}/{rest:path}", function(req) return req.params.name end)
    client = testing.client(app)
    for _, path in ipairs { "//evil.example", "//evil.example/", "///evil.example/%2e%2e", "/%2F/evil.example/",
      "//evil.example//x/", "/%5Cevil.example/" } do
      local _, target = location(path)
      if target then assert.matches("^/[^/\\]", target) end
    end
  end)

  it("keeps escapes as they are", function()
    assert.same({ 308, "/a/x%2Fy" }, { location "/a/x%2Fy/" })
    assert.same({ 308, "/a/%C3%BC%25" }, { location "/a/%C3%BC%25/" })
  end)
end)

describe("auth", function()
  local function basic(text) return { Authorization = "Basic " .. text } end

  it("asks for a name and a password", function()
    local client = client_of(rille.auth.basic { realm = "blog", verify = function(name, password)
      return name == "ada" and password == "pa:ss" and { name = name } or nil
    end })
    assert.equal(200, client:get("/", { headers = basic "YWRhOnBhOnNz" }).status)
    for _, headers in ipairs { {}, basic "YWRhOng=", basic "!!!", basic "YWRh", { Authorization = "Bearer YWRhOnBhOnNz" } } do
      local response = client:get("/", { headers = headers })
      assert.equal(401, response.status)
      assert.equal('Basic realm="blog", charset="UTF-8"', response.headers["www-authenticate"])
    end
  end)

  it("asks for a token", function()
    local app = app_with(rille.auth.bearer { verify = function(token) return token == "t0k.en" and "ada" end })
    app:get("/who", function(req) return req.state.user end)
    local client = testing.client(app)
    assert.equal("ada", client:get("/who", { headers = { Authorization = "bearer t0k.en" } }):text())
    assert.equal('Bearer realm="restricted"', client:get("/who").headers["www-authenticate"])
    local wrong = client:get("/who", { headers = { Authorization = "Bearer x" } })
    assert.equal('Bearer realm="restricted", error="invalid_token"', wrong.headers["www-authenticate"])
  end)

  it("needs a verify", function() assert.has_error(function() rille.auth.basic {} end) end)
end)
