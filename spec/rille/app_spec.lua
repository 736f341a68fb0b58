-- lua/rille/app.lua, lua/rille/app/check.lua, lua/rille/app/routes.lua, lua/rille/traits.lua
-- runtime/bind/http/app.c, runtime/bind/http/chain.c, runtime/app/serving.c
-- runtime/app/app.c
local rille = require "rille"
local testing = require "rille.testing"

local function hello() return "hello" end

describe("an app", function()
  describe("while it is written", function()
    local app
    before_each(function() app = rille.app() end)

    it("names the place of a mistake and what was expected", function()
      local ok, message = pcall(function() app:get("/x", "not a function") end)
      assert.is_false(ok)
      assert.matches("^.-app_spec%.lua:%d+: GET /x: the handler is a function, got a string", message)
    end)

    it("refuses unknown options and names the nearest", function()
      assert.has_error(function() app:get("/", hello, { nam = "x" }) end)
      local _, message = pcall(function() app:get("/", hello, { bodylimit = 1 }) end)
      assert.matches("unknown option 'bodylimit', did you mean 'body_limit'%?", message)
      _, message = pcall(rille.app, { templats = "x" })
      assert.matches("did you mean 'templates'", message)
    end)

    it("refuses options of the wrong type", function()
      local _, message = pcall(function() app:get("/", hello, { use = hello }) end)
      assert.matches("option 'use' is a table, got a function", message)
    end)

    for path, why in pairs {
      ["posts"] = "a path starts with '/'",
      ["/{id:number}"] = "no converter 'number'",
      ["/a{id}"] = "mixes text and a parameter",
      ["/{a}/{a}"] = "stands twice",
      ["/{p:path}/x"] = "takes the rest of the path",
      ["/{1x}"] = "is not a parameter",
    } do
      it("refuses the path " .. path, function()
        local _, message = pcall(function()
          app:get(path, hello)
          testing.client(app)
        end)
        assert.matches(why, message, 1, true)
      end)
    end

    it("refuses the same method and path twice, naming both places", function()
      app:get("/x/{a}", hello)
      app:get("/x/{b}", hello)
      local _, message = pcall(testing.client, app)
      assert.matches("app_spec%.lua:%d+: GET /x/{b}: .*by .*app_spec%.lua:%d+", message)
    end)

    it("refuses routes once it is in use", function()
      testing.client(app)
      assert.error_matches(function() app:get("/late", hello) end, "in use already")
    end)
  end)

  describe("routing", function()
    local app, client
    before_each(function()
      app = rille.app()
      local function answer(name)
        return function(req)
          local params = {}
          for key, value in pairs(req.params) do params[#params + 1] = key .. "=" .. tostring(value) end
          table.sort(params)
          return name .. " " .. table.concat(params, ",")
        end
      end
      app:get("/files/{rest:path}", answer "path")
      app:get("/{page}", answer "str")
      app:get("/{slug:slug}/x", answer "slug")
      app:get("/posts/{id:int}", answer "int")
      app:get("/posts/{x:float}", answer "float")
      app:get("/posts/{u:uuid}", answer "uuid")
      app:get("/posts/{name}", answer "name")
      app:get("/posts/new", answer "new")
      app:post("/posts/{name}", answer "post")
      app:any("/any", answer "any")
      client = testing.client(app)
    end)

    for path, expected in pairs {
      ["/posts/new"] = "new ",
      ["//posts/new"] = "new ",
      ["/posts/7"] = "int id=7",
      ["/posts/-7"] = "int id=-7",
      ["/posts/1.5"] = "float x=1.5",
      ["/posts/99999999999999999999"] = "float x=1e+20",
      ["/posts/0190a3b4-0000-7000-8000-00000000000a"] = "uuid u=0190a3b4-0000-7000-8000-00000000000a",
      ["/posts/seven"] = "name name=seven",
      ["/posts/a%2Fb"] = "name name=a/b",
      ["/posts/%25"] = "name name=%",
      ["/posts/caf%C3%A9"] = "name name=café",
      ["/about"] = "str page=about",
      ["/files/a/b//c.txt"] = "path rest=a/b//c.txt",
      ["/hello-world/x"] = "slug slug=hello-world",
    } do
      it("takes " .. path .. " to " .. expected, function() assert.equal(expected, client:get(path):text()) end)
    end

    for _, path in ipairs { "/", "/posts/", "/posts/1/2", "/files/", "/files", "/posts//new", "/hello.world/x" } do
      local expected = path == "/files" and 200 or 404
      it(("answers %d for %s"):format(expected, path), function() assert.equal(expected, client:get(path).status) end)
    end

    for _, path in ipairs { "/posts/%zz", "/posts/%", "/posts/%00", "/posts/%c0%ae" } do
      it("refuses " .. path, function() assert.equal(400, client:get(path).status) end)
    end

    it("falls through to a route that has the method", function()
      assert.equal("post name=new", client:post("/posts/new"):text())
    end)

    it("answers HEAD where there is GET, without a body", function()
      local res = client:head "/posts/new"
      assert.equal(200, res.status)
      assert.equal("4", res.headers["content-length"])
      assert.equal("", res:text())
    end)

    it("answers 405 with the methods there are", function()
      local res = client:delete "/posts/new"
      assert.equal(405, res.status)
      assert.equal("GET, HEAD, POST, OPTIONS", res.headers.allow)
    end)

    it("answers OPTIONS by itself", function()
      local res = client:options "/posts/new"
      assert.equal(204, res.status)
      assert.equal("GET, HEAD, POST, OPTIONS", res.headers.allow)
    end)

    it("gives any method to app:any", function()
      for _, method in ipairs { "get", "post", "put", "delete", "options" } do
        assert.equal("any ", client[method](client, "/any"):text())
      end
    end)
  end)

  it("parses with converters of its own, and a value that they refuse is a 404", function()
    local app = rille.app()
    app:converter("year", { pattern = "%d%d%d%d", parse = function(s) return s ~= "0000" and tonumber(s) or nil end,
      format = function(n) return ("%04d"):format(n) end })
    app:get("/{y:year}", function(req) return tostring(req.params.y + 1) end, { name = "year" })
    local client = testing.client(app)
    assert.equal("2027", client:get("/2026"):text())
    assert.equal(404, client:get("/0000").status)
    assert.equal(404, client:get("/20").status)
    assert.equal("/0042", app:url_for("year", { y = 42 }))
  end)

  it("groups routes under a prefix, with middleware and names", function()
    local app = rille.app()
    local seen = {}
    local group = app:group { prefix = "/admin", name = "admin.", use = { function(req, handler)
      seen[#seen + 1] = req.route
      return handler(req)
    end } }
    group:get("/", hello, { name = "home" })
    group:group { prefix = "/users" }:get("/{id:int}", function(req) return "user " .. req.params.id end, { name = "user" })
    local client = testing.client(app)
    assert.equal("hello", client:get("/admin"):text())
    assert.equal("user 7", client:get("/admin/users/7"):text())
    assert.same({ "admin.home", "admin.user" }, seen)
    assert.equal("/admin/users/7", app:url_for("admin.user", { id = 7 }))
  end)

  describe("url_for", function()
    local app = rille.app()
    app:get("/", hello, { name = "index" })
    app:get("/posts/{id:int}", hello, { name = "post" })
    app:get("/files/{p:path}", hello, { name = "file" })
    app:get("/tags/{tag}", hello, { name = "tag" })

    it("builds paths, escaped", function()
      assert.equal("/", app:url_for "index")
      assert.equal("/posts/7", app:url_for("post", { id = 7 }))
      assert.equal("/tags/a%2Fb%20c", app:url_for("tag", { tag = "a/b c" }))
      assert.equal("/files/a/b%20c", app:url_for("file", { p = "a/b c" }))
      assert.equal("/?q=a%26b&tag=x&tag=y", app:url_for("index", nil, { q = "a&b", tag = { "x", "y" } }))
    end)

    it("names the nearest route, and the parameter that is missing", function()
      assert.error_matches(function() app:url_for "pots" end, "no route is named 'pots', did you mean 'post'%?")
      assert.error_matches(function() app:url_for("post", {}) end, "needs the parameter 'id'")
    end)

    it("raises for what the route would not take", function()
      local typed = rille.app()
      typed:converter("year", { pattern = "%d%d%d%d", parse = function(s) return s ~= "0000" and tonumber(s) or nil end,
        format = function(n) return ("%04d"):format(n) end })
      for _, kind in ipairs { "int", "float", "uuid", "slug", "year" } do
        typed:get("/" .. kind .. "/{x:" .. kind .. "}", hello, { name = kind })
      end
      local wrong = {
        int = { "seven", "7a", 1.5, "99999999999999999999", " 7" }, float = { "x", 1e300, 0 / 0 }, uuid = { "7", ("a"):rep(36) },
        slug = { "a b", "é" }, year = { 0, 12345 },
      }
      for kind, values in pairs(wrong) do
        for _, value in ipairs(values) do
          assert.error_matches(function() typed:url_for(kind, { x = value }) end, "takes 'x' as {x:" .. kind .. "}", 1, true)
        end
      end
      assert.equal("/int/-7", typed:url_for("int", { x = -7.0 }))
      assert.equal("/float/1.5", typed:url_for("float", { x = 1.5 }))
      assert.equal("/year/2026", typed:url_for("year", { x = 2026 }))
    end)
  end)

  describe("mounted", function()
    local log, client, app, sub
    before_each(function()
      log = {}
      local function note(name)
        return function(req, handler)
          log[#log + 1] = name .. " in"
          local res = handler(req)
          log[#log + 1] = name .. " out"
          return res
        end
      end
      app, sub = rille.app(), rille.app()
      app.state.db, app.state.shared = "parent's", "parent's"
      sub.state.shared = "sub's"
      app:use(note "parent")
      sub:use(note "sub")
      sub:get("/", function(req) return req.app.state.db .. " " .. req.app.state.shared end, { name = "sub.index" })
      sub:get("/fails", function() rille.abort(418, "short") end)
      sub:get("/path", function(req) return req.path .. " " .. tostring(req.app == sub) end)
      sub:on_error(418, function(_, err) return "teapot: " .. err.message end)
      app:on_error(404, function() return "parent's 404" end)
      app:mount("/sub", sub)
      client = testing.client(app)
    end)

    it("answers below its prefix, its state falling back to its parent's", function()
      assert.equal("parent's sub's", client:get("/sub"):text())
      assert.equal("/sub/path true", client:get("/sub/path"):text())
      assert.equal("/sub", app:url_for "sub.index")
    end)

    it("runs its middleware inside its parent's", function()
      client:get "/sub"
      assert.same({ "parent in", "sub in", "sub out", "parent out" }, log)
    end)

    it("runs both for a path below it that has no route", function()
      local res = client:get "/sub/nowhere"
      assert.equal(404, res.status)
      assert.equal("parent's 404", res:text())
      assert.same({ "parent in", "sub in" }, log)
    end)

    it("does not run its middleware beside its prefix", function()
      client:get "/subway"
      assert.same({ "parent in" }, log)
    end)

    it("answers its errors first", function()
      local res = client:get "/sub/fails"
      assert.equal(418, res.status)
      assert.equal("teapot: short", res:text())
    end)

    it("is mounted once, and not in itself", function()
      assert.error_matches(function() rille.app():mount("/again", sub) end, "mounted already")
      local other = rille.app()
      assert.error_matches(function() other:mount("/x", other) end, "cannot be mounted in itself")
    end)
  end)
end)
