-- The blog of the tutorial: pages with accounts and pictures, and a JSON API, over one SQLite file.
local rille = require "rille"

return function(settings)
  local app = rille.app {
    name = "Blog",
    secret = settings.secret or os.getenv "SECRET",
    templates = { "templates", trim_blocks = true, lstrip_blocks = true },
  }

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or os.getenv "DATABASE" or "blog.db")
    db:migrate "app/migrations"
    self.state.db = db
    running()
  end)

  app:use(rille.security_headers {})
  app:use(rille.session {})
  app:use(rille.csrf {})
  require "app.middleware.pages"(app)

  app:static("/static", "app/static", { max_age = 3600 })
  require "app.routes.account"(app)
  require "app.routes.pages"(app)
  app:mount("/api", require "app.routes.api"())
  return app
end
