-- A worker that ends has dropped its writes, and yet waited until the writer had passed them; the writer waited for a
-- transaction of another worker, whose thread waited for that one to end.
local scratch = require "spec.support.scratch"

describe("serve", function()
  it("stops while a reload waits for a transaction of another worker", function()
    local files <close> = scratch.new()
    files:write("app.lua", [[
      local rille = require "rille"
      local app = rille.app()
      app:lifespan(function(self, running)
        local db <close> = rille.sqlite.open "x.db"
        db:exec "CREATE TABLE IF NOT EXISTS t(a)"
        if rille.worker.id == 1 and not io.open "begun" then
          app:background(function()
            while not io.open "go" do rille.sleep(0.02) end
            db:transaction(function(tx)
              tx:exec "INSERT INTO t VALUES (1)"
              io.open("begun", "w"):write("yes"):close()
              rille.sleep(600)
            end)
          end)
        end
        running()
      end)
      return app
    ]])
    local said = files:run("sh", "-c", [[
      until_true() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -gt 1500 ] && exit 9; sleep 0.02; done; }
      timeout --foreground -s KILL 60 ]] .. files.rille .. [[ serve app.lua --port 0 --threads 2 \
        --shutdown-timeout 0.2 > log 2>&1 &
      until_true "grep -q listening log"
      echo go > go
      until_true "[ -s begun ]"
      kill -HUP $!
      until_true "grep -q 'writes wait for a transaction' log"
      kill -TERM $!
      wait $!
      echo "exit $?"]])
    assert.equal("exit 0\n", said, files:read "log")
    assert.matches("begun_at=app.lua:9", files:read "log", 1, true)
  end)
end)
