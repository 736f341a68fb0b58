-- A program in which every task waits for another hung in silence.
-- runtime/vm/inspect.c, runtime/cli/program.c
local processes = require "spec.support.process"
local scratch = require "spec.support.scratch"

describe("a program in which all tasks wait for each other", function()
  local place
  before_each(function() place = scratch.new() end)
  after_each(function() place:close() end)

  local function ends(source, ...)
    place:write("program.lua", source)
    local process <close> = processes.start(place, { ... })
    return process:wait(), process:log(), process:output()
  end

  it("ends with status 1, the tree of tasks, and its cleanup", function()
    local status, log, output = ends([[
      local rille = require "rille"
      local a, b = rille.channel(), rille.channel()
      local held <close> = setmetatable({}, { __close = function() rille.sleep(0.01) print "closed" end })
      rille.group(function(g)
        g:spawn(function() a:receive() b:send(1) end)
        g:spawn(function() b:receive() a:send(1) end)
      end)]], "run", "program.lua")
    assert.equal(1, status)
    assert.matches("all tasks are waiting, and nothing is left that could wake one of them", log)
    assert.matches("#1 main: waits for a task, [%d.]+ s, at program.lua:4\n *#2 spawned at program.lua:5: waits for a channel, "
      .. "[%d.]+ s, at program.lua:5\n *#3 spawned at program.lua:6: waits for a channel", log)
    assert.equal("closed\n", output)
  end)

  it("ends even where its cleanup waits for ever", function()
    local status = ends([[
      local rille = require "rille"
      pcall(function() rille.event():wait() end)
      rille.shield(function() rille.event():wait() end)]], "run", "program.lua")
    assert.equal(1, status)
  end)

  it("does not start to serve", function()
    for _, threads in ipairs { 1, 2 } do
      local status, log = ends([[
        local rille = require "rille"
        local app = rille.app()
        app:lifespan(function(_, running)
          if rille.worker.id == rille.worker.count then rille.event():wait() end
          running()
        end)
        return app]], "serve", "program.lua", "--port", "0", "--threads", threads)
      assert.equal(1, status)
      assert.matches("#2 main: waits for an event, [%d.]+ s, at program.lua:4", log)
    end
  end)

  it("is not one that waits for a thread, a timer, a socket or a child", function()
    local status, log, output = ends([[
      local rille = require "rille"
      local testing = require "rille.testing"
      local db <close> = rille.sqlite.open "x.db"
      db:exec "CREATE TABLE t (a)"
      local app = rille.app()
      app:get("/", function() rille.sleep(0.05) return "hello" end)
      local server <close> = testing.server(app)
      print(rille.password.verify("x", rille.password.hash "x"), rille.offload("math", "sqrt", 4), rille.fetch(server.url):text())
      rille.sleep(0.05)
      rille.fetch("http://localhost:1/", { timeout = 1, method = "HEAD" })]], "run", "program.lua")
    assert.equal("true\t2.0\thello\n", output)
    assert.equal(1, status)
    assert.matches("could not connect", log)
  end)
end)
