-- rille.trust_proxy{"10.0.0.0/8"}: for requests from these proxies req.remote, req.scheme, req.host and req.url are the
-- client's, as the proxy tells them. From anybody else such headers mean nothing.
--
-- The list of hops is read from its end, ours, towards the client: what a trusted proxy has added is believed, and the
-- first address that is no such proxy is the client. Anybody can have written the hops before it.
--
-- A proxy that sets one kind of header passes the other kind through as a client sent it. So where both are there,
-- X-Forwarded-* counts, which all common proxies set; headers = "forwarded" is for one that sets Forwarded (RFC 7239).
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"

local LONGEST_NODE = 64 -- an address with its port has 47 bytes

-- "192.0.2.1:4711", "[2001:db8::1]:80", "[2001:db8::1]" -> the address, or nil
local function address_of(node)
  if #node > LONGEST_NODE then return nil end
  local address = node:match "^%[([%x:.]+)%]" or node:match "^(%d+%.%d+%.%d+%.%d+):%d+$" or node
  return native_http.is_address(address) and address or nil
end

-- The three headers as a list of {for, proto, host}. A proxy that overwrites proto and host leaves one value for all hops. In
-- these a quote is a byte like any other: one that a client leaves open must not swallow what the proxy has added.
local function parse_x_forwarded(req)
  local headers = req.headers
  local hops = {}
  for i, address in ipairs(native.split_list(headers["x-forwarded-for"] or "")) do hops[i] = { ["for"] = address } end
  for name, header in pairs { proto = "x-forwarded-proto", host = "x-forwarded-host" } do
    local list = native.split_list(headers[header] or "")
    for i = 1, #hops do hops[i][name] = list[#list - #hops + i] or (#list == 1 and list[1]) or nil end
  end
  return hops
end

local function hops_of(req, kind)
  local x = req.headers["x-forwarded-for"] or req.headers["x-forwarded-proto"] or req.headers["x-forwarded-host"]
  if x and kind ~= "forwarded" then return parse_x_forwarded(req) end
  if req.headers.forwarded and kind ~= "x-forwarded" then return native.forwarded(req.headers.forwarded) end
  return {}
end

local schemes = { http = "http", https = "https" }

-- Returns the client as the last trusted hop tells it, or nil if there is none.
local function believe(hops, trusts)
  local found
  for i = #hops, 1, -1 do
    local hop = hops[i]
    local address = hop["for"] and address_of(hop["for"])
    found = { remote = address, scheme = hop.proto and schemes[hop.proto:lower()], host = hop.host }
    if not address or not trusts(address) then return found end
  end
  return found
end

local function is_trusted(networks, unix)
  return function(address)
    if address == "" then return unix end
    return networks:has(address)
  end
end

--- rille.trust_proxy{"10.0.0.0/8", "::1", "unix", headers="x-forwarded"|"forwarded"} -> middleware
return function(opts)
  if type(opts) ~= "table" or #opts == 0 then
    options.raise "trust_proxy: a list of networks such as '10.0.0.0/8' was expected"
  end
  local given, list, unix = {}, {}, false
  for key, value in pairs(opts) do
    if math.type(key) ~= "integer" then given[key] = value
    elseif value == "unix" then unix = true
    else list[#list + 1] = value end
  end
  local kind = options.check(given, { headers = "string" }, "trust_proxy").headers
  if kind and kind ~= "forwarded" and kind ~= "x-forwarded" then
    options.raise "trust_proxy: headers is 'x-forwarded' or 'forwarded'"
  end
  local networks, wrong = native_http.networks(list)
  if not networks then
    options.raise("trust_proxy: '%s' is no network: '10.0.0.0/8', '::1' or 'unix' were expected", tostring(wrong))
  end
  local trusts = is_trusted(networks, unix)
  return function(req, handler)
    if trusts(req.remote) then
      local client = believe(hops_of(req, kind), trusts)
      local host = client and client.host
      if host and (host == "" or not native_http.is_authority(host)) then host = nil end
      if client then native_http.request_forward(req, client.remote, client.scheme, host) end
    end
    return handler(req)
  end
end
