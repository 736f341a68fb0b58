-- Error values: tables {status, code, message, cause, traceback} with a __tostring. The C core raises the same ones.
local classes = require "rille.names.classes"
local mistake = require "rille.mistake"
local native = require "rille.native.core"
local native_http = require "rille.native.http"

local M = {}
local meta = native.error_meta()

local codes = {
  [400] = "bad_request", [401] = "unauthorized", [403] = "forbidden", [404] = "not_found", [405] = "method_not_allowed",
  [406] = "not_acceptable", [408] = "timeout", [409] = "conflict", [410] = "gone", [412] = "precondition_failed",
  [413] = "too_large", [415] = "unsupported", [416] = "range", [417] = "expectation_failed", [421] = "misdirected",
  [422] = "invalid", [429] = "too_many_requests", [500] = "error", [501] = "not_implemented", [502] = "bad_gateway",
  [503] = "busy", [504] = "timeout", [507] = "full",
}

local statuses = {}
for status, code in pairs(codes) do
  if code ~= "timeout" then statuses[code] = status end
end

local function status_text(status)
  local text = native_http.status_text(status)
  return text ~= "" and text or "Error"
end

--- rille.error(status or code, message, fields) -> error value, not raised.
--- @param kind integer|string  an HTTP status from 400 to 599, or a short lower-case word
--- @param message string?      defaults to the status's text
--- @param fields table?        more fields: cause, headers, …
function M.new(kind, message, fields, level)
  local err = {}
  if fields ~= nil and type(fields) ~= "table" then
    mistake.raise("an error's fields are a table such as {post = 7}, got a %s", type(fields))
  end
  for key, value in pairs(fields or {}) do err[key] = value end
  if type(kind) == "string" and type(message) == "number" then
    mistake.raise("an error's status or code comes first: %s, then the message, '%s'", message, kind)
  end
  if message ~= nil and type(message) == "table" and getmetatable(message) == nil then
    mistake.raise("an error's message is a string, got a table: fields are the third argument, "
      .. 'rille.abort(409, "taken", {…})')
  end
  if math.type(kind) == "integer" then
    if kind < 400 or kind > 599 then error("an error's status is from 400 to 599, got " .. kind, (level or 1) + 1) end
    err.status, err.code = kind, err.code or codes[kind] or "error"
  elseif type(kind) == "string" then
    if kind:find "^%d+$" then
      mistake.raise("an error's status is a number: %s, got the string '%s'", kind, kind)
    end
    if kind:find "%s" then
      mistake.raise("an error's code is one word such as 'conflict', got '%s': a message is the second "
        .. "argument, after a status", kind)
    end
    err.status, err.code = err.status or native.error_status(kind) or statuses[kind] or 500, kind
  else
    classes.check_colon(kind, "rille.abort")
    error("an error needs a status or a code, got a " .. type(kind), (level or 1) + 1)
  end
  err.message = message == nil and status_text(err.status) or tostring(message)
  return setmetatable(err, meta)
end

--- rille.abort(status, message, fields): raises such an error value.
function M.abort(kind, message, fields) error(M.new(kind, message, fields, 2), 0) end

function M.is(value) return getmetatable(value) == meta end

M.wrap = native.wrap_error

return M
