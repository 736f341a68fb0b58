-- rille.auth: who asks, by the Authorization header (RFC 7617, RFC 6750). Middleware that calls the program's own check and
-- keeps what that returns as req.state.user; without it, 401 and what is expected.
local errors = require "rille.error"
local native = require "rille.native.core"
local options = require "rille.options"
local traits = require "rille.traits"

local M = {}

local function check(opts, what)
  local given = options.only(opts, { verify = "function", realm = "string" }, what)
  if not given.verify then options.raise("%s: verify is a function", what) end
  if given.realm and given.realm:find '[%c"\\]' then options.raise("%s: the realm holds no quotes", what) end
  return given.verify, given.realm or "restricted"
end

local function refuse(challenge)
  errors.abort(401, "authentication is needed", { headers = { ["WWW-Authenticate"] = challenge } })
end

-- The credentials of a scheme, or nil.
local function credentials(req, scheme)
  local kind, text = (req.headers.authorization or ""):match "^(%S+) +(%S+)$"
  return kind and kind:lower() == scheme and text or nil
end

local function decode_basic(text)
  local bytes = native.base64url_decode((native.trim_right(text, "="):gsub("+", "-"):gsub("/", "_")))
  if not bytes or not native.utf8_valid(bytes) then return nil end
  return bytes:match "^([^:]*):(.*)$"
end

--- rille.auth.basic{verify=function(name, password, req) return user end, realm=} -> middleware
function M.basic(opts)
  local verify, realm = check(opts, "auth.basic")
  local challenge = ('Basic realm="%s", charset="UTF-8"'):format(realm)
  return function(req, handler)
    local text = credentials(req, "basic")
    local name, password = nil, nil
    if text then name, password = decode_basic(text) end
    local user = name and verify(name, password, req)
    if not user then refuse(challenge) end
    req.state.user = user
    return handler(req)
  end
end

--- rille.auth.bearer{verify=function(token, req) return user end, realm=} -> middleware
function M.bearer(opts)
  local verify, realm = check(opts, "auth.bearer")
  return function(req, handler)
    local token = credentials(req, "bearer")
    local user = token and verify(token, req)
    if not user then refuse(('Bearer realm="%s"%s'):format(realm, token and ', error="invalid_token"' or "")) end
    req.state.user = user
    return handler(req)
  end
end

for name in pairs(M) do traits.is_maker(M[name], "rille.auth." .. name, ("rille.auth.%s{verify=}"):format(name)) end

return M
