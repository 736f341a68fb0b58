-- What every page has: who is logged in, and an error page in the blog's own dress for those who do not ask for JSON or text.
local rille = require "rille"
local users = require "app.models.users"

return function(app)
  app:context(function(req) return { user = users.current(req) } end)

  app:on_error("*", function(req, err)
    local status, ours = err.status, err.status >= 500
    local message = ours and "Something went wrong on our side." or err.message
    local wants = req:accepts("text/html", "application/json", "text/plain")
    if wants == "application/json" then return rille.json({ status = "failed", reason = message, id = err.id }, status) end
    if wants == "text/plain" then return rille.text(("%d: %s\n"):format(status, message), status) end
    return rille.render("error.html", { status = status, message = message, id = err.id }, status)
  end)
end
