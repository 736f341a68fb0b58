-- From what a program says to a request that can be sent: URL, query, headers, body, credentials, deadlines.
--
--   req.method req.url req.headers req.body      what hooks (client:use) see and may change; body is a string, or a table
--                                                where it is streamed
--   req.settings                                 what holds for all of it: deadlines, redirects, the way there
--
-- Settings of a client are worked out once; a request that says nothing of its own shares them.
local mistake = require("rille.options").mistake
local bodies = require "rille.client.body"
local headers = require "rille.client.headers"
local native = require "rille.native"
local options = require "rille.options"
local query = require "rille.client.query"
local redirect = require "rille.client.redirect"

local M = {}

-- What a client and a request may say alike.
local shared = {
  headers = "table", auth = "table", timeout = "number|table|boolean", follow = "number|boolean",
  verify = "boolean", ca = "string", cert = "string", key = "string", proxy = "string|boolean", no_proxy = "string",
  unix = "string", raise = "boolean", decompress = "boolean", body_limit = "number", retries = "number",
}
local of_request = {
  method = "string", query = "table|string", json = true, form = "table", files = "table", multipart = "table|boolean",
  body = "string|function|table|userdata", cookies = "table",
}
local of_client = {
  base_url = "string", cookies = "boolean|table", limit = "number", limit_per_host = "number", allow = "table",
  deny_private = "boolean", transport = "function",
}
for name, kind in pairs(shared) do of_request[name], of_client[name] = kind, kind end

M.client_options, M.request_options = of_client, of_request

-- ---- settings -------------------------------------------------------------------------------------------------------

local DEFAULT_TIMEOUT, DEFAULT_FOLLOW = 30, 10

local timeout_kinds = { total = "number|boolean", connect = "number|boolean", read = "number|boolean" }

local function seconds(what, value)
  if not value or value == math.huge then return nil end
  if type(value) == "number" and value > 0 then return value end
  mistake(what .. ": seconds, more than 0, or false for none")
end

-- timeout=5 | {total=, connect=, read=} | false
local function set_deadlines(settings, timeout)
  if timeout == nil then return end
  if type(timeout) ~= "table" then
    settings.total = seconds("timeout", timeout)
    return
  end
  options.check(timeout, timeout_kinds, "timeout", 5)
  if timeout.total ~= nil then settings.total = seconds("timeout.total", timeout.total) end
  if timeout.connect ~= nil then settings.connect = seconds("timeout.connect", timeout.connect) end
  if timeout.read ~= nil then settings.read = seconds("timeout.read", timeout.read) end
end

local function count(what, value)
  local whole = math.tointeger(value)
  if not whole or whole < 0 then mistake(what .. ": a whole number, 0 or more") end
  return whole
end

local function set_counts(settings, given)
  if given.follow ~= nil then
    settings.follow = given.follow == true and DEFAULT_FOLLOW or given.follow and count("follow", given.follow) or 0
  end
  if given.retries ~= nil then settings.retries = count("retries", given.retries) end
  if given.body_limit ~= nil then settings.body_limit = count("body_limit", given.body_limit) end
  if given.raise ~= nil then settings.raise = given.raise end
  if given.decompress ~= nil then settings.decompress = given.decompress end
end

local ways = { "ca", "cert", "key", "no_proxy", "unix" }

local function check_proxy(proxy)
  if proxy == "env" or proxy:find "^https?://." or proxy:find "^socks[45]h?a?://." then return proxy end
  mistake "proxy: 'http://host:port', 'https://…', 'socks5://…' or 'env' was expected"
end

-- How to get there, where it is not straight: verify, ca, cert, key, proxy, no_proxy, unix.
local function set_route(settings, given)
  local route, changed = {}, false
  for name, value in pairs(settings.route or {}) do route[name] = value end
  for _, name in ipairs(ways) do
    if given[name] ~= nil then
      if given[name]:find("\0", 1, true) then mistake(name .. ": holds NUL") end
      route[name], changed = given[name], true
    end
  end
  if given.verify ~= nil then route.insecure, changed = not given.verify or nil, true end
  if given.proxy == true then mistake "proxy: false, or the URL of one, or 'env'" end
  if given.proxy ~= nil then route.proxy, changed = given.proxy and check_proxy(given.proxy) or nil, true end
  if changed then settings.route = next(route) ~= nil and route or nil end
