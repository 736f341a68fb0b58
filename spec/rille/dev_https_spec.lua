-- rille dev --https: an authority of the user's own, made once, for this machine only. runtime/cli/local_authority.c,
-- runtime/cli/dev.c
local processes = require "spec.support.process"
local scratches = require "spec.support.scratch"

describe("rille dev --https", function()
  local place
  before_each(function()
    place = scratches.new()
    place:write("app.lua", 'local app = require("rille").app()\napp:get("/", function(req) return req.scheme end)\nreturn app')
  end)
  after_each(function() place:close() end)

  local function start(...)
    local process = processes.start(place, { "dev", "app.lua", "--port", "0", "--https", ... },
      { env = "NO_COLOR=1 XDG_DATA_HOME=" .. place:path "data" })
    local url = process:until_true("a URL", function()
      return process:output():match "(https://[%d.]+:%d+)" or process:ended()
    end)
    return process, url
  end

  -- Starts it, and stops it when it listens.
  local function start_once()
    local process <close>, url = start() -- luacheck: ignore process
    return url
  end

  local function file(name) return "data/rille/" .. name end

  local function openssl(...) return place:run("openssl", ...) end

  it("speaks https with a certificate of the authority, and says how to trust it", function()
    local process <close>, url = start("--allow-host", "blog.localhost", "--allow-host", "other.example")
    local ca = place:path(file "authority.pem")
    local port = url:match "%d+$"
    assert.equal("https", place:run("curl", "-sS", "--cacert", ca, url .. "/"))
    for _, name in ipairs { "localhost", "blog.localhost" } do
      assert.equal("https", place:run("curl", "-sS", "--cacert", ca, "--resolve", name .. ":" .. port .. ":127.0.0.1",
        ("https://%s:%s/"):format(name, port)))
    end
    assert.matches("SSL", place:run("curl", "-sS", url .. "/"))
    local output = process:output()
    assert.is_truthy(output:find("sudo cp '" .. ca .. "' /usr/local/share/ca-certificates/", 1, true))
    assert.matches("Firefox, Chromium", output)
  end)

  it("keeps both in the user's folder, the keys for the user only", function()
    start_once()
    local made = place:read(file "authority.pem") .. place:read(file "localhost.pem")
    assert.equal("700\n", place:run("stat", "-c", "%a", "data/rille"))
    for _, name in ipairs { "authority-key.pem", "localhost-key.pem" } do
      assert.equal("600\n", place:run("stat", "-c", "%a", file(name)))
    end
    start_once()
    assert.equal(made, place:read(file "authority.pem") .. place:read(file "localhost.pem"))
  end)

  it("makes an authority that may sign for this machine only", function()
    start_once()
    local text = openssl("x509", "-in", file "authority.pem", "-noout", "-text")
    assert.matches("Name Constraints: critical%s+Permitted:%s+DNS:localhost%s+IP:127.0.0.1/255.255.255.255", text)
    assert.matches("CA:TRUE, pathlen:0", text)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "bank-key.pem", "-out", "bank.csr", "-subj", "/CN=bank.example")
    place:write("extensions", "subjectAltName = DNS:bank.example\n")
    openssl("x509", "-req", "-in", "bank.csr", "-CA", file "authority.pem", "-CAkey", file "authority-key.pem", "-out",
      "bank.pem", "-days", "10", "-extfile", "extensions")
    assert.matches("permitted subtree violation", openssl("verify", "-CAfile", file "authority.pem", "bank.pem"))
    assert.matches("localhost.pem: OK", openssl("verify", "-CAfile", file "authority.pem", file "localhost.pem"))
  end)

  it("makes the certificate anew when it is no good any more", function()
    start_once()
    local before = place:read(file "localhost.pem")
    place:write(file "localhost.pem", "torn")
    start_once()
    local after = place:read(file "localhost.pem")
    assert.not_equal(before, after)
    assert.matches("localhost.pem: OK", openssl("verify", "-CAfile", file "authority.pem", file "localhost.pem"))
  end)

  it("says why it cannot keep them", function()
    place:write("data", "a file")
    local process <close> = start()
    assert.equal(1, process:wait())
    assert.matches("cannot make the folder .*/data/rille: Not a directory", process:log() .. process:output())
  end)
end)
