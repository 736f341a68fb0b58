-- rille.security_headers{}: what a browser is told to be careful about, on every response, errors included. A header that a
-- handler has set stays as it is.
--
--   req:csp_nonce()   a fresh number for this response: the policy allows <script nonce="…"> and <style nonce="…"> with it
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"

local methods = native_http.request_methods
local NONCE, GUARDED = "csp nonce", "guarded by security headers"
native_http.request_keeps(NONCE, GUARDED)

local known = {
  csp = "string|table|boolean", hsts = "string|number|boolean", frame = "string|boolean", referrer = "string|boolean",
  opener = "string|boolean", permissions = "string|boolean",
}

local default_csp = {
  ["default-src"] = "'self'", ["img-src"] = "'self' data:", ["object-src"] = "'none'", ["base-uri"] = "'none'",
  ["form-action"] = "'self'", ["frame-ancestors"] = "'none'",
}

-- A policy as text, from a table of directives on top of the default ones (false takes one away), with the nonce in it.
local function policy(directives, nonce)
  local all, names, pieces = {}, {}, {}
  for name, value in pairs(default_csp) do all[name] = value end
  for name, value in pairs(directives) do all[name] = value or nil end
  if nonce then
    for _, name in ipairs { "script-src", "style-src" } do
      all[name] = (all[name] or all["default-src"] or "'self'") .. (" 'nonce-%s'"):format(nonce)
    end
  end
  for name in pairs(all) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do pieces[i] = all[name] == "" and name or name .. " " .. all[name] end
  return table.concat(pieces, "; ")
end

local function check_csp(csp)
  if type(csp) ~= "table" then return csp end
  for name, value in pairs(csp) do
    if type(name) ~= "string" or name:find "[^%w-]" then options.raise "security_headers: csp has names of directives" end
    if value ~= false and (type(value) ~= "string" or value:find "[%c;,]") then
      options.raise("security_headers: csp['%s'] is a text without ';' and ',', or false", name)
    end
  end
  return csp
end

--- req:csp_nonce() -> text, the same during one request; nil without rille.security_headers
function methods.csp_nonce(req)
  if not req[GUARDED] then return nil end
  local nonce = req[NONCE]
  if not nonce then
    nonce = native.random_token(16)
    native_http.request_keep(req, NONCE, nonce)
  end
  return nonce
end

local function csp_of(req, config)
  if config.csp == false then return nil end
  if type(config.csp) == "string" then return (config.csp:gsub("%%NONCE%%", function() return methods.csp_nonce(req) end)) end
  local nonce = req[NONCE]
  if not nonce then return config.plain end
  return policy(type(config.csp) == "table" and config.csp or {}, nonce)
end

local function set(res, name, value)
  if value and not res.headers[name] then res:header(name, value) end
end

-- A number is an age in seconds.
local function hsts_of(value)
  if type(value) ~= "number" then return value end
  local age = math.tointeger(value)
  if not age or age < 0 then options.raise("security_headers: hsts is a whole number of seconds, got %s", value) end
  return "max-age=" .. age
end

local function either(value, default)
  if value == nil or value == true then return default end
  return value
end

--- rille.security_headers{csp=, hsts=, frame="DENY", referrer=, opener=, permissions=} -> middleware; false leaves one out.
--- csp is a table of directives on top of the default ones, or a whole policy, in which %NONCE% becomes the nonce.
return function(opts)
  local given = options.only(opts, known, "security_headers")
  local config = {
    csp = check_csp(given.csp), hsts = hsts_of(either(given.hsts, 31536000)), frame = either(given.frame, "DENY"),
    referrer = either(given.referrer, "strict-origin-when-cross-origin"), opener = either(given.opener, "same-origin"),
    permissions = either(given.permissions, nil),
  }
  config.plain = type(config.csp) ~= "string" and config.csp ~= false and policy(type(config.csp) == "table" and config.csp or {})

  local function finish(req, res)
    set(res, "X-Content-Type-Options", "nosniff")
    set(res, "Referrer-Policy", config.referrer)
    set(res, "X-Frame-Options", config.frame)
    set(res, "Cross-Origin-Opener-Policy", config.opener)
    set(res, "Permissions-Policy", config.permissions)
    if req.scheme == "https" then set(res, "Strict-Transport-Security", config.hsts) end
    set(res, "Content-Security-Policy", csp_of(req, config))
  end

  return function(req, handler)
    native_http.request_keep(req, GUARDED, true)
    native_http.request_finish(req, finish)
    return handler(req)
  end
end
