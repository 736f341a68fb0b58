-- The URL of a request: worked out once, before hooks, cookies, the guard and the pool see it, so that none of them sees
-- another one than what is sent (client/location.h says how it is written).
--
--   client = rille.client{base_url = "https://api.test/v1"}
--
--   users   /users   ?page=2                    below the path of base_url; what leads above it is refused
--   https://api.test/other                      of its origin: may be asked
--   https://other.test/   //other.test/         of another origin: refused, unless the call says absolute = true
--
-- A URL often comes from somebody else. One that cannot be fetched raises code "url" with status 400, and the message says
-- why: it may be shown to whoever gave it, and tells nothing about the client.
local errors = require "rille.error"
local mistake = require("rille.options").mistake
local native = require "rille.native"
local query = require "rille.client.query"

local M = {}

local MOST_SHOWN = 200

--- shown(text) -> what of it may stand in a message: no query, no credentials, not all of a long one
function M.shown(text)
  local front = text:match "^[^?#]*":gsub("^(%a?[%w+.-]*:?//)[^/]*@", "%1"):gsub("%c", "?")
  if not native.utf8_valid(front) then front = front:gsub("[\128-\255]", "?") end
  if #front <= MOST_SHOWN then return front end
  return front:sub(1, utf8.offset(front, 0, MOST_SHOWN + 1) - 1) .. "…"
end

--- refuse(text, why, method): raises code "url"
function M.refuse(text, why, method)
  local shown = M.shown(text)
  error(errors.new("url", ("'%s' is no URL to fetch: %s"):format(shown, why), { url = shown, method = method }), 0)
end

--- parse(text, method) -> location, as native.url_parse gives it, or raises
function M.parse(text, method)
  local location, why = native.url_parse(text)
  return location or M.refuse(text, why, method)
end

--- check_disguise(settings, location, method): a guarded client takes no address in disguise (client/guard.h); once the URL
--- is written out nothing shows it any more.
function M.check_disguise(settings, location, method)
  if not settings.guarded or not location.disguised then return end
  error(errors.new("denied", ("%s %s: a numeric address in disguise"):format(method, location.url:match "^[^?]*"),
    { status = 403, url = location.url, method = method }), 0)
end

-- ---- the base -------------------------------------------------------------------------------------------------------

--- set_base(client, base_url) -> the credentials in it
function M.set_base(client, base_url)
  local location, why = native.url_parse(base_url)
  if not location then mistake(("base_url: '%s' is no URL: %s"):format(base_url, why)) end
  if location.query then mistake "base_url: has a query" end
  if base_url:find("#", 1, true) then mistake "base_url: has a fragment" end
  client.base_url, client.home, client.base_scheme = location.url, location.origin, location.scheme
  client.below = native.trim_right(location.url, "/") .. "/"
  return location.user and { location.user, location.password or "" } or nil
end

-- A text that names an origin, be it by a mistake ("http:x"), as an absolute one; nil for a path.
local function absolute_form(client, text)
  if text:find "^//" then return client.base_scheme .. ":" .. text end
  if text:find "^%a[%w+.-]*://" or text:find "^[hH][tT][tT][pP][sS]?:" then return text end
end

-- One slash between.
local function put_below(client, text, method)
  if native.url_climbs(text) then M.refuse(text, "it leads out of the path of the client's base_url", method) end
  if text == "" or text:find "^[?#]" then return client.base_url .. text end
  return client.below .. text:gsub("^/", "")
end

-- ---- all of it ------------------------------------------------------------------------------------------------------

-- A test asks an app for what no client should: where there is no wire, a URL that can be sent goes as it is written.
local function goes_as_written(client, url) return client.transport and native.url_is_plain(url) end

local last_settled -- one request is often for the same URL as the one before it

local function is_settled(url)
  if url == last_settled then return true end
  if not native.url_is_settled(url) then return false end
  last_settled = url
  return true
end

--- set(req, client, text, more, absolute) -> at_home, credentials: req.url from what a call or a hook says, or raises.
--- more: a query to append. at_home: false where it is of another origin than the client's base_url.
function M.set(req, client, text, more, absolute)
  if text == last_settled and not client.base_url and not more then
    req.url = text
    return true
  end
  if type(text) ~= "string" then mistake("a URL is a string, got a " .. type(text)) end
  local url, at_home = text, true
  if client.base_url then
    url = absolute_form(client, text)
    at_home = not url
    url = url or put_below(client, text, req.method)
  end
  if more then url = query.append(url, more) end
  if at_home and (is_settled(url) or goes_as_written(client, url)) then
    req.url = url
    return true
  end
  local location, why = native.url_parse(url)
  if not location then M.refuse(text, why, req.method) end
  M.check_disguise(req.settings, location, req.method)
  if not at_home and location.origin ~= client.home then
    if not absolute then
      M.refuse(text, "it has another origin than the client's base_url, and absolute = true was not given", req.method)
    end
  else
    at_home = true
  end
  req.url = location.url
  return at_home, location.user and { location.user, location.password or "" } or nil
end

return M
