-- testing.client: rille's HTTP client with an app at the other end instead of a wire. What it sends goes the whole way
-- through reader, router, middleware and errors; bodies, files, cookies, redirects and responses are the client's own.
local errors = require "rille.error"
local http = require "rille.client"
local names = require "rille.names"
local native = require "rille.native.core"
local native_client = require "rille.native.client"
local native_http = require "rille.native.http"
local options = require "rille.options"
local running = require "rille.testing.running"

local Client = { __name = "rille.test_client" }
Client.__index = Client

local client_options = { cookies = "boolean", headers = "table", scheme = "string", host = "string" }

-- ---- the way to the app -------------------------------------------------------------------------------------------

-- Drops what was not read of a response.
local Source = {}
Source.__index = Source
function Source:next() return self.exchange:read() end
function Source:trailers() return self.exchange:trailers() end
function Source:close()
  self.exchange:close()
  self.open[self.exchange] = nil
end

local function head_of(req, host, target, length)
  local lines, named = { ("%s %s HTTP/1.1"):format(req.method, target) }, false
  for i = 1, #req.headers, 2 do
    lines[#lines + 1] = req.headers[i] .. ": " .. req.headers[i + 1]
    named = named or req.headers[i]:lower() == "host"
  end
  if not named then table.insert(lines, 2, "Host: " .. host) end
  if length then lines[#lines + 1] = "Content-Length: " .. length
  elseif req.body then lines[#lines + 1] = "Transfer-Encoding: chunked" end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- As the handler asks for it.
local function send_body(exchange, body)
  if type(body) == "string" then
    if #body > 0 then exchange:send(body, true) end
    return
  end
  body.send(function(bytes)
    if not exchange:wants_body() then return false end
    exchange:send(bytes, false)
    return true
  end)
  if exchange:wants_body() then exchange:send("", true) end
end

local function length_of(req)
  if type(req.body) == "string" then return #req.body end
  return req.body and (req.length or req.body.length)
end

-- As transport.lua says.
local function transport_to(client)
  return function(req)
    local scheme, host, target = req.url:match "^(%a+)://([^/?#]*)([^#]*)$"
    if host ~= client.host then
      error(errors.new("redirect", ("%s %s: testing.client asks %s only"):format(req.method, req.url, client.host)), 0)
    end
    if not target:find "^/" then target = "/" .. target end
    local exchange = native_http.exchange(client.running.compiled, head_of(req, host, target, length_of(req)), scheme == "https",
      client.open)
    local source = setmetatable({ exchange = exchange, open = client.open }, Source)
    if req.body then send_body(exchange, req.body) end
    local status, headers = exchange:head()
    return status, native_client.client_headers(headers), source
  end
end

-- ---- the client ---------------------------------------------------------------------------------------------------

-- A name outside ASCII is sent in its ASCII form, as any client does.
local function host_of(host)
  if not host:find "[\128-\255]" then return host end
  local location, why = native_client.url_parse("http://" .. host)
  if not location then options.mistake(("testing.client: host '%s': %s"):format(host, why)) end
  return location.url:match "^http://([^/]*)"
end

--- new(app, {cookies=true, headers=, scheme="http", host="127.0.0.1"}) -> client; its options for a request are those of
--- rille.fetch, and redirects are followed where follow= says so
function Client.new(app, opts)
  opts = options.check(opts, client_options, "testing.client")
  local self = setmetatable({ app = app, open = {}, host = host_of(opts.host or "127.0.0.1"), closed = false, ended = false },
    Client)
  local headers = { ["sec-fetch-site"] = "same-origin" }
  for name, value in pairs(opts.headers or {}) do headers[type(name) == "string" and name:lower() or name] = value end
  self.origin = (opts.scheme or "http") .. "://" .. self.host
  self.http = http.new { headers = headers, cookies = opts.cookies ~= false, timeout = false, follow = 0, decompress = false,
    transport = transport_to(self) }
  self.cookies = self.http.cookies
  self.running = running.start(app)
  return self
end

local function send(self, method, path, opts)
  if self.closed then options.mistake "this client was closed" end
  if type(path) ~= "string" or not path:find "^/" then options.mistake "a path that starts with '/' was expected" end
  return self.http[method](self.http, self.origin .. path, opts)
end

for _, method in ipairs { "get", "post", "put", "patch", "delete", "head", "options", "request" } do
  --- client:get(path, options) -> response, once its head has come
  Client[method] = function(self, path, opts) return send(self, method, path, opts) end
end

--- client:use(function(req, send) return send(req) end)
function Client:use(hook, ...)
  self.http:use(hook, ...)
  return self
end

function Client:close()
  if self.ended then return end
  self.closed = true
  self.http:close()
  for exchange in pairs(self.open) do exchange:close() end
  self.open = {}
  native.sleep(0) -- handlers of closed exchanges learn of it; where that may not wait, it can be closed again
  self.ended = true
  self.running:close()
end

Client.__close = Client.close

names.class("test_client", Client, { fields = { "cookies" }, absent = { "check" } })

return Client
