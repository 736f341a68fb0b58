local rille = require "rille"
local testing = require "rille.testing"

-- A PNG of 100 times 250 grey pixels.
local picture = ("89504e470d0a1a0a0000000d4948445200000064000000fa080000000072e5bdbb000000704944415478daedcd310100000c0220a31bdd"
  .. "16db0305480f44229148241289442291482412894422914824128944229148241289442291482412894422914824128944229148241289"
  .. "442291482412894422914824128944229148241289442291482412894422914824128944f2970c974ed6d1bf4c29570000000049454e44"
  .. "ae426082"):gsub("%x%x", function(byte)
  return string.char(tonumber(byte, 16))
end)

describe("the gallery", function()
  local app, client
  local PASSWORD = "correct horse"

  -- A hash takes a core for 80 ms, on purpose. One test lets it; in the others the password is its own hash.
  local verify = rille.password.verify
  local function cheaply(password, hash) return password == hash end

  before_each(function()
    rille.password.verify = cheaply
    app = require "app" { database = ":memory:" }
    client = testing.client(app)
    for _, name in ipairs { "ada", "bob" } do
      app.state.db:exec("INSERT INTO users (name, password) VALUES (?, ?)", name, PASSWORD)
    end
  end)

  after_each(function() rille.password.verify = verify end)

  local function log_in(name)
    local res = client:post("/login", { form = { name = name, password = PASSWORD } })
    assert.same({ 303, "/" }, { res.status, res.headers.location })
  end

  local function upload(title, bytes)
    return client:post("/new", { form = { title = title }, files = { image = { filename = "a.png", body = bytes or picture } } })
  end

  local function api(name) return { name, PASSWORD } end

  it("is empty at first", function()
    assert.matches("No pictures here", client:get("/"):text())
    assert.equal("[]", client:get("/api/pictures"):text())
  end)

  it("lets in who knows the password", function()
    rille.password.verify = verify
    app.state.db:exec("UPDATE users SET password = ? WHERE name = 'ada'", rille.password.hash(PASSWORD))
    assert.equal("/login", client:get("/new").headers.location)
    assert.equal(401, upload("Sea").status)
    local res = client:post("/login", { form = { name = "ada", password = "another" } })
    assert.equal(422, res.status)
    assert.matches("is not right", res:text())
    log_in "ada"
    assert.equal(200, client:get("/new").status)
    client:post "/logout"
    assert.equal("/login", client:get("/new").headers.location)
  end)

  it("answers no nonsense with a 500", function()
    local login = { { form = {} }, { form = { name = "ada" } }, { form = { name = "", password = "" } }, { json = { 1 } },
      { form = { password = "x" }, files = { name = { filename = "x", body = "x" } } }, { body = "x" } }
    for i, options in ipairs(login) do
      local status = client:post("/login", options).status
      assert.truthy(status >= 400 and status < 500, i .. ": " .. status)
    end
    for _, path in ipairs { "/?before=x", "/?before=-1", "/api/pictures?before=9e99", "/pictures/0", "/pictures/1/huge",
      "/pictures/9/large" } do
      local status = client:get(path).status
      assert.truthy(status == 404 or status == 422, path .. ": " .. status)
    end
  end)

  it("limits how often a password is guessed, whoever asks", function()
    local last
    for _ = 1, 11 do last = client:post("/login", { form = { name = "nobody", password = "x" } }) end
    assert.equal(429, last.status)
    log_in "ada"
  end)

  it("shows a picture in two sizes, drawn anew", function()
    log_in "ada"
    local res = upload "A <b>boat</b>"
    assert.same({ 303, "/pictures/1" }, { res.status, res.headers.location })
    assert.matches("A &lt;b&gt;boat&lt;/b&gt;", client:get("/pictures/1"):text(), 1, true)
    assert.matches('src="/pictures/1/small"', client:get("/"):text(), 1, true)
    local small = client:get "/pictures/1/small"
    assert.equal("image/jpeg", small.headers["content-type"])
    assert.same({ format = "jpeg", width = 320, height = 240 }, rille.image.info(small:bytes()))
    assert.same({ format = "jpeg", width = 100, height = 250 }, rille.image.info(client:get("/pictures/1/large"):bytes()))
  end)

  it("refuses what is no picture, and says so in the form", function()
    log_in "ada"
    for _, bytes in ipairs { "<script>alert(1)</script>", picture:sub(1, 40), "" } do
      local res = upload("Sea", bytes)
      assert.equal(422, res.status)
      assert.matches('role="alert"', res:text(), 1, true)
    end
    assert.equal(422, upload("").status)
    assert.equal(422, client:post("/new", { form = { title = "Sea" } }).status)
    assert.same({}, client:get("/api/pictures"):json())
  end)

  it("has pages", function()
    local db = app.state.db
    for i = 1, 30 do
      db:exec("INSERT INTO pictures (owner, title, created, small, large) VALUES (1, ?, '2026', x'00', x'00')", "picture " .. i)
    end
    local first = client:get "/api/pictures":json()
    assert.same({ 24, 30, 7 }, { #first, first[1].id, first[24].id })
    assert.matches('href="/?before=7"', client:get("/"):text(), 1, true)
    local second = client:get("/?before=7"):text()
    assert.matches("picture 6", second)
    assert.is_nil(second:find "Older")
  end)

  it("changes a title through the API, for its owner", function()
    log_in "ada"
    upload "Sea"
    local plain = testing.client(app) -- a program: without the cookie
    local function patch(who, body) return plain:patch("/api/pictures/1", { json = body, auth = who and api(who) }) end
    assert.equal(401, patch(nil, { title = "Lake" }).status)
    assert.equal(404, patch("bob", { title = "Lake" }).status)
    local res = patch("ada", {})
    assert.same({ 422, { title = "is required" } }, { res.status, res:json().error.failures })
    assert.equal("Lake", patch("ada", { title = "Lake" }):json().title)
    assert.equal("Lake", client:get("/api/pictures"):json()[1].title)
  end)

  it("tells a webhook of new pictures, after the answer", function()
    local fake, may_answer = testing.mock(), rille.event()
    fake:on("POST", "https://hooks.example/new", function()
      may_answer:wait()
      return { status = 204 }
    end)
    log_in "ada"
    local asked = { json = { url = "https://hooks.example/new" }, auth = api "ada" }
    local hook = testing.client(app):put("/api/webhook", asked):json()
    assert.equal(303, upload("Sea").status)
    may_answer:set()
    testing.background()
    assert.equal(1, #fake.calls)
    local call = fake.calls[1]
    assert.same({ 1, "Sea", "ada" }, { call:json().id, call:json().title, call:json().owner })
    assert.is_true(rille.verify_signature(hook.secret, call.body, call.headers["x-hub-signature-256"]))
  end)

  it("goes on where a webhook is down, and reaches for nothing inside", function()
    local fake = testing.mock()
    log_in "ada"
    local function hook(url)
      return testing.client(app):put("/api/webhook", { json = { url = url }, auth = api "ada" }).status
    end
    for _, url in ipairs { "http://hooks.example/", "https://", "javascript:1", "" } do assert.equal(422, hook(url), url) end
    fake:on("POST", "https://hooks.example/", { error = "connect" })
    for _, url in ipairs { "https://hooks.example/", "https://127.0.0.1/", "https://169.254.169.254/" } do
      assert.equal(200, hook(url))
      assert.equal(303, upload("Sea").status)
    end
    testing.background()
    for _, call in ipairs(fake.calls) do assert.equal("https://hooks.example/", call.url) end
  end)
end)
