local rille = require "rille"

local check = rille.validate {
  title = { type = "string", min = 1, max = 200 },
  text = "string",
  owner = { type = "string", min = 1 },
  image = { type = "file", max = 5 * 1024^2, types = { "image/jpeg", "image/png", "image/webp" }, optional = true },
}

-- What a browser calls a picture need not be one: only what could be read as one is kept, made small and anew.
local function picture_of(file)
  return rille.image.thumbnail(file:bytes(), { width = 640, format = "jpeg" })
end

local function create(db, post)
  local picture = post.image and picture_of(post.image)
  return db:transaction(function(tx)
    local id = tx:value("INSERT INTO posts (title, text, owner) VALUES (?, ?, ?) RETURNING id",
      post.title, post.text, post.owner)
    if picture then
      tx:exec("INSERT INTO images (post, type, bytes) VALUES (?, 'image/jpeg', ?)", id, rille.blob(picture))
    end
    return id
  end)
end

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
    local post = req.app.state.db:one([[
      SELECT posts.*, images.post IS NOT NULL AS has_image
      FROM posts LEFT JOIN images ON images.post = posts.id WHERE id = ?]], req.params.id)
      or rille.abort(404, "no such post")
    return rille.render("post.html", { post = post })
  end, { name = "post" })

  app:get("/{id:int}/image", function(req)
    local image = req.app.state.db:one("SELECT type, bytes FROM images WHERE post = ?", req.params.id)
      or rille.abort(404, "no such image")
    return rille.response { content_type = image.type, body = image.bytes }
      :header("Cache-Control", "max-age=86400"):etag(rille.sha256(image.bytes))
  end, { name = "image" })

  app:get("/new", function()
    return rille.render("new.html", { fields = {}, failures = {} })
  end, { name = "new" })

  app:post("/new", function(req)
    local fields = req:form()
    local post, err = rille.try(check, fields)
    if err then
      return rille.render("new.html", { fields = fields, failures = err.failures }, 422)
    end
    return rille.redirect(app:url_for("post", { id = create(req.app.state.db, post) }))
  end, { body_limit = 6 * 1024^2 })

  -- For large files: what arrives goes on, in constant memory.
  app:post("/digest", function(req)
    local list = rille.array {}
    for part in req:parts() do
      local size = 0
      for chunk in part:chunks() do size = size + #chunk end
      list[#list + 1] = { name = part.name, filename = part.filename, size = size }
    end
    return rille.json(list)
  end, { body_limit = 1024^3 })

  return app
end
