-- lua/rille/dev/dashboard.lua
--
-- What it shows is in spec/regress/320, 322 and 323, and in script/test-e2e-dev.
local native = require "rille.native.core"
local rille = require "rille"
local testing = require "rille.testing"

native.dashboard_is_terminal = function() return false end -- only the state of a dashboard has it
local Dashboard = require "rille.dev.dashboard"
native.dashboard_is_terminal = nil

describe("a file that changes", function()
  it("asks for a reload of the program, of styles, of pages, or for nothing", function()
    local kinds = {
      ["app/init.lua"] = "code", ["app/migrations/001.sql"] = "code", ["templates/a.html"] = "code", ["static/a.css"] = "css",
      ["static/a.js"] = "page", [".env"] = "env", ["app/gone/"] = "code",
    }
    for path, kind in pairs(kinds) do assert.equal(kind, Dashboard.kind_of(path)) end
    for _, path in ipairs { "notes.db", ".git/index.lua", "app/.#init.lua", "spec/app_spec.lua", "photo.jpg" } do
      assert.is_nil(Dashboard.kind_of(path))
    end
  end)
end)

describe("while the program does not load", function()
  local dashboard, client
  before_each(function()
    dashboard = Dashboard.new()
    dashboard.failure = { message = "app.lua:3: unexpected <symbol>" }
    client = testing.client(dashboard.app)
  end)

  it("every path tells why, in the form that the client reads", function()
    local page = client:get("/any", { headers = { accept = "text/html" } })
    assert.equal(500, page.status)
    assert.matches("unexpected &lt;symbol&gt;", page:text(), 1, true)
    assert.matches("unexpected <symbol>", client:get("/any", { headers = { accept = "text/plain" } }):text(), 1, true)
    local described = client:get("/any", { headers = { accept = "application/json" } })
    assert.matches("unexpected <symbol>", rille.json_encode(described:json()), 1, true)
  end)

  it("its own pages are there", function()
    assert.equal(200, client:get("/_rille").status)
    assert.matches("text/javascript", client:get("/_rille/live.js").headers["content-type"], 1, true)
    assert.equal(404, client:get("/_rille/requests/none").status)
    assert.equal(404, client:get("/_rille/source?file=../secret.lua").status)
  end)
end)

describe("errors", function()
  it("are remembered up to fifty, the last first", function()
    local dashboard = Dashboard.new()
    for i = 1, 60 do dashboard:add_error { failure = { message = "e" .. i } } end
    assert.equal(50, #dashboard.errors)
    assert.equal("e60", dashboard.errors[1].failure.message)
    assert.equal("60", dashboard.errors[1].key)
  end)
end)
