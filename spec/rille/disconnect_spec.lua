-- runtime/app/serving.c
-- runtime/app/handle.c
local rille = require "rille"
local testing = require "rille.testing"

describe("a handler whose client leaves", function()
  local app, events, db, inside, clock
  before_each(function()
    clock = testing.clock() -- a FIN alone may be a half-close: the server gives it two seconds
    app, events, inside = rille.app(), {}, rille.event()
    db = testing.database "app/migrations"
  end)

  local function note(event) events[#events + 1] = event end
  local function held(name)
    return setmetatable({}, { __close = function(_, err)
      rille.sleep(0) -- cleanup may wait
      note(name .. ": " .. tostring(err))
    end })
  end
  local function posts() return db:value "SELECT count(*) FROM posts" end
  local insert = "INSERT INTO posts(title, text, owner, editor) VALUES ('t', 'x', 'o', 'o')"

  -- Asks over a real connection, and leaves once the handler is inside.
  local function ask_and_leave(path, opts)
    local server = testing.server(app)
    local asking = rille.spawn(rille.fetch, server.url .. (path or "/"), opts)
    inside:wait()
    asking:cancel()
    pcall(asking.wait, asking)

  end

  local function until_true(f)
    for _ = 1, 1000 do
      if f() then return end
      clock:advance(0.1)
    end
    error("it never happened", 2)
  end
  local function until_noted(n) until_true(function() return #events >= n end) end

  it("is cancelled where it waits, and its __close runs, which may wait", function()
    app:get("/", function()
      local guard <close> = held "handler" -- luacheck: ignore 211
      inside:set()
      rille.sleep(1e6)
      note "never"
    end)
    ask_and_leave()
    until_noted(1)
    assert.equal(1, #events)
    assert.matches("^handler: cancelled", events[1])
  end)

  it("has its transaction rolled back, and the next one goes on", function()
    app:get("/", function()
      local guard <close> = held "handler" -- luacheck: ignore 211
      db:transaction(function(tx)
        tx:exec(insert)
        inside:set()
        rille.sleep(1e6)
      end)
    end)
    ask_and_leave()
    until_noted(1)
    assert.equal(0, posts())
    db:exec(insert)
    assert.equal(1, posts())
  end)

  it("takes its children with it", function()
    app:get("/", function()
      rille.all(function()
        local guard <close> = held "child" -- luacheck: ignore 211
        rille.sleep(1e6)
      end, function()
        inside:set()
        rille.sleep(1e6)
      end)
    end)
    ask_and_leave()
    until_noted(1)
    assert.matches("^child: cancelled", events[1])
  end)

  it("finishes what it has shielded", function()
    app:get("/", function()
      local guard <close> = held "handler" -- luacheck: ignore 211
      rille.shield(function()
        inside:set()
        rille.sleep(0.05)
        db:exec(insert)
      end)
      rille.sleep(1e6)
    end)
    ask_and_leave()
    until_noted(1)
    assert.equal(1, posts())
  end)

  it("gives back its place in a semaphore and its call to another server", function()
    local semaphore = rille.semaphore(1)
    local slow = rille.app()
    local upstream = {}
    slow:get("/", function()
      local guard <close> = setmetatable({}, { __close = function() upstream[1] = "left" end }) -- luacheck: ignore 211
      inside:set()
      rille.sleep(1e6)
    end)
    local other = testing.server(slow)
    app:get("/", function()
      local guard <close> = held "handler" -- luacheck: ignore 211
      semaphore:with(function() rille.fetch(other.url) end)
    end)
    ask_and_leave()
    until_noted(1)
    assert.equal("free", semaphore:with(function() return "free" end))
    until_true(function() return upstream[1] end)
  end)

  it("is told where it reads a body that never comes", function()
    app:post("/", function(req)
      local guard <close> = held "handler" -- luacheck: ignore 211
      inside:set()
      req:text()
    end)
    local first = true
    ask_and_leave("/", { method = "POST", body = function()
      if first then
        first = false
        return "some"
      end
      rille.sleep(1e6)
    end })
    until_noted(1)
    assert.equal(1, #events)
    assert.matches("^handler: ", events[1])
  end)

  it("is cancelled in process too, when the client of a test is closed", function()
    app:get("/", function()
      local guard <close> = held "handler" -- luacheck: ignore 211
      inside:set()
      rille.sleep(1e6)
    end)
    local client = testing.client(app)
    local asking = rille.spawn(client.get, client, "/")
    inside:wait()
    asking:cancel()
    pcall(asking.wait, asking)
    client:close()
    until_noted(1)
    assert.equal(1, #events)
    assert.matches("^handler: cancelled", events[1])
  end)

  it("is not disturbed by a client that leaves once it has its answer; other requests never are", function()
    app:get("/", function() return "at once" end)
    app:get("/slow", function()
      inside:set()
      rille.sleep(1)
      return "slow"
    end)
    local server = testing.server(app)
    local slow = rille.spawn(function() return rille.fetch(server.url .. "/slow"):text() end)
    inside:wait()
    for _ = 1, 5 do assert.equal("at once", rille.fetch(server.url):text()) end
    clock:advance(1)
    assert.equal("slow", slow:wait())
  end)
end)
