-- TLS as a user sees it: rille serve --tls, ports and protocols, files that are wrong or change, what an app is told.
-- runtime/cli/certificates.c, runtime/cli/tls_options.c, runtime/cli/sockets.c, lua/rille/testing/certificate.lua
local certificates = require "spec.support.certificates"
local processes = require "spec.support.process"
local rille = require "rille"
local scratches = require "spec.support.scratch"
local testing = require "rille.testing"

local SECRET = ("s"):rep(32)

local program = [[
local rille = require "rille"
local app = rille.app()
app:use(rille.security_headers())
app:get("/", function(req) return rille.json { scheme = req.scheme, version = req.version, url = req.url } end)
return app
]]

describe("testing.server with tls", function()
  local app
  before_each(function()
    app = rille.app()
    app:use(rille.security_headers())
    app:use(rille.session { secret = SECRET })
    app:get("/", function(req)
      req.session.seen = true
      return rille.json { scheme = req.scheme, version = req.version, url = req.url }
    end)
  end)

  it("speaks https, and its authority verifies it", function()
    local server = testing.server(app, { tls = true })
    local res = rille.fetch(server.url .. "/", { ca = server.ca })
    local body = res:json()
    assert.equal("https", body.scheme)
    assert.equal(server.url .. "/", body.url)
    assert.matches("^https://127%.0%.0%.1:%d+$", server.url)
  end)

  it("is trusted by nobody else", function()
    local server = testing.server(app, { tls = true })
    local res, err = rille.try(rille.fetch, server.url .. "/")
    assert.is_nil(res)
    assert.equal("tls", err.code)
  end)

  it("has the names that it is given", function()
    local server = testing.server(app, { tls = { names = { "a.example" } } })
    local _, err = rille.try(rille.fetch, server.url .. "/", { ca = server.ca })
    assert.equal("tls", err.code)
  end)

  it("makes sessions' cookies secure and sends HSTS, which a plain server does not", function()
    local secure, plain = testing.server(app, { tls = true }), testing.server(app)
    local res = rille.fetch(secure.url .. "/", { ca = secure.ca })
    assert.matches("^__Host%-rille=.*; Secure", res.headers["set-cookie"])
    assert.equal("max-age=31536000", res.headers["strict-transport-security"])
    res = rille.fetch(plain.url .. "/")
    assert.not_matches("Secure", res.headers["set-cookie"])
    assert.is_nil(res.headers["strict-transport-security"])
  end)

  it("removes the authority's file", function()
    local server = testing.server(app, { tls = true })
    local path = server.ca
    assert.is_truthy(io.open(path))
    server:close()
    assert.is_nil(io.open(path))
  end)

  it("refuses options that are wrong", function()
    assert.has_error(function() testing.server(app, { tls = "yes" }) end)
    assert.has_error(function() testing.server(app, { tls = { ca = "x" } }) end)
    assert.has_error(function() testing.server(app, { tls = { client_ca = "/nowhere.pem" } }) end)
  end)
end)