end

local function apply(settings, given)
  set_deadlines(settings, given.timeout)
  set_counts(settings, given)
  set_route(settings, given)
  if settings.guarded and settings.route and settings.route.proxy then
    mistake "allow and deny_private cannot see behind a proxy: the proxy resolves the names"
  end
  settings.limits = { settings.connect or false, settings.read or false, settings.body_limit or false, settings.decompress }
  return settings
end

local function check_allow(list)
  for key in pairs(list) do
    if math.type(key) ~= "integer" or key < 1 or key > #list then mistake "allow: a list of hosts, addresses and networks" end
  end
end

--- settings(given) -> those of a client
function M.settings(given)
  check_allow(given.allow or {})
  return apply({ total = DEFAULT_TIMEOUT, follow = DEFAULT_FOLLOW, retries = 0, raise = false, decompress = true,
    guarded = given.deny_private or given.allow ~= nil }, given)
end

local own_settings = {
  "timeout", "follow", "retries", "body_limit", "raise", "decompress", "verify", "ca", "cert", "key", "proxy", "no_proxy", "unix",
}

local function settings_of(client, opts)
  for _, name in ipairs(own_settings) do
    if opts[name] ~= nil then
      local own = {}
      for key, value in pairs(client.settings) do own[key] = value end
      return apply(own, opts)
    end
  end
  return client.settings
end

-- ---- URL ------------------------------------------------------------------------------------------------------------

-- One slash between; a URL of its own stands as it is.
local function join(base, path)
  if path:find "^%a[%w+.-]*://" then return path end
  if path == "" or path:find "^%?" then return base .. path end
  return native.trim_right(base, "/") .. "/" .. native.trim_left(path, "/")
end

local last_plain -- one request is often for the same URL as the one before it

local function is_plain(url)
  if url == last_plain then return true end
  if not native.url_is_plain(url) then return false end
  last_plain = url
  return true
end

-- Into req.url, or raises; credentials in it become those of the request.
local function set_url(req, client, url, opts)
  if type(url) ~= "string" then mistake("a URL is a string, got a " .. type(url)) end
  if client.base_url then url = join(client.base_url, url) end
  if opts and opts.query then url = query.append(url, opts.query) end
  if is_plain(url) then
    req.url = url
    return
  end
  local location, why = native.url_parse(url)
  if not location then mistake(("'%s' is no URL to fetch: %s"):format(url, why)) end
  redirect.check(req.settings, location, req.method)
  req.url = location.url
  return location.user and { location.user, location.password or "" } or nil
end

-- ---- credentials ----------------------------------------------------------------------------------------------------

local function check_credential(text)
  if type(text) ~= "string" then mistake "auth: {user, password}, {bearer=token} or {user, password, digest=true}" end
  if text:find "[%c]" then mistake "auth: holds a control character" end
  return text
end

