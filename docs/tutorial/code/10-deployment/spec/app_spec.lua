local rille = require "rille"
local testing = require "rille.testing"

describe("the deployed app", function()
  local function client_of(proxies)
    return testing.client(require "app" { secret = ("s"):rep(32), database = ":memory:", proxies = proxies })
  end

  it("is healthy and counts", function()
    local client = client_of {}
    assert.same({ status = "ok", checks = { database = "ok" } }, client:get("/healthz"):json())
    assert.matches("visitor 1, by http from 127.0.0.1", client:get("/"):text(), 1, true)
    assert.matches("visitor 2", client:get("/"):text())
  end)

  it("believes its proxy, and nobody else", function()
    local headers = { ["X-Forwarded-For"] = "203.0.113.7", ["X-Forwarded-Proto"] = "https" }
    assert.matches("by https from 203.0.113.7", client_of { "127.0.0.1" }:get("/", { headers = headers }):text(), 1, true)
    assert.matches("by http from 127.0.0.1", client_of({}):get("/", { headers = headers }):text(), 1, true)
  end)

  it("says which setting is missing", function()
    local settings = require "app.settings"
    local getenv = os.getenv
    finally(function() os.getenv = getenv end) -- luacheck: ignore 122
    os.getenv = function(name) return name ~= "SECRET" and getenv(name) or nil end -- luacheck: ignore 122
    local _, err = rille.try(settings.from_environment)
    assert.matches("^SECRET is missing", err.message)
  end)
end)
