-- From what a program says to a request that can be sent: URL, query, headers, body, credentials, deadlines.
--
--   req.method req.url req.headers req.body      what hooks (client:use) see and may change; body is a string, or a table
--                                                where it is streamed
--   req.settings                                 what holds for all of it: deadlines, redirects, the way there
--
-- Settings of a client are worked out once; a request that says nothing of its own shares them.
local mistake = require("rille.options").mistake
local bodies = require "rille.client.body"
local credentials = require "rille.client.credentials"
local headers = require "rille.client.headers"
local native = require "rille.native.core"
local options = require "rille.options"
local query = require "rille.client.query"
local route = require "rille.client.route"
local urls = require "rille.client.url"

local M = {}

-- Options that a client and a request share.
local shared = {
  headers = "table", auth = "table", timeout = "number|table|boolean", follow = "number|boolean",
  verify = "boolean", ca = "string|boolean", cert = "string|boolean", key = "string|boolean", proxy = "string|boolean",
  no_proxy = "string|boolean", http2 = "boolean", unix = "string|boolean", raise = "boolean", decompress = "boolean",
  body_limit = "number", retries = "number", encoding = "string",
}
local of_request = {
  method = "string", query = "table|string", json = true, form = "table", files = "table", multipart = "table|boolean",
  body = "string|function|table|userdata", cookies = "table", absolute = "boolean",
}
local of_client = {
  base_url = "string", cookies = "boolean|table", limit = "number", limit_per_host = "number", allow = "table",
  deny_private = "boolean", transport = "function",
}
for name, kind in pairs(shared) do of_request[name], of_client[name] = kind, kind end

-- The message for an option of a client that was given to a request, and the other way round.
local function refer(known, other, what, owner)
  setmetatable(known, { __index = function(_, name)
    if rawget(other, name) then mistake(("%s: '%s' is an option of %s"):format(what, name, owner)) end
  end })
end

refer(of_request, of_client, "fetch", "rille.client, not of a request")
refer(of_client, of_request, "client", "a request, not of rille.client")

--- check_request(opts), check_client(opts): raise what is no option of a request, of a client
function M.check_request(opts) return options.check(opts, of_request, "fetch") end
function M.check_client(opts) return options.check(opts, of_client, "client") end

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
  options.check(timeout, timeout_kinds, "timeout")
  if timeout.total ~= nil then settings.total = seconds("timeout.total", timeout.total) end
  if timeout.connect ~= nil then settings.connect = seconds("timeout.connect", timeout.connect) end
  if timeout.read ~= nil then settings.read = seconds("timeout.read", timeout.read) end
end

--- count(what, value, least): a whole number, `least` or more
function M.count(what, value, least)
  local whole = math.tointeger(value)
  if not whole or whole < least then mistake(("%s: a whole number, %d or more"):format(what, least)) end
  return whole
end

local function set_counts(settings, given)
  if given.follow ~= nil then
    settings.follow = given.follow == true and DEFAULT_FOLLOW or given.follow and M.count("follow", given.follow, 0) or 0
  end
  if given.retries ~= nil then settings.retries = M.count("retries", given.retries, 0) end
  if given.body_limit ~= nil then settings.body_limit = M.count("body_limit", given.body_limit, 1) end
  if given.raise ~= nil then settings.raise = given.raise end
  if given.decompress ~= nil then settings.decompress = given.decompress end
end

local function set_encoding(settings, encoding)
  if encoding == nil then return end
  if not native.charset_is_known(encoding) then mistake(("encoding: '%s' is no charset that is known here"):format(encoding)) end
  settings.encoding = encoding
end

local function apply(settings, given)
  set_deadlines(settings, given.timeout)
  set_counts(settings, given)
  set_encoding(settings, given.encoding)
  route.set(settings, given)
  settings.limits = { settings.connect or false, settings.read or false, settings.body_limit or false, settings.decompress }
  return settings
end

local function check_allow(list)
  for key in pairs(list) do
    if math.type(key) ~= "integer" or key < 1 or key > #list then mistake "allow: a list of hosts, addresses and networks" end
  end
end

-- Options of connections mean nothing if there are no connections.
local of_wire = {
  allow = true, deny_private = true, limit = true, limit_per_host = true, verify = true, ca = true, cert = true, key = true,
  proxy = true, no_proxy = true, http2 = true, unix = true, decompress = true,
}

local function check_transport(given)
  for name, value in pairs(given) do
    if of_wire[name] and not (name == "decompress" and value == false) then
      mistake(name .. " is of no use to a client that makes no connections")
    end
  end
  if type(given.timeout) == "table" and (given.timeout.connect or given.timeout.read) then
    mistake "timeout: only total is kept by a client that makes no connections"
  end
end

--- settings(given) -> those of a client
function M.settings(given)
  check_allow(given.allow or {})
  if given.transport then check_transport(given) end
  return apply({ total = DEFAULT_TIMEOUT, follow = DEFAULT_FOLLOW, retries = 0, raise = false, decompress = true,
    guarded = given.deny_private or given.allow ~= nil }, given)
end

