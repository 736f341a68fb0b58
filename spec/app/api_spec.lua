local rille = require "rille"
local testing = require "rille.testing"

describe("the blog's API", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
  end)

  local function create(fields)
    return client:post("/api", { json = fields or { title = "First", text = "Hello", owner = "Ada" } })
  end

  it("lists nothing at first", function()
    assert.same({ status = "ok", data = {} }, client:get("/api"):json())
  end)

  it("creates a post whose editor is its owner", function()
    local res = create()
    assert.equal(200, res.status)
    assert.same({ status = "ok", data = { id = 1, title = "First", text = "Hello", owner = "Ada", editor = "Ada" } }, res:json())
  end)

  it("lists posts without their text", function()
    create()
    create { title = "Second", text = "World", owner = "Bob" }
    assert.same({
      { id = 1, title = "First", owner = "Ada", editor = "Ada" },
      { id = 2, title = "Second", owner = "Bob", editor = "Bob" },
    }, client:get("/api"):json().data)
  end)

  it("shows a post", function()
    create()
    assert.equal("Hello", client:get("/api/1"):json().data.text)
  end)

  it("changes what is given and nothing else", function()
    create()
    local res = client:patch("/api/1", { json = { title = "Changed", editor = "Bob" } })
    assert.same({ id = 1, title = "Changed", text = "Hello", owner = "Ada", editor = "Bob" }, res:json().data)
    assert.equal("Changed", client:get("/api/1"):json().data.title)
  end)

  it("deletes a post", function()
    create()
    assert.same({ status = "ok", id = 1 }, client:delete("/api/1"):json())
    assert.equal(404, client:get("/api/1").status)
  end)

  it("answers 404 in its own format for a post that is not there", function()
    for _, method in ipairs { "get", "delete" } do
      local res = client[method](client, "/api/7")
      assert.equal(404, res.status)
      assert.same({ status = "failed", reason = "no such post: 7" }, res:json())
    end
    assert.equal(404, client:patch("/api/7", { json = { title = "x" } }).status)
  end)

  it("answers 404 for an id that is not a number, and for any other path below it", function()
    assert.same("failed", client:get("/api/x"):json().status)
    assert.equal(404, client:get("/api/1/2").status)
  end)

  it("answers 400 for bad and incomplete JSON", function()
    local bad = client:post("/api", { body = '{"title": ' })
    assert.equal(400, bad.status)
    assert.equal("failed", bad:json().status)
    assert.matches("bad JSON at line 1", bad:json().reason)
    for _, missing in ipairs { "title", "text", "owner" } do
      local fields = { title = "t", text = "t", owner = "o" }
      fields[missing] = nil
      local res = create(fields)
      assert.equal(400, res.status)
      assert.matches("^" .. missing, res:json().reason)
    end
    assert.equal(400, client:post("/api", { json = rille.array { 1, 2 } }).status)
    assert.equal(400, client:post("/api", { json = { title = 1, text = "t", owner = "o" } }).status)
  end)

  it("answers 405 with Allow in its own format", function()
    local res = client:put("/api/1")
    assert.equal(405, res.status)
    assert.equal("GET, HEAD, PATCH, DELETE, OPTIONS", res.headers.allow)
    assert.equal("failed", res:json().status)
  end)

  it("takes nothing from the body that is not a field of a post", function()
    create { title = "t", text = "t", owner = "Ada", image = { 1 }, id = 7 }
    assert.equal(1, client:get("/api/1"):json().data.id)
  end)

  it("keeps text that looks like SQL or HTML as it is", function()
    local text = "'); DROP TABLE posts; -- <script>"
    create { title = text, text = text, owner = "Ada" }
    assert.equal(text, client:get("/api/1"):json().data.text)
  end)
end)
