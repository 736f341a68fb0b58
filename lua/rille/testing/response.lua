-- A response as a client sees it: status, headers in any case, a body that is read when it is asked for.
local errors = require "rille.error"
local native = require "rille.native"

local Response = {}
Response.__index = Response
Response.__name = "rille.client_response"

local Headers = {
  __index = function(headers, name) return type(name) == "string" and rawget(headers, name:lower()) or nil end,
}

--- new{status, headers = {name, value, …}, url, source = {read(), close()}, history} -> response
function Response.new(parts)
  local headers, cookies = setmetatable({}, Headers), {}
  for i = 1, #parts.headers, 2 do
    local name, value = parts.headers[i]:lower(), parts.headers[i + 1]
    if name == "set-cookie" then cookies[#cookies + 1] = value end
    local before = rawget(headers, name)
    rawset(headers, name, before and before .. ", " .. value or value)
  end
  return setmetatable({ status = parts.status, headers = headers, url = parts.url, set_cookies = cookies,
    source = parts.source, history = parts.history or native.array {} }, Response)
end

--- res:bytes() -> the whole body; may be asked for again
function Response:bytes()
  if self.body then return self.body end
  if not self.source then error("the body was read or closed already", 2) end
  local pieces = {}
  for chunk in self.source.read, self.source do pieces[#pieces + 1] = chunk end
  self.body = table.concat(pieces)
  self:close()
  return self.body
end

Response.text = Response.bytes

--- res:json() -> value; raises code "json"
function Response:json() return native.json_decode(self:bytes()) end

--- res:chunks() -> iterator over the body as it arrives
function Response:chunks()
  local source = self.source
  if not source then error("the body was read or closed already", 2) end
  return function() return source:read() end, nil, nil, self
end

--- res:raise_for_status() -> res; raises code "status" from 400 on
function Response:raise_for_status()
  if self.status < 400 then return self end
  error(errors.new("status", ("%d from %s"):format(self.status, self.url), { status = 502, response = self }), 0)
end

function Response:close()
  if self.source then self.source:close() end
  self.source = nil
end

Response.__close = Response.close

return Response
