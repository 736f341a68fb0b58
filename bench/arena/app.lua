-- The endpoints of HttpArena's HTTP/1.1 and HTTP/2 profiles, as one program. ARENA_DATA is the folder with dataset.json and
-- static/, /data in its containers; ARENA_DATABASE and ARENA_ROWS are the SQLite file of /crud and how many items it begins
-- with.
local rille = require "rille"
local data = os.getenv "ARENA_DATA" or "/data"
local rows = math.tointeger(tonumber(os.getenv "ARENA_ROWS")) or 100000
local TTL, LONGEST_MS = 0.2, 60000

local app = rille.app { body_limit = 64 * 1024 ^ 2 }
local dataset = {}

local function whole(text, what)
  return math.tointeger(tonumber(text)) or rille.abort(400, what .. " must be a whole number")
end

-- baseline, limited-conn, latency-1m, latency-10k, latency-500k-8cpu

local function sum(req) return whole(req.query.a, "a") + whole(req.query.b, "b") end

app:get("/baseline11", function(req) return tostring(sum(req)) end)
app:post("/baseline11", function(req) return tostring(sum(req) + whole(req:text(), "the body")) end)

app:get("/baseline2", function(req) return tostring(sum(req)) end) -- baseline-h2, baseline-h2c

app:get("/pipeline", function() return "ok" end)

-- async

app:get("/delay/{ms:int}", function(req)
  local ms = req.params.ms
  if ms < 0 or ms > LONGEST_MS then rille.abort(400, "a delay is 0 to 60000 ms") end
  rille.sleep(ms / 1000)
  return tostring(ms)
end)

-- upload, echo

app:post("/upload", function(req)
  local size = 0
  for chunk in req:chunks() do size = size + #chunk end
  return tostring(size)
end)

app:post("/echo", function(req)
  return rille.response { content_type = req.content_type or "application/octet-stream", body = req:bytes() }
end)

-- json, json-comp

app:get("/json/{count:int}", function(req)
  local count, m = req.params.count, whole(req.query.m or "1", "m")
  if count < 0 then rille.abort(400, "a count is not negative") end
  local items = {}
  for i = 1, math.min(count, #dataset) do
    local item = dataset[i]
    items[i] = { id = item.id, name = item.name, category = item.category, price = item.price, quantity = item.quantity,
      active = item.active, tags = item.tags, rating = item.rating, total = item.price * item.quantity * m }
  end
  return rille.json { items = rille.array(items), count = #items }
end, { use = { rille.compress {} } })

-- static: read from the disk each time, .br and .gz beside a file where the client takes them

app:static("/static", data .. "/static")

-- crud, on SQLite until there is PostgreSQL. The cache of an item lives 200 ms, in this worker.

local SELECT = "SELECT id, name, category, price, quantity, active, tags, rating_score, rating_count FROM items "
local cache = {}

local function item(row)
  return { id = row.id, name = row.name, category = row.category, price = row.price, quantity = row.quantity,
    active = row.active == 1, tags = rille.array(rille.json_decode(row.tags)),
    rating = { score = row.rating_score, count = row.rating_count } }
end

local function answer(text, found)
  return rille.response { content_type = "application/json", body = text, headers = { ["X-Cache"] = found } }
end

local list = rille.validate.query {
  category = { type = "string", default = "electronics" },
  page = { type = "integer", min = 1, default = 1 },
  limit = { type = "integer", min = 1, max = 50, default = 10 },
}

app:get("/crud/items", function(req)
  local query = req.state.query
  local found = req.app.state.db:query(SELECT .. "WHERE category = ? ORDER BY id LIMIT ? OFFSET ?", query.category, query.limit,
    (query.page - 1) * query.limit)
  for i, row in ipairs(found) do found[i] = item(row) end
  return rille.json { items = rille.array(found), total = #found, page = query.page, limit = query.limit }
end, { use = { list } })

app:get("/crud/items/{id:int}", function(req)
  local id, now = req.params.id, rille.now()
  local kept = cache[id]
  if kept and kept.until_ > now then return answer(kept.text, "HIT") end
  local row = req.app.state.db:one(SELECT .. "WHERE id = ?", id) or rille.abort(404, "no such item")
  local text = rille.json_encode(item(row))
  cache[id] = { text = text, until_ = now + TTL }
  return answer(text, "MISS")
end)

local fields = {
  name = { type = "string", min = 1, max = 200 },
  price = { type = "integer", min = 0 },
  quantity = { type = "integer", min = 0 },
}

local new_item = rille.validate.body {
  id = { type = "integer", min = 1 }, name = fields.name, category = { type = "string", min = 1, max = 100 },
  price = fields.price, quantity = fields.quantity,
}

app:post("/crud/items", function(req)
  local i = req.state.body
  req.app.state.db:exec([[INSERT INTO items (id, name, category, price, quantity, active, tags, rating_score, rating_count)
    VALUES (?, ?, ?, ?, ?, 1, '["bench"]', 0, 0)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, category = excluded.category, price = excluded.price,
      quantity = excluded.quantity]], i.id, i.name, i.category, i.price, i.quantity)
  cache[i.id] = nil
  return rille.json({ id = i.id, name = i.name, category = i.category, price = i.price, quantity = i.quantity }, 201)
end, { use = { new_item } })

app:put("/crud/items/{id:int}", function(req)
  local id, i = req.params.id, req.state.body
  local done = req.app.state.db:exec("UPDATE items SET name = ?, price = ?, quantity = ? WHERE id = ?", i.name, i.price,
    i.quantity, id)
  if done.changes == 0 then rille.abort(404, "no such item") end
  cache[id] = nil
  return rille.json { id = id, name = i.name, price = i.price, quantity = i.quantity }
end, { use = { rille.validate.body(fields) } })

local SCHEMA = [[
CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price INTEGER NOT NULL,
  quantity INTEGER NOT NULL, active INTEGER NOT NULL, tags TEXT NOT NULL, rating_score INTEGER NOT NULL,
  rating_count INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS items_by_category ON items (category, id);
]]

local SEED = [[
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT OR IGNORE INTO items
SELECT i, 'Widget ' || i,
  json_extract('["electronics", "office", "garden", "toys", "books"]', '$[' || (i % 5) || ']'), 1 + i % 500,
  1 + i % 50, i % 3 > 0, '["fast", "new"]', 1 + i % 50, 1 + i % 900 FROM n
]]

app:lifespan(function(self, running)
  local file = io.open(data .. "/dataset.json", "rb")
  if file then
    dataset = rille.json_decode(file:read "a")
    file:close()
  end
  local db <close> = rille.sqlite.open(os.getenv "ARENA_DATABASE" or "arena.db")
  db:exec(SCHEMA)
  if db:value "SELECT count(*) FROM items" == 0 then db:exec(SEED, rows) end
  self.state.db = db
  running()
end)

return app
