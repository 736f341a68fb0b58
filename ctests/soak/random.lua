-- Random programs of waits, cancels, transactions, coroutines and disconnects, everything nested in everything:
--
--   rille run ctests/soak/random.lua SEED SECONDS
--
-- A round is a few hundred actions in thirty tasks. After each round nothing may be left, and what was acknowledged must be
-- so: rows that were written, values that went through a channel, locks with one holder. script/soak-random runs it under the
-- address sanitizer; the same seed makes the same choices, though not the same interleaving.
local native = require "rille.native.http"
local rille = require "rille"

local seed, seconds = tonumber((...)) or os.time(), tonumber((select(2, ...))) or 5
math.randomseed(seed)
local random = math.random
local directory = os.tmpname()
os.remove(directory)

-- ---- what a round is about ----------------------------------------------------------------------------------------

local world

local function new_world(db, url)
  return {
    db = db, url = url, budget = 3000, threads = setmetatable({}, { __mode = "v" }),
    channels = { rille.channel(), rille.channel(2), rille.channel(5) },
    semaphores = { rille.semaphore(1), rille.semaphore(3) }, inside = { 0, 0 },
    lock = rille.lock(), held = false, event = rille.event(),
    sent = {}, received = {}, next_value = 0,
    acknowledged = {}, next_row = 0,
  }
end

local function check(condition, text)
  if condition then return end
  io.stderr:write(("seed %d: %s\n%s\n"):format(seed, text, debug.traceback()))
  os.exit(3)
end

local act
local function body(depth)
  return function(...)
    for _ = 1, random(3) do act(depth - 1) end
    return ...
  end
end

local function on_close(f) return setmetatable({}, { __close = f }) end

-- Cleanup that waits, acts or fails.
local function guard(depth)
  return on_close(function()
    local what = random(6)
    if what <= 2 then rille.sleep(random() * 0.003)
    elseif what == 3 and depth > 0 then pcall(act, 1)
    elseif what == 4 then error("a cleanup that fails", 0) end
  end)
end

-- ---- what is done --------------------------------------------------------------------------------------------------

