local key = require "app.key"
local rille = require "rille"
local testing = require "rille.testing"

describe("the shortener", function()
  local app, ada

  local function client_of(token)
    return testing.client(app, { headers = token and { Authorization = "Bearer " .. token } })
  end

  local function owner(name) return client_of(key.make(app.state.db, name)) end

  before_each(function()
    app = require "app" { database = ":memory:" }
    client_of() -- starts the app
    ada = owner "ada"
  end)

  local function shorten(client, url, code)
    return client:post("/api/links", { json = { url = url, code = code } })
  end

  it("makes a link that leads on", function()
    local res = shorten(ada, "https://www.lua.org/manual/5.4/")
    assert.equal(201, res.status)
    local link = res:json()
    assert.equal("http://127.0.0.1/" .. link.code, link.short)
    local answer = client_of():get("/" .. link.code)
    assert.same({ 302, "https://www.lua.org/manual/5.4/", "no-store" },
      { answer.status, answer.headers.location, answer.headers["cache-control"] })
  end)

  it("takes what curl sends", function()
    local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }
    assert.equal(201, ada:post("/api/links", { headers = form, body = '{"url": "https://a.example/"}' }).status)
  end)

  it("takes a code of one's own, once", function()
    assert.equal(201, shorten(ada, "https://a.example/", "here").status)
    local res = shorten(ada, "https://b.example/", "here")
    assert.same({ 409, "this code is taken" }, { res.status, res:json().error.message })
    assert.equal("https://a.example/", ada:get("/here").headers.location)
  end)

  it("counts clicks by day", function()
    local clock = testing.clock()
    shorten(ada, "https://a.example/", "here")
    for _ = 1, 3 do ada:get "/here" end
    clock:advance(86400)
    ada:get "/here"
    local link = ada:get("/api/links/here"):json()
    assert.equal(4, link.clicks)
    local function day(seconds) return os.date("!%F", rille.time() // 1 + seconds) end
    assert.same({ { day = day(-86400), count = 3 }, { day = day(0), count = 1 } }, link.days)
    shorten(ada, "https://b.example/", "there")
    assert.equal(0, ada:get("/api/links/there"):json().clicks)
  end)

  it("refuses what is no address of the web", function()
    for _, url in ipairs { "javascript:alert(1)", "ftp://a.example/", "/here", "https://", "https:///x", "https://a b/", "" } do
      assert.equal(422, shorten(ada, url).status, url)
    end
    assert.equal(422, shorten(ada, "https://a.example/" .. ("x"):rep(2000)).status)
    for _, code in ipairs { "ab", "a/b", "ü", ("x"):rep(41) } do
      assert.equal(422, shorten(ada, "https://a.example/", code).status, code)
    end
  end)

  it("wants a key", function()
    for _, client in ipairs { client_of(), client_of "", client_of "nonsense", client_of(rille.random_token()) } do
      assert.equal(401, client:get("/api/links").status)
      assert.equal(401, shorten(client, "https://a.example/").status)
    end
  end)

  it("keeps the links of a key from others", function()
    local bob = owner "bob"
    shorten(ada, "https://a.example/", "here")
    assert.same({}, bob:get("/api/links"):json())
    assert.equal(404, bob:get("/api/links/here").status)
    assert.equal(404, bob:delete("/api/links/here").status)
    assert.equal("here", ada:get("/api/links"):json()[1].code)
  end)

  it("forgets a link and its clicks", function()
    shorten(ada, "https://a.example/", "here")
    ada:get "/here"
    assert.equal(204, ada:delete("/api/links/here").status)
    assert.equal(404, ada:get("/here").status)
    shorten(ada, "https://b.example/", "here")
    assert.equal(0, ada:get("/api/links/here"):json().clicks)
  end)

  it("limits how many links a key makes, not what others do", function()
    local clock, bob, last = testing.clock(), owner "bob", nil
    for _ = 1, 21 do last = shorten(ada, "https://a.example/") end
    assert.equal(429, last.status)
    assert.equal(201, shorten(bob, "https://a.example/").status)
    clock:advance(1)
    assert.equal(201, shorten(ada, "https://a.example/").status)
  end)

  it("keeps digests of keys only", function()
    local token = key.make(app.state.db, "bob")
    assert.equal(rille.sha256(token), app.state.db:value "SELECT digest FROM owners WHERE name = 'bob'")
  end)
end)
