-- Posts in the database. Each function takes the database, or a transaction of it, first.
local rille = require "rille"

local posts = {}

function posts.list(db)
  return db:query "SELECT id, owner, editor, title FROM posts ORDER BY id"
end

--- The post, or a 404.
function posts.get(db, id)
  return db:one("SELECT id, owner, editor, title, text FROM posts WHERE id = ?", id) or rille.abort(404, "no such post: " .. id)
end

function posts.create(db, fields)
  return db:one([[
    INSERT INTO posts (title, text, owner, editor) VALUES (:title, :text, :owner, :owner)
    RETURNING id, owner, editor, title, text]], fields)
end

--- Changes what `fields` has of title, text and editor.
function posts.update(db, id, fields)
  return db:one([[
    UPDATE posts SET title = coalesce(:title, title), text = coalesce(:text, text), editor = coalesce(:editor, editor)
    WHERE id = :id
    RETURNING id, owner, editor, title, text]],
    { id = id, title = fields.title or rille.null, text = fields.text or rille.null, editor = fields.editor or rille.null })
    or rille.abort(404, "no such post: " .. id)
end

function posts.delete(db, id)
  if db:exec("DELETE FROM posts WHERE id = ?", id).changes == 0 then rille.abort(404, "no such post: " .. id) end
end

return posts
