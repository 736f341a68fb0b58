-- rille.request_id{}: req.id in a header of the response, for whoever compares logs. The id that a proxy sends is taken over
-- where that is asked for.
local native = require "rille.native.http"
local options = require "rille.options"

--- rille.request_id{header="X-Request-ID", trust=false} -> middleware
return function(opts)
  local given = options.only(opts, { header = "string", trust = "boolean" }, "request_id")
  local header = given.header or "X-Request-ID"
  if header:find "[^%w-]" or header == "" then options.raise "request_id: header is a header's name" end

  local function finish(req, res) res:header(header, req.id) end

  return function(req, handler)
    local sent = given.trust and req.headers[header]
    if sent and #sent <= 128 and sent:find "^[%w_.:-]+$" then native.request_keep(req, "id", sent) end
    native.request_finish(req, finish)
    return handler(req)
  end
end
