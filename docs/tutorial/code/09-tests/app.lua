local rille = require "rille"
local weather = require "weather"

return function(settings)
  local app = rille.app()

  app:lifespan(function(self, running)
    local db <close> = rille.sqlite.open(settings.database or "weather.db")
    db:migrate "migrations"
    self.state.db = db
    local watching
    if rille.worker.id == 1 and settings.city then watching = rille.spawn(weather.watch, db, settings.city, 3600) end
    running()
    if watching then watching:cancel() end
  end)

  app:get("/{city}", function(req)
    local degrees = weather.average(req.app.state.db, req.params.city) or rille.abort(404, "nothing is known of it")
    return rille.json { city = req.params.city, average = degrees }
  end)

  return app
end
