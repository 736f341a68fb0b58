-- Registering, logging in and out.
local rille = require "rille"
local users = require "app.models.users"

local credentials = rille.validate {
  login = { type = "string", min = 1, max = 40, pattern = "^[%w_.-]+$" },
  password = { type = "string", min = 6, max = 200 },
}

-- A page of ours to come back to; never another site ("//host", "/\host").
local function page_of_ours(path)
  return path and path:find "^/[^/\\]" and not path:find "[%c\\]" and path or "/"
end

local function show(name, status, values, errors)
  return rille.render(name, { values = values, errors = errors }, status)
end

return function(app)
  app:get("/register", function() return show("register.html", 200) end, { name = "register" })

  app:post("/register", function(req)
    local form = req:form()
    local fields, err = rille.try(credentials, form)
    if not fields then
      local errors = err.failures or error(err)
      if errors.login == "does not have the right form" then errors.login = "may have letters, digits and _ . - only" end
      return show("register.html", 422, form, errors)
    end
    if not users.create(req.app.state.db, fields.login, fields.password) then
      return show("register.html", 422, form, { login = "is taken" })
    end
    req:flash(("Welcome, %s. Now log in."):format(fields.login))
    return rille.redirect "/login"
  end)

  app:get("/login", function(req)
    return rille.render("login.html", { next = req.query.next })
  end, { name = "login" })

  app:post("/login", function(req)
    local form = req:form()
    local user = users.check(req.app.state.db, form.login or "", form.password or "")
    if not user then
      local errors = { login = "The name or the password is not right." }
      return rille.render("login.html", { values = form, errors = errors, next = form.next }, 422)
    end
    req:renew_session() -- an identity that somebody planted before is worth nothing
    req.session.user = user.id
    req:flash(("Hello, %s."):format(user.login))
    return rille.redirect(page_of_ours(form.next))
  end)

  app:post("/logout", function(req)
    req:clear_session()
    return rille.redirect "/"
  end, { name = "logout" })
end
