-- A request whose write had begun could not be cancelled when the process ended, and its memory was never given back. A build
-- with the leak sanitizer ends with another status then; any other build only shows that it ends.
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
      req.app.state.db:exec([=[INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3000000)
        SELECT max(x) FROM c]=])
      return "written"
    end)
    app:background(function()
      while not io.open "log" do rille.sleep(0.02) end
      local url
      repeat
        rille.sleep(0.02)
        url = io.open "log":read "a":match "http://[%d.:]+"
      until url
      for _ = 1, 3 do app:background(function() rille.fetch(url .. "/", { raise = false }):close() end) end
    end)
    return app
  ]])
  local said = files:run("sh", "-c", [[
    timeout --foreground -s KILL 60 ]] .. files.rille .. [[ serve app.lua --port 0 --shutdown-timeout 0.2 > log 2>&1 &
    n=0; until [ -s begun ]; do n=$((n + 1)); [ $n -gt 1500 ] && exit 9; sleep 0.02; done
    sleep 0.2
    kill -TERM $!
    wait $!
    echo "exit $?"]])
  assert.equal("exit 0\n", said, files:read "log")
end)
