-- rille serve --redirect-https: the plain port beside the one that speaks TLS. runtime/server/redirect.c, runtime/cli/serve.c
local certificates = require "spec.support.certificates"
local processes = require "spec.support.process"
local rille = require "rille"
local scratches = require "spec.support.scratch"

describe("rille serve --redirect-https", function()
  local place, process, plain, port
  setup(function()
    place = scratches.new()
    place:write("app.lua", 'local app = require("rille").app()\napp:get("/x", function() return "app" end)\nreturn app')
    process = processes.start(place, { "serve", "app.lua", "--tls", certificates.write(place, "a", { "localhost", "*.b.localhost",
      "127.0.0.1" }), "--tls-port", "0", "--port", "0", "--redirect-https", "--threads", "2" })
    port = process:url():match "%d+$"
    plain = process:log():match "also=(http://[%d.]+:%d+)"
  end)
  teardown(function()
    process:close()
    place:close()
  end)

  local function ask(method, host, path)
    local body = method == "POST" and "a=b" or nil
    return rille.fetch(plain .. path, { method = method, headers = { Host = host }, follow = 0, body = body })
  end

  it("sends every method there, path and query to the byte", function()
    for _, method in ipairs { "GET", "HEAD", "POST", "DELETE", "OPTIONS" } do
      local res = ask(method, "localhost", "/x%2Fy/;z?q=%20&&b")
      assert.equal(308, res.status)
      assert.equal(("https://localhost:%s/x%%2Fy/;z?q=%%20&&b"):format(port), res.headers.location)
      assert.equal(method == "HEAD" and "" or "308: this is served over https only\n", res:text())
    end
  end)

  it("knows the names of the certificates, wildcards and addresses too", function()
    local names = { ["LOCALHOST:99"] = "localhost", ["x.b.localhost"] = "x.b.localhost", ["127.0.0.1:80"] = "127.0.0.1" }
    for host, name in pairs(names) do
      assert.equal(("https://%s:%s/x"):format(name, port), ask("GET", host, "/x").headers.location)
    end
  end)

  it("sends nobody to a host that the client makes up", function()
    for _, host in ipairs { "evil.example", "b.localhost", "x.y.b.localhost", "localhost.evil.example" } do
      local res = ask("GET", host, "/x")
      assert.equal(421, res.status)
      assert.is_nil(res.headers.location)
      assert.not_matches("evil", res:text())
    end
  end)

  it("has no page of the app", function()
    assert.equal(421, ask("GET", "other", "/x").status)
    assert.not_matches("app", ask("GET", "localhost", "/x"):text())
  end)
end)
