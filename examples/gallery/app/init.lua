-- A gallery: everybody looks, users upload. What answers is in app/routes.lua; what stands around it is here.
local rille = require "rille"

return function(settings)
  local app = rille.app { secret = settings.secret or os.getenv "SECRET" }
  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "gallery.db")
    db:migrate "app/migrations"
    self.state.db = db
    running()
  end)
  app:use(rille.security_headers {})
  app:use(rille.session {})
  app:use(rille.csrf {})
  app:static("/static", "static", { max_age = 3600 })
  require "app.routes"(app)
  return app
end
