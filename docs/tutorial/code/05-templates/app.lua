local rille = require "rille"

local check = rille.validate {
  title = { type = "string", min = 1, max = 200 },
  text = "string",
  owner = { type = "string", min = 1 },
}

return function(settings)
  local app = rille.app()
  app:static("/static", "static", { max_age = 3600 })

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "blog.db")
    db:migrate "migrations"
    self.state.db = db
    running()
  end)

  app:context(function() return { site = "The blog" } end)
  app:filter("preview", function(text, length)
    return utf8.len(text) > length and text:sub(1, utf8.offset(text, length + 1) - 1) .. "…" or text
  end)

  app:get("/", function(req)
    local posts = req.app.state.db:query "SELECT id, title, text, owner FROM posts ORDER BY id DESC"
    return rille.render("index.html", { posts = posts })
  end, { name = "index" })

  app:get("/{id:int}", function(req)
    local post = req.app.state.db:one("SELECT * FROM posts WHERE id = ?", req.params.id)
      or rille.abort(404, "no such post")
    return rille.render("post.html", { post = post })
  end, { name = "post" })

  app:get("/new", function()
    return rille.render("new.html", { fields = {}, failures = {} })
  end, { name = "new" })

  app:post("/new", function(req)
    local fields = req:form()
    local post, err = rille.try(check, fields)
    if err then
      return rille.render("new.html", { fields = fields, failures = err.failures }, 422)
    end
    local id = req.app.state.db:value([[
      INSERT INTO posts (title, text, owner) VALUES (:title, :text, :owner) RETURNING id]], post)
    return rille.redirect(app:url_for("post", { id = id }))
  end)

  return app
end
