-- A serving process that is told to stop, at every step of its life: it ends with status 0, what was opened is closed, and
-- nobody is told of an error.
-- runtime/cli/serve.c, runtime/cli/worker_thread.c, runtime/cli/generation.c, runtime/bind/core/main.c
-- runtime/app/main.c
local processes = require "spec.support.process"
local rille = require "rille"
local scratches = require "spec.support.scratch"

local program = [[
local rille = require "rille"
local app = rille.app()
local function say(text)
  local file = io.open("said", "a")
  file:write(text, " ", rille.worker.id, "\n")
  file:close()
end
local function exists(name) local file = io.open(name) return file and file:close() end
-- A step that takes until the stop where a file says so.
local function step(name)
  say(name)
  if exists("stay-at-" .. name) then rille.sleep(1000) end
end
step "load"
app:lifespan(function(_, running)
  local held <close> = setmetatable({}, { __close = function() rille.sleep(0.01) say "closed" end })
  step "start"
  running()
  if exists "stay-at-end" then rille.sleep(0.5) end
  say "end"
end)
app:lifespan(function(_, running)
  step "second"
  running()
end)
app:get("/", function() return "hello" end)
app:get("/slow", function() rille.sleep(0.7) return "slow" end)
app:get("/endless", function() rille.sleep(1000) end)
return app
]]

