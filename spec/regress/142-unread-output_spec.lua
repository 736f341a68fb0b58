-- `rille run x | head -1` never ended where x prints without end: SIGPIPE was ignored, and nothing looks at what print returns.
-- runtime/cli/main.c
local processes = require "spec.support.process"
local rille = require "rille"
local scratch = require "spec.support.scratch"

describe("output that nobody reads any more", function()
  local place
  before_each(function() place = scratch.new() end)
  after_each(function() place:close() end)

  local function statuses(command)
    return place:run(("timeout 20 bash -c '%s; echo ${PIPESTATUS[0]}'"):format(command:gsub("RILLE", place.rille)))
  end

  it("ends a script, as it ends other programs", function()
    place:write("endless.lua", "while true do print 'x' end")
    place:write("flushes.lua", "while true do io.write 'x\\n' io.flush() end")
    assert.equal("x\n141\n", statuses "RILLE run endless.lua | head -1")
    assert.equal("x\n141\n", statuses "RILLE run flushes.lua | head -1")
    assert.equal("141\n", statuses "RILLE run endless.lua | true")
  end)

  it("is not taken for a connection that has gone", function()
    place:write("pipe.lua", [[
      local pipe = io.popen("true", "w")
      require("rille").sleep(0.2)
      print("goes on", pipe:write(("x"):rep(100000)))]])
    assert.matches("goes on\tnil\tBroken pipe\t32\n", (statuses "RILLE run pipe.lua | cat"))
  end)

  it("does not end a server", function()
    place:write("app.lua", "local app = require('rille').app() app:get('/', function() return 'hello' end) return app")
    local process <close> = processes.start(place, { "-c", "exec " .. place.rille .. " serve app.lua --port 0 > >(true)" },
      { program = "bash" })
    local url = process:url()
    for _ = 1, 3 do
      assert.equal("hello", rille.fetch(url):text())
      rille.sleep(0.4) -- its access log is written once a second
    end
    process:signal "TERM"
    assert.equal(0, process:wait(), process:log())
  end)

  it("leaves SIGPIPE to its children as it is", function()
    place:write("child.lua", "os.execute 'yes | head -1'")
    assert.equal("y\n0\n", statuses "RILLE run child.lua 2>&1")
  end)
end)
