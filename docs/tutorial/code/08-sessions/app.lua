local rille = require "rille"

local check_user = rille.validate {
  name = { type = "string", min = 1, max = 40, pattern = "^[%w_]+$" },
  password = { type = "string", min = 8, max = 200 },
}

-- Who is logged in, for every handler and every page.
local function know_user(req, handler)
  if req.session.user then
    req.state.user = req.app.state.db:one("SELECT id, name FROM users WHERE id = ?", req.session.user)
  end
  return handler(req)
end

local function only_users(req, handler)
  if not req.state.user then
    req:flash "Log in first."
    return rille.redirect(req.app:url_for("login", nil, { next = req.path }))
  end
  return handler(req)
end

local function log_in(req, id)
  req:renew_session()
  req.session.user = id
end

-- Only to our own pages: "//evil.example" and "https://…" are others.
local function safe_next(path)
  return path and path:find "^/[^/\\]" and path or "/"
end

local function register(req)
  local user, err = rille.try(check_user, req:form())
  if err then return rille.render("login.html", { failures = err.failures, register = true }, 422) end
  local id = req.app.state.db:value([[
    INSERT INTO users (name, password) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id]],
    user.name, rille.password.hash(user.password))
  if not id then
    return rille.render("login.html", { failures = { name = "is taken" }, register = true }, 409)
  end
  log_in(req, id)
  req:flash("Welcome, " .. user.name .. "!")
  return rille.redirect "/"
end

local function login(req)
  local fields = req:form()
  local user = req.app.state.db:one("SELECT * FROM users WHERE name = ?", fields.name or "")
  if not rille.password.verify(fields.password or "", user and user.password) then
    return rille.render("login.html", { failures = { name = "or password is wrong" } }, 422)
  end
  log_in(req, user.id)
  return rille.redirect(safe_next(req.query.next))
end

local function by_name(req) return req:form().name end

return function(settings)
  local app = rille.app { secret = settings.secret or os.getenv "SECRET" }
  app:use(rille.security_headers {})
  app:use(rille.session {})
  app:use(rille.csrf {})
  app:use(know_user)

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "blog.db")
    db:migrate "migrations"
    self.state.db = db
    running()
  end)

  app:context(function(req) return { site = "The blog", user = req.state.user } end)

  app:get("/", function(req)
    local posts = req.app.state.db:query [[
      SELECT posts.id, title, name AS owner FROM posts JOIN users ON users.id = owner ORDER BY posts.id DESC]]
    return rille.render("index.html", { posts = posts })
  end, { name = "index" })

  app:post("/", function(req)
    local title = req:form().title
    if not title or title == "" then rille.abort(422, "a title is needed") end
    req.app.state.db:exec("INSERT INTO posts (title, owner) VALUES (?, ?)", title, req.state.user.id)
    req:flash "Saved."
    return rille.redirect "/"
  end, { use = { only_users } })

  app:get("/register", function() return rille.render("login.html", { register = true }) end, { name = "register" })
  app:post("/register", register, { use = { rille.limit { rate = 0.1, burst = 5 } } })
  app:get("/login", function() return rille.render "login.html" end, { name = "login" })
  app:post("/login", login, { use = { rille.limit { rate = 0.2, burst = 5, by = by_name } } })

  app:post("/logout", function(req)
    req:clear_session()
    return rille.redirect "/"
  end, { name = "logout" })

  return app
end
