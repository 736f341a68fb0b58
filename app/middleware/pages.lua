-- What every page has: who is logged in, and an error page in the blog's own dress for those who do not ask for JSON or text.
local rille = require "rille"
local users = require "app.models.users"

local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December" }

-- "2026-11-30T06:08:26Z" -> "30 November 2026"
local function day(text)
  local year, month, date = text:match "^(%d%d%d%d)-(%d%d)-(%d%d)"
  return ("%d %s %s"):format(date, MONTHS[tonumber(month)], year)
end

return function(app)
  app:filter("day", day)
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
