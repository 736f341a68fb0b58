local rille = require "rille"
local testing = require "rille.testing"

-- An app of its own with the blog's templates, so that each page can be seen without what leads to it.
local function page(name, context)
  local app = rille.app { templates = { "templates", trim_blocks = true, lstrip_blocks = true } }
  app:static("/static", "app/static")
  return app:render(name, context)
end

describe("the blog's pages", function()
  it("lists posts", function()
    local client = testing.client(require "app" { database = ":memory:" })
    assert.matches("Nothing here yet", client:get("/"):text())
    client:post("/api", { json = { title = "First <post>", text = "Hello", owner = "Ada" } })
    local text = client:get("/"):text()
    assert.matches('<li><a href="/1">First &lt;post&gt;</a> by Ada</li>', text, 1, true)
    assert.matches('href="/static/style.css"', text, 1, true)
    assert.equal(200, client:get("/static/style.css").status)
  end)

  it("shows a post, its text in paragraphs", function()
    local text = page("view.html", { post = { id = 7, title = "A & B", text = "One\n\n<two> http://example.org", owner = "Ada", editor = "Bob" } })
    assert.matches("<title>A &amp; B - Blog</title>", text, 1, true)
    assert.matches("by Ada, edited by Bob", text, 1, true)
    assert.matches('<p>&lt;two&gt; <a href="http://example.org"', text, 1, true)
    assert.is_nil(text:find("/7/edit", 1, true))
  end)

  it("offers to change a post to who is logged in", function()
    local text = page("view.html", { user = { login = "ada" }, post = { id = 7, title = "", text = "", owner = "" } })
    assert.matches('href="/7/edit"', text, 1, true)
    assert.matches("<span>ada</span>", text, 1, true)
  end)

  it("asks for a new post, and again with what was sent and what is wrong", function()
    assert.matches('<form method="post" action="/new" enctype="multipart/form%-data">', page "new.html")
    local text = page("edit.html", { action = "/7/edit", values = { title = "T", text = "</textarea>" }, errors = { title = "too short" } })
    assert.matches('action="/7/edit"', text, 1, true)
    assert.matches('name="title" type="text" value="T" required>', text, 1, true)
    assert.matches("required>&lt;/textarea&gt;</textarea>", text, 1, true)
    assert.matches('<strong role="alert">too short</strong>', text, 1, true)
  end)

  it("asks for name and password without ever showing one", function()
    for _, name in ipairs { "login.html", "register.html" } do
      local text = page(name, { values = { login = "ada", password = "secret" } })
      assert.matches('value="ada"', text, 1, true)
      assert.is_nil(text:find("secret", 1, true))
    end
  end)

  it("asks before it deletes, and tells what went wrong", function()
    assert.matches('action="/7/delete"', page("delete.html", { post = { id = 7, title = "T" } }), 1, true)
    assert.matches("<h2>404</h2>\n<p>Not &lt;found&gt;</p>", page("error.html", { status = 404, message = "Not <found>" }), 1, true)
  end)
end)
