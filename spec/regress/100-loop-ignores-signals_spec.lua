-- An endless loop was ended by nothing but kill -9: signals were heard of in the loop that it held up.
-- runtime/vm/task/heartbeat.c
local rille = require "rille"
local scratch = require "spec.support.scratch"

local loops = {
  ["a plain loop"] = "while true do end",
  ["a loop of pcall"] = "local function loop() while true do end end while true do pcall(loop) end",
  ["a loop in coroutines"] = "while true do pcall(coroutine.wrap(function() while true do end end)) end",
  ["a pattern"] = "while true do pcall(string.find, ('a'):rep(60), ('a-'):rep(20) .. 'b') end",
  ["a comparator"] = "table.sort({ 3, 2, 1 }, function() while true do end end)",
  ["a __close"] = "local x <close> = setmetatable({}, { __close = function() while true do end end })",
  ["a finalizer"] = "setmetatable({}, { __gc = function() while true do end end }) collectgarbage()",
}

local function sorted(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("an endless loop", function()
  local files
  before_each(function() files = scratch.new() end)
  after_each(function() files:close() end)

  local function program(name, source)
    files:write(name, 'local function looping() io.open("looping", "w"):write "yes":close() end\n' .. source)
  end

  -- Starts `rille ARGS` and sends it the signals once it loops; with a path, once it was asked for that. Returns the exit
  -- status and what it printed.
  local function stop(signals, args, path)
    files:write("go", ([[
timeout --foreground -s KILL 60 sh -c 'echo $$ > pid; exec "$@"' - env SEEN=1 %s %s
echo "status=$?"]]):format(files.rille, args))
    local run = rille.spawn(function() return files:run("sh", "go") end)
    if path then
      local url
      repeat url = files:wait_for("run-1"):match "http://127.0.0.1:%d+" rille.sleep(0.01) until url
      rille.spawn(function() rille.try(rille.fetch, url .. path) end)
    end
    files:wait_for "looping"
    for _, signal in ipairs(signals) do
      os.execute(("kill -%s %s"):format(signal, files:wait_for "pid"))
      rille.sleep(0.05)
    end
    local output = run:wait()
    return math.tointeger(tonumber(output:match "status=(%d+)")), output
  end

  for _, name in ipairs(sorted(loops)) do
    it("is ended by a second signal: run, " .. name, function()
      program("loop.lua", "looping() " .. loops[name])
      assert.equal(130, (stop({ "INT", "INT" }, "run loop.lua")))
    end)

    it("is ended by a second signal: serve, " .. name, function()
      program("app.lua", ([[
local app = require("rille").app()
app:get("/", function() looping() %s end)
return app]]):format(loops[name]))
      assert.equal(143, (stop({ "TERM", "TERM" }, "serve app.lua --port 0", "/")))
    end)

    if name == "a loop of pcall" or name == "a pattern" then
      it("in `rille run` is interrupted by the first one: " .. name, function()
        program("loop.lua", "looping() " .. loops[name])
        local status, output = stop({ "TERM" }, "run loop.lua")
        assert.equal(143, status, output)
        assert.matches("loop.lua:2: in", output, 1, true) -- the log says where it was
      end)
    end
  end

  local commands = { "serve app.lua --port 0", "dev app.lua --port 0", "routes app.lua", "check app.lua", "console app.lua" }
  it("under a supervisor is ended by a second signal", function()
    program("app.lua", [[
local app = require("rille").app()
app:get("/", function() looping() while true do end end)
return app]])
    assert.equal(143, (stop({ "TERM", "TERM" }, "serve app.lua --supervise --port 0", "/")))
  end)

  it("while a program loads is no failure where one signal ends it", function()
    program("app.lua", "looping() while true do end")
    local status, output = stop({ "TERM" }, "serve app.lua --port 0")
    assert.equal(0, status, output)
    assert.not_matches("told to stop", output)
  end)

  for _, command in ipairs(commands) do
    it("at the top level of a program is ended by a second signal: " .. command, function()
      program("app.lua", "looping() while true do end")
      assert.equal(143, (stop({ "INT", "TERM" }, command)))
    end)
  end

  it("in a lifespan is ended by a second signal", function()
    program("app.lua", [[
local app = require("rille").app()
app:lifespan(function(_, running) looping() while true do end running() end)
return app]])
    assert.equal(143, (stop({ "TERM", "TERM" }, "serve app.lua --port 0")))
  end)

  it("in a worker beside the first is ended by a second signal", function()
    program("app.lua", [[
local rille = require "rille"
local app = rille.app()
app:lifespan(function(_, running)
  if rille.worker.id == 2 then looping() while true do end end
  running()
end)
return app]])
    assert.equal(143, (stop({ "TERM", "TERM" }, "serve app.lua --port 0 --threads 2")))
  end)

  it("at the top level of a spec is ended by a second signal", function()
    program("loop_spec.lua", "looping() while true do end")
    assert.equal(130, (stop({ "INT", "INT" }, "test loop_spec.lua")))
  end)

  it("in a test is ended by a second signal", function()
    program("loop_spec.lua", ([[it("loops", function() looping() %s end)]]):format(loops["a finalizer"]))
    assert.equal(130, (stop({ "INT", "INT" }, "test loop_spec.lua")))
  end)

  it("in a handler is answered with 503 when the time to drain is over", function()
    program("app.lua", ([[
local app = require("rille").app()
app:get("/", function() looping() %s end)
return app]]):format(loops["a loop of pcall"]))
    local status, output = stop({ "TERM" }, "serve app.lua --port 0 --shutdown-timeout 0.3", "/")
    assert.equal(0, status, output)
    assert.matches('"GET / HTTP/1.1" 503', output, 1, true)
  end)
end)
