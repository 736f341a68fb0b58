-- The app of test_waits.c: every kind of wait there is, in a request that the test interrupts at each of its yields.
--
--   POST /wait/KIND?how=   runs the kind, then sleeps for five seconds: the wait that no late event may touch
--   POST /next             the same sleep in a task of its own
--   POST /late             lets happen what the interrupted wait was for
--   POST /verdict          what became of it: "whole" or "interrupted", and for how long it slept afterwards
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local rille = require "rille"
local app = rille.app { body_limit = 1 << 22, secret = ("s"):rep(32) }
local path = os.tmpname()
local verdict, late, slow

local function sleep_on()
  local before = rille.now()
  rille.shield(rille.sleep, 5)
  verdict = ("%s %g"):format(verdict or "none", rille.now() - before)
end

-- Something that ends when /late is asked for, and what waits for it in another task.
local function latch()
  local event = rille.event()
  late[#late + 1] = function() event:set() end
  return event
end

local kinds = {}

function kinds.sleep() rille.sleep(0.5) rille.sleep(0.85) end
function kinds.yield() rille.sleep(0) rille.sleep(0) end
function kinds.event() latch():wait() end
function kinds.strand() coroutine.wrap(function() latch():wait() end)() end

function kinds.task()
  local event = latch()
  native.spawn_root(function() event:wait() return "x" end):wait()
end

function kinds.child()
  local event = latch()
  rille.spawn(function() event:wait() end):wait()
end

function kinds.race()
  local event = latch()
  rille.race(function() event:wait() end, function() rille.sleep(0.3) end)
end

function kinds.all()
  local event = latch()
  rille.all(function() event:wait() end, function() rille.sleep(0.1) end)
end

function kinds.receive()
  local channel = rille.channel()
  late[#late + 1] = function() app:background(function() rille.try(rille.timeout, 1, channel.send, channel, "late") end) end
  channel:receive()
end

function kinds.send()
  local channel = rille.channel()
  late[#late + 1] = function() app:background(function() rille.try(rille.timeout, 1, channel.receive, channel) end) end
  channel:send "value"
end

function kinds.lock()
  local lock, event = rille.lock(), latch()
  native.spawn_root(function() lock:with(function() event:wait() end) end)
  rille.sleep(0)
  lock:with(rille.sleep, 0)
end

function kinds.semaphore()
  local semaphore = rille.semaphore(1)
  semaphore:acquire()
  late[#late + 1] = function() semaphore:release() end
  semaphore:acquire()
end

function kinds.require()
  local name, event = "late module", latch()
  package.loaded[name] = nil
  package.preload[name] = function() event:wait() return {} end
  native.spawn_root(require, name)
  rille.sleep(0)
  require(name)
end

function kinds.bytes(req) req:bytes() end
function kinds.chunks(req) for _ in req:chunks() do end end -- luacheck: ignore 542
function kinds.write(_, out) for _ = 1, 4 do out:write(("x"):rep(150000)) end end

function kinds.exec(req) req.app.state.db:exec("INSERT INTO t VALUES (?)", "x") end
function kinds.query(req) req.app.state.db:query "SELECT count(*) FROM t, t AS u WHERE t.a < u.a || 'y'" end
function kinds.batch(req) req.app.state.db:batch { { "INSERT INTO t VALUES (1)" }, { "INSERT INTO t VALUES (2)" } } end
function kinds.transaction(req)
  req.app.state.db:transaction(function(tx)
    tx:exec "INSERT INTO t VALUES ('tx')"
    tx:transaction(function(inner) inner:exec "INSERT INTO t VALUES ('inner')" end)
    tx:value "SELECT count(*) FROM t"
  end)
end
function kinds.backup(req)
  local copy = os.tmpname()
  os.remove(copy)
  local done <close> = setmetatable({}, { __close = function() os.remove(copy) end }) -- luacheck: ignore 211
  req.app.state.db:backup(copy)
end

function kinds.offload() rille.offload("spec.support.offloaded", "spin", 0.005) end
function kinds.hash() rille.password.hash "secret" end
function kinds.verify() rille.password.verify("secret", nil) end
function kinds.thumbnail()
  rille.try(rille.image.thumbnail, (require "spec.support.png")(120, 120), { width = 10, height = 10 })
end
function kinds.compress() native_http.compress(("some text "):rep(50000), "gzip") end
function kinds.spool(req)
  local spool = native_http.spool(req)
  spool:write(("x"):rep(200000))
  spool:read(0)
end
function kinds.saver()
  local name = os.tmpname()
  local saver <close> = native_http.saver(name)
  saver:write(("x"):rep(200000))
  saver:commit()
  os.remove(name)
end
function kinds.file()
  local file <close> = assert(native.file_open(path, "w"))
  file:write(("x"):rep(600000))
  file:close()
  local again <close> = assert(native.file_open(path, "r"))
  while again:read() do end -- luacheck: ignore 542
end

local function target(name) return slow.url .. name end
function kinds.fetch() rille.fetch(target "/answer"):text() end
function kinds.fetch_late()
  local event = latch()
  slow.event = event
  rille.fetch(target "/slow"):text()
end
function kinds.fetch_upload()
  local pieces = 0
  rille.fetch(target "/upload", { method = "POST", body = function()
    pieces = pieces + 1
    return pieces < 8 and ("x"):rep(100000) or nil
  end }):text()
end
function kinds.in_process()
  slow.event = latch()
  local client <close> = require("rille.testing.client").new(slow.app, { cookies = false })
  client:get("/slow"):text()
end
function kinds.server_close()
  slow.event = latch()
  local server = native_http.listen(slow.compiled, "127.0.0.1", 0)
  local asks = native.spawn_root(function()
    rille.try(rille.fetch, ("http://127.0.0.1:%d/slow"):format(server:port()))
  end)
  late[#late + 1] = function() app:background(function() server:close(0) asks:cancel() end) end
  server:close(0.5)
end

-- What the test interrupts by: inside each, the kind.
local function run(how, kind, req, out)
  if how == "timeout" then return rille.timeout(1, kind, req, out) end
  if how == "group" then
    return rille.group(function(group)
      local sibling = group:spawn(function() rille.sleep(1) error "a sibling failed" end)
      kind(req, out)
      sibling:cancel()
    end)
  end
  return kind(req, out)
end

local function handle(req, out)
  late = {}
  verdict = "started"
  local ok = pcall(run, req.query.how, kinds[req.params.kind], req, out)
  verdict = ok and "whole" or "interrupted"
  if req.query.next ~= "task" then sleep_on() end
end

app:post("/wait/{kind}", function(req)
  if not kinds[req.params.kind] then error("no such kind: " .. req.params.kind) end
  if req.params.kind ~= "write" then
    handle(req)
    return "done"
  end
  return rille.stream("text/plain", function(out) handle(req, out) end)
end)
app:post("/string", function() verdict = "started" return ("x"):rep(3000000) end)
app:post("/file", function() verdict = "started" return rille.file(path) end)
app:post("/next", function() sleep_on() return "next" end)
app:post("/late", function()
  for _, f in ipairs(late or {}) do f() end
  late = {}
  return "late"
end)
app:post("/verdict", function() return "verdict " .. tostring(verdict) .. ";" end)
app:post("/kinds", function()
  local names = {}
  for name in pairs(kinds) do names[#names + 1] = name end
  table.sort(names)
  return "kinds " .. table.concat(names, " ") .. ";"
end)

app:lifespan(function(self, running)
  local db <close> = rille.sqlite.open(path .. ".db")
  db:exec "CREATE TABLE t (a)"
  db:batch(rille.map({ 1, 2, 3, 4, 5 }, function(i) return { "INSERT INTO t VALUES (?)", i } end))
  self.state.db = db
  local other = rille.app()
  other:get("/answer", function() return ("answer "):rep(30000) end)
  other:get("/slow", function() slow.event:wait() return "slow" end)
  other:post("/upload", function(req) for _ in req:chunks() do rille.sleep(0) end return "taken" end)
  slow = { app = other, compiled = require("rille.testing.running").start(other).compiled }
  local server = native_http.listen(slow.compiled, "127.0.0.1", 0)
  slow.url = ("http://127.0.0.1:%d"):format(server:port())
  assert(io.open(path, "wb")):write(("f"):rep(3000000)):close()
  running()
  server:close(0)
  for _, suffix in ipairs { "", ".db", ".db-wal", ".db-shm" } do os.remove(path .. suffix) end
end)

return app
