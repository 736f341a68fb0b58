local rille = require "rille"
local fakes = require "spec.support.fake"

local function read_file(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

describe("the way to a server", function()
  local fake, ca
  setup(function()
    fake = fakes.start()
    ca = fake.directory .. "/ca.pem"
  end)
  teardown(function() fake:close() end)

  local function code_of(url, opts)
    local res, err = rille.try(rille.fetch, url, opts)
    return res and res.status or err.code, err
  end

  describe("with TLS", function()
    it("is verified: who signed it, whom it names", function()
      assert.equal("tls", code_of(fake.https .. "/echo"))
      assert.equal(200, code_of(fake.https .. "/echo", { ca = ca }))
      assert.equal(200, code_of(fake.https .. "/echo", { ca = read_file(ca) }))
      assert.equal(200, code_of(fake.https:gsub("localhost", "127.0.0.1") .. "/echo", { ca = ca }))
      local code, err = code_of("https://localhost.localdomain:" .. fake.ports.https .. "/echo", { ca = ca })
      assert.is_true(code == "tls" or code == "connect", tostring(err))
      assert.equal("tls", code_of(fake.https .. "/echo", { ca = "/nowhere.pem" }))
    end)

    it("is not, where that was said", function()
      assert.equal(200, code_of(fake.https .. "/echo", { verify = false }))
      assert.equal("tls", code_of(fake.https .. "/echo"), "and only there")
    end)

    it("does not share a connection that was made without verification", function()
      local client <close> = rille.client {}
      assert.equal(200, client:get(fake.https .. "/echo", { verify = false }).status)
      local _, err = rille.try(client.get, client, fake.https .. "/echo")
      assert.equal("tls", err.code)
    end)

    it("shows a client certificate, from files or text", function()
      local pem = fake.directory .. "/client.pem"
      assert.equal(200, code_of(fake.mutual .. "/echo", { ca = ca, cert = pem }))
      assert.equal(200, code_of(fake.mutual .. "/echo", { ca = ca, cert = pem, key = fake.directory .. "/client.key" }))
      assert.equal(200, code_of(fake.mutual .. "/echo", { ca = ca, cert = read_file(pem) }))
      local code = code_of(fake.mutual .. "/echo", { ca = ca })
      assert.is_true(code == "tls" or code == "reset", "as TLS 1.3 has it, the refusal comes behind the handshake")
    end)
  end)

  it("may be a unix socket", function()
    local client <close> = rille.client { base_url = "http://container", unix = fake.directory .. "/unix" }
    assert.same({ "container", "/echo" }, { client:get("/echo"):json().headers.host, client:get("/echo"):json().target })
  end)

  describe("through a proxy", function()
    local function proxy(user) return "http://" .. (user or "") .. "127.0.0.1:" .. fake.ports.proxy end
    local function log() return rille.fetch(fake.url .. "/_log/proxy"):json() end

    it("is asked for http by its whole URL, with credentials from the proxy's", function()
      local got = rille.fetch("http://nowhere.invalid/x", { proxy = proxy "u:p@" }):json()
      assert.equal("http://nowhere.invalid/x", got.target)
      local all = log()
      assert.equal("Basic dTpw", all[#all].headers["proxy-authorization"])
    end)

    it("is a tunnel for https: the proxy sees host and port, not what is sent", function()
      local res = rille.fetch(fake.https .. "/echo", { ca = ca, proxy = proxy(), headers = { Authorization = "Bearer t" } })
      assert.equal("Bearer t", res:json().headers.authorization)
      local all = log()
      assert.same({ "CONNECT", fake.https:match "//(.*)" }, { all[#all].method, all[#all].target })
      assert.is_nil(all[#all].headers.authorization)
    end)

    it("gets Proxy-Authorization, which the origin never sees, and another origin's redirect takes away", function()
      local headers = { ["Proxy-Authorization"] = "Basic eA==" }
      local res = rille.fetch(fake.https .. "/echo", { ca = ca, proxy = proxy(), headers = headers })
      assert.is_nil(res:json().headers["proxy-authorization"])
      local all = log()
      assert.equal("Basic eA==", all[#all].headers["proxy-authorization"])
      local path = fake:script(fakes.redirect(302, "http://elsewhere.invalid/"))
      rille.fetch(fake.https .. path, { ca = ca, proxy = proxy(), headers = headers })
      all = log()
      assert.equal("http://elsewhere.invalid/", all[#all].target)
      assert.is_nil(all[#all].headers["proxy-authorization"])
    end)

    it("that refuses is a failure to connect", function()
      local code, err = code_of(fake.https .. "/echo", { ca = ca, proxy = proxy "no:no@" })
      assert.equal("connect", code)
      assert.matches("proxy", tostring(err))
      assert.equal("connect", code_of("http://x.invalid/", { proxy = "http://127.0.0.1:1" }))
    end)

    it("may be SOCKS5, which may resolve the name", function()
      assert.equal(200, code_of(fake.url .. "/echo", { proxy = "socks5://127.0.0.1:" .. fake.ports.socks }))
      local localhost = "http://localhost:" .. fake.ports.http .. "/echo"
      assert.equal(200, code_of(localhost, { proxy = "socks5h://127.0.0.1:" .. fake.ports.socks }))
      local all = rille.fetch(fake.url .. "/_log/socks"):json()
      assert.equal("localhost", all[#all].host)
    end)

    it("is left out for hosts in no_proxy", function()
      local opts = { proxy = proxy(), no_proxy = "127.0.0.1,.internal" }
      assert.equal("/echo", rille.fetch(fake.url .. "/echo", opts):json().target)
      assert.equal("proxy", rille.fetch("http://a.test/", opts):json().via)
    end)

    it("is taken from the environment only on request", function()
      local script = os.tmpname()
      local file = io.open(script, "w")
      file:write [[
        local rille = require "rille"
        local url, mode = ...
        print((rille.fetch(url, { proxy = mode == "env" and "env" or nil }):text()))
      ]]
      file:close()
      local function run(mode)
        local rille_binary = io.open("/proc/self/cmdline"):read("a"):match "^[^\0]+"
        local pipe = io.popen(("http_proxy=%s %s run %s %s/echo %s"):format(proxy(), rille_binary, script, fake.url, mode))
        local text = pipe:read "a"
        pipe:close()
        return text
      end
      assert.matches('"via": "proxy"', run "env")
      assert.matches('"target": "/echo"', run "plain")
      os.remove(script)
    end)
  end)

  describe("by digest", function()
    local challenge = fakes.raw("401 Unauthorized", "who?", { 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"' })
    local auth = { "ada", "secret", digest = true }

    it("sends the body, and shows the answer to it, where the server asks for nothing", function()
      for _, answer in ipairs { fakes.raw("201 Created", "created"), fakes.raw("500 Oops", "failed"), fakes.ok "" } do
        local path = fake:script(fakes.ok(""), answer)
        local res = rille.fetch(fake.url .. path, { method = "POST", body = "important", auth = auth })
        assert.equal(answer, ("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s"):format(
          answer:match "HTTP/1.1 (%C+)", #res:text(), res:text()))
        assert.equal(tonumber(answer:match " (%d+) "), res.status)
        local log = fake:log(path)
        assert.same({ 2, "important" }, { #log, log[2].body })
      end
    end)

    it("shows the answer behind the challenge, on a kept connection that has died too", function()
      local path = fake:script(challenge, fakes.ok "first", { { close = true } }, challenge, fakes.ok "welcome")
      local client <close> = rille.client { auth = auth }
      for _, text in ipairs { "first", "welcome" } do
        local res = client:get(fake.url .. path)
        assert.same({ 200, text }, { res.status, res:text() })
      end
      assert.matches("^Digest ", fake:log(path)[2].headers.authorization)
    end)

    it("shows the challenge to whom it was not enough, or where it is none", function()
      local wrong = fake:script(challenge, challenge)
      local res = rille.fetch(fake.url .. wrong, { auth = auth })
      assert.same({ 401, "who?" }, { res.status, res:text() })
      local basic = fake:script(fakes.raw("401 Unauthorized", "basic", { 'WWW-Authenticate: Basic realm="r"' }))
      assert.equal("basic", rille.fetch(fake.url .. basic, { auth = auth }):text())
    end)
  end)
end)
