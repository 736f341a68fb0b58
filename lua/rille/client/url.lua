-- The URL of a request. It is parsed once, before hooks, cookies, the address policy and the pool see it, so that each of them
-- sees the URL that is sent. client/url.h says how it is written.
--
--   req.url        its text, which hooks see and may change
--   req.location   the URL parsed (bind/client/url.c), and req.located, the text that it belongs to
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
local native = require "rille.native.core"
local native_client = require "rille.native.client"
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

--- parse(text, method) -> location, or raises
function M.parse(text, method)
  local location, why = native_client.url_parse(text)
  return location or M.refuse(text, why, method)
end

--- check_disguise(settings, location, method): a client with an address policy refuses a numeric address that is written in
--- another form than four decimal numbers (client/address_policy.h). The normalized URL no longer shows it.
function M.check_disguise(settings, location, method)
  if not settings.guarded or not location.disguised then return end
  error(errors.new("denied", ("%s %s: a numeric address in disguise"):format(method, location.url:match "^[^?]*"),
    { status = 403, url = location.url, method = method }), 0)
end

-- ---- the base -------------------------------------------------------------------------------------------------------

--- set_base(client, base_url) -> the credentials in it
function M.set_base(client, base_url)
  local location, why = native_client.url_parse(base_url)
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
  if native_client.url_climbs(text) then M.refuse(text, "it leads out of the path of the client's base_url", method) end
  if text == "" or text:find "^[?#]" then return client.base_url .. text end
  return client.below .. text:gsub("^/", "")
end

-- ---- all of it ------------------------------------------------------------------------------------------------------

local last_text, last -- the location of the last request: the next one is often for the same URL

-- Returns the location of a text that is normalized, or nil.
local function take(text)
  if text == last_text then return last end
  local location = native_client.url_take(text)
  if location then last_text, last = text, location end
  return location
end

local function keep(req, url, location) req.url, req.location, req.located = url, location, url end

--- put(req, location): the request goes there
function M.put(req, location) keep(req, location.url, location) end

--- of(req) -> the location of req.url, or raises. It is parsed here only if the text goes as it was written.
function M.of(req)
  if not req.location or req.located ~= req.url then keep(req, req.url, M.parse(req.url, req.method)) end
  return req.location
end

-- A test may ask an app for what no client should send: without a wire, a URL that can be sent goes as it is written.
local function goes_as_written(client, url) return client.transport and native_client.url_is_plain(url) end

local function credentials_in(location)
  return location.user and { location.user, location.password or "" } or nil
end

-- Returns true for a location of the origin of the client's base_url, false for another one that the call allows, or raises.
local function is_at_home(client, location, text, absolute, method)
  if location.origin == client.home then return true end
  if absolute then return false end
  M.refuse(text, "it has another origin than the client's base_url, and absolute = true was not given", method)
end

--- set(req, client, text, more, absolute) -> at_home, credentials: sets req.url and req.location from what a call or a hook
--- says, or raises. more: a query to append. at_home: false if it is of another origin than the client's base_url.
function M.set(req, client, text, more, absolute)
  if type(text) ~= "string" then mistake("a URL is a string, got a " .. type(text)) end
  local url, at_home = text, true
  if client.base_url then
    url = absolute_form(client, text)
    at_home = not url
    url = url or put_below(client, text, req.method)
  end
  if more then url = query.append(url, more) end
  local location = take(url)
  if not location then
    if at_home and goes_as_written(client, url) then
      keep(req, url, nil)
      return true
    end
    local why
    location, why = native_client.url_parse(url)
    if not location then M.refuse(text, why, req.method) end
    M.check_disguise(req.settings, location, req.method)
  end
  at_home = at_home or is_at_home(client, location, text, absolute, req.method)
  keep(req, location.url, location)
  return at_home, credentials_in(location)
end

--- is_unchanged(req) -> true if req.url is still what set has made of it
function M.is_unchanged(req) return req.url == req.located end

return M
