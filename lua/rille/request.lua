-- The methods of `req` that read well in Lua; fields and bodies are C's (vm/bind/request.c).
local coding = require "rille.coding"
local native = require "rille.native"

local methods = native.request_methods

-- Whoever writes a template may look at the request. What leads to the whole program, or changes more than the page, is not
-- theirs (template/value.lua).
for _, name in ipairs { "app", "parts", "chunks", "clear_session", "renew_session" } do
  native.request_hidden[name] = true
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
    local q = native.accept_quality(accept, wanted)
    if q > best_q then best, best_q = wanted, q end
  end
  return best
end

function native.request_getters.cookies(req)
  local cookies = native.cookies(req.headers.cookie or "")
  native.request_keep(req, "cookies", cookies)
  return cookies
end

return methods
