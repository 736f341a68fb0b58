local png = require "spec.support.png"
local rille = require "rille"
local testing = require "rille.testing"

describe("the blog's pages", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
  end)

  local function register(login, password)
    return client:post("/register", { form = { login = login or "ada", password = password or "lovelace" }, follow = false })
  end

  local function log_in(login, password, form)
    form = form or {}
    form.login, form.password = login or "ada", password or "lovelace"
    return client:post("/login", { form = form, follow = false })
  end

  local function write(fields, files)
    return client:post("/new", { form = fields or { title = "One", text = "Hello" }, files = files, follow = false })
  end

  local function be_ada()
    register()
    log_in()
  end

  it("lists the newest first, with the day and how each begins", function()
    local clock = testing.clock()
    for i = 1, 3 do
      client:post("/api", { json = { title = "Post " .. i, text = "It begins so. " .. ("x"):rep(300), owner = "Ada" } })
      clock:advance(86400)
    end
    local page = client:get("/"):text()
    assert.is_true(page:find("Post 3", 1, true) < page:find("Post 1", 1, true))
    assert.matches("It begins so. x+</p>", page)
    assert.not_matches(("x"):rep(250), page, 1, true)
    local day = os.date("!%d", math.floor(rille.time()) - 3 * 86400)
    assert.matches("<time datetime=\"[%d-]+T[%d:]+Z\">" .. tonumber(day) .. " %a+ %d%d%d%d</time>", page)
    assert.matches("<time datetime", client:get("/1"):text(), 1, true)
  end)

  it("lists posts, escaped", function()
    assert.matches("Nothing here yet", client:get("/"):text())
    client:post("/api", { json = { title = "<b>bold</b>", text = "t", owner = "Ada & Bob" } })
    local page = client:get "/"
    assert.equal("text/html; charset=utf-8", page.headers["Content-Type"])
    assert.matches(">&lt;b&gt;bold&lt;/b&gt;</a>", page:text(), 1, true)
    assert.matches(">Ada &amp; Bob ·", page:text(), 1, true)
  end)

  it("registers, leads to the login, and does not log in by itself", function()
    local res = register()
    assert.same({ 303, "/login" }, { res.status, res.headers.location })
    local page = client:get("/login"):text()
    assert.matches("Welcome, ada", page)
    assert.matches("Register", page)
    assert.not_matches("Log out", page)
  end)

  it("says what is wrong with a registration and keeps what was typed, but the password", function()
    register()
    local taken = register("ADA", "secretly")
    assert.equal(422, taken.status)
    assert.matches("is taken", taken:text())
    local res = register("a b", "short")
    assert.equal(422, res.status)
    local page = res:text()
    assert.matches('value="a b"', page)
    assert.matches("may have letters", page)
    assert.matches("must have at least 6 characters", page)
    assert.not_matches("short", page)
  end)

  it("logs in with the right password only, and tells nobody whether a name exists", function()
    register()
    client:get "/" -- the greeting is gone
    local wrong, unknown = log_in("ada", "wrong password"), log_in("bob", "wrong password")
    assert.equal(422, wrong.status)
    local function plain(res) return (res:text():gsub("ada", "bob"):gsub('value="[%w_-]+"', "")) end
    assert.equal(plain(wrong), plain(unknown))
    assert.equal(422, client:post("/login", { form = {} }).status)
    local res = log_in()
    assert.same({ 303, "/" }, { res.status, res.headers.location })
    local page = client:get("/"):text()
    assert.matches("<span>ada</span>", page)
    assert.matches("Hello, ada", page)
    assert.not_matches("Hello, ada", client:get("/"):text())
  end)

  it("gives a new identity at login and forgets it at logout", function()
    be_ada()
    local res = client:post("/logout", { follow = false })
    assert.equal(303, res.status)
    assert.not_matches("<span>ada</span>", client:get("/"):text())
    assert.equal(303, client:get("/new", { follow = false }).status)
  end)

  it("asks for a login where one is needed, and comes back", function()
    for _, path in ipairs { "/new", "/1/edit", "/1/delete" } do
      local res = client:get(path, { follow = false })
      assert.same({ 303, "/login?next=" .. rille.url_encode(path) }, { res.status, res.headers.location })
      assert.equal("/login", client:post(path, { form = {}, follow = false }).headers.location)
    end
    register()
    assert.matches('name="next" value="/new"', client:get("/login?next=/new"):text())
    assert.equal("/new", log_in("ada", "lovelace", { next = "/new" }).headers.location)
    for _, elsewhere in ipairs { "//evil.example", "https://evil.example", "/\\evil.example", "evil" } do
      assert.equal("/", log_in("ada", "lovelace", { next = elsewhere }).headers.location)
    end
  end)

  it("writes, shows, changes and deletes a post", function()
    be_ada()
    local res = write { title = "<One>", text = "Hello\r\n\r\n<b>you</b>" }
    assert.same({ 303, "/1" }, { res.status, res.headers.location })
    local page = client:get("/1"):text()
    assert.matches("<h2>&lt;One&gt;</h2>", page)
    assert.matches("<p>&lt;b&gt;you&lt;/b&gt;</p>", page)
    assert.matches("by ada", page)
    assert.matches('value="&lt;One&gt;"', client:get("/1/edit"):text())
    client:post("/logout")
    register("bob", "builder")
    log_in("bob", "builder")
    assert.equal("/1", client:post("/1/edit", { form = { title = "Two", text = "x" }, follow = false }).headers.location)
    assert.matches("<h2>Two</h2>.*by ada, edited by bob", client:get("/1"):text())
    assert.matches("Delete Two%?", client:get("/1/delete"):text())
    assert.equal("/", client:post("/1/delete", { follow = false }).headers.location)
    assert.matches("The post is gone", client:get("/"):text())
    assert.equal(404, client:get("/1").status)
  end)

  it("says what is wrong with a post and keeps what was typed", function()
    be_ada()
    local res = write { title = "", text = "kept" }
    assert.equal(422, res.status)
    local page = res:text()
    assert.matches("kept</textarea>", page)
    assert.matches('role="alert"', page)
  end)

  it("shows a picture of 64x64 for each post, its own or a placeholder", function()
    be_ada()
    write()
    local plain = client:get "/1/image"
    assert.equal("image/jpeg", plain.headers["Content-Type"])
    assert.same({ format = "jpeg", width = 64, height = 64 }, rille.image.info(plain:bytes()))
    local picture = { image = { filename = "me.png", content_type = "image/png", body = png(200, 100) } }
    assert.equal(303, write({ title = "With", text = "picture" }, picture).status)
    local own = client:get "/2/image"
    local bytes = own:bytes()
    assert.same({ format = "jpeg", width = 64, height = 64 }, rille.image.info(bytes))
    assert.equal(304, client:get("/2/image", { headers = { ["If-None-Match"] = own.headers.etag } }).status)
    client:post("/2/edit", { form = { title = "Without", text = "a new one" } })
    assert.equal(bytes, client:get("/2/image"):bytes())
    assert.equal(404, client:get("/3/image").status)
  end)

  it("refuses what is no picture in the form, not with an error page", function()
    be_ada()
    local files = { image = { filename = "me.png", content_type = "image/png", body = "no picture" } }
    local res = write({ title = "T", text = "kept" }, files)
    assert.equal(422, res.status)
    assert.matches("no JPEG, PNG, GIF or WebP", res:text())
    assert.matches("Nothing here yet", client:get("/"):text())
  end)

  it("refuses a form without its token, and one that comes from another site", function()
    be_ada()
    local headers = { ["Sec-Fetch-Site"] = "cross-site" }
    assert.equal(403, client:post("/new", { form = { title = "T", text = "t" }, headers = headers }).status)
    local silent = { ["Sec-Fetch-Site"] = {} } -- an old browser says nothing about where it comes from
    assert.equal(403, client:post("/new", { form = { title = "T", text = "t" }, headers = silent }).status)
    local token = client:get("/new"):text():match 'name="csrf_token" value="([^"]+)"'
    local function post(fields) return client:post("/new", { form = fields, headers = silent }).status end
    assert.equal(403, post { title = "T", text = "t", csrf_token = token:reverse() })
    assert.equal(303, post { title = "T", text = "t", csrf_token = token })
    assert.equal(303, client:post("/1/delete", { form = { csrf_token = token }, headers = silent }).status)
  end)

  it("answers errors as a page, JSON or text, as the client asks", function()
    local function accept(what) return client:get("/nowhere", { headers = { Accept = what } }) end
    for _, any in ipairs { "*/*", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" } do
      local res = accept(any)
      assert.equal(404, res.status)
      assert.equal("text/html; charset=utf-8", res.headers["Content-Type"])
      assert.matches("<h2>404</h2>", res:text())
    end
    assert.equal("failed", accept("application/json"):json().status)
    assert.matches("^404: ", accept("text/plain"):text())
    assert.equal("failed", client:get("/api/77"):json().status)
  end)

  it("tells browsers to be careful", function()
    local headers = client:get("/").headers
    assert.matches("default%-src 'self'", headers["Content-Security-Policy"])
    assert.equal("nosniff", headers["X-Content-Type-Options"])
  end)
end)
