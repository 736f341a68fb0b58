-- The methods of a response that read well in Lua; status, headers and body are C's (bind/http/response.c).
local names = require "rille.names"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"

local methods = native_http.response_methods

-- ---- cookies ----------------------------------------------------------------------------------------------------------

local place_options = { path = "string", domain = "string", secure = "boolean", http_only = "boolean", same_site = "string" }
local cookie_options = { max_age = "number", expires = "number" }
for name, kind in pairs(place_options) do cookie_options[name] = kind end

local same_sites = { lax = "Lax", strict = "Strict", none = "None" }
local MOST_BYTES, MOST_AGE = 4096, 1 << 53

-- Characters that are not allowed somewhere, each set one class of a pattern: such a pattern is linear.
local NOT_OF_NAME = "[^%w!#$%%&'*+%-.^_`|~]"             -- a token (RFC 9110 section 5.6.2)
local NOT_OF_PATH = "[%c;\128-\255]"                     -- path-value
local NOT_OF_DOMAIN = "[^%w.-]"

local function shown(text) return (#text > 40 and text:sub(1, 40) .. "…" or text):gsub("[%c\128-\255]", "?") end

local function check_name(name)
  if type(name) == "string" and name ~= "" and not name:find(NOT_OF_NAME) then return end
  options.mistake("cookie: the name is letters, digits and !#$%&'*+-.^_`|~ only")
end

local function value_of(name, value)
  if type(value) == "number" then value = tostring(value) end
  if type(value) ~= "string" then
    options.mistake(("cookie: the value of %s is a string, got a %s"):format(name, type(value)))
  end
  local at = native_http.cookie_fault(value)
  if at then
    options.mistake(("cookie: the value of %s holds a %s, byte %d: no space, control character, quote, comma, semicolon, "
      .. "backslash or byte beyond ASCII may stand in one; encode it, with rille.url_encode say"):format(name,
      shown(("%q"):format(value:sub(at, at))), at))
  end
  if #name + #value > MOST_BYTES then
    options.mistake(("cookie: %s is larger than the %d bytes that browsers keep"):format(name, MOST_BYTES))
  end
  return value
end

local function path_of(path)
  if path == nil then return "/" end
  if path:sub(1, 1) == "/" and not path:find(NOT_OF_PATH) then return path end
  options.mistake(("cookie: the path starts with '/' and holds no ';' and no control character, got '%s'"):format(shown(path)))
end

local function domain_of(domain)
  if domain:find "%w" and not domain:find(NOT_OF_DOMAIN) then return domain end
  options.mistake(("cookie: the domain is a name such as 'example.com', got '%s'"):format(shown(domain)))
end

local function same_site_of(opts)
  local same_site = same_sites[(opts.same_site or "Lax"):lower()]
  if not same_site then options.mistake("cookie: same_site is 'Lax', 'Strict' or 'None'") end
  if same_site == "None" and not opts.secure then
    options.mistake("cookie: same_site = 'None' goes with secure = true: browsers drop such a cookie without it")
  end
  return same_site
end

-- Seconds, whole ones: half a second more is not none at all.
local function age_of(age)
  if age ~= age or age > MOST_AGE or age < -MOST_AGE then
    options.mistake(("cookie: max_age is a number of seconds, got %s"):format(age))
  end
  return math.ceil(age)
end

local LAST_DATE = 253402300799 -- the last second of the year 9999

-- Expires: what was asked for, else what follows from max_age, for browsers that know that alone.
local function expiry_of(opts, age)
  if opts.expires then
    if opts.expires >= 0 and opts.expires <= LAST_DATE then return math.floor(opts.expires) end
    options.mistake(("cookie: expires is seconds since 1970, got %s"):format(opts.expires))
  end
  return age and (age > 0 and math.min(native.time() + age, LAST_DATE) or 0)
end

--- A Set-Cookie value; raises at the caller's line.
local function set_cookie(name, value, opts)
  check_name(name)
  local pieces = { name .. "=" .. value_of(name, value), "Path=" .. path_of(opts.path) }
  local function add(piece) pieces[#pieces + 1] = piece end
  local age = opts.max_age and age_of(opts.max_age)
  local expires = expiry_of(opts, age)
  if opts.domain then add("Domain=" .. domain_of(opts.domain)) end
  if age then add(("Max-Age=%d"):format(age)) end
  if expires then add("Expires=" .. native_http.http_date(expires)) end
  if opts.secure then add "Secure" end
  if opts.http_only ~= false then add "HttpOnly" end
  add("SameSite=" .. same_site_of(opts))
  return table.concat(pieces, "; ")
end

--- res:cookie(name, value, {max_age=, expires=, path="/", domain=, secure=, http_only=true, same_site="Lax"}) -> res
function methods.cookie(res, name, value, opts)
  return res:add_header("Set-Cookie", set_cookie(name, value, options.check(opts, cookie_options, "cookie")))
end

--- res:delete_cookie(name, {path="/", domain=}) -> res
function methods.delete_cookie(res, name, opts)
  local gone = { max_age = 0 }
  for key, given in pairs(options.check(opts, place_options, "delete_cookie")) do gone[key] = given end
  return res:add_header("Set-Cookie", set_cookie(name, "", gone))
end

-- ---- validators -------------------------------------------------------------------------------------------------------

--- res:etag(value) -> res; quoted here where it is not. A weak one is written W/"…".
function methods.etag(res, value)
  if type(value) ~= "string" then error("etag: a string was expected, got a " .. type(value), 2) end
  local weak, opaque = value:match '^(W?/?)"(.*)"$'
  if weak == "" or weak == "W/" then value = opaque else weak = "" end
  if value:find '[%c%s"]' then error("etag: no space, quote or control character may stand in an entity tag", 2) end
  return res:header("ETag", ('%s"%s"'):format(weak, value))
end

--- res:last_modified(time) -> res; seconds since 1970
function methods.last_modified(res, time)
  if type(time) ~= "number" then error("last_modified: seconds since 1970 were expected, got a " .. type(time), 2) end
  if not (time >= 0 and time <= LAST_DATE) then error("last_modified: seconds since 1970 were expected, got " .. time, 2) end
  return res:header("Last-Modified", native_http.http_date(time))
end

names.known("res", methods, { "status", "headers", "body" }, native_http.is_response)
names.class("out", native_http.out_methods, { is_one = false })

return methods