-- RFC 4648 section 4, with its padding.
local function base64(text)
  local encoded = native.base64url_encode(text):gsub("%-", "+"):gsub("_", "/")
  return encoded .. ("="):rep(-#encoded % 4)
end

-- {user, password} | {bearer=} | {user, password, digest=true} -> Authorization, or the pair for a digest challenge
local function credentials(auth)
  if auth.bearer then return "Bearer " .. check_credential(auth.bearer) end
  local user = check_credential(auth[1] or auth.user)
  local password = check_credential(auth[2] or auth.password or "")
  if auth.digest then return nil, { user, password } end
  if user:find(":", 1, true) then mistake "auth: a user's name holds no ':' in basic authentication" end
  return "Basic " .. base64(user .. ":" .. password)
end

local function set_credentials(req, auth)
  if req.headers.authorization then return end
  local header, digest = credentials(auth)
  if header then headers.add(req.headers, "Authorization", header) end
  req.digest = digest
end

-- A client with a base URL keeps its own credentials to that origin.
local function is_at_home(client, url)
  local location = native.url_parse(url)
  return location ~= nil and location.origin == client.home
end

-- ---- all of it ------------------------------------------------------------------------------------------------------

local function check_method(method)
  if not method:find "^[%w!#$%%&'*+%-.^_`|~]+$" or #method > 20 then mistake "method: a short token was expected" end
  method = method:upper()
  if method == "CONNECT" then mistake "method: CONNECT is for proxies" end
  return method
end

local function set_body(req, opts)
  local body, content_type = bodies.of(opts)
  if body == nil then return end
  if req.method == "HEAD" or req.method == "TRACE" then mistake(req.method .. " carries no body") end
  req.body = body
  if content_type and not req.headers["content-type"] then headers.add(req.headers, "Content-Type", content_type) end
end

-- A length that the program knows of its iterator; of a string we know it better.
local function take_length(req)
  local given = req.headers["content-length"]
  if not given then return end
  headers.remove(req.headers, "Content-Length")
  local length = given:find "^%d+$" and math.tointeger(tonumber(given))
  if not length or (type(req.body) == "string" and length ~= #req.body) then
    mistake "header Content-Length: not the length of the body"
  end
  if type(req.body) == "table" then req.length = length end
end

local function own_headers(client, opts, at_home)
  local list = headers.copy(client.headers)
  if not at_home then redirect.leave_origin(list) end
  if opts.decompress == false then headers.remove(list, "Accept-Encoding") end
  if opts.headers then headers.set_all(list, opts.headers) end
  return list
end

local function set_cookies(req, cookies)
  local pieces = {}
  for _, pair in ipairs(query.pairs_of("cookies", cookies)) do
    if not pair[1]:find "^[%w!#$%%&'*+%-.^_`|~]+$" or pair[2]:find "[%c;]" then
      mistake "cookies: a name is a token, a value holds no control character and no ';'"
    end
    pieces[#pieces + 1] = pair[1] .. "=" .. pair[2]
  end
  req.cookies = table.concat(pieces, "; ")
end

local Request = { __name = "rille.client_request" }
Request.__index = Request
function Request.__tostring(req) return ("%s %s"):format(req.method, req.url) end

-- A request that says nothing but its URL: the client's own headers and settings, not even copied.
local function plain(client, method, url)
  local req = setmetatable({ method = method, headers = client.headers, settings = client.settings, digest = client.digest },
    Request)
  return req, set_url(req, client, url)
end

--- of(client, method, url, opts) -> request
function M.of(client, method, url, opts)
  if not opts then
    local req, credentials_in_url = plain(client, method, url)
    if not credentials_in_url and (not client.home or is_at_home(client, req.url)) then return req end
  end
  opts = opts or {}
  local req = setmetatable({ method = check_method(opts.method or method), settings = settings_of(client, opts) }, Request)
  local in_url = set_url(req, client, url, opts)
  local at_home = not client.home or is_at_home(client, req.url)
  if not at_home and opts.cert == nil then req.settings = redirect.without_certificate(req.settings) end
  req.headers = own_headers(client, opts, at_home)
  set_body(req, opts)
  take_length(req)
  local auth = opts.auth or in_url
  if auth then
    if not (opts.headers and req.headers.authorization) then headers.remove(req.headers, "Authorization") end
    set_credentials(req, auth)
  elseif at_home then
    req.digest = client.digest
  end
  if opts.cookies then set_cookies(req, opts.cookies) end
  return req
end

--- checked(client, req) -> req, as a hook has left it, or raises
function M.checked(client, req)
  if type(req.method) ~= "string" then mistake "client:use: the method of a request is a string" end
  req.method = check_method(req.method)
  if type(req.headers) ~= "table" then mistake "client:use: the headers of a request are a table" end
  if not headers.is(req.headers) then req.headers = headers.of(req.headers) end
  if not bodies.is(req.body) then req.body = bodies.of { body = req.body } end
  local in_url = set_url(req, client, req.url)
  if in_url then
    headers.remove(req.headers, "Authorization")
    set_credentials(req, in_url)
  end
  return req
end

--- of_client(given, base) -> headers, digest: what a client sends with every request
function M.of_client(given, base)
  local list = { headers = headers.of(given.headers or {}, base) }
  if given.auth then set_credentials(list, given.auth) end
  return list.headers, list.digest
end

return M
