local blog = require "client"
local rille = require "rille"
local testing = require "rille.testing"

local url = "https://blog.test"

describe("the client", function()
  local client, fake

  before_each(function()
    fake = testing.mock()
    client = blog.connect(url)
  end)

  after_each(function() client:close() end)

  it("lists and makes posts", function()
    fake:on("GET", url .. "/api", { json = { data = { { id = 1, title = "First" } } } })
    fake:on("POST", url .. "/api", function(req)
      return { status = 201, json = { data = { id = 2, title = req:json().title } } }
    end)
    assert.same({ { id = 1, title = "First" } }, blog.list(client))
    assert.same({ id = 2, title = "Second" }, blog.create(client, { title = "Second", text = "…", owner = "Ada" }))
  end)

  it("gives nil for a post that is not there, and raises anything else", function()
    fake:on("GET", url .. "/api/7", { status = 404 })
    fake:on("GET", url .. "/api/8", { status = 403 })
    assert.is_nil(blog.show(client, 7))
    local _, err = rille.try(blog.show, client, 8)
    assert.equal("status", err.code)
    assert.equal(403, err.response.status)
  end)

  it("tries again", function()
    local clock = testing.clock()
    fake:on("GET", url .. "/api", { status = 503 })
    fake:on("GET", url .. "/api", { error = "reset" })
    fake:on("GET", url .. "/api", { json = { data = {} } })
    local task = rille.spawn(blog.list, client)
    clock:advance(10)
    assert.same({}, task:wait())
    assert.equal(3, #fake.calls)
  end)

  it("reads all posts, in order", function()
    local list = {}
    for i = 1, 12 do
      list[i] = { id = i }
      fake:on("GET", url .. "/api/" .. i, { json = { data = { id = i, text = "text " .. i } } })
    end
    fake:on("GET", url .. "/api", { json = { data = list } })
    local all = blog.read_all(client)
    assert.equal(12, #all)
    assert.equal("text 12", all[12].text)
  end)
end)

describe("the client and the server", function()
  it("understand each other", function()
    local server = testing.server(require "app" { database = ":memory:" })
    local client <close> = blog.connect(server.url)
    local post = blog.create(client, { title = "First", text = "It works.", owner = "Ada" })
    assert.same(post, blog.show(client, post.id))
  end)
end)
