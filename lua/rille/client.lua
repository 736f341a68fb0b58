-- The HTTP client.
--
--   rille.fetch(url, options) -> response         one request, on connections shared by all of them
--   rille.client{…} -> client                     its own connections, cookies, headers, limits and hooks
--
--   client:get(url, options)
--     -> request.lua    what is to be sent, from options and the client's settings
--     -> hooks          client:use(function(req, send) … end), the first is outermost
--     -> redirects      each hop: cookies out, attempt, cookies in      (redirect.lua, cookies.lua)
--     -> attempts       again where retries are left                    (retry.lua)
--     -> transport.lua  a pool of connections, or whatever tests have put in its place
--     -> response.lua
local cookies = require "rille.client.cookies"
local errors = require "rille.error"
local headers = require "rille.client.headers"
local names = require "rille.names"
local native = require "rille.native.core"
local native_client = require "rille.native.client"
local native_http = require "rille.native.http"
local options = require "rille.options"
local redirect = require "rille.client.redirect"
local request = require "rille.client.request"
local response = require "rille.client.response"
local retry = require "rille.client.retry"
local transport = require "rille.client.transport"
local urls = require "rille.client.url"

local meta_of = debug.getmetatable
local mistake = options.mistake

local Client = { __name = "rille.client" }
Client.__index = Client

-- ---- hops -----------------------------------------------------------------------------------------------------------

-- Returns true for a valid traceparent (W3C Trace Context, section 3.2.2); later versions may append something.
local function is_trace(parent)
  local version, trace, span, rest = parent:match "^([%da-f][%da-f])%-([%da-f]+)%-([%da-f]+)%-[%da-f][%da-f](.*)$"
  if not version or version == "ff" or #trace ~= 32 or #span ~= 16 then return false end
  if not trace:find "[^0]" or not span:find "[^0]" then return false end
  return rest == "" or (version ~= "00" and rest:sub(1, 1) == "-")
end

-- A trace that the request being served is part of goes on; one that a program has set stays.
local function set_trace(list, parent)
  if list.traceparent or list.tracestate or not is_trace(parent) then return end
  headers.set(list, "traceparent", parent)
  headers.set(list, "tracestate", native_http.served_header "tracestate")
end

