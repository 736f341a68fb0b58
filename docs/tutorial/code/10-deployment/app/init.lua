local rille = require "rille"

return function(given)
  local settings = next(given) and given or require("app.settings").from_environment()
  local app = rille.app { secret = settings.secret }
  if #settings.proxies > 0 then app:use(rille.trust_proxy(settings.proxies)) end
  app:use(rille.request_id {})
  app:use(rille.security_headers {})

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database)
    db:exec "CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)"
    self.state.db = db
    running()
  end)

  app:get("/", function(req)
    local number = req.app.state.db:value("INSERT INTO visits (at) VALUES (unixepoch()) RETURNING id")
    return ("You are visitor %d, by %s from %s.\n"):format(number, req.scheme, req.remote)
  end)

  -- Whether this process can do its work: what it needs is asked, not only whether it runs.
  app:get("/healthz", rille.healthz {
    database = function(req) return req.app.state.db:value "SELECT 1" end,
  })

  return app
end