local own_settings = {
  "timeout", "follow", "retries", "body_limit", "raise", "decompress", "verify", "ca", "cert", "key", "http2", "proxy",
  "no_proxy", "unix", "encoding",
}

local function settings_of(client, opts)
  if client.transport then check_transport(opts) end
  for _, name in ipairs(own_settings) do
    if opts[name] ~= nil then
      local own = {}
      for key, value in pairs(client.settings) do own[key] = value end
      return apply(own, opts)
    end
  end
  return client.settings
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
  local known = req.body == nil and 0 or type(req.body) == "string" and #req.body
  if not length or (known and length ~= known) then mistake "header Content-Length: not the length of the body" end
  if type(req.body) == "table" then req.length = length end
end

-- A client's own headers and the call's; to another origin of the client's only what may go anywhere.
local function own_headers(client, opts, at_home)
  local list = headers.copy(client.headers)
  if not at_home then credentials.leave_home(list) end
  if opts.decompress == false then headers.remove(list, "Accept-Encoding")
  elseif opts.decompress and not list["accept-encoding"] then headers.add(list, "Accept-Encoding", M.codings) end
  if opts.headers then headers.set_all(list, opts.headers) end
  return list
end

--- What is asked for where bodies are decoded.
M.codings = "gzip, deflate, br"

local function names_authorization(given)
  for name in pairs(given or {}) do
    if type(name) == "string" and name:lower() == "authorization" then return true end
  end
  return false
end

-- Credentials are said once: by auth, by the URL, or by a header; a client's stand where a call says nothing.
local function set_credentials(req, client, opts, in_url, at_home)
  if not opts.auth and not in_url and not client.digest then return end
  local by_header = names_authorization(opts.headers)
  if opts.auth and by_header then mistake "auth and a header Authorization exclude each other" end
  if in_url and (opts.auth or by_header) then
    urls.refuse(req.url, "it holds a user, and credentials were given beside it", req.method)
  end
  if opts.auth or in_url then credentials.set(req, opts.auth or in_url)
  elseif at_home and not by_header then req.digest = client.digest or nil end
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

-- A request that says nothing but its URL: the client's own headers and settings, not even copied; and the credentials in
-- the URL, with which it is more than that.
local function plain(client, method, text)
  local url, location, _, in_url = urls.resolve(client, client.settings, method, text)
  return setmetatable({ method = method, url = url, location = location, headers = client.headers,
    settings = client.settings, digest = client.digest or nil }, Request), in_url
end

--- of(client, method, url, opts) -> request
function M.of(client, method, url, opts)
  if not opts then
    local simple, credentials_in_url = plain(client, method, url)
    if not credentials_in_url then return simple end
    opts = {}
  end
  local req = setmetatable({ method = check_method(opts.method or method), settings = settings_of(client, opts) }, Request)
  local at_home, in_url = urls.set(req, client, url, opts.query, opts.absolute)
  if opts.absolute then req.absolute, req.away = true, not at_home end
  if not at_home and not opts.cert then req.settings = route.without_certificate(req.settings) end
  req.headers = own_headers(client, opts, at_home)
  set_body(req, opts)
  take_length(req)
  set_credentials(req, client, opts, in_url, at_home)
  if opts.cookies then set_cookies(req, opts.cookies) end
  return req
end

--- again(req) -> a request of our own that may be changed: a hook may send its own once more
function M.again(req)
  return setmetatable({ method = req.method, url = req.url, location = req.location, headers = req.headers,
    body = req.body, length = req.length, cookies = req.cookies, digest = req.digest, settings = req.settings,
    absolute = req.absolute, away = req.away }, Request)
end

-- A hook that leads a request away from the client's base_url leads what was meant for that origin not along; what the hook
-- itself has set goes. `before`: the headers as the hooks got them.
local function leave_home(req, client, before)
  req = M.again(req)
  req.headers = headers.copy(req.headers)
  credentials.leave_origin(req.headers, client.headers, before)
  req.cookies, req.digest, req.away = nil, nil, true
  req.settings = route.without_certificate(req.settings)
  return req
end

--- checked(client, req, before) -> req, as a hook has left it, or raises
function M.checked(client, req, before)
  if type(req.method) ~= "string" then mistake "client:use: the method of a request is a string" end
  req.method = check_method(req.method)
  if type(req.headers) ~= "table" then mistake "client:use: the headers of a request are a table" end
  if not headers.is(req.headers) then req.headers = headers.of(req.headers) end
  if not bodies.is(req.body) then req.body = bodies.of { body = req.body } end
  if urls.is_unchanged(req) then return req end
  local at_home, in_url = urls.set(req, client, req.url, nil, req.absolute)
  if not at_home and not req.away then req = leave_home(req, client, before) end
  if in_url then credentials.set(req, in_url) end
  return req
end

--- of_client(given, base, in_url) -> headers, digest: what a client sends with every request
function M.of_client(given, base, in_url)
  local list, auth = { headers = headers.of(given.headers or {}, base) }, given.auth or in_url
  if given.auth and in_url then mistake "auth and a user in base_url exclude each other" end
  if auth and names_authorization(given.headers) then mistake "auth and a header Authorization exclude each other" end
  if auth then credentials.set(list, auth) end
  return list.headers, list.digest
end

return M
