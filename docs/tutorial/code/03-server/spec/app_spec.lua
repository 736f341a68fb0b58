local testing = require "rille.testing"

describe("the first server", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
  end)

  it("says hello", function()
    assert.equal("Hello, world!", client:get("/"):text())
    assert.equal("Hello, Ada! Hello, Ada! ", client:get("/hello/Ada?times=2"):text())
    assert.equal("Hello, 100%! ", client:get("/hello/100%25"):text())
    assert.equal(400, client:get("/hello/Ada?times=x").status)
    assert.equal(404, client:get("/hello").status)
    assert.equal(405, client:delete("/").status)
  end)

  it("keeps posts", function()
    assert.equal('{"data":[]}', client:get("/api"):text())
    local res = client:post("/api", { json = { title = "First", text = "…", owner = "Ada" } })
    assert.equal(201, res.status)
    assert.same({ id = 1, title = "First", text = "…", owner = "Ada" }, res:json().data)
    assert.same({ { id = 1, title = "First", owner = "Ada" } }, client:get("/api"):json().data)
    assert.equal("First", client:get("/api/1"):json().data.title)
    assert.equal(204, client:delete("/api/1").status)
    assert.equal(404, client:get("/api/1").status)
    assert.equal(404, client:delete("/api/1").status)
    assert.equal(404, client:get("/api/one").status)
  end)

  it("says what is wrong with a post", function()
    local res = client:post("/api", { json = { title = "", text = "…" }, headers = { Accept = "application/json" } })
    assert.equal(422, res.status)
    assert.same({ title = "must have at least 1 character", owner = "is required" }, res:json().error.failures)
    assert.equal(400, client:post("/api", { body = "{" }).status)
  end)
end)