describe("a server that is told to stop", function()
  local place
  before_each(function()
    place = scratches.new()
    place:write("app.lua", program)
  end)
  after_each(function() place:close() end)

  local function said(what)
    local _, times = (place:read "said" or ""):gsub("%f[%w]" .. what .. " ", "")
    return times
  end

  local function start(threads, ...)
    return processes.start(place, { "serve", "app.lua", "--port", "0", "--threads", threads, ... })
  end

  local function until_said(process, what, times)
    process:until_true(what .. " said", function() return said(what) >= times end)
  end

  -- A busy machine makes the stall guard warn, which is no failure: the log without these warnings and their tracebacks.
  local function without_stalls(log)
    local kept, drops = {}, false
    for line in log:gmatch "[^\n]+" do
      if line:find "^%d" then drops = line:find("a task has run for", 1, true) ~= nil end
      if not drops then kept[#kept + 1] = line end
    end
    return table.concat(kept, "\n")
  end

  local function ends_well(process)
    process:signal "TERM"
    assert.equal(0, process:wait(), process:log())
    assert.equal(said "start", said "closed", "each lifespan that began is closed")
    local log = without_stalls(process:log())
    assert.is_nil(log:find "traceback" or log:find "cancelled:" or log:find " error ", log)
  end

  for _, threads in ipairs { 1, 2 } do
    describe(("with %d threads"):format(threads), function()
      it("while the program loads", function()
        place:write("stay-at-load", "")
        local process <close> = start(threads)
        until_said(process, "load", 1)
        ends_well(process)
      end)

      it("while a lifespan starts, the first or a later one", function()
        for _, name in ipairs { "start", "second" } do
          os.remove(place:path "said")
          place:write("stay-at-" .. name, "")
          local process <close> = start(threads)
          until_said(process, name, 1)
          ends_well(process)
          os.remove(place:path("stay-at-" .. name))
        end
      end)

      it("while it serves", function()
        local process <close> = start(threads)
        process:url()
        ends_well(process)
        assert.equal(threads, said "end")
      end)

      it("while a reload loads, or its lifespans start", function()
        for _, name in ipairs { "load", "start", "second" } do
          os.remove(place:path "said")
          local process <close> = start(threads)
          process:url()
          place:write("stay-at-" .. name, "")
          process:signal "HUP"
          until_said(process, name, 2 * threads)
          ends_well(process)
          assert.is_true(said "end" >= threads, "the code that served has ended as it should")
          os.remove(place:path("stay-at-" .. name))
        end
      end)

      it("at any moment of a reload that goes well", function()
        for step = 0, 8 do
          os.remove(place:path "said")
          local process <close> = start(threads)
          process:url()
          process:signal "HUP"
          rille.sleep(step * 0.004)
          ends_well(process)
          assert.is_true(said "end" >= threads)
        end
      end)

      it("while requests of the code before a reload are under way: they are answered", function()
        local process <close> = start(threads)
        local url = process:url()
        local slow = rille.spawn(function() return rille.fetch(url .. "/slow"):text() end)
        rille.sleep(0.1)
        process:signal "HUP"
        process:says("info  reloaded", threads)
        ends_well(process)
        assert.equal("slow", slow:wait())
        assert.equal(2 * threads, said "end")
      end)

      it("while the code before a reload ends", function()
        local process <close> = start(threads)
        process:url()
        place:write("stay-at-end", "")
        process:signal "HUP"
        process:says("info  reloaded", threads)
        rille.sleep(0.1)
        ends_well(process)
        assert.equal(2 * threads, said "end")
      end)
    end)
  end

  it("is heard once more while a thread waits for a write that another worker's transaction holds up", function()
    place:write("app.lua", [[
      local rille = require "rille"
      local app = rille.app()
      app:lifespan(function(self, running)
        local db <close> = rille.sqlite.open "k.db"
        db:exec "CREATE TABLE IF NOT EXISTS t (a)"
        self.state.db = db
        running()
      end)
      app:post("/hold", function(req)
        if rille.worker.id == 2 then return "not me" end
        local db = req.app.state.db
        req.app:background(function()
          db:transaction(function(tx) tx:exec "INSERT INTO t VALUES (1)" rille.sleep(30) end)
        end)
        return "held"
      end)
      return app
    ]])
    local process <close> = start(2, "--shutdown-timeout", "1")
    local url = process:url()
    process:until_true("transaction of worker 1", function()
      return rille.fetch(url .. "/hold", { method = "POST", headers = { Connection = "close" } }):text() == "held"
    end)
    process:signal "HUP"
    process:says "reloading"
    rille.sleep(0.3)
    process:signal "TERM"
    assert.equal(0, process:wait(), process:log())
    assert.is_nil(process:log():find "traceback", process:log())
  end)

  it("cancels what is under way at the timeout, with an answer", function()
    local process <close> = start(1, "--shutdown-timeout", "0.2")
    local url = process:url()
    local endless = rille.spawn(function()
      local res = rille.fetch(url .. "/endless")
      return res.status, res.headers["Connection"]
    end)
    rille.sleep(0.1)
    ends_well(process)
    assert.same({ 503, "close" }, { endless:wait() })
    assert.matches("GET /endless[^\n]+ 503 ", process:output())
  end)

  it("reloads once it serves where SIGHUP came while it was loading", function()
    local waits = 'step "load" if not exists "once" then io.open("once", "w"):close() rille.sleep(0.3) end'
    place:write("app.lua", (program:gsub('step "load"', waits)))
    local process <close> = start(1)
    until_said(process, "load", 1)
    process:signal "HUP"
    process:says "info  reloaded"
    ends_well(process)
  end)
end)

describe("a program that ends by itself", function()
  it("is asked nothing more, answers what it has begun, and ends the process", function()
    local place <close> = scratches.new()
    place:write("app.lua", [[
      local rille = require "rille"
      local native = require "rille.native.core"
      local ended = rille.event()
      native.wait_stop = function()
        ended:wait()
        error "nobody asked for this"
      end
      local app = rille.app()
      app:get("/end", function() ended:set() return "ends" end)
      app:get("/slow", function() rille.sleep(1) return "slow" end)
      return app
    ]])
    local process <close> = processes.start(place, { "serve", "app.lua", "--port", "0" })
    local url = process:url()
    local slow = rille.spawn(function() return rille.fetch(url .. "/slow"):text() end)
    rille.fetch(url .. "/end")
    process:until_true("503", function() return rille.fetch(url .. "/").status == 503 end)
    assert.equal("slow", slow:wait())
    assert.equal(1, process:wait())
    assert.matches("nobody asked for this", process:log())
  end)
end)
