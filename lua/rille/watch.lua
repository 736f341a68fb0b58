-- For those who watch a server from outside: what it has done, and whether it is well.
--
--   app:get("/metrics", rille.metrics)
--   app:get("/healthz", rille.healthz { database = function(req) return req.app.state.db:value "SELECT 1" end })
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"

local M = {}

--- rille.metrics: a handler that answers with the counts of all workers in Prometheus' text format
function M.metrics()
  local res = native_http.text(native_http.metrics_text())
  return res:header("Content-Type", "text/plain; version=0.0.4; charset=utf-8"):header("Cache-Control", "no-store")
end

local PATIENCE = 5 -- seconds; who asks does not wait longer either

-- Runs a check. Returns false if it raises, returns false, or takes too long.
local function run(name, check, req)
  local ok, err = native.try(native.timeout, PATIENCE, function()
    if check(req) == false then error("it said no", 0) end
    return true
  end)
  if not ok then native.log("warn", "a health check failed", { check = name, error = tostring(err) }) end
  return ok == true
end

--- rille.healthz(checks) -> handler: 200 {"status": "ok"} while every check(req) is content, else 503 with "failed" beside
--- the names of those that are not. A check may wait, for 5 seconds. What went wrong is in the log, not in the answer.
function M.healthz(checks)
  checks = checks or {}
  if type(checks) ~= "table" then options.raise("healthz: a table of checks was expected, got a %s", type(checks)) end
  for name, check in pairs(checks) do
    if type(name) ~= "string" or type(check) ~= "function" then options.raise "healthz: names and functions were expected" end
  end
  return function(req)
    local answer, well = { status = "ok" }, true
    for name, check in pairs(checks) do
      local ok = run(name, check, req)
      answer.checks = answer.checks or {}
      answer.checks[name] = ok and "ok" or "failed"
      well = well and ok
    end
    if not well then answer.status = "failed" end
    return native_http.json(answer, well and 200 or 503):header("Cache-Control", "no-store")
  end
end

return M
