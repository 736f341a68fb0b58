local testing = require "rille.testing"

describe("the API", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
  end)

  it("keeps posts", function()
    assert.equal('{"data":[]}', client:get("/api"):text())
    local post = { id = 1, title = "First", text = "…", owner = "Ada" }
    local res = client:post("/api", { json = { title = "First", text = "…", owner = "Ada" } })
    assert.equal(201, res.status)
    assert.same(post, res:json().data)
    assert.same({ post }, client:get("/api"):json().data)
    assert.same(post, client:get("/api/1"):json().data)
  end)

  it("deletes posts", function()
    client:post("/api", { json = { title = "First", text = "…", owner = "Ada" } })
    assert.equal(204, client:delete("/api/1").status)
    assert.equal(404, client:get("/api/1").status)
    assert.equal(404, client:delete("/api/1").status)
  end)

  it("says what is wrong with a post", function()
    local res = client:post("/api", { json = { title = "", text = "…" }, headers = { Accept = "application/json" } })
    assert.equal(422, res.status)
    assert.same({ title = "must have at least 1 character", owner = "is required" }, res:json().error.failures)
    assert.equal(422, client:post("/api", { json = 3 }).status)
    assert.equal(400, client:post("/api", { body = "{" }).status)
  end)
end)
