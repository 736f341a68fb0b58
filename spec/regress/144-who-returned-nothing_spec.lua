-- Where a handler forgot to return, the log named the route and not the line; where a middleware did, it named the handler.
local native = require "rille.native.core"
local rille = require "rille"
local testing = require "rille.testing"

describe("what returns no response is named by file and line", function()
  local app
  before_each(function() app = rille.app() end)

  -- The line of the function is the one that calls line().
  local function line() return debug.getinfo(2, "l").currentline end

  local function logs(path, wanted, at, status)
    native.take_log()
    assert.equal(status or 500, testing.client(app):get(path).status)
    assert.matches(("spec/regress/144-who-returned-nothing_spec.lua:%d: %s"):format(at, wanted), native.take_log(), 1, true)
  end

  it("a handler, whatever stands around it", function()
    local at = line() + 1
    local function forgets() end
    app:converter("num", { pattern = "%d+", parse = tonumber })
    app:get("/plain", forgets)
    app:get("/timed", forgets, { timeout = 5 })
    app:get("/used", forgets, { use = { function(req, handler) return handler(req) end } })
    app:get("/parsed/{n:num}", forgets, { timeout = 5 })
    for _, path in ipairs { "/plain", "/timed", "/used" } do
      logs(path, ("the handler of GET %s returned nothing: return a string or a response"):format(path), at)
    end
    logs("/parsed/7", "the handler of GET /parsed/{n:num} returned nothing", at)
  end)

  it("or returns something else", function()
    local at = line()
    app:get("/table", function() return {} end)
    app:get("/status", function() return "x", 1000 end)
    app:get("/many", function() return 1, 2, 3 end)
    logs("/table", "the handler of GET /table returned a table: return a string or a response", at + 1)
    logs("/status", "the handler of GET /status returned 1000 as the status: an integer from 200 to 599 was expected", at + 2)
    logs("/many", "the handler of GET /many returned 3 values: a body and a status at most", at + 3)
  end)

  it("a middleware", function()
    app:get("/", function() return "x" end)
    local at = line() + 1
    app:use(function(req, handler) handler(req) end)
    logs("/", "a middleware around GET / returned nothing: return a string or a response", at)
  end)

  it("an on_error", function()
    local at = line() + 1
    app:on_error(404, function() end)
    logs("/nowhere", "the handler of on_error returned nothing", at, 404)
  end)
end)
