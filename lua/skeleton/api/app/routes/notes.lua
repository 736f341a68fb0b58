-- Notes: a list in pages, and what can be done with one.
local rille = require "rille"

local TEXT = { type = "string", min = 1, max = 1000 }

-- SQLite has no booleans.
local function as_note(row)
  if row then row.done = row.done == 1 end
  return row
end

local function found(row, id) return as_note(row) or rille.abort(404, "no such note: " .. id) end

return function()
  local notes = rille.app()

  notes:get("/", function(req)
    local query = req.state.query
    local rows = req.app.state.db:query([[
      SELECT id, text, done FROM notes WHERE id > :after ORDER BY id LIMIT :limit]],
      { after = query.after, limit = query.limit })
    for _, row in ipairs(rows) do as_note(row) end
    return rille.json { notes = rows, next = #rows == query.limit and rows[#rows].id or rille.null }
  end, { use = { rille.validate.query {
    after = { type = "integer", min = 0, default = 0 },
    limit = { type = "integer", min = 1, max = 100, default = 20 },
  } } })

  notes:post("/", function(req)
    local row = req.app.state.db:one("INSERT INTO notes (text) VALUES (?) RETURNING id, text, done", req.state.body.text)
    local res = rille.json(as_note(row), 201)
    res.headers.location = "/notes/" .. row.id
    return res
  end, { use = { rille.validate.body { text = TEXT } } })

  notes:get("/{id:int}", function(req)
    local id = req.params.id
    return rille.json(found(req.app.state.db:one("SELECT id, text, done FROM notes WHERE id = ?", id), id))
  end)

  notes:patch("/{id:int}", function(req)
    local id, body = req.params.id, req.state.body
    local row = req.app.state.db:one([[
      UPDATE notes SET text = coalesce(:text, text), done = coalesce(:done, done) WHERE id = :id RETURNING id, text, done]],
      { id = id, text = body.text or rille.null, done = body.done == nil and rille.null or body.done })
    return rille.json(found(row, id))
  end, { use = { rille.validate.body {
    text = { type = "string", min = 1, max = 1000, optional = true },
    done = { type = "boolean", optional = true },
  } } })

  notes:delete("/{id:int}", function(req)
    local id = req.params.id
    if req.app.state.db:exec("DELETE FROM notes WHERE id = ?", id).changes == 0 then found(nil, id) end
    return rille.empty(204)
  end)

  return notes
end
