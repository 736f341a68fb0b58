local testing = require "rille.testing"

describe("the pages", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
    client:post("/register", { form = { name = "ada", password = "correct horse" } })
  end)

  it("list posts, none at first", function()
    local page = client:get("/"):text()
    assert.matches("<title>The blog</title>", page, 1, true)
    assert.matches("Nothing here yet", page, 1, true)
    assert.equal(200, client:get("/static/style.css").status)
  end)

  it("lead from the form to the post", function()
    local res = client:post("/new", { form = { title = "<b>", text = ("ä"):rep(50) } })
    assert.equal(303, res.status)
    assert.equal("/posts/1", res.headers.location)
    assert.matches("<title>&lt;b&gt; · The blog</title>", client:get("/posts/1"):text(), 1, true)
    assert.matches(": " .. ("ä"):rep(40) .. "…</li>", client:get("/"):text(), 1, true)
    assert.equal(404, client:get("/posts/2").status)
  end)

  it("show the form again if something is wrong", function()
    local res = client:post("/new", { form = { title = "", text = 'k"ept' } })
    assert.equal(422, res.status)
    local page = res:text()
    assert.matches("<em>Title must have at least 1 character.</em>", page, 1, true)
    assert.matches('<textarea name="text">k&#34;ept</textarea>', page, 1, true)
  end)
end)
