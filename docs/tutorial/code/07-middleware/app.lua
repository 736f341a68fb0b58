local rille = require "rille"

local check = rille.validate {
  title = { type = "string", min = 1, max = 200 },
  text = "string",
  owner = { type = "string", min = 1 },
}

-- How long the handler took, for the browser's developer tools.
local function timing(req, handler)
  local start = rille.now()
  local res = handler(req)
  return res:header("Server-Timing", ("app;dur=%.1f"):format((rille.now() - start) * 1000))
end

-- The handler writes all of its changes or, where it raises, none of them.
local function in_transaction(req, handler)
  return req.app.state.db:transaction(function(tx)
    req.state.db = tx
    return handler(req)
  end)
end

-- A middleware with settings is a function that returns one.
local function require_key(key)
  return function(req, handler)
    if not rille.secure_compare(req.headers["x-api-key"], key) then
      rille.abort(401, "the key is missing or wrong")
    end
    return handler(req)
  end
end

local function add_api(app, key)
  local api = rille.app()
  api:use(require_key(key))
  api:on_error("*", function(_, err)
    return rille.json { status = "failed", reason = err.status < 500 and err.message or "internal error", id = err.id }
  end)

  api:get("/", function(req)
    return rille.json { status = "ok", data = req.app.state.db:query "SELECT id, title, owner FROM posts ORDER BY id" }
  end)

  api:post("/import", function(req)
    local count = 0
    for _, fields in ipairs(req:json()) do
      local post = check(fields)
      req.state.db:exec("INSERT INTO posts (title, text, owner) VALUES (:title, :text, :owner)", post)
      count = count + 1
    end
    return rille.json { status = "ok", count = count }
  end, { use = { in_transaction } })

  app:mount("/api", api)
end

return function(settings)
  local app = rille.app()
  app:use(rille.request_id {})
  app:use(rille.security_headers {})
  app:use(rille.compress {})
  app:use(timing)
  app:static("/static", "static", { max_age = 3600 })

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "blog.db")
    db:migrate "migrations"
    self.state.db = db
    running()
  end)

  app:context(function() return { site = "The blog" } end)

  app:on_error(404, function()
    return rille.render("error.html", { title = "Not found", text = "There is no such page." })
  end)

  app:on_error(500, function(_, err)
    return rille.render("error.html", { title = "Something broke", text = "It is in our log as " .. err.id .. "." })
  end)

  app:get("/", function(req)
    local posts = req.app.state.db:query "SELECT id, title, owner FROM posts ORDER BY id DESC"
    return rille.render("index.html", { posts = posts })
  end, { name = "index" })

  app:get("/broken", function(req)
    return req.state.post.title
  end)

  add_api(app, settings.key or os.getenv "API_KEY" or "secret")
  return app
end
