local testing = require "rille.testing"

describe("the API", function()
  local app, client
  local good = { title = "First", text = "…", owner = "Ada" }

  before_each(function()
    app = require "app" { database = ":memory:", key = "k" }
    client = testing.client(app, { headers = { ["X-API-Key"] = "k" } })
  end)

  it("keeps posts", function()
    assert.equal('{"data":[]}', client:get("/api"):text())
    local post = { id = 1, title = "First", text = "…", owner = "Ada" }
    local res = client:post("/api", { json = good })
    assert.equal(201, res.status)
    assert.same(post, res:json().data)
    assert.same({ post }, client:get("/api"):json().data)
    assert.same(post, client:get("/api/1"):json().data)
  end)

  it("deletes posts", function()
    client:post("/api", { json = good })
    assert.equal(204, client:delete("/api/1").status)
    assert.equal(404, client:get("/api/1").status)
    assert.equal(404, client:delete("/api/1").status)
  end)

  it("says what is wrong with a post", function()
    local res = client:post("/api", { json = { title = "", text = "…" } })
    assert.equal(422, res.status)
    assert.same({ title = "must have at least 1 character", owner = "is required" }, res:json().failures)
    assert.equal(422, client:post("/api", { json = 3 }).status)
    assert.equal(400, client:post("/api", { body = "{" }).status)
  end)

  it("wants the key", function()
    local stranger = testing.client(app)
    assert.equal(401, stranger:get("/api").status)
    assert.equal(401, stranger:get("/api", { headers = { ["X-API-Key"] = "K" } }).status)
    local closed = testing.client(require "app" { database = ":memory:" }, { headers = { ["X-API-Key"] = "" } })
    assert.equal(401, closed:get("/api").status)
  end)

  it("imports all or nothing", function()
    assert.equal(422, client:post("/api/import", { json = { good, { title = "" } } }).status)
    assert.same({}, client:get("/api"):json().data)
    assert.same({ count = 2 }, client:post("/api/import", { json = { good, good } }):json())
    assert.equal(2, #client:get("/api"):json().data)
  end)
end)
