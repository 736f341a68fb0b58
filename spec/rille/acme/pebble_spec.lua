-- rille serve --acme against Debian's pebble, an ACME server for tests (strict mode, bad nonces): runtime/cli/acme_thread.c,
-- runtime/server/challenges.c, lua/rille/acme/process.lua, lua/rille/acme/command.lua
local native = require "rille.native.core"
local processes = require "spec.support.process"
local rille = require "rille"
local scratches = require "spec.support.scratch"

local DAY = 86400

local program = [[
local rille = require "rille"
local app = rille.app()
app:get("/", function() return "hello" end)
app:get("/slow", function() rille.sleep(0.2) return "slow" end)
return app
]]

local free_ports = [[
import socket
sockets = [socket.socket() for _ in range(7)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
]]

local has_pebble = os.execute "command -v pebble > /dev/null && command -v pebble-challtestsrv > /dev/null"

describe("certificates from pebble", function()
  if not has_pebble then
    pending "pebble is not installed (script/bootstrap installs it)"
    return
  end

  local place, ports, root, running

  local function quiet_processes() for _, process in ipairs(running) do process:close() end end

  local function started(process)
    running[#running + 1] = process
    return process
  end

  -- The certificate of pebble's own port, and who signed it.
  local function write_certificates()
    local root_key, key, now = native.ec_key(), native.ec_key(), os.time()
    root = native.certificate_make(root_key, { title = "root of a spec", authority = true, from = now - DAY, to = now + DAY })
    place:write("root.pem", root)
    place:write("pebble.key", key)
    place:write("pebble.pem", native.certificate_make(key, { names = { "localhost", "127.0.0.1" }, from = now - DAY,
      to = now + DAY, issuer = root, issuer_key = root_key }))
  end

  local function start_pebble(env)
    place:write("pebble.json", native.json_encode { pebble = { listenAddress = "127.0.0.1:" .. ports[1],
      managementListenAddress = "127.0.0.1:" .. ports[2], certificate = "pebble.pem", privateKey = "pebble.key",
      httpPort = ports[3], tlsPort = ports[4], ocspResponderURL = "", externalAccountBindingRequired = false } })
    started(processes.start(place, { "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", "127.0.0.1:" .. ports[5],
      "-management", "127.0.0.1:" .. ports[6], "-http01", "", "-https01", "", "-tlsalpn01", "" },
      { program = "pebble-challtestsrv" }))
    local pebble = started(processes.start(place, { "-config", "pebble.json", "-strict", "-dnsserver", "127.0.0.1:" .. ports[5] },
      { program = "pebble", env = "PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=30 " .. (env or "") }))
    pebble:until_true("pebble", function()
      return rille.try(rille.fetch, "https://127.0.0.1:" .. ports[1] .. "/dir", { ca = place:path "root.pem", timeout = 5 })
    end)
    return pebble
  end

  before_each(function()
    place = scratches.new()
    running, ports = {}, {}
    place:write("app.lua", program)
    place:write("ports.py", free_ports)
    for port in place:run("python3", "ports.py"):gmatch "%d+" do ports[#ports + 1] = math.tointeger(tonumber(port)) end
    write_certificates()
  end)
  after_each(function()
    quiet_processes()
    place:close()
  end)

  local function serve(names, ...)
    return started(processes.start(place, { "serve", "app.lua", "--acme", names, "--acme-dir", "certificates", "--acme-email",
      "me@example.org", "--acme-server", ("https://127.0.0.1:%d/dir"):format(ports[1]), "--acme-ca", "root.pem", ... }))
  end

  local function both() return "--port", ports[3], "--tls-port", ports[4] end

  local function chain(name) return place:read("certificates/" .. (name or "a.test") .. "/fullchain.pem") end

  -- What pebble signs with, to verify what the server shows.
  local function trust()
    local res = rille.fetch(("https://127.0.0.1:%d/roots/0"):format(ports[2]), { ca = place:path "root.pem" })
    return place:write("pebble-root.pem", res:text())
  end

  -- Asks as somebody on the internet would, who verifies the name.
  local function ask(name, path, port)
    port = port or ports[4]
    return place:run("curl", "-sS", "--max-time", "20", "--cacert", "pebble-root.pem", "--resolve",
      ("%s:%d:127.0.0.1"):format(name, port), ("https://%s:%d%s"):format(name, port, path or "/"))
  end

  local function listing() return native.json_decode(place:run(place.rille, "certificates", "certificates", "--json")) end

  it("are obtained by HTTP-01, for several names, and served", function()
    start_pebble()
    local server = serve("a.test,www.a.test", both())
    server:says "certificates: obtained"
    assert.matches("by=http%-01", server:log())
    trust()
    assert.equal("hello", ask "a.test")
    assert.equal("hello", ask "www.a.test")
    assert.matches("certificate", ask "b.test")
    local one = listing()[1]
    assert.same({ "a.test", "www.a.test" }, one.names)
    assert.matches("Pebble", one.issuer)
    assert.is_nil(one.error)
    assert.matches("^20%d%d%-", one.renewal)
    server:signal "TERM"
    assert.equal(0, server:wait())
  end)

  it("are obtained by TLS-ALPN-01 where only that port can be reached", function()
    start_pebble()
    local server = serve("a.test", "--tls-port", ports[4], "--port", ports[7]) -- pebble asks another port for HTTP-01
    server:says "certificates: obtained"
    assert.matches("by=tls%-alpn%-01", server:log())
    trust()
    assert.equal("hello", ask "a.test")
  end)

  it("are swapped while requests run: none fails; renewed, revoked and issued again", function()
    start_pebble()
    local server = serve("a.test", both())
    server:says "certificates: obtained"
    trust()
    local first = chain()
    local answers, asking, done = {}, {}, false
    for i = 1, 3 do
      asking[i] = rille.spawn(function()
        while not done do answers[#answers + 1] = ask("a.test", "/slow") end
      end)
    end
    assert.matches("asks for a new certificate", place:run(place.rille, "certificates", "certificates", "--renew", "a.test"))
    server:signal "HUP"
    server:says("certificates: obtained", 2)
    local second = chain()
    assert.not_equal(first, second)
    assert.matches("a.test: revoked", place:run(place.rille, "certificates", "certificates", "--revoke", "a.test"))
    server:says("certificates: obtained", 3)
    assert.not_equal(second, chain())
    done = true
    for i = 1, 3 do asking[i]:wait() end
    assert.is_true(#answers >= 3)
    for _, answer in ipairs(answers) do assert.equal("slow", answer) end
    local serial = native.certificate_describe(second).serial:gsub("^%z", "")
    serial = serial:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
    local url = ("https://127.0.0.1:%d/cert-status-by-serial/%s"):format(ports[2], serial)
    local res = rille.fetch(url, { ca = place:path "root.pem" })
    assert.equal("Revoked", res:json().Status)
  end)

  it("are obtained once by two processes on one folder", function()
    start_pebble()
    local first = serve("a.test", both())
    local second = serve("a.test", "--port", 0, "--tls-port", 0)
    first:until_true("certificate", chain)
    local log = first:until_true("one of them", function()
      local text = first:log() .. second:log()
      return text:find("certificates: obtained", 1, true) and text
    end)
    trust()
    local port = math.tointeger(tonumber(second:url():match ":(%d+)$"))
    for _, each in ipairs { ports[4], port } do
      first:until_true("answer", function() return ask("a.test", "/", each) == "hello" end)
    end
    local _, count = log:gsub("certificates: obtained", "")
    assert.equal(1, count)
  end)

  it("are waited for: port 80 says so, the log says why, and a second start begins where the first one was", function()
    local server = serve("a.test", both())
    server:says "certificates: not obtained"
    assert.matches("error=.-cannot be reached", server:log())
    local res = rille.fetch(("http://127.0.0.1:%d/"):format(ports[3]), { headers = { Host = "a.test" }, follow = false })
    assert.equal(503, res.status)
    assert.matches("no certificate yet", res:text())
    assert.matches("cannot be reached", listing()[1].error)
    assert.matches("no certificate: there is none yet", place:run(place.rille, "certificates", "certificates"))
    server:close()
    start_pebble()
    server = serve("a.test", both())
    server:says "listening at="
    assert.is_nil(chain()) -- it waits for its next try
    place:run(place.rille, "certificates", "certificates", "--renew", "a.test")
    server:close()
    serve("a.test", both()):says "certificates: obtained"
  end)

  it("are not asked for where the command line is wrong", function()
    for _, case in ipairs {
      { { "--acme", "localhost", "--acme-dir", "c" }, "has no dot" },
      { { "--acme", "127.0.0.1", "--acme-dir", "c" }, "is an address" },
      { { "--acme", "a.test", "--acme-dir", "/proc/none" }, "acme%-dir: /proc/none" },
      { { "--acme", "a.test", "--acme-dir", "c", "--acme-email", "me" }, "expected an address", 2 },
      { { "--acme", "a.test", "--acme", "a.test,b.test", "--acme-dir", "c" }, "two certificates begin with a.test" },
    } do
      local server = processes.start(place, { "serve", "app.lua", "--port", "0", "--tls-port", "0", table.unpack(case[1]) })
      assert.equal(case[3] or 1, server:wait(), server:log())
      assert.matches(case[2], server:log())
      server:close()
    end
  end)
end)
