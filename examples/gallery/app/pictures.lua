-- Pictures in two sizes. What was sent is never shown: it is drawn anew, upright, without what a camera wrote beside it.
local rille = require "rille"
local pictures = {}

local hooks = rille.client { deny_private = true, follow = false, timeout = 10, retries = 3, raise = true } -- users say where to
local columns = "SELECT pictures.id, title, created, name AS owner FROM pictures JOIN users ON users.id = owner "

function pictures.list(db, before)
  return db:query(columns .. "WHERE pictures.id < ? ORDER BY pictures.id DESC LIMIT 24", before or math.maxinteger)
end

function pictures.get(db, id) return db:one(columns .. "WHERE pictures.id = ?", id) or rille.abort(404, "no such picture") end

function pictures.create(db, user, title, bytes)
  local small = rille.image.thumbnail(bytes, { width = 320, height = 240 })
  local large = rille.image.thumbnail(bytes, { width = 1600, height = 1600, fit = "contain" })
  return db:value("INSERT INTO pictures (owner, title, created, small, large) VALUES (?, ?, ?, ?, ?) RETURNING id",
    user.id, title, os.date("!%FT%TZ", rille.time() // 1), rille.blob(small), rille.blob(large))
end

--- Tells a user's webhook of a picture. It may take a while: for the background.
function pictures.announce(user, picture)
  local body = rille.json_encode(picture)
  local signature = "sha256=" .. rille.hmac_sha256(user.secret, body)
  local _, err = rille.try(hooks.post, hooks, user.hook, { body = body, headers = { ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = "picture-" .. picture.id, ["X-Hub-Signature-256"] = signature } })
  if err then rille.log.warn("a webhook did not take a picture", { user = user.name, error = err.message }) end
end

return pictures
