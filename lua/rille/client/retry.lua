-- Decides whether a request is sent again, and when. Off unless `retries` says how often.
--
--   failures that come and go: no connection, reset, connect and read timeouts; 408, 429, 500, 502, 503, 504
--   a request that may change something (POST, PATCH without an Idempotency-Key) only where it cannot have been carried
--   out: no connection came about, or 429
--
-- Delays double from 0.1 s to 30 s, each drawn between half and all of that, so that many clients do not come back at once.
-- Retry-After is honoured; one that leads past the deadline of the request is an answer, not a reason to wait.
local body = require "rille.client.body"
local dates = require "rille.client.date"
local native = require "rille.native.core"

local M = {}

local FIRST, MOST = 0.1, 30
local passing = { [408] = true, [429] = true, [500] = true, [502] = true, [503] = true, [504] = true }
local idempotent = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true, DELETE = true, QUERY = true }

--- is_idempotent(method, headers): may be sent twice (RFC 9110 section 9.2.2)
function M.is_idempotent(method, headers)
  return idempotent[method] or headers["idempotency-key"] ~= nil
end

local function never_left(err) return err.code == "connect" or (err.code == "timeout" and err.phase == "connect") end

local function has_passed(err)
  return never_left(err) or err.code == "reset" or (err.code == "timeout" and err.phase == "read")
end

--- wants(req, res, err) -> whether another attempt may end better
function M.wants(req, res, err)
  if not body.may_go_again(req.body) then return false end
  local safe = M.is_idempotent(req.method, req.headers)
  if err then return type(err) == "table" and (never_left(err) or (safe and has_passed(err))) end
  return res.status == 429 or (safe and passing[res.status] or false)
end

local function retry_after(res)
  local value = res and res.headers["retry-after"]
  if not value then return nil end
  if value:find "^%d+$" then return tonumber(value) end
  local date = dates.parse(value)
  return date and math.max(0, date - native.time())
end

--- delay(attempt, res) -> seconds to wait after attempt number `attempt`
function M.delay(attempt, res)
  local most = math.min(MOST, FIRST * 2 ^ (attempt - 1))
  return retry_after(res) or most * (0.5 + math.random() / 2)
end

return M
