-- The JSON API, for programs that have the key.
local posts = require "posts"
local rille = require "rille"

local function require_key(key)
  return function(req, handler)
    if not rille.secure_compare(req.headers["x-api-key"], key) then
      rille.abort(401, "the key is missing or wrong")
    end
    return handler(req)
  end
end

-- The handler writes all that it writes, or, if it raises, nothing.
local function in_transaction(req, handler)
  return req.app.state.db:transaction(function(tx)
    req.state.db = tx
    return handler(req)
  end)
end

local check_list = rille.validate { type = "list", items = "any", max = 1000 }

return function(key)
  local api = rille.app()
  api:use(require_key(key))

  api:on_error("*", function(_, err)
    return rille.json { error = err.status < 500 and err.message or "something broke", failures = err.failures, id = err.id }
  end)

  api:get("/", function(req)
    return rille.json { data = posts.list(req.app.state.db) }
  end)

  api:post("/", function(req)
    return rille.json { data = posts.create(req.app.state.db, posts.check(req:json())) }, 201
  end)

  api:get("/{id:int}", function(req)
    return rille.json { data = posts.find(req.app.state.db, req.params.id) or rille.abort(404, "no such post") }
  end)

  api:delete("/{id:int}", function(req)
    if not posts.delete(req.app.state.db, req.params.id) then rille.abort(404, "no such post") end
    return rille.empty()
  end)

  api:post("/import", function(req)
    local list = check_list(req:json())
    for _, fields in ipairs(list) do posts.create(req.state.db, posts.check(fields)) end
    return rille.json { count = #list }
  end, { use = { in_transaction } })

  return api
end
