-- Around what only those may do who have logged in: others are asked to, and come back to the page they wanted.
local rille = require "rille"
local users = require "app.models.users"

return function(req, handler)
  if users.current(req) then return handler(req) end
  req:flash "Please log in first."
  return rille.redirect(req.app:url_for("login", {}, { next = req.method == "GET" and req.path or nil }))
end
