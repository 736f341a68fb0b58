-- A key for somebody: rille run app/key.lua NAME. It is shown once; the database has its digest.
local rille = require "rille"
local M = {}

function M.make(db, name)
  local key = rille.random_token()
  db:exec("INSERT INTO owners (name, digest) VALUES (?, ?)", name, rille.sha256(key))
  return key
end

function M.main(name)
  local db <close> = rille.sqlite.open(os.getenv "DATABASE" or "links.db")
  db:migrate "app/migrations"
  print(M.make(db, name or error("whose key? rille run app/key.lua NAME", 0)))
end

return M
