-- Clients that show a certificate. runtime/bind/http/client_certificate.c, lua/rille/request.lua
local certificates = require "spec.support.certificates"
local rille = require "rille"
local scratches = require "spec.support.scratch"
local testing = require "rille.testing"

describe("req.client_certificate", function()
  local place, ca
  before_each(function()
    place = scratches.new()
    ca = certificates.authority(place)
  end)
  after_each(function() place:close() end)

  local function serve(tls)
    local app = rille.app()
    app:get("/", function(req)
      local first = req.client_certificate
      rille.sleep(0)
      return rille.json { certificate = first or false, same = first == req.client_certificate }
    end)
    return testing.server(app, { tls = tls })
  end

  local function curl(server, ...) return place:run("curl", "-sS", "--cacert", ca, ..., server.url .. "/") end

  it("says whose it is", function()
    local server = serve { client_ca = ca }
    local certificate, key = certificates.client(place, "ada", "ada.example")
    for _, version in ipairs { "--http1.1", "--http2" } do
      local answer = rille.json_decode(place:run("curl", "-sS", version, "--cacert", ca, "--cert", certificate, "--key", key,
        server.url .. "/"))
      local shown = answer.certificate
      assert.equal("CN=ada.example", shown.subject)
      assert.equal("CN=rille test authority", shown.issuer)
      assert.matches("^%x+$", shown.serial)
      assert.equal(64, #shown.fingerprint)
      assert.same({ "DNS:ada.example" }, shown.sans)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT.*Z$", shown.not_after)
      assert.is_true(answer.same)
    end
  end)

  it("is nil where nobody asks for one, and without TLS", function()
    assert.is_false(rille.fetch(serve(true).url .. "/", { ca = ca }):json().certificate)
    assert.is_false(rille.fetch(serve(false).url .. "/"):json().certificate)
    local app = rille.app()
    app:get("/", function(req) return tostring(req.client_certificate) end)
    assert.equal("nil", testing.client(app, { scheme = "https" }):get("/"):text())
  end)

  it("has to be of an authority that is trusted", function()
    local server = serve { client_ca = ca }
    assert.not_matches("certificate\":", curl(server, "-v"))
    place:run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other-key.pem", "-out", "other.pem",
      "-days", "1", "-subj", "/CN=other")
    local answer = place:run("curl", "-sS", "--cacert", ca, "--cert", "other.pem", "--key", "other-key.pem", server.url .. "/")
    assert.not_matches("same", answer)
  end)
end)
