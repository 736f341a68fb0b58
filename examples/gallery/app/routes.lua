-- Pages for people, and below /api JSON for programs: reading is for everybody, the rest for users.
local pictures = require "app.pictures"
local rille = require "rille"
local users = require "app.users"

local text = { type = "string", min = 1, max = 100 }
local page = rille.validate.query { before = { type = "integer", min = 1, optional = true } }
local check_upload = rille.validate { title = text, image = "file" }

return function(app)
  local function db() return app.state.db end
  local function verify(name, password) return users.check(db(), name, password) end
  local function user_of(req) return db():one("SELECT id, name, hook, secret FROM users WHERE id = ?", req.session.user or 0) end
  app:context(function(req) return { user = user_of(req) } end)

  app:get("/", function(req)
    return rille.render("index.html", { pictures = pictures.list(db(), req.state.query.before) })
  end, { use = { page } })

  app:get("/pictures/{id:int}", function(req)
    return rille.render("picture.html", { picture = pictures.get(db(), req.params.id) })
  end, { name = "picture" })

  app:get("/pictures/{id:int}/{size}", function(req)
    local files = db():one("SELECT small, large FROM pictures WHERE id = ?", req.params.id) or {}
    local res = rille.response { content_type = "image/jpeg", body = files[req.params.size] or rille.abort(404) }
    return res:header("Cache-Control", "max-age=31536000, immutable")
  end, { name = "file" })

  app:get("/login", function() return rille.render "login.html" end)
  app:post("/login", function(req)
    local user = verify(req.state.body.name, req.state.body.password) or error(rille.render("login.html", { wrong = true }, 422))
    req:renew_session()
    req.session.user = user.id
    return rille.redirect "/"
  end, { use = { rille.validate.body { name = text, password = text },
    rille.limit { rate = 0.2, burst = 10, by = function(req) return req.state.body.name end } } })

  app:post("/logout", function(req) req:clear_session() return rille.redirect "/" end)

  app:get("/new", function(req) return user_of(req) and rille.render "new.html" or rille.redirect "/login" end)
  app:post("/new", function(req)
    local user = user_of(req) or rille.abort(401, "log in first")
    local id, err = rille.try(function()
      local fields = check_upload(req:form())
      return pictures.create(db(), user, fields.title, fields.image:bytes())
    end)
    if err then return err.status < 500 and rille.render("new.html", { why = err.message }, 422) or error(err) end
    if user.hook then app:background(pictures.announce, user, pictures.get(db(), id)) end
    return rille.redirect(app:url_for("picture", { id = id }))
  end, { body_limit = 20 * 1024^2 })

  local own = app:group { prefix = "/api", use = { rille.limit { rate = 1, burst = 20 }, rille.auth.basic { verify = verify } } }

  app:get("/api/pictures", function(req) return rille.json(pictures.list(db(), req.state.query.before)) end, { use = { page } })

  own:patch("/pictures/{id:int}", function(req)
    return rille.json(db():one("UPDATE pictures SET title = ? WHERE id = ? AND owner = ? RETURNING id, title, created",
      req.state.body.title, req.params.id, req.state.user.id) or rille.abort(404, "no such picture of yours"))
  end, { use = { rille.validate.body { title = text } } })

  own:put("/webhook", function(req)
    return rille.json(db():one("UPDATE users SET hook = ?, secret = ? WHERE id = ? RETURNING hook AS url, secret",
      req.state.body.url, rille.random_token(), req.state.user.id))
  end, { use = { rille.validate.body { url = { type = "string", format = "uri", pattern = "^https://", max = 2000 } } } })
end
