-- What bench/instructions counts: one route for each of the commonest paths.
local native = require "rille.native.http"
local rille = require "rille"

local items = {} -- those of script/bench, about
for i = 1, 12 do
  items[i] = { id = i, name = "Item number " .. i, category = "category " .. i % 7, price = i * 3, active = i % 3 > 0 }
end

return function()
  local app = rille.app { secret = ("s"):rep(32), templates = { "templates", "bench/peers/templates" } }
  local client, url

  app:get("/hello", function() return "hello, world" end)
  app:get("/json", function() return rille.json { id = 1, name = "a post", tags = rille.array { "x", "y" }, ok = true } end)
  for i = 1, 199 do app:get(("/route%d/{id:int}/part"):format(i), function() return "x" end) end
  app:get("/items/{id:int}", function(req) return rille.json { id = req.params.id } end)
  app:get("/row/{id:int}", function(req)
    return rille.json(req.app.state.db:one("SELECT id, title, owner FROM posts WHERE id = ?", req.params.id))
  end)
  app:get("/text/{id:int}", function(req)
    return rille.json(req.app.state.db:json_one("SELECT id, title, owner FROM posts WHERE id = ?", req.params.id))
  end)
  app:get("/rows", function(req)
    return rille.json(req.app.state.db:query "SELECT id, title, owner FROM posts WHERE id <= 20 ORDER BY id")
  end)
  app:get("/rows.json", function(req)
    return rille.json(req.app.state.db:json "SELECT id, title, owner FROM posts WHERE id <= 20 ORDER BY id")
  end)
  app:post("/form", function(req)
    local form = req:form()
    return form.title .. form.text
  end)
  app:get("/page", function(req)
    local posts = req.app.state.db:query "SELECT id, title, owner, text AS excerpt FROM posts WHERE id <= 12"
    return rille.render("index.html", { posts = posts })
  end)
  app:get("/page-plain", function() return rille.render("page.html", { items = items }) end)
  app:get("/in-process", function() return client:get("/hello"):text() end)
  app:get("/fetch", function() return rille.fetch(url):text() end)

  local with_session = app:group { use = { rille.session {} } }
  with_session:get("/session", function(req)
    req.session.count = (req.session.count or 0) + 1
    return tostring(req.session.count)
  end)

  app:context(function() return {} end)
  app:filter("day", tostring)
  app:static("/static", "app/static")

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(os.getenv "INSTRUCTIONS_DB")
    db:exec "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, owner TEXT, text TEXT)"
    db:transaction(function(tx)
      for i = 1, 100 do
        tx:exec("INSERT INTO posts VALUES (?, ?, ?, ?)", i, "Post number " .. i, "owner " .. i % 7, ("Some text. "):rep(12))
      end
    end)
    self.state.db = db
    local other = rille.app()
    other:get("/hello", function() return "hello, world" end)
    local compiled = require("rille.testing.running").start(other).compiled
    local server = native.listen(compiled, "127.0.0.1", 0)
    url = ("http://127.0.0.1:%d/hello"):format(server:port())
    client = require("rille.testing.client").new(other)
    running()
    server:close(0)
  end)
  return app
end
