local testing = require "rille.testing"

describe("users", function()
  local app, client

  before_each(function()
    app = require "app" { database = ":memory:" }
    client = testing.client(app)
  end)

  local function register(fields)
    return client:post("/register", { form = fields or { name = "ada", password = "correct horse" }, follow = true })
  end

  it("register, and are greeted once", function()
    assert.matches("Welcome, ada!", register():text(), 1, true)
    local page = client:get("/"):text()
    assert.is_nil(page:find("Welcome", 1, true))
    assert.matches("Log out ada", page, 1, true)
  end)

  it("log out", function()
    register()
    assert.matches("Log in", client:post("/logout", { follow = true }):text(), 1, true)
  end)

  it("are told what is wrong with a registration", function()
    assert.matches("Password must have at least 8 characters", register({ name = "ada", password = "short" }):text(), 1, true)
    register()
    assert.matches("Name is taken", register():text(), 1, true)
  end)

  it("need the right password, and are led back", function()
    register()
    local other = testing.client(app)
    local right, wrong = { name = "ada", password = "correct horse" }, { name = "ada", password = "wrong" }
    assert.equal(422, other:post("/login", { form = wrong }).status)
    assert.equal(422, other:post("/login", { form = { name = "bob", password = "wrong" } }).status)
    assert.equal(422, other:post("/login", { form = {} }).status)
    assert.equal("/new", other:post("/login?next=/new", { form = right }).headers.location)
    assert.equal("/", other:post("/login?next=//evil.example", { form = right }).headers.location)
  end)

  it("cannot guess for long", function()
    local status
    for _ = 1, 6 do status = client:post("/login", { form = { name = "eve", password = "x" } }).status end
    assert.equal(429, status)
  end)

  it("alone may write, under their own name", function()
    assert.matches("Log in first.", client:post("/new", { form = { title = "x" }, follow = true }):text(), 1, true)
    register()
    local res = client:post("/new", { form = { title = "Mine", text = "", owner = "eve" }, follow = true })
    assert.matches("by ada", res:text(), 1, true)
  end)

  it("are safe from forms of other sites", function()
    register()
    local res = client:post("/new", { form = { title = "x" }, headers = { ["Sec-Fetch-Site"] = "cross-site" } })
    assert.equal(403, res.status)
  end)
end)
