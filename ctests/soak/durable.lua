-- What script/soak durable writes to, and kills: each request is told "kept" once what it asks for is in the database.
local rille = require "rille"
local app = rille.app()
local db

app:lifespan(function(_, running)
  db = rille.sqlite.open(os.getenv "SOAK_DATABASE")
  db:exec [[
    CREATE TABLE IF NOT EXISTS kept (n INTEGER, part INTEGER, kind TEXT, UNIQUE (n, part)) STRICT;
    CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY, value INTEGER) STRICT;
    INSERT OR IGNORE INTO counter VALUES (1, 0)]]
  running()
  db:close()
end)

local insert = "INSERT INTO kept VALUES (?, ?, ?)"

app:post("/row/{n:int}", function(req)
  db:exec(insert, req.params.n, 1, "row")
  return "kept"
end)

app:post("/batch/{n:int}", function(req)
  local n = req.params.n
  db:batch { { insert, n, 1, "batch" }, { insert, n, 2, "batch" }, { insert, n, 3, "batch" } }
  return "kept"
end)

app:post("/transaction/{n:int}", function(req)
  db:transaction(function(tx)
    tx:exec(insert, req.params.n, 1, "transaction")
    tx:exec "UPDATE counter SET value = value + 1"
    tx:exec(insert, req.params.n, 2, "transaction")
  end)
  return "kept"
end)

return app
