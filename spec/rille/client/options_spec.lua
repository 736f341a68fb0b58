-- Options of the client that exclude each other, or that nothing would look at: each such combination raises at the line that
-- wrote it, and names the option. Whoever writes an option relies on it.
local rille = require "rille"
local mock = require "rille.testing.mock"
local testing = require "rille.testing"

local URL = "http://a.test/"
local PROXY, PEM = "http://proxy.test:1", "/nowhere.pem"

-- {what the message says, options of a client, options of a call}; the client must come about where the call is to fail.
local cases = {
  -- a guard, and ways past it
  { "unix socket", { deny_private = true, unix = "./u.sock" } },
  { "unix socket", { allow = { "a.test" }, unix = "./u.sock" } },
  { "unix socket", { allow = {}, unix = "./u.sock" } },
  { "unix socket", { deny_private = true }, { unix = "./u.sock" } },
  { "unix socket", { allow = { "a.test" } }, { unix = "./u.sock" } },
  { "past a proxy", { deny_private = true, proxy = PROXY } },
  { "past a proxy", { deny_private = true, proxy = "env" } },
  { "past a proxy", { allow = { "a.test" }, proxy = PROXY, no_proxy = "a.test" } },
  { "past a proxy", { allow = { "a.test" } }, { proxy = PROXY } },
  { "past a proxy", { deny_private = true }, { proxy = "socks5h://proxy.test" } },
  { "'deny_private' is an option of rille.client", {}, { deny_private = true } },
  { "'allow' is an option of rille.client", {}, { allow = {} } },
  { "allow: ", { allow = { host = "a.test" } } },
  -- two ways at once
  { "unix and proxy", { unix = "./u.sock", proxy = PROXY } },
  { "unix and proxy", { proxy = PROXY }, { unix = "./u.sock" } },
  { "unix and proxy", { proxy = "env" }, { unix = "./u.sock" } },
  { "unix and proxy", { unix = "./u.sock" }, { proxy = PROXY } },
  { "no_proxy is of no use", { no_proxy = "a.test" } },
  { "no_proxy is of no use", {}, { no_proxy = "a.test" } },
  { "no_proxy is of no use", { proxy = PROXY }, { proxy = false, no_proxy = "a.test" } },
  { "unix: is empty", { unix = "" } },
  { "unix: holds NUL", {}, { unix = "a\0b" } },
  { "proxy: ", {}, { proxy = "" } },
  { "proxy: ", {}, { proxy = true } },
  { "proxy: .*ASCII", {}, { proxy = "http://bücher.test:1" } },
  -- certificates
  { "key is of no use", { key = PEM } },
  { "key is of no use", {}, { key = PEM } },
  { "key is of no use", { cert = PEM }, { cert = false, key = PEM } },
  { "ca is of no use", { ca = PEM, verify = false } },
  { "ca is of no use", {}, { ca = PEM, verify = false } },
  { "ca: is empty", {}, { ca = "" } },
  { "cert: is empty", {}, { cert = "" } },
  { "key: is empty", { cert = PEM }, { key = "" } },
  -- credentials, said twice
  { "auth and a header", { auth = { "u", "p" }, headers = { authorization = "x" } } },
  { "auth and a header", {}, { auth = { "u", "p" }, headers = { Authorization = "x" } } },
  { "auth and a header", {}, { auth = { bearer = "t" }, headers = { AUTHORIZATION = "x" } } },
  { "auth and a user in base_url", { base_url = "http://u:p@a.test", auth = { "v", "q" } } },
  { "auth and a header", { base_url = "http://u:p@a.test", headers = { Authorization = "x" } } },
  { "auth: bearer excludes", {}, { auth = { "u", "p", bearer = "t" } } },
  { "auth: bearer excludes", {}, { auth = { bearer = "t", digest = true } } },
  { "auth: names the user or the password twice", {}, { auth = { "u", user = "v" } } },
  { "auth: names the user or the password twice", {}, { auth = { "u", "p", password = "q" } } },
  { "auth: unknown option 'pasword', did you mean 'password'", {}, { auth = { user = "u", pasword = "p" } } },
  { "auth: unknown option '3'", {}, { auth = { "u", "p", "q" } } },
  { "auth: {user, password}", {}, { auth = {} } },
  -- bodies
  { "one body", {}, { method = "POST", json = {}, body = "x" } },
  { "one body", {}, { method = "POST", form = {}, json = {} } },
  { "one body", {}, { method = "POST", multipart = true, body = "x" } },
  { "one body", {}, { method = "POST", json = false, body = "x" } },
  { "files are sent as multipart", {}, { method = "POST", multipart = false, files = { a = { filename = "a", body = "x" } } } },
  { "carries no body", {}, { method = "HEAD", body = "x" } },
  { "Content%-Length", {}, { headers = { ["Content-Length"] = "5" } } },
  { "Content%-Length", {}, { method = "POST", body = "x", headers = { ["Content-Length"] = "2" } } },
  { "Transfer%-Encoding", {}, { method = "POST", headers = { ["Transfer-Encoding"] = "chunked" } } },
  { "is an option of a request", { body = "x" } },
  { "is an option of a request", { query = { a = 1 } } },
  { "is an option of a request", { absolute = true } },
  { "is an option of a request", { method = "POST" } },
  -- numbers that would mean something else than what they say
  { "limit: ", { limit = 0 } },
  { "limit: ", { limit = 1e6 } },
  { "limit: ", { limit = 1.5 } },
  { "limit_per_host: ", { limit_per_host = -1 } },
  { "body_limit: ", { body_limit = 0 } },
  { "body_limit: ", {}, { body_limit = 0 } },
  { "retries: ", {}, { retries = -1 } },
  { "follow: ", {}, { follow = -1 } },
  { "timeout: ", {}, { timeout = 0 } },
  { "timeout: ", {}, { timeout = true } },
  { "timeout.read: ", {}, { timeout = { read = true } } },
  { "timeout: unknown option 'conect'", {}, { timeout = { conect = 1 } } },
  { "'limit' is an option of rille.client", {}, { limit = 1 } },
  { "'base_url' is an option of rille.client", {}, { base_url = URL } },
  -- charsets
  { "encoding: 'nonsense'", { encoding = "nonsense" } },
  { "encoding: 'nonsense'", {}, { encoding = "nonsense" } },
  { "encoding: ", {}, { encoding = "utf-8//IGNORE" } },
  { "encoding: ", {}, { encoding = "" } },
}

