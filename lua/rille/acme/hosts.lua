-- The names that a certificate is asked for: host names, in their ASCII form, each once. What no authority would sign by the
-- challenges that there are is refused here, with the reason, before anybody is asked.
local native_client = require "rille.native.client"

local M = {}

M.MOST = 100

local function refuse(name, why) error(("--acme: '%s' %s"):format(name, why), 0) end

local function ascii(name)
  if name:find "[/@?#:%s%%\\]" or name:find "^%[" then
    refuse(name, "is no host name: write it as in a URL, without a scheme, a port or a path")
  end
  local location, why = native_client.url_parse("https://" .. name .. "/")
  if not location then refuse(name, "is no host name: " .. why) end
  if location.disguised or location.host:find "^%d+%.%d+%.%d+%.%d+$" then
    refuse(name, "is an address: certificates are for names")
  end
  return location.host
end

-- Letters, digits and hyphens (RFC 1123 section 2.1).
local function check_labels(name, host)
  if #host > 253 then refuse(name, "is longer than a name can be (253)") end
  for label in host:gmatch "[^.]+" do
    if #label > 63 or not label:find "^[%w-]+$" or label:find "^%-" or label:find "%-$" then
      refuse(name, "is no host name: '" .. label .. "' has letters, digits and '-' within, at most 63")
    end
  end
  if not host:find(".", 1, true) then refuse(name, "has no dot: an authority knows names of the public DNS only") end
end

local function check(name)
  if name:find("*", 1, true) then
    refuse(name, "is a wildcard, which needs the challenge DNS-01: rille has HTTP-01 and TLS-ALPN-01, so name each host")
  end
  if name:find "^%[?%x*:%x*:[%x:.]*%]?$" then refuse(name, "is an address: certificates are for names") end
  local host = ascii(name):lower():gsub("%.$", "")
  check_labels(name, host)
  return host
end

--- check(names) -> list of names in ASCII, without doubles. Raises a line for whoever typed them.
function M.check(names)
  local list, seen = {}, {}
  for _, name in ipairs(names) do
    local host = check(name)
    if not seen[host] then list[#list + 1] = host end
    seen[host] = true
  end
  if #list == 0 then error("--acme: expected a host name such as example.org", 0) end
  if #list > M.MOST then error(("--acme: at most %d names in one certificate, got %d"):format(M.MOST, #list), 0) end
  return list
end

--- split(text) -> names of "a.example, b.example"
function M.split(text)
  local names = {}
  for name in text:gmatch "[^,%s]+" do names[#names + 1] = name end
  return names
end

return M
