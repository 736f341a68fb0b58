-- The blog of the tutorial: pages and a JSON API over one SQLite file.
local rille = require "rille"

return function(settings)
  local app = rille.app { templates = { "templates", trim_blocks = true, lstrip_blocks = true } }
  app:static("/static", "app/static")

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "blog.db")
    db:migrate "app/migrations"
    self.state.db = db
    running()
  end)

  require "app.routes.pages"(app)
  app:mount("/api", require "app.routes.api"())
  return app
end
