-- The program: what it opens, how it tells errors, and the routes.
local rille = require "rille"

return function(settings)
  local app = rille.app { name = "NAME" }

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "NAME.db")
    db:migrate "app/migrations"
    self.state.db = db
    running()
  end)

  -- Every error in one form, whatever the client accepts. What is our fault stays in the log, under the id.
  app:on_error("*", function(_, err)
    local message = err.status < 500 and err.message or "internal error"
    return rille.json { error = { code = err.code, message = message, failures = err.failures, id = err.id } }
  end)

  app:mount("/notes", require "app.routes.notes"())
  app:get("/healthz", rille.healthz {
    database = function(req) return req.app.state.db:value "SELECT 1" end,
  })
  return app
end