-- The request's own cookies, those of the jar, and its Cookie header, in this order.
local function set_cookie(list, req, jar)
  local kept = jar and jar:header(urls.of(req)) or nil
  if not kept and not req.cookies then return end
  local pieces = {}
  for _, piece in pairs { list.cookie or false, req.cookies or false, kept or false } do
    if piece then pieces[#pieces + 1] = piece end
  end
  headers.set(list, "Cookie", table.concat(pieces, "; "))
end

-- Returns the headers of this hop: the request's as they are, or a copy with what only this hop carries.
local function hop(req, jar)
  local parent = native_http.served_header "traceparent"
  if jar and jar.count == 0 then jar = nil end
  if not parent and not jar and not req.cookies then return req end
  local list = headers.copy(req.headers)
  if jar or req.cookies then set_cookie(list, req, jar) end
  if parent then set_trace(list, parent) end
  return setmetatable({ headers = list }, { __index = req })
end

local function keep_cookies(jar, req, head)
  if jar and head["set-cookie"] then jar:take(urls.of(req), native_client.header_all(head, "set-cookie")) end
end

-- ---- one attempt, and another ---------------------------------------------------------------------------------------

-- The time that is left of a request's deadline, nil where it has none.
local function time_left(deadline)
  if not deadline then return nil end
  local left = deadline - native.now()
  return left > 0.001 and left or 0.001
end

local function wait_for_retry(req, attempt, deadline, res)
  local delay = retry.delay(attempt, res)
  local left = time_left(deadline)
  if left and delay >= left then return false end
  if res then res.source:close() end
  native.sleep(delay)
  return attempt <= req.settings.retries
end

-- status, headers, source of the last attempt, or what it raised. What one of them says of cookies holds for the next.
local function attempt_with_retries(client, req, jar, deadline)
  local attempt = 0
  while true do
    attempt = attempt + 1
    local status, head, source = native.try(transport.run, client, hop(req, jar), time_left(deadline))
    local err = status == nil and head or nil
    local res = not err and { status = status, headers = head, source = source } or nil
    local again = attempt <= req.settings.retries and retry.wants(req, res, err)
      and wait_for_retry(req, attempt, deadline, res)
    if not again then
      if err then error(err, 0) end
      return status, head, source
    end
    if res then keep_cookies(jar, req, head) end
  end
end

-- ---- redirects ------------------------------------------------------------------------------------------------------

-- Nobody reads the body of a redirect; what has come of it is on the way out anyway.
local function next_hop(client, req, status, head, source, location, history)
  source:close()
  if #history >= req.settings.follow then redirect.fail(req, ("more than %d redirects"):format(req.settings.follow)) end
  history[#history + 1] = response.new(status, head, response.source "", req.url, req.method)
  redirect.follow(req, status, location, client.headers)
end

-- fetch has no jar; cookies that a chain of redirects sets live as long as the chain.
local function jar_of(client, head)
  return client.jar or (client.is_shared and head["set-cookie"] and cookies.new()) or nil
end

local function exchange(client, req, deadline)
  local settings, jar, history = req.settings, client.jar, nil
  while true do
    local status, head, source
    if settings.retries > 0 then status, head, source = attempt_with_retries(client, req, jar, deadline)
    else status, head, source = transport.run(client, hop(req, jar), time_left(deadline)) end
    local location = settings.follow > 0 and redirect.location(status, head)
    jar = jar or (location and jar_of(client, head))
    keep_cookies(jar, req, head)
    if not location then
      local res = response.new(status, head, source, req.url, req.method)
      if settings.encoding then res.encoding = settings.encoding end
      if history then res.history = native.array(history) end
      return res
    end
    if not history then history, req = {}, request.again(req) end
    next_hop(client, req, status, head, source, location, history)
  end
end

-- ---- hooks ----------------------------------------------------------------------------------------------------------

-- Makes a response of what a hook returned, which is a response of ours or plain data.
local function to_response(value, req)
  if response.is(value) then return value end
  if type(value) ~= "table" or getmetatable(value) ~= nil then
    mistake("client:use: a hook returns a response, or a table {status=, headers=, body=}, got a " .. type(value))
  end
  local res = response.of(value)
  res.url, res.method, res.encoding = res.url or req.url, req.method, req.settings.encoding
  return res
end

-- `before`: the headers as the first of them got them.
local function through_hooks(client, index, req, deadline, before)
  local hook = client.hooks[index]
  if not hook then return exchange(client, request.checked(client, req, before), deadline) end
  local res = hook(req, function(other)
    if type(other) ~= "table" or not other.settings then mistake "send: the request that the hook was given is its argument" end
    return through_hooks(client, index + 1, other, deadline, before)
  end)
  return to_response(res, req)
end

-- ---- the client -----------------------------------------------------------------------------------------------------

-- A string is none: a body is meant, or a method.
local function check_options(given, check, what)
  if type(given) ~= "table" then mistake(("%s: options are a table, got a %s"):format(what, type(given))) end
  return check(given)
end

local function run(client, method, url, opts, name)
  if meta_of(client) ~= Client then names.check_self("client", Client, client, name) end
  if client.closed then
    error(errors.new("closed", ("%s %s: this client was closed"):format(method, urls.shown(tostring(url))),
      { status = 500, url = url, method = method }), 0)
  end
  opts = opts and check_options(opts, request.check_request, "fetch") or nil
  local req = request.of(client, method, url, opts)
  local total = req.settings.total
  local deadline = total and native.now() + total
  local res
  if #client.hooks > 0 then
    local before = req.headers
    req.headers = headers.copy(before)
    res = through_hooks(client, 1, req, deadline, before)
  else
    res = exchange(client, req, deadline)
  end
  if res.status >= 400 and req.settings.raise then return res:raise_for_status() end
  return res
end

for _, method in ipairs { "get", "post", "put", "patch", "delete", "head", "options" } do
  local name = method:upper()
  --- client:get(url, options) -> response, once its head has come
  Client[method] = function(self, url, opts)
    if opts and type(opts) == "table" and opts.method ~= nil and tostring(opts.method):upper() ~= name then
      mistake(("method: client:%s sends %s; client:request takes another one"):format(method, name))
    end
    return run(self, name, url, opts, method)
  end
end

--- client:request(url, {method="GET", …}) -> response
function Client:request(url, opts) return run(self, "GET", url, opts, "request") end

--- client:use(function(req, send) return send(req) end): the first is outermost. A hook sees each call once, whatever
--- redirects and retries it takes; it may change the request, send it more than once, or answer by itself.
function Client:use(hook, ...)
  if meta_of(self) ~= Client then names.check_self("client", Client, self, "use") end
  if type(hook) ~= "function" then error("use: a function was expected, got a " .. type(hook), 2) end
  options.alone("client:use(function(req, send) … end)", ...)
  self.hooks[#self.hooks + 1] = hook
  return self
end

--- client:stats() -> {running=, waiting=}
function Client:stats()
  if not self.pool then return { running = 0, waiting = 0 } end
  local running, waiting = self.pool:stats()
  return { running = running, waiting = waiting }
end

--- client:close(): its connections are closed; requests under way fail with code "closed"
function Client:close()
  self.closed = true
  if self.pool then self.pool:close() end
end

Client.__close = Client.close

-- ---- making one -----------------------------------------------------------------------------------------------------

local MOST_AT_ONCE = 100000

local function base_headers(settings)
  local list = { "User-Agent", "rille/" .. native.version, "Accept", "*/*" }
  if settings.decompress then table.move({ "Accept-Encoding", request.codings }, 1, 2, 5, list) end
  return list
end

local function set_jar(client, given)
  if given == false then return end
  if given ~= nil and given ~= true and not cookies.is(given) then
    mistake "cookies: true, false or the jar of another client"
  end
  client.jar = cookies.is(given) and given or cookies.new()
  client.cookies = client.jar
end

local function check_limit(name, value, least, otherwise)
  if value == nil then return otherwise end
  local limit = request.count(name, value, least)
  if limit > MOST_AT_ONCE then mistake(("%s: %d at most"):format(name, MOST_AT_ONCE)) end
  return limit
end

-- The pool is made when it is first needed: a client whose requests never reach a wire has none.
local function carry_when_needed(client, limits)
  client.open = function()
    client.pool = client.pool or native_client.client_pool(limits)
    return client.pool
  end
  client.carry = function(req, left)
    client.carry = transport.over(client.open())
    return client.carry(req, left)
  end
end

local function new(given)
  local settings = request.settings(given)
  local client = setmetatable({ settings = settings, hooks = {}, transport = given.transport or false, closed = false,
    is_shared = false, jar = false, pool = false, base_url = false, home = false }, Client)
  local in_url = given.base_url and urls.set_base(client, given.base_url)
  client.headers, client.digest = request.of_client(given, base_headers(settings), in_url)
  client.digest = client.digest or false
  set_jar(client, given.cookies)
  carry_when_needed(client, { limit = check_limit("limit", given.limit, 1, 100),
    limit_per_host = check_limit("limit_per_host", given.limit_per_host, 0, 0),
    deny_private = given.deny_private, allow = given.allow })
  return client
end

names.class("client", Client, { fields = { "cookies" }, absent = { "base_scheme" }, is_one = false })

local M = { cookies = cookies.new, response = response.of }

--- rille.client{base_url=, headers=, timeout=, cookies=true, limit=100, …} -> client
function M.new(opts) return new(check_options(opts or {}, request.check_client, "client")) end

local shared -- the client of rille.fetch

--- rille.fetch(url, options) -> response, once its head has come
function M.fetch(url, opts)
  if type(url) == "table" then names.check_colon(url, "rille.fetch") end
  if not shared then
    shared = new { cookies = false }
    shared.is_shared = true
  end
  return run(shared, "GET", url, opts)
end

return setmetatable(M, { __call = function(_, opts) return M.new(opts) end })
