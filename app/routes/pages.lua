-- Pages for people; their templates are in templates/. Reading is for everybody, changing for those who have logged in.
local rille = require "rille"
local login_required = require "app.middleware.login"
local posts = require "app.models.posts"

local check = rille.validate {
  title = { type = "string", min = 1, max = 200 },
  text = { type = "string", min = 1, max = 100000 },
  image = { type = "file", optional = true },
}

-- What was sent as a post, its picture made small -> fields, or nil and what is wrong by field.
local function read(form)
  local fields, err = rille.try(check, form)
  if not fields then return nil, err.failures or error(err) end
  fields.text = fields.text:gsub("\r\n", "\n") -- as browsers end lines (HTML Standard, section 4.10.21.7)
  if not fields.image then return fields end
  fields.image, err = rille.try(rille.image.thumbnail, fields.image:bytes(), { width = 64, height = 64 })
  if fields.image then return fields end
  if err.status >= 500 then error(err) end
  return nil, { image = err.message }
end

local function url(req, post) return req.app:url_for("post", { post = post.id }) end

return function(app)
  local function db(req) return req.app.state.db end

  app:get("/", function(req)
    return rille.render("index.html", { posts = posts.recent(db(req)) })
  end, { name = "index" })

  app:get("/{post:int}", function(req)
    return rille.render("view.html", { post = posts.view(db(req), req.params.post) })
  end, { name = "post" })

  app:get("/{post:int}/image", function(req)
    local image = posts.image(db(req), req.params.post)
    if not image then return rille.file("app/static/placeholder.jpg", { inline = true }) end
    return rille.response { content_type = "image/jpeg", body = image }:etag(rille.sha256(image):sub(1, 16))
  end)

  local members = app:group { use = { login_required } }

  members:get("/new", function() return rille.render "new.html" end, { name = "new" })

  members:post("/new", function(req)
    local form = req:form()
    local fields, errors = read(form)
    if not fields then return rille.render("new.html", { values = form, errors = errors }, 422) end
    fields.owner = req.state.user.login
    return rille.redirect(url(req, posts.create(db(req), fields)))
  end, { body_limit = 10 * 1024^2 })

  members:get("/{post:int}/edit", function(req)
    local post = posts.get(db(req), req.params.post)
    return rille.render("edit.html", { values = post, action = req.path })
  end, { name = "edit" })

  members:post("/{post:int}/edit", function(req)
    local post = posts.get(db(req), req.params.post)
    local form = req:form()
    local fields, errors = read(form)
    if not fields then return rille.render("edit.html", { values = form, errors = errors, action = req.path }, 422) end
    fields.editor = req.state.user.login
    return rille.redirect(url(req, posts.update(db(req), post.id, fields)))
  end, { body_limit = 10 * 1024^2 })

  members:get("/{post:int}/delete", function(req)
    return rille.render("delete.html", { post = posts.get(db(req), req.params.post) })
  end, { name = "delete" })

  members:post("/{post:int}/delete", function(req)
    posts.delete(db(req), req.params.post)
    req:flash "The post is gone."
    return rille.redirect "/"
  end)
end
