-- What the blog asks the database about posts.
local rille = require "rille"

local M = {}

M.check = rille.validate {
  title = { type = "string", min = 1, max = 200 },
  text = "string",
  owner = { type = "string", min = 1 },
  image = { type = "file", max = 5 * 1024^2, types = { "image/jpeg", "image/png", "image/webp" }, optional = true },
}

function M.list(db)
  return db:query "SELECT id, title, text, owner FROM posts ORDER BY id DESC"
end

function M.find(db, id)
  return db:one("SELECT id, title, text, owner FROM posts WHERE id = ?", id)
end

function M.image(db, id)
  return db:one("SELECT type, bytes FROM images WHERE post = ?", id)
end

function M.has_image(db, id)
  return db:value("SELECT 1 FROM images WHERE post = ?", id) ~= nil
end

-- A picture is made anew, and small. What cannot be read as one raises 415.
local function picture_of(file)
  return rille.image.thumbnail(file:bytes(), { width = 640, format = "jpeg" })
end

function M.create(db, post)
  local picture = post.image and picture_of(post.image)
  return db:transaction(function(tx)
    local made = tx:one([[
      INSERT INTO posts (title, text, owner) VALUES (?, ?, ?)
      RETURNING id, title, text, owner]], post.title, post.text, post.owner)
    if picture then
      tx:exec("INSERT INTO images (post, type, bytes) VALUES (?, 'image/jpeg', ?)", made.id, rille.blob(picture))
    end
    return made
  end)
end

function M.delete(db, id)
  return db:exec("DELETE FROM posts WHERE id = ?", id).changes > 0
end

return M
