-- rille.limit{rate=, burst=, by=}: so many requests a second for each client, a few more at once, then 429 with Retry-After.
-- The counts are C's and shared by all workers of the process (runtime/server/limit.h).
local errors = require "rille.error"
local native = require "rille.native.http"
local options = require "rille.options"

-- Workers load the same program, so the third limit of one is the third of all.
local made = 0

local function by_client(req) return native.client_key(req.remote) end

--- rille.limit{rate=requests a second, burst=rate, by=function(req) return key end, name=} -> middleware. The key is the
--- client's address unless said; nil is not limited. Limits of one name share their counts.
return function(opts)
  local given = options.only(opts, { rate = "number", burst = "number", by = "function", name = "string" }, "limit")
  local rate, burst, by = given.rate, given.burst or math.max(given.rate or 1, 1), given.by or by_client
  if not rate or rate <= 0 or rate ~= rate then options.raise "limit: rate is how many requests a second, more than 0" end
  if burst < 1 then options.raise "limit: burst is how many requests at once, at least 1" end
  made = made + 1
  local name = given.name and "named " .. given.name or ("%d at %s"):format(made, options.caller())
  return function(req, handler)
    local key = by(req)
    if key == nil then return handler(req) end
    local seconds = native.limit_take(name, tostring(key), rate, burst)
    if seconds then
      errors.abort(429, "too many requests, try again later",
        { headers = { ["Retry-After"] = ("%d"):format(math.ceil(seconds)) } })
    end
    return handler(req)
  end
end
