-- Options as people write them: an address in brackets, --help after the name of the program. And a SIGHUP that comes early.
-- runtime/cli/options.c, runtime/cli/serve.c
local processes = require "spec.support.process"
local rille = require "rille"
local scratch = require "spec.support.scratch"

describe("the command line", function()
  local place
  before_each(function()
    place = scratch.new()
    place:write("app.lua", "local app = require('rille').app() app:get('/', function() return 'hello' end) return app")
  end)
  after_each(function() place:close() end)

  local function says(...) return place:run(place.rille, ...) end

  it("takes an address as URLs have it, and no port in it", function()
    for _, host in ipairs { "127.0.0.1:8080", "localhost:80", "[::1]:8080", "[]", "[::1", "" } do
      local output = says("serve", "app.lua", "--host", host)
      assert.matches("--host: expected a name or an address, without a port (--port), got '" .. host .. "'", output, 1, true)
    end
    local output = place:run("env HOST=[::1]:80 " .. place.rille, "serve", "app.lua")
    assert.matches("HOST in the environment: expected a name", output)
    local six = io.open "/proc/net/if_inet6"
    if not six or not (six:read "a"):find " lo\n" then return end
    local process <close> = processes.start(place, { "serve", "app.lua", "--port", "0" }, { env = "HOST='[::1]'" })
    assert.equal("hello", rille.fetch(process:url()):text())
    assert.matches("^http://%[::1%]:%d+$", process:url())
  end)

  it("shows the help of a command wherever it is asked for, but not where that is the script's", function()
    place:write("script.lua", "print(...)")
    for _, words in ipairs { { "serve", "--help" }, { "serve", "app.lua", "--help" }, { "serve", "app.lua", "--port", "1", "-h" },
      { "check", "app.lua", "--help" }, { "dev", "-h" }, { "run", "--help" }, { "migrate", "--help" } } do
      assert.matches("^usage: rille " .. words[1], says(table.unpack(words)))
    end
    assert.equal("--help\n", says("run", "script.lua", "--help"))
  end)

  it("has switches without a value", function()
    assert.matches("--supervise: expected no value, got 'yes'", says("serve", "app.lua", "--supervise=yes"), 1, true)
    assert.matches("rille dev has one worker", says("dev", "app.lua", "--supervise"))
  end)

  it("keeps a SIGHUP that comes while the server starts", function()
    place:write("app.lua", "require('rille').sleep(0.3) return require('rille').app()")
    local process <close> = processes.start(place, { "serve", "app.lua", "--port", "0" })
    process:until_true("mask", function() -- as soon as it can be held back
      local file = io.open("/proc/" .. process.pid .. "/status")
      local text = file and file:read "a" or ""
      if file then file:close() end
      local blocked = tonumber(text:match "SigBlk:%s*(%x+)" or "0", 16)
      local caught = tonumber(text:match "SigCgt:%s*(%x+)" or "0", 16)
      return (blocked | caught) & 1 == 1 and text:find "Name:%s*rille"
    end)
    process:signal "HUP"
    process:says "info  reloaded"
    process:signal "TERM"
    assert.equal(0, process:wait(), process:log())
  end)
end)
