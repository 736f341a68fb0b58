local rille = require "rille"

local check = rille.validate {
  title = { type = "string", min = 1, max = 200 },
  text = "string",
  owner = { type = "string", min = 1 },
}

return function(settings)
  local app = rille.app()

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "blog.db")
    db:migrate "migrations"
    self.state.db = db
    running()
  end)

  app:get("/", function()
    return "Hello, blog!"
  end)

  app:get("/hello/{name}", function(req)
    local times = math.tointeger(tonumber(req.query.times or "1")) or rille.abort(400, "times must be a whole number")
    return ("Hello, " .. req.params.name .. "! "):rep(math.min(times, 10))
  end)

  local api = app:group { prefix = "/api" }

  api:get("/", function(req)
    local posts = req.app.state.db:query "SELECT id, title, text, owner FROM posts ORDER BY id DESC"
    return rille.json { data = posts }
  end)

  api:post("/", function(req)
    local post = req.app.state.db:one([[
      INSERT INTO posts (title, text, owner) VALUES (:title, :text, :owner)
      RETURNING id, title, text, owner]], check(req:json()))
    return rille.json { data = post }, 201
  end)

  api:get("/{id:int}", function(req)
    local post = req.app.state.db:one("SELECT id, title, text, owner FROM posts WHERE id = ?", req.params.id)
      or rille.abort(404, "no such post")
    return rille.json { data = post }
  end)

  api:delete("/{id:int}", function(req)
    local result = req.app.state.db:exec("DELETE FROM posts WHERE id = ?", req.params.id)
    if result.changes == 0 then rille.abort(404, "no such post") end
    return rille.empty()
  end)

  return app
end
