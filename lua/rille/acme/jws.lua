-- JSON Web Signatures as ACME wants them (RFC 8555 section 6.2): flattened JSON, ES256.
local native = require "rille.native.core"

local M = {}

local encode = native.base64url_encode

--- base64url(bytes) -> text
M.base64url = encode

--- sha256(text) -> 32 bytes
function M.sha256(text)
  return (native.sha256(text):gsub("..", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- public_key(key) -> JWK of its public half
function M.public_key(key)
  local x, y = native.ec_key_public(key)
  return { crv = "P-256", kty = "EC", x = encode(x), y = encode(y) }
end

--- thumbprint(key) -> text; the order of the members is part of it (RFC 7638 section 3)
function M.thumbprint(key)
  local jwk = M.public_key(key)
  return encode(M.sha256(('{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}'):format(jwk.x, jwk.y)))
end

--- sign(key, header, payload) -> JSON text; `header` lacks alg; payload "" stands for POST-as-GET
function M.sign(key, header, payload)
  header.alg = "ES256"
  local protected, body = encode(native.json_encode(header)), encode(payload)
  return native.json_encode { protected = protected, payload = body,
    signature = encode(native.ec_key_sign(key, protected .. "." .. body)) }
end

return M
