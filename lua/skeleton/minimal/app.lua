-- rille dev, and http://127.0.0.1:8080 follows each save.
local rille = require "rille"

local app = rille.app()

app:get("/", function(req)
  return "Hello, " .. (req.query.name or "NAME") .. "!"
end)

return app
