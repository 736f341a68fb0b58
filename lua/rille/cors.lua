-- rille.cors{}: which pages of other origins may call this app from a browser (the Fetch standard's CORS protocol). An
-- origin that is allowed is named exactly, never "*" together with credentials; errors carry the headers too, so that the
-- page can read them.
local errors = require "rille.error"
local native = require "rille.native.http"
local options = require "rille.options"
local vary = require "rille.vary"

local known = {
  origins = "string|table|function", methods = "table", headers = "string|table", expose = "table", credentials = "boolean",
  max_age = "number",
}
local default_methods = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" }

local function set_of(list, what, change)
  local set = {}
  for i, item in ipairs(options.list(list, "cors: " .. what)) do
    if type(item) ~= "string" then options.raise("cors: %s[%d] is a string, got a %s", what, i, type(item)) end
    set[change and change(item) or item] = true
  end
  return set
end

-- -> function(origin) -> boolean, and whether it is any origin
local function origin_test(origins)
  if origins == nil or origins == "*" then return function() return true end, true end
  if type(origins) == "function" then return origins, false end
  local list = type(origins) == "table" and origins or { origins }
  for i, origin in ipairs(list) do
    if type(origin) == "string" and not origin:find "^[%w+.-]+://[^/%s]+$" then
      options.raise("cors: origins[%d] is '%s', an origin such as 'https://example.com' was expected", i, origin)
    end
  end
  local set = set_of(list, "origins", string.lower)
  return function(origin) return set[origin:lower()] == true end, false
end

local function check(opts)
  local given = options.only(opts, known, "cors")
  local allows, any = origin_test(given.origins)
  if any and given.credentials then options.raise "cors: with credentials the origins are named, '*' will not do" end
  local any_header = given.headers == nil or given.headers == "*"
  local headers = type(given.headers) == "string" and { given.headers } or given.headers or {}
  set_of(given.expose or {}, "expose") -- raises what is none
  return {
    allows = allows, any = any, credentials = given.credentials, max_age = given.max_age or 600,
    methods = set_of(given.methods or default_methods, "methods", string.upper),
    method_list = table.concat(given.methods or default_methods, ", "):upper(),
    any_header = any_header, headers = set_of(headers, "headers", string.lower),
    expose = given.expose and table.concat(given.expose, ", "),
  }
end

local function name_origin(config, res, origin)
  res:header("Access-Control-Allow-Origin", config.any and "*" or origin)
  if config.credentials then res:header("Access-Control-Allow-Credentials", "true") end
end

-- ---- the question before the request (preflight) ------------------------------------------------------------------

-- A name that was sent, for a message.
local function shown(text) return (#text > 60 and text:sub(1, 60) .. "…" or text):gsub("[^%w%p]", "?") end

local function refuse(what, name, option)
  local text = "%s %s is not allowed from other origins: rille.cors{%s = {…}} names those that are"
  errors.abort(403, text:format(what, shown(name), option))
end

local function check_headers(config, wanted)
  for name in wanted:gmatch "[^,%s]+" do
    if not config.headers[name:lower()] then refuse("the header", name:lower(), "headers") end
  end
end

local function preflight(config, req, origin)
  local method, wanted = req.headers["access-control-request-method"], req.headers["access-control-request-headers"]
  if not config.allows(origin) then refuse("the origin", origin, "origins") end
  if not config.methods[method] then refuse("the method", method, "methods") end
  if wanted and not config.any_header then check_headers(config, wanted) end
  local res = native.empty(204)
  name_origin(config, res, origin)
  res:header("Access-Control-Allow-Methods", config.method_list)
  if wanted and wanted ~= "" then res:header("Access-Control-Allow-Headers", wanted) end
  vary(res, "Access-Control-Request-Headers")
  return res:header("Access-Control-Max-Age", ("%d"):format(config.max_age))
end

-- ---- the middleware -----------------------------------------------------------------------------------------------

--- rille.cors{origins="*", methods=, headers="*", expose=, credentials=false, max_age=600} -> middleware
return function(opts)
  local config = check(opts)

  local function finish(req, res)
    local origin = req.headers.origin
    if not config.any then vary(res, "Origin") end
    if not origin or not config.allows(origin) or res.headers["access-control-allow-origin"] then return end
    name_origin(config, res, origin)
    if config.expose then res:header("Access-Control-Expose-Headers", config.expose) end
  end

  return function(req, handler)
    local origin = req.headers.origin
    if origin or not config.any then native.request_finish(req, finish) end
    if origin and req.method == "OPTIONS" and req.headers["access-control-request-method"] then
      return preflight(config, req, origin)
    end
    return handler(req)
  end
end
