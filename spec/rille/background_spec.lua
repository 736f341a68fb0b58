local rille = require "rille"
local background = require "rille.background"
local native = require "rille.native.core"
local testing = require "rille.testing"

describe("app:background", function()
  local app, events, clock
  before_each(function()
    app, events = rille.app(), {}
    clock = testing.clock()
  end)

  local function note(event) events[#events + 1] = event end

  it("outlives its request, with its arguments", function()
    app:get("/", function(req)
      req.app:background(function(a, b)
        rille.sleep(5)
        note(a + b)
      end, 1, 2)
      return "at once"
    end)
    local client = testing.client(app)
    assert.equal("at once", client:get("/"):text())
    assert.same({}, events)
    clock:advance(5)
    assert.same({ 3 }, events)
  end)

  it("is waited for at the stop, as long as there is time", function()
    app:background(function()
      rille.sleep(2)
      note "done"
    end)
    local stop = rille.spawn(background.finish, 10)
    clock:advance(3)
    stop:wait()
    assert.same({ "done" }, events)
  end)

  it("is cancelled when the time is up, and may clean up", function()
    app:background(function()
      local held <close> = setmetatable({}, { __close = function(_, err) -- luacheck: ignore 211
        rille.sleep(1)
        note(err.message)
      end })
      rille.sleep(100)
    end)
    local stop = rille.spawn(background.finish, 2)
    clock:advance(5)
    stop:wait()
    assert.same({ "cancelled: the server is stopping" }, events)
  end)

  it("is waited for by a spec, with what it starts itself", function()
    clock:close()
    app:background(function()
      rille.sleep(0.01)
      note "one"
      app:background(function()
        rille.sleep(0.01)
        note "two"
      end)
    end)
    testing.background()
    assert.same({ "one", "two" }, events)
    testing.background()
  end)

  it("that fails is logged once", function()
    native.take_log()
    app:background(function() error "behind the scenes" end)
    clock:advance(1)
    collectgarbage()
    collectgarbage()
    local log = native.take_log()
    assert.equal(1, select(2, log:gsub("behind the scenes", "")), log)
  end)
end)
