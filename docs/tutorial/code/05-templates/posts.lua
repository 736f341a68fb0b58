-- What the blog asks the database about posts.
local rille = require "rille"

local M = {}

M.check = rille.validate {
  title = { type = "string", min = 1, max = 200 },
  text = "string",
  owner = { type = "string", min = 1 },
}

function M.list(db)
  return db:query "SELECT id, title, text, owner FROM posts ORDER BY id DESC"
end

function M.find(db, id)
  return db:one("SELECT id, title, text, owner FROM posts WHERE id = ?", id)
end

function M.create(db, post)
  return db:one([[
    INSERT INTO posts (title, text, owner) VALUES (:title, :text, :owner)
    RETURNING id, title, text, owner]], post)
end

function M.delete(db, id)
  return db:exec("DELETE FROM posts WHERE id = ?", id).changes > 0
end

return M
