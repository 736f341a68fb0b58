-- Answers to errors: a program's on_error handlers, or a plain standard answer. What was unexpected is a 500 with an opaque id;
-- its message and traceback go to the log only.
local errors = require "rille.error"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"
local vary = require "rille.vary"

local M = {}

--- Makes a response of what an on_error handler returned. It is as a handler's, but its status is the error's unless given.
function M.by_handler(handler, req, err, label)
  local results = table.pack(handler(req, err))
  if results.n >= 1 and type(results[1]) == "string" and results[2] == nil then results[2], results.n = err.status, 2 end
  local res = native_http.to_response(label or "on_error", handler, table.unpack(results, 1, results.n))
  if results.n < 2 and res.status == 200 then res.status = err.status end
  return res
end

--- copy_headers(res, err) -> res with the headers that the error has brought
function M.copy_headers(res, err)
  if type(err.headers) ~= "table" then return res end
  for _, name in ipairs(options.sorted(err.headers)) do res:header(name, err.headers[name]) end
  return res
end

M.FAILED = "a handler failed"

-- Logged once; the id is what a user can quote.
local function log_unexpected(req, err)
  local id = req.id
  native.log("error", M.FAILED, {
    id = id, method = req.method, path = req.path, route = req.route, error = tostring(err),
    traceback = err.traceback or native.error_trace(err.cause == nil and err or err.cause),
  })
  return id
end

-- Returns the format the client wants: what it accepts, else JSON if it has sent some, else text.
local function language_of(req)
  local says = req:accepts("text/plain", "text/html", "application/json")
  if says ~= "application/json" and req.content_type == "application/json" and req:accepts "application/json" then
    return "application/json"
  end
  return says
end

-- As JSON: what of the error a client may see.
local function as_json(err, status)
  local own = status < 500
  return native_http.json({ error = { status = status, code = err.code, id = err.id,
    message = own and err.message or native_http.status_text(status), failures = own and err.failures or nil } }, status)
end

-- One line for people. Messages of 5xx are never sent.
local function line_of(err)
  local text, status = native_http.status_text(err.status), err.status
  if status >= 500 then return ("%d: %s%s"):format(status, text, err.id and (" (" .. err.id .. ")") or "") end
  return ("%d: %s"):format(status, err.message or text)
end

local page = [[
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title></head>
<body><h1>%s</h1></body>
</html>
]]

--- The standard answer: a page, JSON or a line of text, as the client asks.
function M.standard(req, err)
  local language = language_of(req)
  local res
  if language == "application/json" then
    res = as_json(err, err.status)
  elseif language == "text/html" then
    local title, line = native.html_escape(native_http.status_text(err.status)), native.html_escape(line_of(err))
    res = native_http.html(page:format(title, line), err.status)
  else
    res = native_http.text(line_of(err) .. "\n", err.status)
  end
  vary(res, "Accept")
  return res
end

-- Answers with a program's handler, or nil where there is none or it failed itself (which is logged, and in development shown).
local function try_handler(app, req, err, label)
  local handler = app:find_error_handler(err)
  if not handler then return nil end
  local res, failure = native.try(M.by_handler, handler, req, err, label)
  if res then return M.copy_headers(res, err) end
  failure.id = log_unexpected(req, failure)
  return M.develop and M.develop(app, req, failure, failure)
end

-- Notes what nobody expected: errors without a status of their own, and those that carry a traceback.
local function note(req, err)
  if err.status >= 500 and not err.id and (err.status == 500 or err.traceback or err.code == "memory") then
    err.id = log_unexpected(req, err)
  end
end

--- on_error of a mounted app: a response, or nil where the error goes on to its parent.
function M.by_app(app, req, err, label)
  if not app:find_error_handler(err) then return nil end
  note(req, err)
  return try_handler(app, req, err, label)
end

--- on_error of the outermost app: whatever was raised becomes a response.
function M.to_error(app, req, raised)
  local err = errors.wrap(raised)
  note(req, err)
  local res = M.develop and err.id and M.develop(app, req, err, raised) -- `rille dev` alone sets it (rille/dev/record.lua)
  if res then return M.copy_headers(res, err) end
  res = try_handler(app, req, err)
  if res then return res end
  return M.copy_headers(M.standard(req, err), err)
end

return M
