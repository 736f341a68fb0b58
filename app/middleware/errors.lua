-- Errors of the API in its own format. What is our fault stays in the log: the client gets the id it stands under there.
local rille = require "rille"

return function(api)
  api:on_error("*", function(_, err)
    local reason = err.status < 500 and err.message or "internal error"
    return rille.json { status = "failed", reason = reason, id = err.id }
  end)
end
