-- People in the database, and who of them is asking.
local rille = require "rille"

local users = {}

--- Adds one; nil where the name is taken.
function users.create(db, login, password)
  local hash = rille.password.hash(password) -- waits for a thread: 80 ms during which others are served
  return db:one("INSERT INTO users (login, password) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id, login", login, hash)
end

--- The one with that name and password, or nil. It takes as long for a name that nobody has.
function users.check(db, login, password)
  local user = db:one("SELECT id, login, password FROM users WHERE login = ?", login)
  if not rille.password.verify(password, user and user.password) then return nil end
  return { id = user.id, login = user.login }
end

--- Who is logged in, or nil. Asked once for a request.
function users.current(req)
  local state, id = req.state, req.session.user
  if id and not state.user then state.user = req.app.state.db:one("SELECT id, login FROM users WHERE id = ?", id) end
  return state.user
end

return users
