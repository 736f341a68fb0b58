-- Serves what script/docs has built: `rille serve docs/site`.
local rille = require "rille"

return function(settings)
  local app = rille.app()
  app:use(rille.security_headers {})
  app:use(rille.compress {})
  app:static("/", settings.directory or os.getenv "DOCS" or "../build/docs", { max_age = 60 })
  return app
end
