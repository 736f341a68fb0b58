-- The methods of `req` that read well in Lua; fields and bodies are C's (vm/bind/request.c).
local errors = require "rille.error"
local native = require "rille.native"

local methods = native.request_methods

local charsets = {
  ["utf-8"] = true, ["utf8"] = true, ["us-ascii"] = true, ascii = true,
  ["iso-8859-1"] = native.from_latin1, latin1 = native.from_latin1, ["windows-1252"] = native.from_latin1,
}

local function check_coding(req)
  local coding = req.headers["content-encoding"]
  if coding and coding ~= "" and coding:lower() ~= "identity" then
    errors.abort(415, "this content coding is not accepted here")
  end
end

--- req:text() -> the whole body as UTF-8
function methods.text(req)
  check_coding(req)
  local charset = req.charset or "utf-8"
  local known = charsets[charset]
  if not known then errors.abort(415, "this charset is not known here") end
  local bytes = methods.bytes(req)
  if known ~= true then return known(bytes) end
  if not native.utf8_valid(bytes) then errors.abort(415, "the body is not " .. charset) end
  return bytes
end

--- req:json() -> the decoded body; Content-Type does not matter. Raises status 400, code "json".
function methods.json(req)
  check_coding(req)
  return native.json_decode(methods.bytes(req))
end

--- req:url_for(name, params, query) -> absolute URL
function methods.url_for(req, name, params, query)
  return ("%s://%s%s"):format(req.scheme, req.host, req.app:url_for(name, params, query))
end

-- "text/html;q=0.8" -> type, subtype, q
local function parse_range(range)
  local kind, subtype, rest = range:match "^%s*([^%s/;]+)/([^%s/;]+)%s*(.*)$"
  if not kind then return end
  local q = rest:match ";%s*[qQ]%s*=%s*([%d.]+)"
  return kind:lower(), subtype:lower(), q and tonumber(q) or 1
end

-- The quality an Accept header gives a media type: the most specific range counts (RFC 9110 section 12.5.1).
local function quality(accept, wanted)
  local kind, subtype = wanted:lower():match "^([^/]+)/(.+)$"
  local best_q, best_rank = 0, 0
  for range in accept:gmatch "[^,]+" do
    local k, s, q = parse_range(range)
    local rank = k == kind and s == subtype and 3 or k == kind and s == "*" and 2 or k == "*" and s == "*" and 1 or 0
    if rank > best_rank then best_q, best_rank = q, rank end
  end
  return best_q
end

--- req:accepts("text/html", "application/json") -> the one the client likes best, or nil. Without Accept: the first.
function methods.accepts(req, ...)
  local accept = req.headers.accept
  if not accept or accept == "" then return (...) end
  local best, best_q = nil, 0
  for i = 1, select("#", ...) do
    local wanted = select(i, ...)
    local q = quality(accept, wanted)
    if q > best_q then best, best_q = wanted, q end
  end
  return best
end

-- First of two cookies of one name wins; no quoting magic (RFC 6265 section 5.4, reliability.md 119).
local function parse_cookies(header)
  local cookies, count = {}, 0
  for pair in header:gmatch "[^;]+" do
    local name, value = pair:match "^%s*([^=%s]+)%s*=%s*(.-)%s*$"
    if name and cookies[name] == nil then cookies[name] = value end
    count = count + 1
    if count >= 100 then break end
  end
  return cookies
end

function native.request_getters.cookies(req)
  local cookies = parse_cookies(req.headers.cookie or "")
  native.request_keep(req, "cookies", cookies)
  return cookies
end

return methods
