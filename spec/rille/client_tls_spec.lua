-- https on connections of our own: what a server may do wrong, each by a server that does it.
-- runtime/client/trust.c, runtime/client/connection.c, runtime/net/tls/verdict.c
local rille = require "rille"
local descriptors = require "spec.support.descriptors"
local scratches = require "spec.support.scratch"

describe("https", function()
  local place, input, ports, ca
  setup(function()
    place = scratches.new()
    input = assert(io.popen("exec python3 -W ignore spec/support/tls_server.py " .. place.directory, "w"))
    ports = rille.json_decode(place:wait_for "tls.json")
    ca = place.directory .. "/ca.pem"
  end)
  teardown(function()
    input:close()
    place:close()
  end)

  local function url(name, path) return ("https://localhost:%d%s"):format(ports[name], path or "/") end

  local function with(opts)
    local own = { ca = ca, timeout = 10 }
    for key, value in pairs(opts or {}) do own[key] = value end
    return own
  end

  local function failure(name, path, opts)
    local _, err = rille.try(function() return rille.fetch(url(name, path), with(opts)):text() end)
    assert.is_truthy(err, name .. " was taken")
    return err
  end

  local function refused(name, words, opts)
    local err = failure(name, "/", opts)
    assert.equal("tls", err.code, tostring(err))
    assert.is_truthy(err.message:find(words), tostring(err))
  end

  describe("checks the certificate, and says what is wrong with it:", function()
    it("it has expired", function() refused("expired", "the certificate has expired, at %d%d%d%d%-%d%d%-%d%dT") end)

    it("it is for other names", function()
      refused("other", "the certificate is for a%.example, b%.example, not for localhost")
      local client <close> = rille.client(with())
      local _, err = rille.try(client.get, client, ("https://127.0.0.1:%d/"):format(ports.other))
      assert.is_truthy(err.message:find("not for 127.0.0.1", 1, true), tostring(err))
    end)

    it("it has signed itself", function() refused("self", "the certificate is self%-signed") end)
    it("nobody knows who issued it", function() refused("unknown", "an authority that is not trusted: CN=a stranger") end)
    it("its chain is larger than what is taken", function() refused("huge", "excessive message size") end)
    it("a certificate of ours is wanted", function() refused("mutual", "certificate required") end)

    it("by the system's authorities, which the environment may name", function()
      place:write("ask.lua", [[
        local rille = require "rille"
        local res, err = rille.try(rille.fetch, ..., { timeout = 10 })
        print(res and res:text() or err.message)
      ]])
      local function ask(environment)
        local pipe = io.popen(("%s %s run %s/ask.lua %s"):format(environment, place.rille, place.directory, url "good"))
        local text = pipe:read "a"
        pipe:close()
        return text
      end
      assert.equal("hello\n", ask("SSL_CERT_FILE=" .. ca))
      assert.is_truthy(ask("SSL_CERT_FILE=/dev/null"):find("an authority that is not trusted: CN=rille spec", 1, true))
    end)

    it("by a folder of authorities", function()
      assert(os.execute(("mkdir %s/folder && cp %s %s/folder && openssl rehash %s/folder"):format(place.directory, ca,
        place.directory, place.directory)))
      assert.equal(200, rille.fetch(url "good", { ca = place.directory .. "/folder" }).status)
      refused("unknown", "an authority that is not trusted", { ca = place.directory .. "/folder" })
    end)
  end)

  it("says which of our own files is wrong", function()
    refused("good", "/nowhere%.pem: No such file", { ca = "/nowhere.pem" })
    refused("good", "/nowhere%.pem: No such file", { cert = "/nowhere.pem" })
    refused("good", "spec/rille/client_tls_spec%.lua: ", { ca = "spec/rille/client_tls_spec.lua" })
    refused("mutual", "key", { cert = place.directory .. "/client.pem", key = place.directory .. "/good.key" })
  end)

  it("shows a certificate of ours", function()
    local opts = with { cert = place.directory .. "/client.pem", key = place.directory .. "/client.key" }
    assert.equal("hello", rille.fetch(url "mutual", opts):text())
  end)

  it("speaks TLS 1.3 and 1.2, nothing older", function()
    assert.equal("TLSv1.3", rille.fetch(url "good", with()).headers["x-version"])
    assert.equal("TLSv1.2", rille.fetch(url "tls12", with()).headers["x-version"])
    refused("tls11", "protocol version")
  end)

  it("is refused by what is no TLS, and by what breaks off", function()
    refused("plain", "wrong version number")
    refused("closes", "the connection ended during the handshake")
    refused("alert", "does not speak HTTP/1%.1; http2 = true offers it HTTP/2")
  end)

  it("waits no longer for a handshake than for a connection", function()
    for _, name in ipairs { "silent", "half" } do
      local err = failure(name, "/", { timeout = { connect = 0.1 } })
      assert.same({ "timeout", "connect" }, { err.code, err.phase })
      err = failure(name, "/", { timeout = 0.1 })
      assert.same({ "timeout", "total" }, { err.code, err.phase })
    end
  end)

  describe("ends a body", function()
    it("that has no length by close_notify only", function()
      assert.equal("half", rille.fetch(url("good", "/notify"), with()):text())
      for _, name in ipairs { "good", "tls12" } do
        local err = failure(name, "/cut")
        assert.equal("reset", err.code)
        assert.is_truthy(err.message:find("close_notify", 1, true), tostring(err))
      end
    end)

    it("that has one by its length", function()
      local err = failure("good", "/short")
      assert.same({ "reset", true }, { err.code, err.message:find("in the middle of the body", 1, true) ~= nil })
    end)
  end)

  describe("keeps a connection", function()
    local client
    before_each(function() client = rille.client(with { limit = 4 }) end)
    after_each(function() client:close() end)

    local function ask(name, path, opts)
      local res = client:get(url(name, path), opts)
      assert.equal("hello", res:text())
      return res.headers["x-connection"], res.headers["x-reused"]
    end

    it("whatever the server says of its sessions while it is idle", function()
      for _, name in ipairs { "good", "tls12" } do
        local first = ask(name)
        for _ = 1, 3 do
          rille.sleep(0.02)
          assert.equal(first, (ask(name)))
        end
      end
    end)

    it("not once the server has closed it", function()
      for _ = 1, 3 do
        assert.equal("hello", client:post(url("good", "/bye"), { body = "once" }):text())
        os.execute "sleep 0.05" -- what came is still in the socket
        assert.equal("hello", client:post(url("good", "/bye"), { body = "once" }):text())
        rille.sleep(0.05)
      end
    end)

    it("nor with an answer that nobody has asked for", function()
      local first = ask("good", "/late")
      os.execute "sleep 0.05"
      local second = ask("good", "/late")
      rille.sleep(0.05)
      local third = ask("good", "/late")
      assert.is_true(first ~= second and second ~= third)
    end)

    it("for those who trust the same", function()
      local first = ask("good")
      for _, opts in ipairs { { verify = false, ca = false }, { ca = place:read "ca.pem" },
        { cert = place.directory .. "/client.pem", key = place.directory .. "/client.key" } } do
        local other, reused = ask("good", "/", opts)
        assert.is_true(other ~= first)
        assert.equal("False", reused)
      end
      assert.equal(first, (ask "good"))
    end)

    it("or else its session, for the next one to the same server", function()
      local close = { headers = { Connection = "close" } }
      for _, name in ipairs { "good", "tls12" } do
        assert.equal("False", select(2, ask(name, "/", close)))
        for _ = 1, 3 do assert.equal("True", select(2, ask(name, "/", close)), name) end
        local other <close> = rille.client(with())
        assert.equal("False", other:get(url(name), close).headers["x-reused"])
      end
    end)
  end)

  it("obeys the guard after the name was resolved", function()
    local client <close> = rille.client(with { deny_private = true })
    assert.equal("denied", select(2, rille.try(client.get, client, url "good")).code)
    local other <close> = rille.client(with { deny_private = true, allow = { "localhost" } })
    assert.equal(200, other:get(url "good").status)
  end)

  it("leaves nothing where it is given up, at whatever stage", function()
    local function give_up(client, name, delay)
      local task = rille.spawn(client.get, client, url(name))
      if delay then rille.sleep(delay) end
      task:cancel()
      rille.try(task.wait, task)
      assert.same({ running = 0, waiting = 0 }, client:stats(), name)
    end
    rille.fetch(url "good", with()):text()
    local before = descriptors()
    for _, name in ipairs { "good", "silent", "half", "mutual" } do
      for _, delay in ipairs { false, 0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02 } do
        local client = rille.client(with())
        give_up(client, name, delay) -- while its trust is loaded, perhaps
        give_up(client, name, delay)
        client:close()
      end
    end
    collectgarbage()
    for _ = 1, 200 do
      if descriptors() <= before then break end
      rille.sleep(0.02)
    end
    assert.is_true(descriptors() <= before)
  end)
end)
