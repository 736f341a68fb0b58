local testing = require "rille.testing"

describe("sessions", function()
  local app, client

  before_each(function()
    app = require "app" { database = ":memory:", secret = ("s"):rep(32) }
    client = testing.client(app)
  end)

  local function register(fields)
    return client:post("/register", { form = fields or { name = "ada", password = "correct horse" }, follow = true })
  end

  it("begin with a registration", function()
    local page = register():text()
    assert.matches("Welcome, ada!", page, 1, true)
    assert.matches("Log out", page)
    page = client:get("/"):text()
    assert.is_nil(page:find("Welcome", 1, true))
    assert.matches("ada <button>Log out", page, 1, true)
  end)

  it("end with a logout", function()
    register()
    assert.matches("Log in", client:post("/logout", { follow = true }):text())
  end)

  it("tell what is wrong with a registration", function()
    assert.matches("Password must have at least 8 characters", register({ name = "ada", password = "short" }):text())
    register()
    assert.matches("Name is taken", register():text())
  end)

  it("want the right password, and lead back", function()
    register()
    local other = testing.client(app)
    assert.equal(422, other:post("/login", { form = { name = "ada", password = "wrong" } }).status)
    assert.equal(422, other:post("/login", { form = { name = "bob", password = "wrong" } }).status)
    local res = other:post("/login?next=/register", { form = { name = "ada", password = "correct horse" } })
    assert.equal("/register", res.headers.location)
    res = other:post("/login?next=//evil.example", { form = { name = "ada", password = "correct horse" } })
    assert.equal("/", res.headers.location)
  end)

  it("limit how often a password is tried", function()
    local last
    for _ = 1, 6 do last = client:post("/login", { form = { name = "eve", password = "x" } }) end
    assert.equal(429, last.status)
  end)

  it("let only users write", function()
    local res = client:post("/", { form = { title = "x" }, follow = true })
    assert.matches("Log in first", res:text())
    register()
    res = client:post("/", { form = { title = "<b>" }, follow = true })
    assert.matches("Saved.", res:text(), 1, true)
    assert.matches("&lt;b&gt; by ada", res:text(), 1, true)
  end)

  it("are not open to forms of other sites", function()
    register()
    assert.equal(403, client:post("/", { form = { title = "x" }, headers = { ["Sec-Fetch-Site"] = "cross-site" } }).status)
  end)
end)
