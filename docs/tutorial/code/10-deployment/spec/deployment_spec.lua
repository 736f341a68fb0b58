local rille = require "rille"
local testing = require "rille.testing"

describe("the deployed app", function()
  it("is well", function()
    local client = testing.client(require "app" { database = ":memory:" })
    assert.same({ status = "ok", checks = { database = "ok" } }, client:get("/healthz"):json())
  end)

  it("believes its proxy, and nobody else", function()
    local function remote_of(proxies)
      local app = require "app" { database = ":memory:", proxies = proxies }
      app:get("/remote", function(req) return req.scheme .. " " .. req.remote end)
      local headers = { ["X-Forwarded-For"] = "203.0.113.7", ["X-Forwarded-Proto"] = "https" }
      return testing.client(app):get("/remote", { headers = headers }):text()
    end
    assert.equal("https 203.0.113.7", remote_of { "127.0.0.1" })
    assert.equal("http 127.0.0.1", remote_of(nil))
  end)

  it("says which setting is missing", function()
    local getenv = os.getenv
    finally(function() os.getenv = getenv end) -- luacheck: ignore 122
    os.getenv = function(name) return name ~= "SECRET" and getenv(name) or nil end -- luacheck: ignore 122
    local _, err = rille.try(require("settings").from_environment)
    assert.matches("^SECRET is missing", err.message)
  end)
end)
