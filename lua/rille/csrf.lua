-- rille.csrf{}: a form of another site cannot act for a user of ours. For POST, PUT, PATCH and DELETE, and whatever else is
-- not safe (RFC 9110 section 9.2.1):
--
--   Sec-Fetch-Site says same-origin or none     passes
--   Sec-Fetch-Site says anything else           403
--   else Origin is there                        passes where it names our host, or one that is trusted; else 403
--   neither (an old browser, curl)              passes without a session cookie; with one, the form's token decides
--
-- After Go's CrossOriginProtection (1.25). The token is an HMAC of the session's id (runtime/session/csrf.h): one serves
-- every form of a session, and a new identity has a new one.
local errors = require "rille.error"
local native = require "rille.native.http"
local options = require "rille.options"
local secret = require "rille.secret"
local session = require "rille.session"
local traits = require "rille.traits"

local methods = native.request_methods
local GUARDED = "guarded by csrf" -- under which a request keeps that it has passed this middleware

local safe = { GET = true, HEAD = true, OPTIONS = true, TRACE = true }
local default_port = { http = ":80", https = ":443" }

-- ---- where the request comes from ---------------------------------------------------------------------------------

local function without_default_port(host, scheme)
  local port = default_port[scheme] or ""
  return port ~= "" and host:sub(-#port) == port and host:sub(1, -#port - 1) or host
end

-- The scheme is not compared: with a proxy that speaks https for us it may be another one.
local function is_our_host(req, origin)
  local scheme, host = origin:match "^([%w+.-]+)://([^/]+)$"
  if not scheme then return false end
  return without_default_port(host:lower(), scheme:lower()) == without_default_port(req.host:lower(), scheme:lower())
end

-- true, false, or nil where the client does not say.
local function is_same_origin(req, trusted)
  local origin, site = req.headers.origin, req.headers["sec-fetch-site"]
  if origin == "" then origin = nil end
  if site == "" then site = nil end
  if origin and trusted[origin:lower()] then return true end
  if site then return site == "same-origin" or site == "none" end
  if origin then return is_our_host(req, origin) end
  return nil
end

-- ---- the token ----------------------------------------------------------------------------------------------------

local function ring_of(req)
  local ring, wrong = session.own_ring(req), nil
  if not ring then ring, wrong = secret.ring(req.app) end
  if not ring then error(errors.new("secret", wrong), 0) end
  return ring
end

local forms = { ["application/x-www-form-urlencoded"] = true, ["multipart/form-data"] = true }

local function sent_token(req, config)
  local token = req.headers[config.header]
  if token and token ~= "" then return token end
  token = forms[req.content_type] and req:form()[config.field]
  return type(token) == "string" and token or nil
end

local function has_good_token(req, config)
  local token, id = sent_token(req, config), session.id_of(req)
  return token ~= nil and id ~= nil and native.csrf_check(ring_of(req), id, token)
end

--- req:csrf_token() -> a token for the forms of this session, which is made where there is none; nil without sessions. Raises
--- where rille.csrf is not installed.
function methods.csrf_token(req)
  if not req[GUARDED] then options.raise "req:csrf_token() needs the guard against forged forms: app:use(rille.csrf{})" end
  local id = session.make_id(req)
  return id and native.csrf_token(ring_of(req), id)
end

--- req:csrf_field() -> the hidden input of a form, as HTML; "" where there is no token
function methods.csrf_field(req)
  if not req[GUARDED] then options.raise "req:csrf_field() needs the guard against forged forms: app:use(rille.csrf{})" end
  local token = methods.csrf_token(req)
  if not token then return "" end
  return ('<input type="hidden" name="%s" value="%s">'):format(req[GUARDED].field, token)
end

-- ---- the middleware -----------------------------------------------------------------------------------------------

local function check(req, config)
  local same = is_same_origin(req, config.trusted)
  if same then return end
  if same == false then errors.abort(403, "this request comes from another site") end
  if session.has_cookie(req) and not has_good_token(req, config) then
    errors.abort(403, "the form has expired: go back, load the page again, and send it once more")
  end
end

local function trusted_set(list)
  local set = {}
  for i, origin in ipairs(options.list(list or {}, "csrf: trusted")) do
    if type(origin) ~= "string" or not origin:find "^https?://[^/]+$" then
      options.raise("csrf: trusted[%d] is an origin such as 'https://admin.example.com', got '%s'", i, tostring(origin))
    end
    set[origin:lower()] = true
  end
  return set
end

--- rille.csrf{trusted={origins}, field="csrf_token", header="x-csrf-token"} -> middleware
return function(opts)
  local given = options.only(opts, { trusted = "table", field = "string", header = "string" }, "csrf")
  local config = { trusted = trusted_set(given.trusted), field = given.field or "csrf_token",
    header = (given.header or "x-csrf-token"):lower() }
  if config.field:find "[^%w_.-]" or config.field == "" then options.raise "csrf: field is letters, digits, '_', '.' and '-'" end
  return traits.mark(function(req, handler)
    native.request_keep(req, GUARDED, config)
    if not safe[req.method] then check(req, config) end
    return handler(req)
  end, { needs_secret = true })
end
