-- Posts in the database. Each function takes the database, or a transaction of it, first.
local rille = require "rille"

local posts = {}

local function found(post, id) return post or rille.abort(404, "no such post: " .. id) end

-- Bytes of a picture for a statement, or NULL.
local function blob(bytes) return bytes and rille.blob(bytes) or rille.null end

function posts.list(db)
  return db:query "SELECT id, owner, editor, title FROM posts ORDER BY id"
end

--- For the front page: newest first, with how each begins and whether there is a picture.
function posts.recent(db)
  return db:query [[
    SELECT id, owner, title, created, substr(text, 1, 200) AS excerpt, image IS NOT NULL AS has_image
    FROM posts ORDER BY id DESC LIMIT 50]]
end

--- The post, or a 404.
function posts.get(db, id)
  return found(db:one("SELECT id, owner, editor, title, text FROM posts WHERE id = ?", id), id)
end

--- For its page: the post, when it was written, and whether there is a picture.
function posts.view(db, id)
  return found(db:one([[
    SELECT id, owner, editor, title, text, created, image IS NOT NULL AS has_image FROM posts WHERE id = ?]], id), id)
end

--- The picture of a post, or nil; a 404 where there is no such post.
function posts.image(db, id)
  return found(db:one("SELECT image FROM posts WHERE id = ?", id), id).image
end

--- Makes a post of title, text, owner and image.
function posts.create(db, fields)
  return db:one([[
    INSERT INTO posts (title, text, owner, editor, image, created)
    VALUES (:title, :text, :owner, :owner, :image, :created)
    RETURNING id, owner, editor, title, text]],
    { title = fields.title, text = fields.text, owner = fields.owner, image = blob(fields.image),
      created = os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(rille.time())) })
end

--- Changes what `fields` has of title, text, editor and image.
function posts.update(db, id, fields)
  return found(db:one([[
    UPDATE posts SET title = coalesce(:title, title), text = coalesce(:text, text), editor = coalesce(:editor, editor),
      image = coalesce(:image, image)
    WHERE id = :id
    RETURNING id, owner, editor, title, text]],
    { id = id, title = fields.title or rille.null, text = fields.text or rille.null, editor = fields.editor or rille.null,
      image = blob(fields.image) }), id)
end

function posts.delete(db, id)
  if db:exec("DELETE FROM posts WHERE id = ?", id).changes == 0 then found(nil, id) end
end

return posts
