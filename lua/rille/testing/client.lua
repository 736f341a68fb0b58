-- testing.client: requests to an app in the same process, without a socket; the whole way through router, middleware and
-- errors, with cookies and redirects.
local native = require "rille.native"
local options = require "rille.options"
local Response = require "rille.testing.response"
local running = require "rille.testing.running"
local url_for = require "rille.url_for"

local Client = {}
Client.__index = Client
Client.__name = "rille.test_client"

local client_options = { cookies = "boolean", headers = "table", scheme = "string", host = "string" }
local request_options = {
  headers = "table", query = "table", json = true, form = "table", body = "string|function", follow = "boolean|number",
}

function Client.new(app, opts)
  opts = options.check(opts, client_options, "testing.client")
  local self = setmetatable({ jar = opts.cookies ~= false and {} or nil, headers = opts.headers or {}, open = {},
    scheme = opts.scheme or "http", host = opts.host or "127.0.0.1" }, Client)
  self.running = running.start(app)
  self.app = app
  return self
end

-- ---- cookies --------------------------------------------------------------------------------------------------------

local function keep_cookies(self, response)
  for _, line in ipairs(response.set_cookies) do
    local name, value = line:match "^([^=]+)=([^;]*)"
    local age = line:lower():match ";%s*max%-age=(%-?%d+)"
    if name then self.jar[name] = not (age and tonumber(age) <= 0) and value or nil end
  end
end

local function cookie_header(self)
  local names, pieces = {}, {}
  for name in pairs(self.jar) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do pieces[i] = name .. "=" .. self.jar[name] end
  return #pieces > 0 and table.concat(pieces, "; ") or nil
end

-- ---- one request ------------------------------------------------------------------------------------------------------

local function body_of(opts)
  if opts.json ~= nil then return native.json_encode(opts.json), "application/json" end
  if opts.form then return url_for.query(opts.form), "application/x-www-form-urlencoded" end
  return opts.body
end

local function set_default(headers, name, value)
  for known in pairs(headers) do
    if known:lower() == name:lower() then return end
  end
  headers[name] = value
end

local function head(self, method, target, opts, content_type, length)
  local headers = {}
  for name, value in pairs(self.headers) do headers[name] = value end
  for name, value in pairs(opts.headers or {}) do headers[name] = value end
  set_default(headers, "Host", self.host)
  set_default(headers, "Sec-Fetch-Site", "same-origin")
  set_default(headers, "Content-Type", content_type)
  if self.jar then set_default(headers, "Cookie", cookie_header(self)) end
  if length == "chunked" then headers["Transfer-Encoding"] = "chunked"
  elseif length then headers["Content-Length"] = length end
  local lines = { ("%s %s HTTP/1.1"):format(method, target) }
  for name, value in pairs(headers) do
    value = tostring(value)
    if value:find "[\r\n\0]" then error(("header %s holds a line break or NUL"):format(name), 5) end
    lines[#lines + 1] = name .. ": " .. value
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local Source = {}
Source.__index = Source
function Source:read() return self.exchange:read() end
function Source:close()
  self.exchange:close()
  self.client.open[self.exchange] = nil
end

-- Sends a body that an iterator makes, as the handler asks for it.
local function send_pieces(exchange, next_piece)
  while exchange:wants_body() do
    local piece = next_piece()
    if piece == nil then return exchange:send("", true) end
    exchange:send(piece, false)
  end
end

local function send(self, method, target, opts)
  local body, content_type = body_of(opts)
  local length = type(body) == "function" and "chunked" or (body and #body) or nil
  local exchange = native.exchange(self.running.compiled, head(self, method, target, opts, content_type, length),
    self.scheme == "https")
  self.open[exchange] = true
  if type(body) == "function" then send_pieces(exchange, body)
  elseif body and #body > 0 then exchange:send(body, true) end
  local status, headers = exchange:head()
  local response = Response.new { status = status, headers = headers, url = self.scheme .. "://" .. self.host .. target,
    source = setmetatable({ exchange = exchange, client = self }, Source) }
  if self.jar then keep_cookies(self, response) end
  return response
end

-- ---- redirects ----------------------------------------------------------------------------------------------------------

local redirects = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local function target_of(location, before)
  local path = location:match "^https?://[^/]*(/.*)$" or location
  if path:find "^/" then return path end
  return before:gsub("[?].*$", ""):gsub("[^/]*$", "") .. path
end

local function follow(self, response, method, target, opts, most)
  local history = native.array {}
  while redirects[response.status] and response.headers.location and #history < most do
    response:bytes()
    history[#history + 1] = response
    target = target_of(response.headers.location, target)
    if response.status == 303 or (response.status < 303 and method == "POST") then
      method, opts = "GET", { headers = opts.headers }
    end
    response = send(self, method, target, opts)
  end
  response.history = history
  return response
end

--- client:request(method, path, {headers=, query=, json=, form=, body=, follow=false}) -> response
function Client:request(method, path, opts)
  if self.closed then error("this client was closed", 2) end
  opts = options.check(opts, request_options, "request")
  if type(path) ~= "string" or not path:find "^/" then error("a path that starts with '/' was expected", 2) end
  local target = path
  if opts.query and next(opts.query) ~= nil then
    target = path .. (path:find("?", 1, true) and "&" or "?") .. url_for.query(opts.query)
  end
  local response = send(self, method:upper(), target, opts)
  if not opts.follow then return response end
  return follow(self, response, method:upper(), target, opts, opts.follow == true and 10 or opts.follow)
end

for _, method in ipairs { "get", "post", "put", "patch", "delete", "head", "options" } do
  Client[method] = function(self, path, opts) return self:request(method, path, opts) end
end

function Client:close()
  if self.closed then return end
  self.closed = true
  for exchange in pairs(self.open) do exchange:close() end
  self.open = {}
  native.sleep(0) -- handlers of closed exchanges learn of it
  self.running:close()
end

Client.__close = Client.close

return Client
