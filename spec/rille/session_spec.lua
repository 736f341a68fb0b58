-- runtime/bind/http/session.c
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

local secrets = { ("old secret "):rep(4), ("new secret "):rep(4) }

-- An app whose routes do to the session what their names say.
local function app_with(options, app_options)
  local app = rille.app(app_options or {})
  app:use(rille.session(options or {}))
  app:get("/get", function(req) return rille.json { session = req.session } end)
  app:get("/set/{key}/{value}", function(req) req.session[req.params.key] = req.params.value; return "set" end)
  app:get("/unset/{key}", function(req) req.session[req.params.key] = nil; return "unset" end)
  app:get("/login/{user}", function(req) req:renew_session(); req.session.user = req.params.user; return "in" end)
  app:get("/logout", function(req) req:clear_session(); return "out" end)
  app:get("/nothing", function() return "nothing" end)
  app:get("/nest", function(req)
    local list = req.session.list or {}
    req.session.list = list
    list[#list + 1] = { n = #list + 1 }
    return "nested"
  end)
  app:get("/deep", function(req) req.session.list[1].n = "changed"; return "deep" end)
  app:get("/fail", function(req) req.session.failed = true; rille.abort(418, "a teapot") end)
  app:get("/raise", function(req) req.session.raised = true; error "oops" end)
  app:get("/flash/{text}", function(req) req:flash(req.params.text); return "flashed" end)
  app:get("/flashes", function(req) return rille.json(req:flashes()) end)
  app:get("/large/{n:int}", function(req) req.session.large = rille.random_token(1000):rep(req.params.n); return "large" end)
  return app
end

local function client_of(...) return testing.client(app_with(...)) end

local function session(client) return client:get("/get"):json().session end

-- The one cookie of a client; and another client that has stolen it.
local function cookie(client) return (client.cookies:list()[1] or {}).value end
local function with_cookie(client, value, name)
  return client:get("/get", { headers = { Cookie = (name or "rille") .. "=" .. value } }):json().session
end

for _, store in ipairs { "cookie", "memory", "sqlite" } do
  local function options(more)
    local all = { store = store, database = store == "sqlite" and ":memory:" or nil }
    for key, value in pairs(more or {}) do all[key] = value end
    return all
  end

  describe("a session in store '" .. store .. "'", function()
    it("is kept from request to request", function()
      local client = client_of(options())
      assert.same({}, session(client))
      client:get "/set/user/ada"
      client:get "/set/color/blue"
      assert.same({ user = "ada", color = "blue" }, session(client))
      client:get "/unset/color"
      assert.same({ user = "ada" }, session(client))
    end)

    it("is another one for another client", function()
      local app = app_with(options())
      local one, two = testing.client(app), testing.client(app)
      one:get "/set/user/ada"
      two:get "/set/user/bob"
      assert.same({ user = "ada" }, session(one))
      assert.same({ user = "bob" }, session(two))
    end)

    it("is saved only where it has changed, and never where nobody looked", function()
      local client = client_of(options())
      for _, path in ipairs { "/nothing", "/get", "/flashes", "/missing" } do
        assert.is_nil(client:get(path).headers["set-cookie"], path)
      end
      assert.truthy(client:get("/set/user/ada").headers["set-cookie"])
      for _, path in ipairs { "/nothing", "/get", "/set/user/ada", "/missing" } do
        assert.is_nil(client:get(path).headers["set-cookie"], path)
      end
    end)

    it("notices changes deep inside", function()
      local client = client_of(options())
      client:get "/nest"
      client:get "/nest"
      client:get "/deep"
      assert.same({ list = { { n = "changed" }, { n = 2 } } }, session(client))
    end)

    it("is saved behind errors as well", function()
      local client = client_of(options())
      assert.equal(418, client:get("/fail").status)
      assert.equal(500, client:get("/raise").status)
      assert.same({ failed = true, raised = true }, session(client))
    end)

    it("works in on_error, and is saved after it", function()
      local app = app_with(options())
      app:on_error(404, function(req)
        req.session.lost = (req.session.lost or 0) + 1
        return "lost " .. req.session.lost
      end)
      local client = testing.client(app)
      assert.equal("lost 1", client:get("/missing"):text())
      assert.equal("lost 2", client:get("/missing"):text())
    end)

    it("is not to be cached where it is set, unless the handler says so", function()
      local app = app_with(options())
      app:get("/cached", function(req) req.session.x = 1; return rille.text "x":header("Cache-Control", "private") end)
      local client = testing.client(app)
      assert.equal("private", client:get("/cached").headers["cache-control"])
      local response = client:get "/set/a/b"
      assert.equal("no-store", response.headers["cache-control"])
      assert.equal("Cookie", response.headers.vary)
      assert.is_nil(client:get("/nothing").headers.vary)
    end)

    it("ends max_age after it was last used", function()
      local clock = testing.clock()
      local client = client_of(options { max_age = 100 })
      client:get "/set/user/ada"
      for _ = 1, 5 do
        clock:advance(60)
        assert.same({ user = "ada" }, session(client))
      end
      local stolen = cookie(client)
      clock:advance(99)
      assert.same({ user = "ada" }, with_cookie(client, stolen))
      clock:advance(100)
      assert.same({}, with_cookie(client, stolen))
    end)

    it("ends after its lifetime however much it is used", function()
      local clock = testing.clock()
      local client = client_of(options { max_age = 100, lifetime = 300 })
      client:get "/set/user/ada"
      for _ = 1, 5 do
        clock:advance(59)
        assert.same({ user = "ada" }, session(client))
      end
      clock:advance(6)
      assert.same({}, session(client))
    end)

    it("has a new identity after renewal, and the old one is worth nothing (fixation)", function()
      local client = client_of(options())
      client:get "/set/color/blue"
      local planted = cookie(client)
      client:get "/login/ada"
      assert.not_equal(planted, cookie(client))
      assert.same({ user = "ada", color = "blue" }, session(client))
      assert.same({}, with_cookie(client, planted))
    end)

    it("is worth nothing to a thief after logout", function()
      local client = client_of(options())
      client:get "/login/ada"
      local stolen = cookie(client)
      assert.same({ user = "ada" }, with_cookie(client, stolen))
      local response = client:get "/logout"
      assert.matches("Max%-Age=0", response.headers["set-cookie"])
      assert.is_nil(cookie(client))
      assert.same({}, with_cookie(client, stolen))
      client:get("/set/user/mallory", { headers = { Cookie = "rille=" .. stolen } })
      assert.same({}, with_cookie(client, stolen))
    end)

    it("is not brought back by a request that was under way at logout", function()
      local app = app_with(options())
      local inside, go = rille.event(), rille.event()
      app:get("/slow", function(req)
        req.session.slow = true
        inside:set()
        go:wait()
        return "slow"
      end)
      local client = testing.client(app)
      client:get "/login/ada"
      local stolen = cookie(client)
      local slow = rille.spawn(function()
        return client:get("/slow", { headers = { Cookie = "rille=" .. stolen } }).headers["set-cookie"]
      end)
      inside:wait()
      client:get("/logout")
      go:set()
      assert.is_nil(slow:wait())
      assert.same({}, with_cookie(client, stolen))
    end)

    it("never takes an identity that it has not given", function()
      local client = client_of(options())
      for _, value in ipairs { "x", rille.random_token(32), rille.random_token(90), ("A"):rep(43), "" } do
        assert.same({}, with_cookie(client, value))
        local response = client:get("/set/user/ada", { headers = { Cookie = "rille=" .. value } })
        assert.falsy(response.headers["set-cookie"]:find(value .. ";", 1, true) and value ~= "")
      end
    end)

    it("is none with any bit of its cookie flipped, or cut off anywhere", function()
      local client = client_of(options())
      client:get "/set/user/ada"
      local value = cookie(client)
      for i = 1, #value do
        for bit = 0, 7 do
          local c = string.char(value:byte(i) ~ (1 << bit))
          if c:find "[%w_-]" then assert.same({}, with_cookie(client, value:sub(1, i - 1) .. c .. value:sub(i + 1))) end
        end
        assert.same({}, with_cookie(client, value:sub(1, i - 1)))
      end
      assert.same({ user = "ada" }, with_cookie(client, value))
    end)

    it("is none under another cookie's name", function()
      local shared = store == "sqlite" and rille.sqlite.open ":memory:" or nil
      local app = rille.app()
      app:mount("/a", app_with(options { database = shared }))
      app:mount("/b", app_with(options { database = shared, name = "other" }))
      local client = testing.client(app)
      client:get "/a/set/user/ada"
      local response = client:get("/b/get", { headers = { Cookie = "other=" .. cookie(client) } })
      assert.same({}, response:json().session)
      if shared then shared:close() end
    end)

    it("keeps flashes for the next page, once and in order", function()
      local client = client_of(options())
      client:get "/flash/one"
      client:get "/flash/two"
      assert.same({}, session(client))
      assert.same({ "one", "two" }, client:get("/flashes"):json())
      assert.same({}, client:get("/flashes"):json())
      assert.equal("[]", client:get("/flashes"):text())
    end)

    it("holds no JSON text, which would come back as a table", function()
      local app = app_with(options())
      local db = rille.sqlite.open ":memory:"
      app:get("/text", function(req) req.session.rows = db:json "SELECT 1 AS a"; return "set" end)
      local client = testing.client(app)
      assert.equal(500, client:get("/text").status)
      assert.same({}, session(client))
      db:close()
    end)

    it("holds what JSON can, and says what it cannot", function()
      local app = app_with(options())
      app:get("/store", function(req)
        req.session.values = { 1, 1.5, true, "ü", {}, { a = { b = rille.array {} } } }
        return "ok"
      end)
      app:get("/function", function(req) req.session.f = print; return "never" end)
      local client = testing.client(app)
      client:get "/store"
      assert.same({ values = { 1, 1.5, true, "ü", {}, { a = { b = {} } } } }, session(client))
      assert.equal(500, client:get("/function").status)
      assert.is_nil(session(client).f)
    end)
  end)
end

describe("a session's cookie", function()
  it("is HttpOnly, Lax, for the whole site, and Secure with __Host- under https", function()
    local app = app_with { max_age = 60 }
    local plain = testing.client(app):get("/set/a/b").headers["set-cookie"]
    assert.matches("^rille=[%w_-]+; Path=/; Max%-Age=60; Expires=.-; HttpOnly; SameSite=Lax$", plain)
    local client = testing.client(app, { scheme = "https" })
    local secure = client:get("/set/a/b").headers["set-cookie"]
    assert.matches("^__Host%-rille=[%w_-]+; Path=/; Max%-Age=60; Expires=.-; Secure; HttpOnly; SameSite=Lax$", secure)
    assert.same({ a = "b" }, session(client))
  end)

  it("is as its options say", function()
    local client = client_of { name = "sid", path = "/app", secure = true, same_site = "strict" }
    assert.matches("^sid=[%w_-]+; Path=/app; .*Secure; HttpOnly; SameSite=Strict$",
      client:get("/set/a/b").headers["set-cookie"])
    client = client_of { secure = true }
    assert.matches("^__Host%-rille=", client:get("/set/a/b").headers["set-cookie"])
    client = testing.client(app_with { secure = false }, { scheme = "https" })
    assert.matches("^rille=[^;]+; Path=/; Max%-Age=%d+; Expires=.-; HttpOnly", client:get("/set/a/b").headers["set-cookie"])
  end)

  it("that comes twice with the prefix __Host- is none: one of them was tossed at us", function()
    local client = testing.client(app_with(), { scheme = "https" })
    client:get "/set/user/ada"
    local value = cookie(client)
    local both = client:get("/get", { headers = { Cookie = ("__Host-rille=x; __Host-rille=%s"):format(value) } })
    assert.same({}, both:json().session)
  end)

  it("holds 4096 bytes, and what is larger is an error that says so", function()
    local client = client_of()
    assert.equal(200, client:get("/large/2").status)
    assert.is_true(#cookie(client) <= 4096 - #"rille")
    local response = client:get "/large/3"
    assert.equal(500, response.status)
    assert.is_nil(response.headers["set-cookie"])
    for _, store in ipairs { "memory", "sqlite" } do
      client = client_of { store = store, database = store == "sqlite" and ":memory:" or nil }
      assert.equal(200, client:get("/large/40").status)
      assert.equal(500, client:get("/large/50").status)
    end
  end)

  it("is sealed anew when a tenth of its age has passed", function()
    local clock = testing.clock()
    local client = client_of { max_age = 1000 }
    client:get "/set/user/ada"
    clock:advance(99)
    assert.is_nil(client:get("/get").headers["set-cookie"])
    clock:advance(1)
    assert.truthy(client:get("/get").headers["set-cookie"])
    assert.is_nil(client:get("/get").headers["set-cookie"])
  end)

  it("is read by an older secret, sealed anew by the first, and refused by others", function()
    local client = client_of({}, { secret = secrets[1] })
    client:get "/set/user/ada"
    local value = cookie(client)
    local rotated = client_of({}, { secret = { secrets[2], secrets[1] } })
    local response = rotated:get("/get", { headers = { Cookie = "rille=" .. value } })
    assert.same({ user = "ada" }, response:json().session)
    assert.truthy(response.headers["set-cookie"])
    local after = client_of({}, { secret = secrets[2] })
    assert.same({}, with_cookie(after, value))
    assert.same({ user = "ada" }, with_cookie(after, cookie(rotated)))
    assert.same({ user = "ada" }, with_cookie(client_of { secret = secrets[2] }, cookie(rotated)))
  end)

  it("is the parent's in a mounted app", function()
    local app = rille.app { secret = secrets[1] }
    app:use(rille.session {})
    local sub = rille.app()
    sub:get("/set", function(req) req.session.x = 1; return "" end)
    sub:get("/get", function(req) return rille.json(req.session) end)
    app:mount("/sub", sub)
    local client = testing.client(app)
    client:get "/sub/set"
    assert.same({ x = 1 }, client:get("/sub/get"):json())
  end)
end)

describe("a session that several requests change at once", function()
  for _, store in ipairs { "memory", "sqlite" } do
    it("keeps what each of them has changed, in store '" .. store .. "'", function()
      local app = app_with { store = store, database = store == "sqlite" and ":memory:" or nil }
      local waiting, go = 0, rille.event()
      app:get("/slow/{key}", function(req)
        req.session[req.params.key] = "x"
        req.session.gone = nil
        waiting = waiting + 1
        if waiting == 5 then go:set() end
        go:wait()
        return ""
      end)
      local client = testing.client(app)
      client:get "/set/user/ada"
      client:get "/set/gone/soon"
      rille.map({ "a", "b", "c", "d", "e" }, function(key) client:get("/slow/" .. key) end)
      assert.same({ user = "ada", a = "x", b = "x", c = "x", d = "x", e = "x" }, session(client))
    end)
  end
end)

describe("rille.session", function()
  it("says what is wrong with its options", function()
    local function fails(options, message)
      local ok, err = pcall(rille.session, options)
      assert.is_false(ok)
      assert.matches(message, err)
    end
    fails({ store = "redis" }, "session_spec.lua:%d+: session: store is 'cookie', 'memory' or 'sqlite', got 'redis'")
    fails({ same_site = "x" }, "same_site is")
    fails({ name = "a b" }, "the name is")
    fails({ maxage = 1 }, "did you mean 'max_age'")
    fails({ max_age = 0 }, "more than 0")
    fails({ path = "x" }, "the path starts with")
    fails({ database = "x.db" }, "goes with store = 'sqlite'")
    fails({ secret = {} }, "the list of secrets is empty")
  end)

  it("is needed by req.session", function()
    local app = rille.app()
    local message
    app:get("/", function(req)
      local _, err = pcall(function() return req.session end)
      message = err
      return ""
    end)
    testing.client(app):get "/"
    assert.matches("req.session needs sessions: app:use%(rille.session{}%)", message)
  end)

  it("works on a group and a route alone", function()
    local app = rille.app()
    local middleware = rille.session {}
    app:get("/one", function(req) req.session.x = 1; return "one" end, { use = { middleware } })
    app:get("/two", function(req) return tostring(pcall(function() return req.session end)) end)
    local client = testing.client(app)
    assert.truthy(client:get("/one").headers["set-cookie"])
    assert.equal("false", client:get("/two"):text())
  end)
end)

describe("sessions in a database", function()
  it("store a hash of the id, and sweep what has expired", function()
    local clock = testing.clock()
    local db = rille.sqlite.open ":memory:"
    local app = app_with { store = "sqlite", database = db, max_age = 100 }
    for _ = 1, 3 do testing.client(app):get "/set/user/ada" end
    local client = testing.client(app)
    client:get "/set/user/bob"
    for row in db:rows "SELECT hex(key) AS key, data FROM rille_sessions" do
      assert.equal(64, #row.key)
      assert.falsy(row.data:find(cookie(client), 1, true))
    end
    assert.equal(4, db:value "SELECT count(*) FROM rille_sessions")
    clock:advance(101)
    testing.client(app):get "/set/user/eve"
    assert.equal(1, db:value "SELECT count(*) FROM rille_sessions")
    db:close()
  end)

  -- The table in docs/sessions.md.
  it("cost a read where they are read, and a write where they change or have to stay alive", function()
    local clock, files = testing.clock(), scratch.new()
    local db <close> = rille.sqlite.open(files:path "x.db")
    local client = client_of { store = "sqlite", database = db, max_age = 10000 }
    local function cost(path)
      local before = db:stats()
      assert.equal(200, client:get(path).status)
      local after = db:stats()
      return ("%d reads, %d writes"):format(after.inline_reads + after.thread_reads - before.inline_reads
        - before.thread_reads, after.writes - before.writes)
    end
    client:get "/get" -- the table is made, and statements prepared
    client:get "/set/user/ada" -- takes expired rows along, without waiting for that
    db:exec "DELETE FROM rille_sessions WHERE 0" -- after the sweep
    assert.equal("0 reads, 0 writes", cost "/nothing")
    assert.equal("1 reads, 0 writes", cost "/get")
    assert.equal("1 reads, 0 writes", cost "/set/user/ada") -- as it was
    assert.equal("1 reads, 1 writes", cost "/set/user/bob")
    clock:advance(999)
    assert.equal("1 reads, 0 writes", cost "/get")
    clock:advance(2)
    local before = db:stats().writes
    client:get "/get"
    db:exec "DELETE FROM rille_sessions WHERE 0" -- after the sweep
    assert.equal(3, db:stats().writes - before) -- kept alive, the sweep, this one
    assert.equal("1 reads, 0 writes", cost "/get")
    assert.equal("1 reads, 1 writes", cost "/logout")
    files:close()
  end)

  it("are refused inside a transaction of their own database, where a write would wait for ever", function()
    local db <close> = rille.sqlite.open ":memory:"
    local app = rille.app()
    app:use(rille.session { store = "sqlite", database = db })
    app:get("/set", function(req) req.session.a = 1 return "" end)
    app:get("/renew", function(req)
      local ok, err = pcall(db.transaction, db, function() req:renew_session() end)
      return tostring(ok) .. " " .. tostring(err)
    end)
    local client = testing.client(app)
    client:get "/set"
    assert.matches("^false .*inside a transaction its own methods are used", client:get("/renew"):text())
  end)

  it("say what the database says", function()
    local db = rille.sqlite.open ":memory:"
    local app = rille.app()
    app:use(rille.session { store = "sqlite", database = db })
    app:get("/", function(req)
      req.session.a = 1
      db:exec "DROP TABLE rille_sessions"
      return ""
    end)
    app:on_error("*", function(_, err) return rille.text(err.code .. " " .. tostring(err.sqlite) .. " " .. err.message, 500) end)
    local text = testing.client(app):get("/"):text()
    assert.matches("^sql 1 no such table: rille_sessions, in line 1, column 13:\n  INSERT INTO rille_sessions", text)
    db:close()
  end)

  it("use the database of the app where none is named", function()
    local app = app_with { store = "sqlite" }
    app:lifespan(function(self, running)
      local db <close> = rille.sqlite.open ":memory:"
      self.state.db = db
      running()
    end)
    local client = testing.client(app)
    client:get "/set/user/ada"
    assert.same({ user = "ada" }, session(client))
    assert.equal(500, client_of({ store = "sqlite" }):get("/get").status)
  end)
end)