describe("options of the client that would be passed over", function()
  local fake
  before_each(function() fake = mock.new():on("ANY", URL, "answered") end)
  after_each(function() fake:close() end)

  local function refused(what, pattern, f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok, what)
    assert.equal("string", type(err), what .. ": a mistake of the program's: " .. tostring(err))
    assert.matches(pattern, err, what)
    assert.matches("options_spec.lua:%d+: ", err, what)
  end

  for i, case in ipairs(cases) do
    local pattern, of_client, of_call = table.unpack(case)
    it(("are refused: %d, %s"):format(i, pattern), function()
      if not of_call then
        refused("client", pattern, function() return (rille.client(of_client)) end)
        return
      end
      local client <close> = rille.client(of_client)
      refused("call", pattern, function() return (client:request(URL, of_call)) end)
      if next(of_client) == nil then refused("fetch", pattern, function() return (rille.fetch(URL, of_call)) end) end
      assert.equal(0, #fake.calls)
    end)
  end

  it("are refused: a method beside the one that the function is named by", function()
    local client <close> = rille.client {}
    refused("get", "client:get sends GET", function() return (client:get(URL, { method = "POST" })) end)
    assert.equal("answered", client:get(URL, { method = "get" }):text())
    assert.equal("POST", client:request(URL, { method = "POST" }).method)
  end)

  it("are refused: credentials beside those of a URL, which may be somebody else's", function()
    for _, opts in ipairs { { auth = { "v", "q" } }, { headers = { Authorization = "x" } } } do
      local _, err = rille.try(rille.fetch, "http://u:p@a.test/", opts)
      assert.same({ "url", 400 }, { err.code, err.status })
      assert.is_nil(err.message:find("u:p", 1, true))
    end
    local client <close> = rille.client { auth = { bearer = "t" } }
    client:get "http://u:p@a.test/"
    assert.equal("Basic dTpw", fake.calls[1].headers.authorization, "a client's own stand where a call says nothing")
  end)

  it("are refused: what is about connections, where there are none", function()
    local app = rille.app()
    app:get("/", function() return "x" end)
    local client <close> = testing.client(app)
    for name, value in pairs { verify = false, ca = PEM, cert = PEM, key = PEM, proxy = PROXY, no_proxy = "a.test", unix = "./u",
      decompress = true } do
      refused(name, name .. " is of no use", function() return (client:get("/", { [name] = value })) end)
    end
    refused("timeout", "only total", function() return (client:get("/", { timeout = { read = 1 } })) end)
    for name, value in pairs { deny_private = true, allow = {}, limit = 1, limit_per_host = 1, verify = true, proxy = "env" } do
      local transport = function() end
      refused(name, name .. " is of no use", function() return (rille.client { transport = transport, [name] = value }) end)
    end
  end)
end)

describe("options of the client that could be passed over", function()
  local fake
  before_each(function()
    fake = mock.new():on("GET", "http://long.test/", ("x"):rep(1001))
      :on("GET", "http://away.test/", { status = 302, headers = { Location = "http://127.0.0.1/" } })
      :on("ANY", "http*", "answered")
  end)
  after_each(function() fake:close() end)

  it("count: those of a call before those of the client", function()
    local client <close> = rille.client { auth = { bearer = "client" }, headers = { ["X-A"] = "1" } }
    client:get(URL, { auth = { "u", "p" }, headers = { ["X-B"] = "2" } })
    client:get(URL, { headers = { authorization = "call" } })
    client:get(URL)
    assert.same({ "Basic dTpw", "call", "Bearer client" }, { fake.calls[1].headers.authorization,
      fake.calls[2].headers.authorization, fake.calls[3].headers.authorization })
  end)

  it("count: false turns off what the client has", function()
    local client <close> = rille.client { unix = "./u.sock" }
    assert.equal("answered", client:get(URL, { unix = false, proxy = PROXY }):text())
    local proxied <close> = rille.client { proxy = PROXY, no_proxy = "x" }
    assert.equal("answered", proxied:get(URL, { proxy = false, unix = "./u.sock" }):text())
    local certified <close> = rille.client { cert = PEM, key = PEM, ca = PEM }
    assert.equal("answered", certified:get(URL, { cert = false, key = false, verify = false }):text())
  end)

  it("count: what is asked for where bodies are decoded after all", function()
    local client <close> = rille.client { decompress = false }
    client:get(URL)
    client:get(URL, { decompress = true })
    assert.same({ nil, "gzip, deflate, br" }, { fake.calls[1].headers["accept-encoding"],
      fake.calls[2].headers["accept-encoding"] })
  end)

  it("count: multipart = false is no body, and a query in text has no fragment", function()
    rille.fetch(URL, { multipart = false })
    assert.same({ nil, nil }, { fake.calls[1].body, fake.calls[1].headers["content-type"] })
    rille.fetch(URL, { method = "POST", multipart = false, form = { a = 1 } })
    assert.equal("application/x-www-form-urlencoded", fake.calls[2].headers["content-type"])
    rille.fetch(URL .. "?a=1#top", { query = "b=x#y" })
    assert.equal(URL .. "?a=1&b=x%23y", fake.calls[3].url)
  end)

  it("count: body_limit, where nothing comes off a wire too", function()
    local res = rille.fetch("http://long.test/", { body_limit = 1001 })
    assert.equal(1001, #res:text())
    for _, read in ipairs { "text", "bytes", "json" } do
      local _, err = rille.try(function() return rille.fetch("http://long.test/", { body_limit = 1000 })[read] end)
      assert.is_nil(err)
      res = rille.fetch("http://long.test/", { body_limit = 1000 })
      _, err = rille.try(res[read], res)
      assert.same({ "too_large", 502, "http://long.test/" }, { err.code, err.status, err.url })
    end
    local app = rille.app()
    app:get("/", function() return ("x"):rep(1001) end)
    local client <close> = testing.client(app)
    assert.equal("too_large", select(2, rille.try(function() return client:get("/", { body_limit = 1000 }):text() end)).code)
  end)

  it("count: a guard, before a mock answers", function()
    local function code_of(opts, url)
      local client <close> = rille.client(opts)
      local res, err = rille.try(client.get, client, url)
      return res and res:text() or err.code .. " " .. err.status
    end
    local denied = "denied 403"
    for _, host in ipairs { "127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "localhost", "a.localhost",
      "LOCALHOST.", "2130706433", "127.1", "①②⑦.0.0.1", "127。0。0。1" } do
      assert.equal(denied, code_of({ deny_private = true }, "http://" .. host .. "/"), host)
    end
    assert.equal("answered", code_of({ deny_private = true }, "http://a.test/"))
    assert.equal("answered", code_of({ deny_private = true }, "http://8.8.8.8/"))
    assert.equal("answered", code_of({ deny_private = true, allow = { "127.0.0.0/8:81" } }, "http://localhost:81/"))
    assert.equal(denied, code_of({ deny_private = true, allow = { "127.0.0.0/8:81" } }, "http://localhost/"))
    assert.equal("answered", code_of({ allow = { "a.test" } }, "http://a.test/"))
    assert.equal(denied, code_of({ allow = { "a.test" } }, "http://b.test/"))
    assert.equal(denied, code_of({ allow = {} }, "http://a.test/"))
    assert.equal("answered", code_of({ allow = { "10.0.0.0/8" } }, "http://b.test/"), "which may have such an address")
    assert.equal(denied, code_of({ deny_private = true }, "http://away.test/"))
    local client <close> = rille.client { deny_private = true }
    client:use(function(req, send)
      req.url = "http://[::1]/"
      return send(req)
    end)
    assert.equal("denied", select(2, rille.try(client.get, client, "http://a.test/")).code)
  end)
end)