local actions = {}
local function action(f) actions[#actions + 1] = f end

action(function() rille.sleep(random() * 0.004) end)
action(function() rille.sleep(0) end)
action(function(depth)
  local task = rille.spawn(body(depth))
  if random(2) == 1 then rille.sleep(0) end
  if random(2) == 1 then task:cancel "at random" end
  if random(2) == 1 then task:wait() end
end)
action(function(depth) rille.timeout(random() * 0.004, body(depth)) end)
action(function(depth) rille.timeout(0, body(depth)) end)
action(function(depth) rille.shield(body(depth)) end)
action(function(depth)
  rille.group(function(group)
    for _ = 1, random(4) do
      local task = group:spawn(body(depth))
      if random(5) == 1 then task:cancel() end
    end
    act(depth - 1)
  end)
end)
action(function(depth) rille.all(body(depth), body(depth)) end)
action(function(depth) rille.race(body(depth), body(depth), function() rille.sleep(random() * 0.003) end) end)
action(function(depth) rille.map({ 1, 2, 3, 4 }, function(x) act(depth - 1) return x end, { limit = 2 }) end)
action(function(depth) pcall(body(depth)) end)
action(function(depth) rille.try(body(depth)) end)
action(function(depth) xpcall(body(depth), function(err) return err end) end)
action(function(depth) local closing <close> = guard(depth) act(depth - 1) end) -- luacheck: ignore 211
action(function() error("at random", 0) end)
action(function() world.event:set() end)
action(function() rille.timeout(0.003, world.event.wait, world.event) end)

-- Coroutines of the program's own, finished, abandoned, closed and kept.
action(function(depth)
  local f = coroutine.wrap(function() act(depth - 1) coroutine.yield(1) act(depth - 1) end)
  f()
  if random(2) == 1 then f() end
end)
action(function(depth)
  local co = coroutine.create(function()
    local closing <close> = guard(depth) -- luacheck: ignore 211
    act(depth - 1)
    coroutine.yield()
    act(depth - 1)
  end)
  world.threads[#world.threads + 1] = co
  coroutine.resume(co)
  if random(2) == 1 then pcall(coroutine.close, co) end
  if random(2) == 1 then coroutine.resume(co) end
end)
action(function() world.threads[#world.threads + 1] = coroutine.running() end)
action(function()
  for _, co in pairs(world.threads) do
    local what = random(4)
    if what == 1 then pcall(coroutine.close, co)
    elseif what == 2 then pcall(coroutine.resume, co)
    else coroutine.status(co) end
  end
end)
action(function()
  for _ in coroutine.wrap(function() for i = 1, 3 do rille.sleep(0.0005) coroutine.yield(i) end end) do
    if random(2) == 1 then break end
  end
end)
action(function() table.sort({ 3, 2, 1 }, function(a, b) pcall(rille.sleep, 0) return a < b end) end)
action(function() collectgarbage(random(4) == 1 and "collect" or "step") end)

-- Handing over: what a send acknowledged is received once, or still there; what raised was not sent.
action(function()
  world.next_value = world.next_value + 1
  local value, channel = world.next_value, random(3)
  rille.timeout(random() * 0.01, function() world.channels[channel]:send(value) world.sent[value] = channel end)
end)
action(function()
  rille.timeout(random() * 0.01, function()
    local value = world.channels[random(3)]:receive()
    check(not world.received[value], "a value was received twice")
    world.received[value] = true
  end)
end)
action(function(depth)
  local i = random(2)
  rille.timeout(random() * 0.02, function()
    world.semaphores[i]:with(function()
      local leaving <close> = on_close(function() world.inside[i] = world.inside[i] - 1 end) -- luacheck: ignore 211
      world.inside[i] = world.inside[i] + 1
      check(world.inside[i] <= 2 * i - 1, "more holders of a semaphore than permits")
      act(depth - 1)
    end)
  end)
end)
action(function()
  rille.timeout(random() * 0.02, function()
    world.lock:with(function()
      check(not world.held, "two holders of a lock")
      local leaving <close> = on_close(function() world.held = false end) -- luacheck: ignore 211
      world.held = true
      rille.sleep(random() * 0.002)
    end)
  end)
end)

-- Writing: a row whose write was acknowledged is there, one whose write raised is not.
local function next_row()
  world.next_row = world.next_row + 1
  return world.next_row
end
action(function()
  local id = next_row()
  rille.timeout(random() * 0.004, function()
    world.db:exec("INSERT INTO rows VALUES (?)", id)
    world.acknowledged[id] = true
  end)
end)
action(function()
  local id = next_row()
  rille.timeout(random() * 0.01, function()
    world.db:exec([[WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000)
      INSERT INTO rows SELECT ? FROM (SELECT max(x) FROM c)]], id)
    world.acknowledged[id] = true
  end)
end)
action(function()
  local one, two, three = next_row(), next_row(), nil
  local add = function(tx, id) tx:exec("INSERT INTO rows VALUES (?)", id) end
  rille.timeout(random() * 0.02, function()
    world.db:transaction(function(tx)
      add(tx, one)
      if random(2) == 1 then rille.sleep(random() * 0.003) end
      local id = next_row()
      if rille.try(tx.transaction, tx, function(inner)
        add(inner, id)
        if random(2) == 1 then error("no", 0) end
        return true
      end) then three = id end
      add(tx, two)
      if random(4) == 1 then error("rolled back", 0) end
    end)
    world.acknowledged[one], world.acknowledged[two] = true, true
    if three then world.acknowledged[three] = true end
  end)
end)
action(function()
  local a, b = next_row(), next_row()
  world.db:batch { { "INSERT INTO rows VALUES (?)", a }, { "INSERT INTO rows VALUES (?)", b } }
  world.acknowledged[a], world.acknowledged[b] = true, true
end)
action(function() world.db:value "SELECT count(*) FROM rows" end)
action(function() rille.timeout(random() * 0.004, world.db.query, world.db, "SELECT * FROM rows AS a, rows AS b LIMIT 2000") end)

-- Threads, and requests whose client goes.
action(function() check(rille.offload("string", "rep", "x", 100) == ("x"):rep(100), "a wrong answer of offload") end)
action(function() rille.timeout(random() * 0.01, rille.offload, "spec.support.offloaded", "sleeps", 0.005) end)
action(function() rille.timeout(random() * 0.05, rille.password.hash, "secret") end)
action(function()
  local id = tostring(random(1 << 30))
  local text = rille.fetch(world.url .. "/echo?id=" .. id, { timeout = 0.5 }):text()
  check(text == id, "the answer to another request: " .. text)
end)
action(function() rille.timeout(random() * 0.02, function() rille.fetch(world.url .. "/act"):text() end) end)
action(function()
  rille.timeout(random() * 0.02, function()
    local res <close> = rille.fetch(world.url .. "/large")
    for _ in res:chunks() do
      rille.sleep(random() * 0.002)
      if random(3) == 1 then break end
    end
  end)
end)
action(function()
  local pieces = 0
  rille.timeout(random() * 0.02, rille.fetch, world.url .. "/upload", { method = "POST", body = function()
    pieces = pieces + 1
    if random(2) == 1 then rille.sleep(random() * 0.002) end
    return pieces < 6 and ("x"):rep(50000) or nil
  end })
end)

act = function(depth)
  world.budget = world.budget - 1
  if depth <= 0 or world.budget <= 0 then return end
  return actions[random(#actions)](depth)
end

-- ---- the server that is asked -----------------------------------------------------------------------------------------

local function make_app()
  local app = rille.app { body_limit = 1 << 20 }
  app:get("/echo", function(req) if random(2) == 1 then rille.sleep(random() * 0.002) end return req.query.id end)
  app:get("/act", function() pcall(act, 3) act(3) return "done" end)
  app:get("/large", function()
    if random(2) == 1 then return ("x"):rep(2000000) end
    return rille.stream("text/plain", function(out)
      for _ = 1, 20 do
        pcall(rille.timeout, random() * 0.003, out.write, out, ("y"):rep(70000))
        if random(4) == 1 then act(2) end
      end
    end)
  end)
  app:post("/upload", function(req)
    local size = 0
    for chunk in req:chunks() do
      size = size + #chunk
      if random(3) == 1 then pcall(rille.timeout, 0.001, rille.sleep, random() * 0.003) end
      if random(20) == 1 then break end
    end
    return tostring(size)
  end)
  return app
end

-- ---- rounds ---------------------------------------------------------------------------------------------------------------

local function wait_until_alone()
  for _ = 1, 2000 do
    local others = 0
    for _, task in ipairs(rille.tasks()) do
      if task.spawned:find("random.lua", 1, true) or task.spawned:find("^[A-Z]+ /") then others = others + 1 end
    end
    if others == 0 then return end
    rille.sleep(0.005)
  end
  for _, task in ipairs(rille.tasks()) do io.stderr:write(task.spawned, " waits for ", tostring(task.waits), "\n") end
  check(false, "tasks are left")
end

local function check_rows()
  local there = {}
  for _, row in ipairs(world.db:query "SELECT id FROM rows") do
    check(not there[row.id], "a row is there twice")
    there[row.id] = true
    check(world.acknowledged[row.id], ("row %d was written, though its write raised"):format(row.id))
  end
  for id in pairs(world.acknowledged) do check(there[id], ("row %d was acknowledged and is not there"):format(id)) end
end

local function check_values()
  for _, channel in ipairs(world.channels) do
    channel:close()
    for value in channel do
      check(not world.received[value], "a value was received twice")
      world.received[value] = true
    end
  end
  for value in pairs(world.sent) do check(world.received[value], ("value %d was sent and never received"):format(value)) end
end

local function round(db, url)
  db:exec "DELETE FROM rows"
  world = new_world(db, url)
  pcall(rille.timeout, 6, function()
    rille.group(function(group)
      for _ = 1, 30 do group:spawn(function() for _ = 1, 10 do pcall(act, 6) end end) end
    end)
  end)
  wait_until_alone()
  check_rows()
  check_values()
  check(not world.lock.holder, "a lock is held by nobody")
  collectgarbage()
end

return function()
  print(("seed %d, %g seconds"):format(seed, seconds))
  local db <close> = rille.sqlite.open(directory .. ".db")
  db:exec "CREATE TABLE rows (id INTEGER)"
  local compiled = require("rille.testing.running").start(make_app()).compiled
  local server = native.listen(compiled, "127.0.0.1", 0)
  local url, started, rounds = ("http://127.0.0.1:%d"):format(server:port()), os.time(), 0
  repeat
    rounds = rounds + 1
    round(db, url)
  until os.time() - started >= seconds
  server:close(1)
  for _, suffix in ipairs { ".db", ".db-wal", ".db-shm" } do os.remove(directory .. suffix) end
  print(rounds .. " rounds, nothing wrong")
  os.exit(0)
end
