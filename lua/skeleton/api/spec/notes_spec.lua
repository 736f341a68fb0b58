local testing = require "rille.testing"

describe("notes", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
  end)

  local function add(text) return client:post("/notes", { json = { text = text } }) end

  it("are none at first", function()
    assert.same({ notes = {} }, client:get("/notes"):json())
  end)

  it("are added", function()
    local res = add "Buy milk"
    assert.equal(201, res.status)
    assert.equal("/notes/1", res.headers.location)
    assert.same({ id = 1, text = "Buy milk", done = false }, client:get("/notes/1"):json())
  end)

  it("are listed in pages", function()
    for i = 1, 3 do add("note " .. i) end
    local page = client:get("/notes?limit=2"):json()
    assert.same({ 1, 2 }, { page.notes[1].id, page.notes[2].id })
    assert.same({ { id = 3, text = "note 3", done = false } }, client:get("/notes?limit=2&after=" .. page.next):json().notes)
  end)

  it("are changed: what is given and nothing else", function()
    add "Buy milk"
    local res = client:patch("/notes/1", { json = { done = true } })
    assert.same({ id = 1, text = "Buy milk", done = true }, res:json())
  end)

  it("are deleted", function()
    add "Buy milk"
    assert.equal(204, client:delete("/notes/1").status)
    assert.equal(404, client:get("/notes/1").status)
    assert.equal(404, client:delete("/notes/1").status)
  end)

  it("have a text, and errors say what is wrong with them", function()
    local res = add ""
    assert.equal(422, res.status)
    local err = res:json().error
    assert.equal("invalid", err.code)
    assert.is_string(err.failures.text)
    assert.equal(422, client:get("/notes?limit=1000").status)
    assert.equal(400, client:post("/notes", { body = "{", headers = { ["Content-Type"] = "application/json" } }).status)
    assert.equal("no such note: 7", client:get("/notes/7"):json().error.message)
  end)

  it("are there while all is well", function()
    assert.equal(200, client:get("/healthz").status)
  end)
end)
