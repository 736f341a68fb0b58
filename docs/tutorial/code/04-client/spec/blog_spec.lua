local rille = require "rille"
local testing = require "rille.testing"

local url = "https://blog.test"

describe("the blog's client", function()
  local blog, client, fake

  before_each(function()
    blog, fake = require "blog", testing.mock()
    client = blog.connect(url)
  end)

  after_each(function() client:close() end)

  it("lists, creates and shows posts", function()
    fake:on("GET", url .. "/api", { json = { data = { { id = 1, title = "First" } } } })
    fake:on("POST", url .. "/api", function(req)
      return { status = 201, json = { data = { id = 2, title = req:json().title } } }
    end)
    fake:on("GET", url .. "/api/1", { json = { data = { id = 1, title = "First", text = "…" } } })
    assert.same({ { id = 1, title = "First" } }, blog.list(client))
    assert.equal(2, blog.create(client, { title = "Second", text = "…", owner = "Ada" }).id)
    assert.equal("…", blog.show(client, 1).text)
  end)

  it("gives nil for a post that is not there, and raises for what should not happen", function()
    fake:on("GET", url .. "/api/7", { status = 404 })
    fake:on("GET", url .. "/api/8", { status = 403 })
    assert.is_nil(blog.show(client, 7))
    local _, err = rille.try(blog.show, client, 8)
    assert.equal("status", err.code)
    assert.equal(403, err.response.status)
  end)

  it("tries again what comes and goes", function()
    fake:on("GET", url .. "/api", { status = 503 })
    fake:on("GET", url .. "/api", { error = "reset" })
    fake:on("GET", url .. "/api", { json = { data = {} } })
    local clock = testing.clock()
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

describe("against a real server", function()
  it("does the same", function()
    local app = rille.app()
    app:get("/api", function() return rille.json { data = { { id = 1, title = "Real" } } } end)
    local blog = require "blog"
    local client <close> = blog.connect(testing.server(app).url)
    assert.equal("Real", blog.list(client)[1].title)
  end)
end)
