-- The methods of `req` that read well in Lua; fields and bodies are C's (bind/http/request.c).
local coding = require "rille.coding"
local names = require "rille.names"
local native = require "rille.native.core"
local native_http = require "rille.native.http"

local methods = native_http.request_methods

-- Whoever writes a template may look at the request. What leads to the whole program, or changes more than the page, is not
-- theirs (template/value.lua).
for _, name in ipairs { "app", "parts", "chunks", "clear_session", "renew_session" } do
  native_http.request_hidden[name] = true
end

--- req:text() -> the whole body as UTF-8, without a byte order mark
function methods.text(req)
  coding.check_content(req)
  coding.check_charset(req.charset)
  return coding.unmarked(coding.to_utf8(methods.bytes(req), req.charset))
end

--- req:json{null=} -> the decoded body; Content-Type does not matter. Raises status 400, code "json". null: a member that is
--- null is rille.null, not absent.
function methods.json(req, opts)
  coding.check_content(req)
  return native.json_decode(methods.bytes(req), opts)
end

--- req:url_for(name, params, query) -> absolute URL
function methods.url_for(req, name, params, query)
  return ("%s://%s%s"):format(req.scheme, req.host, req.app:url_for(name, params, query))
end

--- req:accepts("text/html", "application/json") -> the one the client likes best, or nil. Without Accept: the first.
function methods.accepts(req, ...)
  local accept = req.headers.accept
  if not accept or accept == "" then return (...) end
  local best, best_q = nil, 0
  for i = 1, select("#", ...) do
    local wanted = select(i, ...)
    local q = native_http.accept_quality(accept, wanted)
    if q > best_q then best, best_q = wanted, q end
  end
  return best
end

-- Methods of modules that are loaded when first used. The first call loads the module, which replaces these with its own; it says
-- so if the middleware is missing.
local brought = {
  renew_session = "rille.session", clear_session = "rille.session", flash = "rille.session", flashes = "rille.session",
  csrf_token = "rille.csrf", csrf_field = "rille.csrf", csp_nonce = "rille.security_headers",
}
for name, module in pairs(brought) do
  methods[name] = function(req, ...)
    require(module)
    return methods[name](req, ...)
  end
end

function native_http.request_getters.session(req)
  require "rille.session"
  return native_http.request_getters.session(req)
end

--- is_one(value): whether it may be a request
local function is_one(value) return type(value) == "userdata" end

--- keeps(…): names under which the library keeps something with a request; they may be absent
function native_http.request_keeps(...)
  for _, name in ipairs { ... } do native_http.request_kept[name] = true end
end

native_http.request_keeps "guarded by csrf" -- pages ask for it too

names.known("req", methods, { "method", "path", "raw_path", "target", "url", "query", "headers", "params", "content_type",
  "charset", "content_length", "remote", "scheme", "host", "version", "route", "id", "trailers", "app", "state", "session",
  "cookies", "client_certificate" }, is_one)

function native_http.request_getters.cookies(req)
  local cookies = native_http.cookies(req.headers.cookie or "")
  native_http.request_keep(req, "cookies", cookies)
  return cookies
end

--- req.client_certificate -> what the client's certificate says, nil without one; kept, because the connection may end before the
--- handler does
function native_http.request_getters.client_certificate(req)
  local certificate = native_http.client_certificate(req)
  if certificate then native_http.request_keep(req, "client_certificate", certificate) end
  return certificate
end

return methods
