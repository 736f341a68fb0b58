-- "/api/" was a 404 where "/api" is the "/" of a mounted app or of a group.
local rille = require "rille"
local testing = require "rille.testing"

local function api()
  local sub = rille.app()
  sub:get("/", function() return "list" end)
  sub:post("/", function(req) return "made " .. req:text() end)
  sub:get("/{id:int}", function(req) return "one " .. req.params.id end)
  return sub
end

describe("the index of a prefix with a slash behind it", function()
  local app = rille.app()
  app:mount("/api", api())
  local group = app:group { prefix = "/group" }
  group:get("/", function() return "group" end)
  local own = app:group { prefix = "/own" }
  own:get("/", function() return "without" end)
  app:get("/own/", function() return "with" end)
  app:get("/plain", function() return "plain" end)
  local client

  before_each(function() client = testing.client(app) end)

  it("leads to it, query and all, with the method and the body", function()
    local res = client:get "/api/?page=2&b=%2F"
    assert.same({ 308, "/api?page=2&b=%2F" }, { res.status, res.headers.location })
    assert.equal("list", client:get("/api/", { follow = 3 }):text())
    assert.equal("made x", client:post("/api/", { body = "x", follow = 3 }):text())
    assert.equal(308, client:head("/api/").status)
    assert.equal("group", client:get("/group/", { follow = 3 }):text())
  end)

  it("is itself where it is a route of its own", function()
    assert.equal("with", client:get("/own/"):text())
    assert.equal("without", client:get("/own"):text())
  end)

  it("is none elsewhere: other paths mean what they say", function()
    for _, path in ipairs { "/plain/", "/api/7/", "/api//", "/other/", "/API/" } do
      assert.equal(404, client:get(path).status, path)
    end
    assert.equal(404, client:delete("/api/").status)
  end)

  it("goes through the middleware of the app", function()
    local guarded, outer = api(), rille.app()
    guarded:use(function() return rille.empty(401) end)
    outer:mount("/in", guarded)
    assert.equal(401, testing.client(outer):get("/in/").status)
  end)
end)
