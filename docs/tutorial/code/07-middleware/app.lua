local posts = require "posts"
local rille = require "rille"

-- How long the answer took, for the browser's developer tools.
local function timing(req, handler)
  local start = rille.now()
  local res = handler(req)
  return res:header("Server-Timing", ("app;dur=%.1f"):format((rille.now() - start) * 1000))
end

return function(settings)
  local app = rille.app()
  app:use(rille.request_id {})
  app:use(rille.security_headers {})
  app:use(rille.compress {})
  app:use(timing)
  app:static("/static", "static")
  app:global("site", "The blog")

  app:filter("beginning", function(text, length)
    if utf8.len(text) <= length then return text end
    return text:sub(1, utf8.offset(text, length + 1) - 1) .. "…"
  end)

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "blog.db")
    db:migrate "migrations"
    self.state.db = db
    running()
  end)

  app:on_error(404, function()
    return rille.render("error.html", { title = "Not found", text = "There is no such page." })
  end)

  app:on_error(500, function(_, err)
    return rille.render("error.html", { title = "Something broke", text = "It is in our log as " .. err.id .. "." })
  end)

  app:get("/", function(req)
    return rille.render("index.html", { posts = posts.list(req.app.state.db) })
  end, { name = "index" })

  app:get("/posts/{id:int}", function(req)
    local db, id = req.app.state.db, req.params.id
    local post = posts.find(db, id) or rille.abort(404, "no such post")
    return rille.render("post.html", { post = post, has_image = posts.has_image(db, id) })
  end, { name = "post" })

  app:get("/posts/{id:int}/image", function(req)
    local image = posts.image(req.app.state.db, req.params.id) or rille.abort(404, "no such picture")
    return rille.response { content_type = image.type, body = image.bytes }
      :header("Cache-Control", "max-age=3600")
      :etag(rille.sha256(image.bytes))
  end, { name = "image" })

  app:get("/new", function()
    return rille.render("new.html", { fields = {}, failures = {} })
  end, { name = "new" })

  app:post("/new", function(req)
    local fields = req:form()
    local post, err = rille.try(posts.check, fields)
    if err then
      return rille.render("new.html", { fields = fields, failures = err.failures }, 422)
    end
    return rille.redirect(app:url_for("post", { id = posts.create(req.app.state.db, post).id }))
  end, { body_limit = 6 * 1024^2 })

  app:post("/sizes", function(req)
    local list = rille.array {}
    for part in req:parts() do
      local size = 0
      for chunk in part:chunks() do size = size + #chunk end
      list[#list + 1] = { name = part.name, filename = part.filename, size = size }
    end
    return rille.json(list)
  end, { body_limit = 1024^3 })

  app:mount("/api", require "api" (settings.key or os.getenv "API_KEY"))
  return app
end
