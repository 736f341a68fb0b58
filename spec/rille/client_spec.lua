-- runtime/bind/client/pool.c, runtime/bind/client/transfer.c, runtime/bind/client/url.c
local native = require "rille.native.client"
local rille = require "rille"
local fakes = require "spec.support.fake"

for _, scheme in ipairs(fakes.schemes) do describe("rille.fetch (" .. scheme .. ")", function()
  local fake
  setup(function() fake = fakes.start(scheme) end)
  teardown(function() fake:close() end)

  local function echo(opts, path) return fake:fetch((path or "/echo"), opts):json() end

  it("returns status, headers in any case, the URL and the body", function()
    local path = fake:script(fakes.raw("201 Created", "made", { "Content-Type: text/plain", "X-Two: a", "x-two: b" }))
    local res = fake:fetch(path .. "/x")
    assert.equal(201, res.status)
    assert.equal("text/plain", res.headers["Content-TYPE"])
    assert.equal("a, b", res.headers["x-two"])
    assert.same({ "a", "b" }, res:header_all "X-Two")
    assert.is_nil(res.headers["x-three"])
    assert.equal(fake.url .. path .. "/x", res.url)
    assert.equal("made", res:text())
    assert.equal("made", res:bytes(), "the body may be asked for again")
    assert.same({}, res.history)
    assert.is_true(res.ok)
  end)

  it("keeps the cookies that a response sets apart", function()
    local path = fake:script(fakes.ok("", { "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2, and=3" }))
    local res = fake:fetch(path)
    assert.same({ "a=1; Path=/", "b=2, and=3" }, res:header_all "set-cookie")
    assert.same({ a = "1", b = "2, and=3" }, res.cookies)
  end)

  it("appends the query: sorted, encoded, lists repeat their name, text as it is", function()
    local at = "/echo?"
    assert.equal(at .. "a=1&b=x%20y%26&b=2&c=true",
      echo({ query = { b = { "x y&", 2 }, a = 1, c = true } }).target)
    assert.equal(at .. "z=1&a=2", echo({ query = { { "z", 1 }, { "a", 2 } } }).target)
    assert.equal(at .. "x=1&y=2", echo({ query = "?y=2" }, "/echo?x=1").target)
    assert.equal("/echo", echo({ query = {} }).target)
    assert.error_matches(function() echo { query = { filter = { name = "x" } } } end, "the value of 'filter' is a table of names")
  end)

  it("encodes what a URL may not hold", function()
    assert.equal("/echo/%C3%BC%20a?q=%C3%A9", echo(nil, "/echo/ü a?q=é#part").target)
  end)

  it("takes apart what a URL leaves to guess, and nothing else", function()
    local plain = { "http://a/", "https://a.b-c.example:8443/x/%20?a=b&c=[1]", "http://[::1]:80/@a",
      "http://a_b:65535/.a", "http://127.0.0.1/?../.", "http://a/../b/." }
    for _, url in ipairs(plain) do assert.is_true(native.url_is_plain(url), url) end
    local other = { "", "http://", "http:///x", "http://a", "HTTP://a/", "ftp://a/", "http://a?x/", "http://u:p@a/",
      "http://a/#b", "http://a/ b", "http://a/ü",
      "http://2130706433/", "http://127.1/", "http://127.0.0.1./", "http://a:/", "http://a:0/", "http://a:080/",
      "http://a:65536/",
      "http://[::1/", "http://[]/", "http://[::1%25lo]/", "http://[g::]/",
      "http://a/\\", "http://a\\/", "http://a/\0", "http://a/\n", "http://a%2e/", "http://a/<b>" }
    for _, url in ipairs(other) do assert.is_false(native.url_is_plain(url), url) end
  end)

  it("sends JSON, forms, strings, each with its type", function()
    local got = echo { method = "POST", json = { list = {}, n = 1 } }
    assert.equal("application/json", got.headers["content-type"])
    assert.same({ list = {}, n = 1 }, rille.json_decode(got.body))
    got = echo { method = "POST", form = { title = "a b&c", tag = { "x", "ü" } } }
    assert.equal("application/x-www-form-urlencoded", got.headers["content-type"])
    assert.equal("tag=x&tag=%C3%BC&title=a+b%26c", got.body)
    got = echo { method = "PATCH", body = "raw\0bytes", headers = { ["Content-Type"] = "x/y" } }
    assert.same({ "PATCH", "raw\0bytes", "x/y", "9" },
      { got.method, got.body, got.headers["content-type"], got.headers["content-length"] })
    got = echo { method = "POST", body = "" }
    assert.equal("0", got.headers["content-length"])
    assert.is_nil(got.headers["content-type"])
    assert.is_nil(got.headers.expect)
    for _, method in ipairs { "POST", "PUT", "PATCH" } do
      assert.equal("0", echo({ method = method }).headers["content-length"], "said where a body is usual")
    end
    assert.is_nil(echo({ method = "DELETE" }).headers["content-length"])
  end)

  it("sends nothing with a GET, a length with an empty POST", function()
    local got = echo()
    assert.is_nil(got.headers["content-length"])
    assert.is_nil(got.headers["transfer-encoding"])
    assert.equal("DELETE", echo({ method = "delete" }).method)
  end)

  it("knows itself and what it can decode", function()
    local headers = echo().headers
    assert.matches("^rille/", headers["user-agent"])
    assert.equal("gzip, deflate, br", headers["accept-encoding"])
    assert.is_nil(echo({ decompress = false, headers = { ["User-Agent"] = "me" } }).headers["x-none"])
    assert.equal("me", echo({ headers = { ["user-agent"] = "me" } }).headers["user-agent"])
  end)

  it("sends basic and bearer credentials, from the URL too", function()
    assert.equal("Basic YWRhOnM6Y3JldA==", echo({ auth = { "ada", "s:cret" } }).headers.authorization)
    assert.equal("Basic YTo=", echo({ auth = { user = "a" } }).headers.authorization)
    assert.equal("Bearer t0k", echo({ auth = { bearer = "t0k" } }).headers.authorization)
    local with = fake.url:gsub("//", "//u%%40:p@") .. "/echo"
    local res = fake:fetch(with)
    assert.equal("Basic dUA6cA==", res:json().headers.authorization)
    assert.equal(fake.url .. "/echo", res.url, "credentials are not shown")
  end)

  it("answers a digest challenge", function()
    local challenge = fakes.raw("401 Unauthorized", "no",
      { 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256' })
    local path = fake:script(challenge, fakes.ok "in")
    local res = fake:fetch(path, { auth = { "ada", "secret", digest = true } })
    assert.same({ 200, "in" }, { res.status, res:text() })
    local log = fake:log(path)
    assert.is_nil(log[1].headers.authorization)
    assert.matches('^Digest username="ada", ?realm="r", ?nonce="n"', log[2].headers.authorization)
    path = fake:script(challenge)
    res = fake:fetch(path, { auth = { "ada", "wrong", digest = true } })
    assert.same({ 401, "no" }, { res.status, res:text() })
    path = fake:script(fakes.raw("401 Unauthorized", "basic", { "WWW-Authenticate: Basic" }))
    res = fake:fetch(path, { auth = { "ada", "x", digest = true } })
    assert.same({ 401, "basic" }, { res.status, res:text() })
  end)

  it("raises at the caller's line what a programmer got wrong", function()
    local function refused(pattern, call)
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.matches(pattern, tostring(message))
      assert.matches("client_spec.lua:", tostring(message), "the caller's line")
    end
    local url = fake.url .. "/echo"
    local function fetch(...) local res = rille.fetch(...) return res end
    refused("unknown option 'metod', did you mean 'method'%?", function() fetch(url, { metod = "GET" }) end)
    local cases = {
      { "a URL is a string", 7 }, { "short token", url, { method = "GET /x" } }, { "short token", url, { method = "A\r\nB" } },
      { "CONNECT", url, { method = "CONNECT" } }, { "carries no body", url, { method = "HEAD", body = "x" } },
      { "line break", url, { headers = { ["X-A"] = "a\r\nB: c" } } }, { "header name", url, { headers = { ["X A"] = "b" } } },
      { "header name", url, { headers = { ["X\n"] = "b" } } }, { "NUL", url, { headers = { x = "a\0" } } },
      { "needs a string", url, { headers = { x = true } } },
      { "Transfer%-Encoding", url, { headers = { ["transfer-encoding"] = "chunked" } } },
      { "Content%-Length", url, { method = "POST", body = "abc", headers = { ["Content-Length"] = "4" } } },
      { "one body", url, { method = "POST", json = 1, body = "x" } },
      { "a string or an iterator", url, { method = "POST", body = {} } },
      { "timeout", url, { timeout = -1 } }, { "follow", url, { follow = 1.5 } },
      { "control character", url, { auth = { "a\r", "b" } } },
      { "auth", url, { auth = {} } }, { "no ':'", url, { auth = { "a:b", "c" } } }, { "proxy", url, { proxy = "nowhere" } },
      { "line break", url, { method = "POST", files = { a = { filename = "a\r\nb", body = "x" } } } },
      { "line break", url, { method = "POST", files = { ["a\nb"] = { filename = "a", body = "x" } } } },
      { "line break", url, { method = "POST", files = { a = { filename = "a", content_type = "x\r\ny", body = "x" } } } },
      { "path or a body", url, { method = "POST", files = { a = {} } } },
      { "No such file", url, { method = "POST", files = { a = { path = "/nowhere/at/all" } } } },
    }
    for _, case in ipairs(cases) do
      refused(case[1], function() fetch(case[2], case[3]) end)
    end
  end)

  it("takes no credentials in a URL that hold a control character", function()
    for _, user in ipairs { "user:pa%00ss", "us%0d%0aer:x", "user:pa%09ss" } do
      assert.error_matches(function() rille.fetch("http://" .. user .. "@127.0.0.1:1/") end, "holds a control character", user)
    end
  end)

  it("takes no string for options", function()
    local client <close> = rille.client {}
    for _, call in ipairs {
      function() rille.fetch("http://a.test/", "POST") end,
      function() client:post("http://a.test/", "a body") end,
      function() rille.client "http://a.test/" end,
    } do
      assert.error_matches(call, "options are a table, got a string")
    end
  end)

  it("says whose request a closed client does not send", function()
    local client = rille.client {}
    client:close()
    local _, err = rille.try(client.get, client, "http://a.test/x?secret=1")
    assert.same({ "closed", 500, "GET" }, { err.code, err.status, err.method })
    assert.equal("GET http://a.test/x: this client was closed", err.message)
  end)

  it("turns text into UTF-8 by its charset", function()
    local windows = "\x80\x93\xE9\x94 \x81\x9F"
    local base64 = { ["\xE9"] = "6Q==", ["\xEF\xBB\xBFhi"] = "77u/aGk=", ["é"] = "w6k=", [windows] = "gJPplCCBnw==" }
    local function text(bytes, content_type)
      local path = fake:script { { send = "HTTP/1.1 200 OK\r\nContent-Type: " .. content_type .. "\r\nContent-Length: " .. #bytes
        .. "\r\n\r\n" }, { base64 = base64[bytes] } }
      return rille.try(function() return fake:fetch(path):text() end)
    end
    assert.equal("é", (text("\xE9", 'text/plain; charset="ISO-8859-1"')))
    assert.equal("€“é” \u{81}Ÿ", (text(windows, "text/plain; charset=windows-1252")))
    assert.equal("é", (text("é", "text/plain; Charset=UTF-8")))
    assert.equal("hi", (text("\xEF\xBB\xBFhi", "text/plain")))
    local _, err = text("\xE9", "text/plain")
    assert.same({ "charset", 502 }, { err.code, err.status })
    _, err = text("é", "text/plain; charset=koi8-r")
    assert.equal("charset", err.code)
  end)

  it("says that a body is not JSON, as the other side's fault", function()
    local path = fake:script(fakes.ok "{oops")
    local _, err = rille.try(function() return fake:fetch(path .. "?secret=1"):json() end)
    assert.same({ "json", 502, "GET", fake.url .. path .. "?secret=1" }, { err.code, err.status, err.method, err.url })
    assert.matches("^GET " .. fake.url:gsub("%p", "%%%0") .. path .. ": the body is not JSON", tostring(err))
  end)

  it("raises from 400 on where it is told to, with the response", function()
    local path = fake:script(fakes.raw("404 Not Found", "gone away"))
    assert.equal(404, fake:fetch(path).status)
    local _, err = rille.try(fake.fetch, fake, path .. "?secret=1", { raise = true })
    assert.same({ "status", 502, 404, "gone away" }, { err.code, err.status, err.response.status, err.response:text() })
    assert.equal("GET " .. fake.url .. path .. ": 404 Not Found", tostring(err))
    local res = fake:fetch(path)
    _, err = rille.try(res.raise_for_status, res)
    assert.equal(res, err.response)
    assert.equal("fine", fake:fetch(fake:script(fakes.ok "fine")):raise_for_status():text())
  end)

  it("takes HEAD, 204 and 304 for responses without a body", function()
    for _, status in ipairs { "204 No Content", "304 Not Modified" } do
      local path = fake:script(("HTTP/1.1 %s\r\nContent-Encoding: gzip\r\n\r\n"):format(status))
      assert.equal("", fake:fetch(path):text())
    end
    local path = fake:script "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n\r\n"
    local res = fake:fetch(path, { method = "HEAD" })
    assert.same({ "1000", "" }, { res.headers["content-length"], res:text() })
  end)

  it("does not show 1xx", function()
    local path = fake:script("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" .. fakes.ok "then")
    local res = fake:fetch(path)
    assert.same({ 200, "then" }, { res.status, res:text() })
    assert.is_nil(res.headers.link)
  end)

  it("saves a body under its name only when it is complete", function()
    local name = os.tmpname()
    local path = fake:script(fakes.ok(("x"):rep(200000)))
    assert.equal(200000, fake:fetch(path):save(name))
    assert.equal(200000, #io.open(name):read "a")
    os.remove(name)
    local cut = fake:script { { send = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive." }, { close = true } }
    local _, err = rille.try(function() fake:fetch(cut):save(name) end)
    assert.equal("reset", err.code)
    assert.is_nil(io.open(name))
    assert.equal("", io.popen("ls " .. name .. "* 2>/dev/null"):read "a", "nothing is left beside it")
  end)

  it("reads in chunks, once, and closes what a loop leaves", function()
    local path = fake:script(fakes.ok(("y"):rep(300000)))
    local res, size = fake:fetch(path), 0
    for chunk in res:chunks() do
      assert.is_true(#chunk <= 65536)
      size = size + #chunk
    end
    assert.equal(300000, size)
    assert.has_error(function() res:bytes() end)
    res = fake:fetch(path)
    for _ in res:chunks() do break end -- luacheck: ignore 512
    assert.has_error(function() res:text() end)
  end)
end) end

describe("rille.client", function()
  local fake
  setup(function() fake = fakes.start() end)
  teardown(function() fake:close() end)

  it("joins its base URL with one slash between", function()
    local function target(base, path)
      local client <close> = rille.client { base_url = fake.url .. base }
      return client:get(path):json().target
    end
    assert.equal("/echo/v1/x", target("/echo/v1", "x"))
    assert.equal("/echo/v1/x", target("/echo/v1/", "/x"))
    assert.equal("/echo/v1", target("/echo/v1", ""))
    assert.equal("/echo/v1?a=1", target("/echo/v1", "?a=1"))
    assert.equal("/echo/", target("/echo", "/"))
    assert.equal("/echo/z", target("/other", fake.url .. "/echo/z"))
  end)

  it("sends its own headers, which a request may replace or remove", function()
    local client <close> = rille.client { base_url = fake.url, headers = { ["X-Team"] = "a", Accept = "application/json" } }
    local headers = client:get("/echo"):json().headers
    assert.same({ "a", "application/json" }, { headers["x-team"], headers.accept })
    headers = client:get("/echo", { headers = { ["x-team"] = { "b", "c" } } }):json().headers
    assert.equal("b, c", headers["x-team"])
    assert.equal("a", client:get("/echo"):json().headers["x-team"])
  end)

  it("has a method for each verb", function()
    local client <close> = rille.client { base_url = fake.url }
    for _, verb in ipairs { "get", "post", "put", "patch", "delete", "options" } do
      assert.equal(verb:upper(), client[verb](client, "/echo"):json().method)
    end
    assert.equal(200, client:head("/echo").status)
    assert.equal("REPORT", client:request("/echo", { method = "REPORT" }):json().method)
  end)

  it("keeps its headers and credentials to the origin of its base URL", function()
    local client <close> = rille.client { base_url = fake.url, auth = { bearer = "t" },
      headers = { Cookie = "c=1", ["X-API-Key"] = "k", ["X-A"] = "1", ["User-Agent"] = "me" } }
    local home = client:get("/echo"):json().headers
    assert.same({ "Bearer t", "c=1", "k", "1" }, { home.authorization, home.cookie, home["x-api-key"], home["x-a"] })
    local away = client:get(fake.other .. "/echo", { absolute = true, headers = { ["X-B"] = "2" } }):json().headers
    for _, name in ipairs { "authorization", "cookie", "x-api-key", "x-a" } do assert.is_nil(away[name], name) end
    assert.same({ "me", "*/*", "2" }, { away["user-agent"], away.accept, away["x-b"] })
  end)

  it("is closed for good", function()
    local client = rille.client { base_url = fake.url }
    client:get "/echo"
    client:close()
    local _, err = rille.try(client.get, client, "/echo")
    assert.equal("closed", err.code)
    local running = rille.client { base_url = fake.url }
    local path = fake:script { { sleep = 5 } }
    local task = rille.spawn(function() return running:get(path) end)
    rille.sleep(0.05)
    running:close()
    _, err = rille.try(task.wait, task)
    assert.equal("closed", err.code)
  end)

  it("names the nearest option", function()
    local ok, message = pcall(rille.client, { base = "x" })
    assert.is_false(ok)
    assert.matches("unknown option 'base'", message)
    assert.has_error(function() rille.client { limit = -1 } end)
    assert.has_error(function() rille.client { base_url = "nowhere" } end)
    assert.has_error(function() rille.client { base_url = "http://x/?q" } end)
  end)
end)
