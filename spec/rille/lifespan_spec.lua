-- runtime/bind/core/main.c, runtime/cli/worker_thread.c
-- runtime/app/main.c
local rille = require "rille"
local settle = require "spec.support.settle"
local lifespan = require "rille.lifespan"
local native = require "rille.native.core"
local scratch = require "spec.support.scratch"

describe("a lifespan", function()
  local app, events
  before_each(function() app, events = rille.app(), {} end)

  local function note(event) events[#events + 1] = event end

  local function add(to, name)
    to:lifespan(function(_, running)
      note(name .. " starts")
      rille.sleep(0)
      running()
      rille.sleep(0)
      note(name .. " ends")
    end)
  end

  it("starts before anything listens, in order of registration, mounted ones behind their parent's; ends in reverse", function()
    local sub = rille.app()
    add(sub, "sub")
    add(app, "first")
    app:mount("/sub", sub)
    add(app, "second")
    local started = lifespan.start(app)
    assert.same({ "first starts", "second starts", "sub starts" }, events)
    events = {}
    assert.is_true(started:stop())
    assert.same({ "sub ends", "second ends", "first ends" }, events)
  end)

  it("is given its app, and keeps <close> variables open until the stop", function()
    app:lifespan(function(self, running)
      assert.equal(app, self)
      local held <close> = setmetatable({}, { __close = function() note "closed" end }) -- luacheck: ignore 211
      self.state.db = "open"
      running()
      note "after running"
    end)
    local started = lifespan.start(app)
    assert.same({ "open", {} }, { app.state.db, events })
    started:stop()
    assert.same({ "after running", "closed" }, events)
  end)

  it("may keep tasks of its own, which end with it", function()
    app:lifespan(function(_, running)
      rille.spawn(function()
        local held <close> = setmetatable({}, { __close = function() note "closed" end }) -- luacheck: ignore 211
        rille.sleep(1000)
      end)
      running()
    end)
    local started = lifespan.start(app)
    settle()
    started:stop()
    assert.same({ "closed" }, events)
  end)

  it("that fails to start ends those that have started, and raises", function()
    add(app, "first")
    app:lifespan(function() error("no disk", 0) end)
    add(app, "third")
    assert.error_matches(function() lifespan.start(app) end, "no disk")
    assert.same({ "first starts", "first ends" }, events)
  end)

  it("that fails at its end is logged; the others still end", function()
    add(app, "first")
    app:lifespan(function(_, running)
      running()
      error "at the end"
    end)
    local started = lifespan.start(app)
    native.take_log()
    assert.is_false(started:stop())
    assert.matches("a lifespan failed at its end.*at the end", native.take_log())
    assert.same({ "first starts", "first ends" }, events)
  end)

  it("that never calls running() fails to start, and says where it stands", function()
    add(app, "first")
    app:lifespan(function() note "once" end)
    local line = debug.getinfo(1, "l").currentline - 1
    local _, err = rille.try(lifespan.start, app)
    assert.equal(("spec/rille/lifespan_spec.lua:%d: this lifespan ended without having called running()"):format(line),
      tostring(err))
    assert.same({ "first starts", "once", "first ends" }, events)
  end)

  it("cannot call running() twice", function()
    app:lifespan(function(_, running)
      running()
      note(select(2, pcall(running)))
    end)
    lifespan.start(app):stop()
    assert.matches("called twice", events[1])
  end)

  it("that is starting when whoever starts it is cancelled ends too, and those before it", function()
    add(app, "first")
    app:lifespan(function()
      local held <close> = setmetatable({}, { __close = function() rille.sleep(0) note "closed" end }) -- luacheck: ignore 211
      note "second starts"
      rille.sleep(1000)
    end)
    local starting = rille.spawn(lifespan.start, app)
    repeat rille.sleep(0) until events[2]
    starting:cancel()
    assert.equal("cancelled", select(2, rille.try(starting.wait, starting)).code)
    assert.same({ "first starts", "second starts", "closed", "first ends" }, events)
  end)

  it("is a function", function() assert.has_error(function() app:lifespan "x" end) end)

  describe("of a server", function()
    local files
    before_each(function() files = scratch.new() end)
    after_each(function() files:close() end)

    it("runs in each worker, worker 1's first; its end runs at SIGTERM", function()
      files:write("app.lua", [[
        local rille = require "rille"
        local app = rille.app()
        local function say(text)
          local file = io.open("said", "a")
          file:write(text, rille.worker.id, " ")
          file:close()
        end
        app:lifespan(function(_, running)
          if rille.worker.id == 1 then rille.sleep(0.1) end
          say "start"
          running()
          rille.sleep(0.01)
          say "end"
        end)
        return app
      ]])
      local output = files:run(([[sh -c '
        %s serve app.lua --port 0 --threads 2 2> log & pid=$!
        for i in $(seq 500); do grep -qs listening log && break; sleep 0.02; done
        kill -TERM $pid; wait $pid; echo "status $?"']]):format(files.rille))
      assert.equal("status 0\n", output)
      assert.matches("^start1 start2 end%d end%d $", files:read "said")
    end)

    it("that fails to start is exit status 1, with the error, and nothing listens", function()
      files:write("app.lua", [[
        local app = require("rille").app()
        app:lifespan(function() error "the database is gone" end)
        return app
      ]])
      local output = files:run(([[sh -c '%s serve app.lua --port 0; echo "status $?"']]):format(files.rille))
      assert.matches("app.lua:2: the database is gone", output, 1, true)
      assert.matches("status 1\n$", output)
      assert.not_matches("listening", output)
    end)
  end)
end)
