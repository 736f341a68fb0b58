local testing = require "rille.testing"

describe("middleware", function()
  local client, api

  before_each(function()
    local app = require "app" { database = ":memory:", key = "k" }
    client = testing.client(app)
    api = testing.client(app, { headers = { ["X-API-Key"] = "k" } })
  end)

  it("adds headers to every answer, errors included", function()
    for _, path in ipairs { "/", "/nowhere" } do
      local res = client:get(path)
      assert.truthy(res.headers["x-request-id"], path)
      assert.equal("nosniff", res.headers["x-content-type-options"], path)
    end
    assert.matches("^app;dur=%d+%.%d$", client:get("/").headers["server-timing"])
  end)

  it("answers errors with pages, and in the API with JSON", function()
    local res = client:get "/nowhere"
    assert.equal(404, res.status)
    assert.matches("There is no such page", res:text())
    res = client:get "/broken"
    assert.equal(500, res.status)
    assert.matches("in our log as " .. res.headers["x-request-id"], res:text(), 1, true)
    res = api:get "/api/nowhere"
    assert.equal(404, res.status)
    assert.same({ status = "failed", reason = "Not Found" }, res:json())
  end)

  it("guards the API", function()
    assert.equal(401, client:get("/api").status)
    assert.same({ status = "ok", data = {} }, api:get("/api"):json())
  end)

  it("imports all or nothing", function()
    local good, bad = { title = "t", text = "", owner = "o" }, { title = "" }
    assert.equal(422, api:post("/api/import", { json = { good, bad } }).status)
    assert.same({}, api:get("/api"):json().data)
    assert.same({ status = "ok", count = 2 }, api:post("/api/import", { json = { good, good } }):json())
    assert.equal(2, #api:get("/api"):json().data)
  end)
end)
