-- Accounts: registering, logging in, and who is logged in.
local rille = require "rille"

local M = {}

local check = rille.validate {
  name = { type = "string", min = 1, max = 40, pattern = "^[%w_]+$" },
  password = { type = "string", min = 8, max = 200 },
}

local check_login = rille.validate { name = "string", password = "string" }

-- ---- middleware --------------------------------------------------------------------------------------------------

--- Finds out who is logged in, for every handler and every page.
function M.know(req, handler)
  if req.session.user then
    req.state.user = req.app.state.db:one("SELECT id, name FROM users WHERE id = ?", req.session.user)
  end
  return handler(req)
end

--- Lets only users through.
function M.only(req, handler)
  if not req.state.user then
    req:flash "Log in first."
    return rille.redirect(req.app:url_for("login", nil, { next = req.path }))
  end
  return handler(req)
end

-- ---- pages -------------------------------------------------------------------------------------------------------

local function log_in(req, id)
  req:renew_session()
  req.session.user = id
end

-- Only to pages of ours: "//evil.example" and "https://…" are others.
local function safe(path)
  return path and path:find "^/%w[%w/_-]*$" and path or "/"
end

local function register(req)
  local user, err = rille.try(check, req:form())
  if err then return rille.render("account.html", { register = true, failures = err.failures }, 422) end
  local id = req.app.state.db:value([[
    INSERT INTO users (name, password) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id]],
    user.name, rille.password.hash(user.password))
  if not id then return rille.render("account.html", { register = true, failures = { name = "is taken" } }, 409) end
  log_in(req, id)
  req:flash("Welcome, " .. user.name .. "!")
  return rille.redirect "/"
end

local function login(req)
  local fields = rille.try(check_login, req:form()) or { name = "", password = "" }
  local user = req.app.state.db:one("SELECT id, password FROM users WHERE name = ?", fields.name)
  if not rille.password.verify(fields.password, user and user.password) then
    return rille.render("account.html", { failures = { name = "or password is wrong" } }, 422)
  end
  log_in(req, user.id)
  return rille.redirect(safe(req.query.next))
end

local function name_in(req)
  local name = req:form().name
  return type(name) == "string" and name or ""
end

function M.add_to(app)
  app:get("/register", function() return rille.render("account.html", { register = true }) end, { name = "register" })
  app:post("/register", register, { use = { rille.limit { rate = 1 / 60, burst = 5 } } })

  app:get("/login", function() return rille.render "account.html" end, { name = "login" })
  app:post("/login", login, { use = { rille.limit { rate = 1 / 60, burst = 5, by = name_in } } })

  app:post("/logout", function(req)
    req:clear_session()
    return rille.redirect "/"
  end, { name = "logout" })
end

return M