describe("rille serve --tls", function()
  local place, ca
  before_each(function()
    place = scratches.new()
    place:write("app.lua", program)
    ca = certificates.authority(place)
  end)
  after_each(function() place:close() end)

  local function start(...) return processes.start(place, { "serve", "app.lua", ... }) end

  local function curl(...) return place:run("curl", "-sS", "--cacert", ca, ...) end

  local function others(process)
    local list = {}
    for url in process:says("listening at="):match('also="?([^"\n]*)'):gmatch "http%S+" do list[#list + 1] = url end
    return list
  end

  it("speaks https on its one port, HTTP/2 and HTTP/1.1 by ALPN", function()
    local process <close> = start("--tls", certificates.write(place, "a"), "--port", "0")
    local url = process:url()
    assert.matches("^https://127%.0%.0%.1:%d+$", url)
    assert.matches('"version":"2"', curl(url .. "/"))
    assert.matches('"version":"1.1"', curl("--http1.1", url .. "/"))
    assert.matches('"scheme":"https"', curl(url .. "/"))
    process:says "tls: certificate names=localhost,127.0.0.1 until="
    process:signal "TERM"
    assert.equal(0, process:wait())
  end)

  it("opens as many ports as it is told, each with its protocols", function()
    local process <close> = start("--tls", certificates.write(place, "a"), "--tls-port", "0", "--tls-port", "0,http/1.1",
      "--port", "0", "--h2c", "--h2c-port", "0", "--threads", "2")
    local both, rest = process:url(), others(process)
    local old, plain, only2 = table.unpack(rest)
    assert.equal(3, #rest)
    assert.matches('"version":"2"', curl(both .. "/"))
    assert.matches('"version":"1.1"', curl(old .. "/"))
    assert.matches('"version":"1.1"', curl(plain .. "/"))
    assert.matches('"scheme":"http"', curl(plain .. "/"))
    assert.matches('"version":"2"', curl("--http2-prior-knowledge", plain .. "/"))
    assert.matches('"version":"2"', curl("--http2-prior-knowledge", only2 .. "/"))
    assert.matches("505", curl("--http1.1", "-o", "/dev/null", "-w", "%{http_code}", only2 .. "/"))
  end)

  it("serves a certificate for each name", function()
    local process <close> = start("--tls", certificates.write(place, "a", { "localhost" }), "--tls",
      certificates.write(place, "b", { "b.localhost", "*.wild.localhost" }), "--port", "0")
    local port = process:url():match "%d+$"
    for _, name in ipairs { "localhost", "b.localhost", "x.wild.localhost" } do
      local url = ("https://%s:%s/"):format(name, port)
      assert.matches('"scheme":"https"', curl("--resolve", name .. ":" .. port .. ":127.0.0.1", url))
    end
    assert.matches("SSL", curl("--resolve", "y.localhost:" .. port .. ":127.0.0.1", "https://y.localhost:" .. port .. "/"))
  end)

  it("misdirects a request for a name with another certificate", function()
    local process <close> = start("--tls", certificates.write(place, "a", { "localhost", "a.localhost" }), "--tls",
      certificates.write(place, "b", { "b.localhost" }), "--port", "0")
    local url = process:url():gsub("127.0.0.1", "localhost") .. "/"
    for _, version in ipairs { "--http1.1", "--http2" } do
      assert.equal("200", curl(version, "-o", "/dev/null", "-w", "%{http_code}", url))
      assert.equal("200", curl(version, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: a.localhost:1", url))
      assert.equal("421", curl(version, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: b.localhost", url))
    end
    url = process:url() .. "/" -- an address is asked for without a name
    assert.equal("200", place:run("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: b.localhost", url))
  end)

  it("does not start with files that are wrong, and says which and why", function()
    local a, b = certificates.write(place, "a"), certificates.write(place, "b")
    local wrong = {
      { "a.pem,nowhere.pem", "nowhere.pem: No such file or directory" },
      { "a.pem,b-key.pem", "b-key.pem: is not the key of the certificate in a.pem" },
      { "app.lua,a-key.pem", "app.lua: holds no certificate in PEM" }, { a .. "," .. b, "--tls: expected CERT.pem,KEY.pem" },
    }
    for _, case in ipairs(wrong) do
      local process <close> = start("--tls", case[1], "--port", "0")
      local status = process:wait()
      assert.equal(case[2]:find "^%-%-" and 2 or 1, status)
      assert.matches(case[2], process:log(), 1, true)
    end
    local supervised <close> = start("--tls", "a.pem,b-key.pem", "--port", "0", "--supervise")
    assert.equal(1, supervised:wait())
  end)

  it("reads the files again on SIGHUP; a pair that is wrong keeps the one before", function()
    local process <close> = start("--tls", certificates.write(place, "a", { "localhost" }), "--port", "0")
    local url = process:url():gsub("127.0.0.1", "localhost") .. "/"
    local port = url:match "(%d+)/$"
    place:write("a.pem", "nothing")
    process:signal "HUP"
    process:says 'why="a.pem: holds no certificate'
    assert.matches('"https"', curl(url))
    certificates.write(place, "a", { "c.localhost" })
    process:signal "HUP"
    process:says "tls: certificate names=c.localhost"
    assert.matches('"https"', curl("--resolve", "c.localhost:" .. port .. ":127.0.0.1", "https://c.localhost:" .. port .. "/"))
    assert.matches("SSL", curl(url))
  end)

  it("reads the files again when they change", function()
    local process <close> = start("--tls", certificates.write(place, "a", { "localhost" }), "--port", "0")
    process:url()
    certificates.write(place, "a", { "d.localhost" })
    process:says "tls: certificate names=d.localhost"
  end)

  it("keeps connections and sessions over a reload and a supervised upgrade", function()
    local process <close> = start("--tls", certificates.write(place, "a"), "--port", "0", "--supervise")
    local url = process:url() .. "/"
    assert.matches('"https"', curl(url))
    process:signal "USR2"
    process:says("listening at=https://", 2)
    assert.matches('"https"', curl(url))
    process:signal "TERM"
    assert.equal(0, process:wait())
  end)

  it("speaks TLS on a unix socket", function()
    local process <close> = start("--tls", certificates.write(place, "a"), "--unix", "socket")
    process:says "listening at="
    assert.matches('"scheme":"https"', curl("--unix-socket", place:path "socket", "https://localhost/"))
  end)
end)
