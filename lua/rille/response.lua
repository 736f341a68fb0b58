-- The methods of a response that read well in Lua; status, headers and body are C's (vm/bind/response.c).
local native = require "rille.native"
local options = require "rille.options"

local methods = native.response_methods

local cookie_options = {
  max_age = "number", path = "string", domain = "string", secure = "boolean", http_only = "boolean", same_site = "string",
  expires = "number",
}
local same_sites = { lax = "Lax", strict = "Strict", none = "None" }

-- cookie-octet of RFC 6265 section 4.1.1, and what attributes may hold
local function check_text(what, text, pattern, level)
  if text:find(pattern) then error(("cookie: %s holds a character that it may not"):format(what), level + 1) end
  return text
end

--- A Set-Cookie value; raises at the caller's line.
local function set_cookie(name, value, opts, level)
  level = level + 1
  if type(name) ~= "string" or name == "" or name:find "[^%w!#$%%&'*+%-.^_`|~]" then
    error("cookie: the name is letters, digits and !#$%&'*+-.^_`|~ only", level)
  end
  if type(value) == "number" then value = tostring(value) end
  if type(value) ~= "string" then error(("cookie: the value of %s is a string, got a %s"):format(name, type(value)), level) end
  check_text("the value", value, "[^\33\35-\43\45-\58\60-\91\93-\126]", level)
  local pieces = { name .. "=" .. value }
  local path = opts.path == nil and "/" or opts.path
  pieces[#pieces + 1] = "Path=" .. check_text("the path", path, "[%c;]", level)
  if opts.domain then pieces[#pieces + 1] = "Domain=" .. check_text("the domain", opts.domain, "[%c;%s,]", level) end
  if opts.max_age then
    pieces[#pieces + 1] = ("Max-Age=%d"):format(math.floor(opts.max_age))
    pieces[#pieces + 1] = "Expires=" .. native.http_date(opts.max_age > 0 and native.time() + opts.max_age or 0)
  end
  if opts.secure then pieces[#pieces + 1] = "Secure" end
  if opts.http_only ~= false then pieces[#pieces + 1] = "HttpOnly" end
  local same_site = opts.same_site or "Lax"
  if not same_sites[same_site:lower()] then error("cookie: same_site is 'Lax', 'Strict' or 'None'", level) end
  pieces[#pieces + 1] = "SameSite=" .. same_sites[same_site:lower()]
  local text = table.concat(pieces, "; ")
  if #name + #value > 4096 then
    error(("cookie: %s is larger than the 4096 bytes that browsers keep"):format(name), level)
  end
  return text
end

--- res:cookie(name, value, {max_age=, path="/", domain=, secure=, http_only=true, same_site="Lax"}) -> res
function methods.cookie(res, name, value, opts)
  return res:add_header("Set-Cookie", set_cookie(name, value, options.check(opts, cookie_options, "cookie"), 2))
end

--- res:delete_cookie(name, {path="/", domain=}) -> res
function methods.delete_cookie(res, name, opts)
  local given = options.check(opts, cookie_options, "delete_cookie")
  return res:add_header("Set-Cookie", set_cookie(name, "", { path = given.path, domain = given.domain, secure = given.secure,
    same_site = given.same_site, http_only = given.http_only, max_age = 0 }, 2))
end

--- res:etag(value) -> res; quoted here where it is not. A weak one is written W/"…".
function methods.etag(res, value)
  if type(value) ~= "string" then error("etag: a string was expected, got a " .. type(value), 2) end
  if not value:find '^W?/?"[^"]*"$' then value = '"' .. value .. '"' end
  if value:find '[%c%s]' or not value:find '^W?/?"[^"]*"$' then error("etag: not a valid entity tag", 2) end
  return res:header("ETag", value)
end

--- res:last_modified(time) -> res; seconds since 1970
function methods.last_modified(res, time)
  if type(time) ~= "number" then error("last_modified: seconds since 1970 were expected, got a " .. type(time), 2) end
  return res:header("Last-Modified", native.http_date(time))
end

return methods
