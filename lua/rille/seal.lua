-- Values that a client may carry and cannot read or forge: rille.seal and rille.unseal, by the secret of the running app.
local App = require "rille.app"
local errors = require "rille.error"
local native = require "rille.native.core"
local secret = require "rille.secret"

local M = {}

local function ring()
  local found, wrong = secret.ring(App.current())
  if not found then error(errors.new("secret", wrong), 0) end
  return found
end

local function check_purpose(what, purpose)
  if type(purpose) ~= "string" or purpose == "" then
    error(what .. ": say what it is for: a purpose such as 'reset', a string", 3)
  end
  return "seal " .. purpose
end

--- rille.seal(value, purpose) -> text that is safe in a URL. The value is a string of any bytes, or what JSON can hold.
function M.seal(value, purpose)
  local full = check_purpose("seal", purpose)
  if value == nil then error("seal: there is nothing to seal", 2) end
  local bytes = type(value) == "string" and "s" .. value or "j" .. native.json_encode(value)
  return native.seal(ring(), full, bytes)
end

--- rille.unseal(text, purpose, max_age) -> the value, or nil: forged, cut off, for another purpose, or older than max_age
--- seconds.
function M.unseal(text, purpose, max_age)
  local full = check_purpose("unseal", purpose)
  if text == nil then return nil end
  local bytes = native.unseal(ring(), full, text, max_age)
  if not bytes then return nil end
  if bytes:sub(1, 1) == "s" then return bytes:sub(2) end
  return native.json_decode(bytes:sub(2))
end

--- rille.verify_signature(secret, body, signature) -> boolean: what GitHub and many others send with a webhook, the
--- HMAC-SHA256 of the body in hex, with or without "sha256=" before it. An absent signature is a wrong one.
function M.verify_signature(key, body, signature)
  if type(key) ~= "string" or key == "" then error("verify_signature: the secret is a string, not an empty one", 2) end
  if type(signature) ~= "string" then return false end
  return native.secure_compare(native.hmac_sha256(key, body), signature:gsub("^sha256=", ""):lower())
end

return M
