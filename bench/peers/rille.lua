-- What script/bench asks of rille. The peers beside this file answer the same. BENCH_DATA is the folder with the database and
-- the files, BENCH_BACKEND the port of the server that /fanout asks.
local rille = require "rille"
local data, backend = os.getenv "BENCH_DATA", os.getenv "BENCH_BACKEND"
local app = rille.app { secret = ("s"):rep(48), body_limit = 32 * 1024 ^ 2 }
local items = {}

app:lifespan(function(self, running)
  local file <close> = assert(io.open(data .. "/items.json", "rb"))
  items = rille.json_decode(file:read "a")
  local db <close> = rille.sqlite.open(data .. "/bench.db")
  self.state.db = db
  local client <close> = rille.client { base_url = "http://127.0.0.1:" .. backend, limit = 512 }
  self.state.client = client
  running()
end)

app:get("/", function() return "hello" end)

app:get("/json", function()
  local list = {}
  for i, item in ipairs(items) do
    list[i] = { id = item.id, name = item.name, category = item.category, price = item.price, quantity = item.quantity,
      active = item.active, tags = item.tags, rating = item.rating, total = item.price * item.quantity }
  end
  return rille.json { items = list, count = #list }
end)

local order = rille.validate.body {
  name = { type = "string", min = 1, max = 100 },
  category = { type = "string", max = 40 },
  price = { type = "integer", min = 0 },
  quantity = { type = "integer", min = 1, max = 1000 },
  tags = { type = "list", items = "string", max = 10 },
}

app:post("/orders", function(req)
  local o = req.state.body
  return rille.json { name = o.name, category = o.category, price = o.price, quantity = o.quantity, tags = o.tags,
    total = o.price * o.quantity }
end, { use = { order } })

app:get("/page", function() return rille.render("page.html", { items = { table.unpack(items, 1, 12) } }) end)

-- Rows that go out as they are need no tables. The peer "rille, tables" makes them, as a handler does that looks at its rows.
local tables = os.getenv "BENCH_TABLES"
local ITEM = "SELECT id, name, category, price, quantity FROM items WHERE id = ?"
local TWENTY = "SELECT id, name, price FROM items WHERE id > ? ORDER BY id LIMIT 20"

app:get("/items/{id:int}", function(req)
  local db = req.app.state.db
  local item = tables and db:one(ITEM, req.params.id) or not tables and db:json_one(ITEM, req.params.id)
  return rille.json(item or rille.abort(404))
end)

app:get("/rows/{after:int}", function(req)
  local db = req.app.state.db
  return rille.json(tables and db:query(TWENTY, req.params.after) or db:json(TWENTY, req.params.after))
end)

app:post("/notes", function(req)
  return rille.json({ id = req.app.state.db:exec("INSERT INTO notes (text) VALUES (?)", req:text()).last_id }, 201)
end)

app:post("/transfers/{from:int}/{to:int}", function(req)
  local from, to = req.params.from, req.params.to
  return req.app.state.db:transaction(function(tx)
    if tx:value("SELECT balance FROM accounts WHERE id = ?", from) < 1 then rille.abort(409) end
    tx:exec("UPDATE accounts SET balance = balance - 1 WHERE id = ?", from)
    tx:exec("UPDATE accounts SET balance = balance + 1 WHERE id = ?", to)
    tx:exec("INSERT INTO transfers (source, target, amount) VALUES (?, ?, 1)", from, to)
    tx:value("SELECT balance FROM accounts WHERE id = ?", to)
    return rille.json { ok = true }
  end)
end)

app:get("/scan", function(req)
  return rille.json { sum = req.app.state.db:value
    "SELECT sum(a.price * b.quantity) FROM items a, items b WHERE a.id <= 300" }
end)

app:static("/files", data .. "/files")

app:post("/upload", function(req)
  local size = 0
  for chunk in req:chunks() do size = size + #chunk end
  return tostring(size)
end)

app:get("/fanout", function(req)
  local client = req.app.state.client
  local texts = rille.map({ 1, 2, 3, 4, 5 }, function() return client:get("/"):text() end)
  return tostring(#table.concat(texts))
end)

local signed_in = app:group { use = { rille.session {} } }
signed_in:post("/login", function(req)
  req.session.user = "ada"
  return ""
end)
signed_in:get("/session", function(req) return req.session.user or rille.abort(401) end)

for i = 1, 200 do
  app:get(("/section%d/{id:int}/page%d"):format(i, i), function(req) return tostring(req.params.id) end)
end

return app
