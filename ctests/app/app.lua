-- The app of test_faults.c. A request to each route allocates memory of another kind.
local rille = require "rille"
local app = rille.app { body_limit = 1 << 20, templates = { ["page.html"] = [[
{% for x in rows %}{{ x.id }}<b>{{ x.name }}</b>{{ x.name|upper }}{% if x.slow %}{{ wait(x.id) }}{% endif %}{% endfor %}]] } }

app:get("/", function() return "hello" end)
app:get("/json", function(req) return rille.json { path = req.path, list = { 1, 2.5, "three" }, query = req.query } end)
app:get("/items/{id:int}/{rest:path}", function(req) return rille.json(req.params) end)
app:post("/text", function(req) return req:text() end)
app:post("/json", function(req) return rille.json(req:json()) end)
app:post("/form", function(req)
  local form, names = req:form(), {}
  for name, value in pairs(form) do
    names[#names + 1] = type(value) == "table" and value.filename .. #value:bytes() or name .. #value
  end
  table.sort(names)
  return table.concat(names, " ")
end)
app:post("/parts", function(req)
  local size = 0
  for part in req:parts() do
    for chunk in part:chunks() do size = size + #chunk end
  end
  return tostring(size)
end)
app:post("/chunks", function(req)
  return rille.stream("text/plain", function(out)
    for chunk in req:chunks() do out:write(chunk) end
  end)
end)
app:get("/page", function()
  local rows = {}
  for i = 1, 40 do rows[i] = { id = i, name = "<name " .. i .. ">", slow = i % 20 == 0 } end
  return rille.render("page.html", { rows = rows, wait = function(id)
    rille.sleep(0.001)
    return "waited" .. id
  end })
end)
app:get("/cookies", function(req)
  return rille.json(req.cookies)
end)
app:get("/tasks", function()
  local a = rille.spawn(function() rille.sleep(0.01) return "a" end)
  local b = rille.spawn(function() return "b" end)
  return a:wait() .. b:wait()
end)
app:get("/fails", function() error { code = "mine" } end)

-- A database. Each handler reads, writes, or does both in a transaction. /check tests that later answers are right.
local path = os.tmpname()
local db
app:lifespan(function(_, running)
  db = rille.sqlite.open(path)
  db:exec "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v)"
  db:exec("INSERT INTO t(v) VALUES (?), (?), (?)", "one", rille.blob "two", 3.5)
  running()
  db:close()
  for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
end)
app:get("/db/read", function(req)
  local rows = db:query("SELECT id, v, 'a text that is long enough to be allocated' AS text FROM t WHERE id <= ?", 3)
  local row = db:one("SELECT * FROM t WHERE id = :id", { id = 1 })
  for item in db:rows "SELECT v FROM t WHERE id < 3" do row[#row + 1] = item.v end
  return rille.json { n = #rows, row = row.v, value = db:value("SELECT count(*) FROM t WHERE id <= ?", tonumber(req.query.n)) }
end)
app:post("/db/write", function(req)
  local done = db:exec("INSERT INTO t(v) VALUES (?)", req:text())
  local id = db:value("INSERT INTO t(v) VALUES (:v) RETURNING id", { v = "returned" })
  db:batch { { "DELETE FROM t WHERE id = ?", done.last_id }, { "DELETE FROM t WHERE id = :id", { id = id } } }
  return "written " .. done.changes
end)
app:post("/db/transaction", function()
  return db:transaction(function(tx)
    tx:exec("INSERT INTO t(v) VALUES (?)", "tx")
    pcall(tx.transaction, tx, function(inner)
      inner:exec "DELETE FROM t"
      error "undone"
    end)
    local n = tx:value "SELECT count(*) FROM t WHERE v = 'tx'"
    tx:exec "DELETE FROM t WHERE v = 'tx'"
    return "counted " .. n
  end)
end)
app:post("/db/begin", function()
  local tx = db:begin() -- ended with the task if something fails
  tx:exec "DELETE FROM t WHERE id > 3"
  tx:commit()
  return "begun and ended"
end)
-- Tests that the connection that reads sees a row that is written now, and that the first rows are still there.
app:get("/check", function()
  local id = db:exec("INSERT INTO t(v) VALUES (?)", "seen").last_id
  local inline = db:value("SELECT v FROM t WHERE id = ?", id)
  local kept = db:value "SELECT count(*) FROM t WHERE id <= 3"
  db:exec("DELETE FROM t WHERE id = ?", id)
  return ("%s, %d kept, %s gone"):format(inline, kept, db:value("SELECT v FROM t WHERE id = ?", id) or "and")
end)

return app
