-- Carries a request: below redirects, cookies and retries, above the wire.
--
--   transport(req, left) -> status, headers, source       left: seconds until the request's deadline, or nil
--
--   req      {method, url, location (see url.lua), headers (a list, see headers.lua), body (string or streamed, see body.lua,
--            or nil), settings}
--   headers  as client_headers of rille.native.client makes them; source as response.lua says. response.parts{…} makes all three.
--
-- The default one is a pool of connections (bind/client/pool.c). A client may be given another (testing.client asks an app),
-- and tests may put one in the place of the default for a while (testing.mock).
local errors = require "rille.error"
local native = require "rille.native.core"
local retry = require "rille.client.retry"
local urls = require "rille.client.url"

local M = {}
local overrides = {} -- the last one is in force
local instead        -- of the default transport: that one's, or nil

local function fail(req, code, status, format, ...)
  error(errors.new(code, ("%s %s: "):format(req.method, req.url:match "^[^?#]*") .. format:format(...),
    { status = status, url = req.url, method = req.method }), 0)
end

local function wrong_length(req, how, length)
  fail(req, "invalid", 500, "the body is %s than its Content-Length, %d bytes", how, length)
end

-- Of an iterator nothing is left for a second time: a hook that sends again would send an empty body.
local function take_once(req)
  if req.body.sent then fail(req, "invalid", 500, "its body came from an iterator and is gone") end
  req.body.sent = not req.body.again
end

-- Runs in the task that asked: an iterator may wait and fail there. What the other side no longer wants is not made, and a
-- body that is cut off there is not ended as if it were whole.
local function send_body(transfer, req, length)
  local sent, wanted = 0, true
  req.body.send(function(bytes)
    sent = sent + #bytes
    if length and sent > length then wrong_length(req, "longer", length) end
    wanted = transfer:send(bytes)
    return wanted
  end)
  if not wanted then return end
  if length and sent < length then wrong_length(req, "shorter", length) end
  transfer:send_end()
end

local Unsent = { __close = function(unsent, err)
  if err ~= nil and unsent.transfer then unsent.transfer:close() end
end }

-- With the credentials that answer a digest challenge.
local function with_digest(route, digest)
  local own = {}
  for name, value in pairs(route or {}) do own[name] = value end
  own.user, own.password = digest[1], digest[2]
  return own
end

-- Sent while the answer is awaited: that may come before all of it is there.
local function stream(pool, req, left, route)
  local length = req.length or req.body.length
  local unsent <close> = setmetatable({ transfer = false }, Unsent) -- there before there is anything to close
  local transfer = pool:start(req.method, urls.of(req), req.headers, true, req.settings.limits, left,
    retry.is_idempotent(req.method, req.headers), route, length)
  unsent.transfer = transfer
  send_body(transfer, req, length)
  local status, head = transfer:head()
  return status, head, transfer
end

--- over(pool) -> transport
function M.over(pool)
  return function(req, left)
    local settings, body = req.settings, req.body
    local route = req.digest and with_digest(settings.route, req.digest) or settings.route
    if type(body) == "table" then return stream(pool, req, left, route) end
    return pool:request(req.method, req.location or urls.of(req), req.headers, body, settings.limits, left,
      retry.is_idempotent(req.method, req.headers), route)
  end
end

-- A transport without a wire keeps the deadline by a scope around it.
local function within(left, transport, req)
  if not left then return transport(req, left) end
  local results = table.pack(native.try(native.timeout, left, transport, req, left))
  local err = results[2]
  if results[1] ~= nil then return table.unpack(results, 1, results.n) end
  if err.code == "timeout" and not err.phase then
    err.phase, err.url, err.method = "total", req.url, req.method
    err.message = ("%s %s: took too long"):format(req.method, req.url:match "^[^?#]*")
  end
  error(err, 0)
end

-- Lets no more than body_limit of a body through, as the wire does.
local Limited = {}
Limited.__index = Limited

function Limited:next()
  local bytes = self.source:next()
  self.left = self.left - (bytes and #bytes or 0)
  if self.left >= 0 then return bytes end
  self.source:close()
  fail(self.req, "too_large", 502, "the body is larger than body_limit")
end

function Limited:close() return self.source:close() end

-- A transport without connections keeps what a client promises all the same: the address policy, as far as a URL tells; the
-- deadline; the limit of a body.
local function run_other(other, client, req, left)
  local limit = req.settings.body_limit
  if req.settings.guarded then client.open():look(req.method, urls.of(req)) end
  if not limit then return within(left, other, req) end
  local status, head, source = within(left, other, req)
  return status, head, setmetatable({ source = source, left = limit, req = req }, Limited)
end

--- run(client, req, left) -> status, headers, source
function M.run(client, req, left)
  if type(req.body) == "table" then take_once(req) end
  local other = client.transport or instead
  if other then return run_other(other, client, req, left) end
  return client.carry(req, left)
end

--- override(transport) -> function that takes it back
function M.override(transport)
  local own = { transport = transport }
  overrides[#overrides + 1], instead = own, transport
  return function()
    for i, one in ipairs(overrides) do
      if one == own then table.remove(overrides, i) break end
    end
    instead = overrides[1] and overrides[#overrides].transport
  end
end

return M
