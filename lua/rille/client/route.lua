-- How a request gets to its server, where that is not straight: verify, ca, cert, key, http2, proxy, no_proxy, unix. And what
-- of it would be passed over without a word, which is refused instead: whoever wrote it relies on it.
local mistake = require("rille.options").mistake

local M = {}

local names = { "ca", "cert", "key", "no_proxy", "unix" }

local function check_text(name, value)
  if value == true then mistake(name .. ": false, or a path") end
  if value:find("\0", 1, true) then mistake(name .. ": holds NUL") end
  if value == "" and name ~= "no_proxy" then mistake(name .. ": is empty") end
  return value
end

local function check_proxy(proxy)
  if proxy:find "[^\32-\126]" then
    mistake "proxy: holds what a URL cannot; a host outside ASCII is written in its ASCII form (xn--…)"
  end
  if proxy == "env" or proxy:find "^https?://." or proxy:find "^socks[45]h?a?://." then return proxy end
  mistake "proxy: 'http://host:port', 'https://…', 'socks5://…' or 'env' was expected"
end

-- Options of one place that contradict each other.
local function check_given(given, route)
  if given.verify == false and given.ca then mistake "ca is of no use with verify = false: nothing is checked" end
  if given.no_proxy and not route.proxy then mistake "no_proxy is of no use without proxy" end
  if given.key and not route.cert then mistake "key is of no use without cert" end
end

-- Joins the options of a client and of a request.
local function check_together(route, guarded)
  if route.unix and route.proxy then
    mistake "unix and proxy exclude each other: false turns off the one that the client has"
  end
  if guarded and route.proxy then
    mistake "allow and deny_private do not see past a proxy: the proxy resolves the names"
  end
  if guarded and route.unix then
    mistake "allow and deny_private know hosts and addresses, and a unix socket has none"
  end
end

--- set(settings, given): settings.route from what was there and what is given
function M.set(settings, given)
  local route, changed = {}, false
  for name, value in pairs(settings.route or {}) do route[name] = value end
  for _, name in ipairs(names) do
    if given[name] ~= nil then route[name], changed = given[name] and check_text(name, given[name]) or nil, true end
  end
  if given.verify ~= nil then route.insecure, changed = not given.verify or nil, true end
  if given.http2 ~= nil then route.http2, changed = given.http2 or nil, true end
  if given.proxy == true then mistake "proxy: false, or the URL of one, or 'env'" end
  if given.proxy ~= nil then route.proxy, changed = given.proxy and check_proxy(given.proxy) or nil, true end
  if not changed then return end
  check_given(given, route)
  check_together(route, settings.guarded)
  settings.route = next(route) ~= nil and route or nil
end

--- without_certificate(settings) -> settings: a client certificate is a credential (Fetch, 2.2.5)
function M.without_certificate(settings)
  local route = settings.route
  if not route or not (route.cert or route.key) then return settings end
  local own, own_route = {}, {}
  for name, value in pairs(settings) do own[name] = value end
  for name, value in pairs(route) do own_route[name] = value end
  own_route.cert, own_route.key = nil, nil
  own.route = next(own_route) ~= nil and own_route or nil
  return own
end

return M
