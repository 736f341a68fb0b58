-- A request whose write had begun could not be cancelled when the process ended, and its memory was never given back. A build
-- with the leak sanitizer says so; any other build only shows that it ends.
local rille = require "rille"
local scratch = require "spec.support.scratch"

it("a process that is stopped in the middle of writes ends as it should", function()
  local files <close> = scratch.new()
  files:write("app.lua", [[
    local rille = require "rille"
    local app = rille.app()
    app:lifespan(function(self, running)
      local db <close> = rille.sqlite.open "x.db"
      db:exec "CREATE TABLE t(a)"
      self.state.db = db
      running()
    end)
    app:get("/", function(req)
      io.open("begun", "w"):write("yes"):close()
      req.app.state.db:exec([=[INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 600000)
        SELECT max(x) FROM c]=])
      return "written"
    end)
    return app
  ]])
  local run = rille.spawn(function()
    return files:run("sh", "-c", "echo $$ > pid; exec timeout --foreground -s KILL 60 " .. files.rille
      .. " serve app.lua --port 0 --shutdown-timeout 0.2 > log 2>&1")
  end)
  local url
  repeat url = (files:wait_for "log"):match "http://[%d.:]+" rille.sleep(0.01) until url
  for _ = 1, 3 do rille.spawn(function() rille.try(rille.fetch, url .. "/") end) end
  files:wait_for "begun"
  rille.sleep(0.1)
  os.execute("kill -TERM " .. files:wait_for "pid")
  run:wait()
  assert.not_matches("Sanitizer", files:read "log")
end)
