-- The JSON API, mounted at /api. Every answer is {"status": "ok", …} or {"status": "failed", "reason": …}.
local rille = require "rille"
local errors = require "app.middleware.errors"
local posts = require "app.models.posts"

local function check(value, name, required)
  if value == nil and not required then return nil end
  if type(value) ~= "string" or value == "" then rille.abort(400, name .. ": a string that is not empty was expected") end
  return value
end

-- What of the body is a post's.
local function body(req, required)
  local sent, fields = req:json(), {}
  if type(sent) ~= "table" or #sent > 0 then rille.abort(400, "a JSON object was expected") end
  for _, name in ipairs { "title", "text", "owner", "editor" } do fields[name] = check(sent[name], name, required[name]) end
  return fields
end

return function()
  local api = rille.app()
  errors(api)

  api:get("/", function(req)
    return rille.json { status = "ok", data = posts.list(req.app.state.db) }
  end)

  api:post("/", function(req)
    local fields = body(req, { title = true, text = true, owner = true })
    return rille.json { status = "ok", data = posts.create(req.app.state.db, fields) }
  end)

  api:get("/{post:int}", function(req)
    return rille.json { status = "ok", data = posts.get(req.app.state.db, req.params.post) }
  end)

  api:patch("/{post:int}", function(req)
    return rille.json { status = "ok", data = posts.update(req.app.state.db, req.params.post, body(req, {})) }
  end)

  api:delete("/{post:int}", function(req)
    posts.delete(req.app.state.db, req.params.post)
    return rille.json { status = "ok", id = req.params.post }
  end)

  return api
end
