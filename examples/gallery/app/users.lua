-- Who may upload. A new user: rille run app/users.lua NAME, with the password on standard input.
local rille, users = require "rille", {}

function users.main(name)
  local db <close> = rille.sqlite.open(os.getenv "DATABASE" or "gallery.db")
  db:migrate "app/migrations"
  db:exec("INSERT INTO users (name, password) VALUES (?, ?)", name, rille.password.hash(io.read() or ""))
end

--- The user of that name and password, or nil: it takes as long for a name that nobody has.
function users.check(db, name, password)
  local user = db:one("SELECT * FROM users WHERE name = ?", name)
  return rille.password.verify(password, user and user.password) and user or nil
end

return users
