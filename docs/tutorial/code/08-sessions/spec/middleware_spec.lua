local testing = require "rille.testing"

describe("middleware", function()
  local client

  before_each(function()
    local app = require "app" { database = ":memory:" }
    app:get("/broken", function() error "oh no" end)
    client = testing.client(app)
  end)

  it("adds headers to every answer, errors included", function()
    for _, path in ipairs { "/", "/nowhere", "/static/style.css" } do
      local res = client:get(path)
      assert.truthy(res.headers["x-request-id"], path)
      assert.equal("nosniff", res.headers["x-content-type-options"], path)
    end
    assert.matches("^app;dur=%d+%.%d$", client:get("/").headers["server-timing"])
  end)

  it("answers errors with pages, and tells no secrets", function()
    local res = client:get "/nowhere"
    assert.equal(404, res.status)
    assert.matches("There is no such page", res:text(), 1, true)
    res = client:get "/broken"
    assert.equal(500, res.status)
    assert.matches("in our log as " .. res.headers["x-request-id"], res:text(), 1, true)
    assert.is_nil(res:text():find("oh no", 1, true))
  end)
end)
