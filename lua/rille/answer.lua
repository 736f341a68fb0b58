-- Answers to errors: a program's on_error handlers, or a plain standard answer. What was unexpected is a 500 with an opaque id;
-- its message and traceback go to the log only.
local errors = require "rille.error"
local native = require "rille.native"

local M = {}

--- What an on_error handler returns: as a handler's, but its status is the error's unless given.
function M.by_handler(handler, req, err, label)
  local results = table.pack(handler(req, err))
  if results.n >= 1 and type(results[1]) == "string" and results[2] == nil then results[2], results.n = err.status, 2 end
  local res = native.to_response(label or "on_error", table.unpack(results, 1, results.n))
  if results.n < 2 and res.status == 200 then res.status = err.status end
  return res
end

local function copy_headers(res, err)
  if type(err.headers) ~= "table" then return res end
  for name, value in pairs(err.headers) do res:header(name, value) end
  return res
end

-- Logged once; the id is what a user can quote.
local function log_unexpected(req, err)
  local id = native.random_id()
  native.log("error", "a handler failed", {
    id = id, method = req.method, path = req.path, route = req.route, error = tostring(err),
    traceback = err.traceback or native.error_trace(err.cause == nil and err or err.cause),
  })
  return id
end

--- The standard answer. Messages of 5xx are never sent.
function M.standard(_, err, id)
  local status = err.status
  local text = native.status_text(status)
  if status >= 500 then
    text = ("%d: %s%s"):format(status, text, id and (" (" .. id .. ")") or "")
  else
    text = ("%d: %s"):format(status, err.message or text)
  end
  return native.text(text .. "\n", status)
end

--- on_error of the outermost app: whatever was raised becomes a response.
function M.to_error(app, req, raised)
  local err = errors.wrap(raised)
  local id = err.status >= 500 and (err.status == 500 or err.traceback) and log_unexpected(req, err) or nil
  err.id = id
  local handler = app:find_error_handler(err)
  if handler then
    local res, failure = native.try(M.by_handler, handler, req, err)
    if res then return copy_headers(res, err) end
    log_unexpected(req, failure)
    err = errors.new(500)
  end
  return copy_headers(M.standard(req, err, id), err)
end

return M
