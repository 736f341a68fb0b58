-- What an ACME server complains of: problem documents (RFC 7807, RFC 8555 section 6.7), as an error value with one line for
-- people.
--
--   err.code "acme"   err.problem "rateLimited"   err.retry_after 3600   err.challenge true: another kind of challenge may do
local errors = require "rille.error"

local M = {}

local MOST = 500 -- bytes of a detail: the log need not hold what a server says at length
local PREFIX = "urn:ietf:params:acme:error:"

local function short(value)
  local text = type(value) == "string" and value or ""
  return #text > MOST and text:sub(1, MOST) .. "…" or text
end

--- kind(document) -> "rateLimited", or the type as it is
function M.kind(document)
  local kind = type(document) == "table" and short(document.type) or ""
  return kind:sub(1, #PREFIX) == PREFIX and kind:sub(#PREFIX + 1) or kind
end

-- "dns: no such host", and the same of each name where there are several
local function describe(document, depth)
  if type(document) ~= "table" then return "no reason given" end
  local text = short(document.detail)
  local kind = M.kind(document)
  if text == "" then text = short(document.title) end
  if kind ~= "" then text = text == "" and kind or ("%s (%s)"):format(text, kind) end
  local parts = { text ~= "" and text or "no reason given" }
  for i, sub in ipairs(depth == 0 and type(document.subproblems) == "table" and document.subproblems or {}) do
    if i > 10 then parts[#parts + 1] = "…" break end
    local identifier = type(sub) == "table" and type(sub.identifier) == "table" and short(sub.identifier.value) or ""
    parts[#parts + 1] = (identifier ~= "" and identifier .. ": " or "") .. describe(sub, 1)
  end
  return table.concat(parts, "; ")
end

--- describe(document) -> one line
function M.describe(document) return describe(document, 0) end

--- new(message, fields) -> error value
function M.new(message, fields)
  fields = fields or {}
  fields.status = 502
  return errors.new("acme", message, fields)
end

--- raise(message, fields)
function M.raise(message, fields) error(M.new(message, fields), 0) end

return M
