local rille = require "rille"
local app = rille.app()
app:get("/", function() return "hello" end)
return app
