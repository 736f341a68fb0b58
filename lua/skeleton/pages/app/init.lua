-- The program: what it opens, what stands around its routes, and the routes.
local rille = require "rille"

return function(settings)
  local app = rille.app { secret = settings.secret or os.getenv "SECRET" }

  app:use(rille.security_headers())
  app:use(rille.session())
  app:use(rille.csrf())
  app:static("/static", "static")

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "NAME.db")
    db:migrate "app/migrations"
    self.state.db = db
    running()
  end)

  require "app.routes.notes"(app)
  app:get("/healthz", function() return "ok" end)
  return app
end
