-- Redirects by the Fetch standard (HTTP-redirect fetch): which method goes on, what of the request stays behind.
--
--   303, and 301 or 302 to a POST      GET, without the body and its headers          (HEAD stays HEAD)
--   301, 302 else; 307, 308            the same request again; a body that cannot be sent twice is an error
--   another origin (scheme, host or port): Authorization, Cookie, Proxy-Authorization, Host and the request's own cookies
--   and credentials, a certificate too, stay behind, all of them, for good
--                                                                 (CVE-2026-34518, CVE-2026-47265, CVE-2026-54276)
--   anything but http and https is refused
local body = require "rille.client.body"
local errors = require "rille.error"
local headers = require "rille.client.headers"
local native = require "rille.native"

local M = {}

local statuses = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local of_body = { "Content-Type", "Content-Encoding", "Content-Language", "Content-Location" }
local of_origin = { "Authorization", "Cookie", "Proxy-Authorization", "Host" }

--- leave_origin(list): takes out of headers what belongs to one origin only
function M.leave_origin(list)
  for _, name in ipairs(of_origin) do headers.remove(list, name) end
end

--- location(status, head) -> where it leads, or nil
function M.location(status, head) return statuses[status] and head.location or nil end

local function fail(req, message)
  error(errors.new("redirect", ("%s %s: %s"):format(req.method, req.url:match "^[^?#]*", message),
    { status = 502, url = req.url, method = req.method }), 0)
end

M.fail = fail

--- check(settings, location, method): a guarded client takes no address in disguise (client/guard.h); once the URL is
--- written out nothing shows it any more.
function M.check(settings, location, method)
  if not settings.guarded or not location.disguised then return end
  error(errors.new("denied", ("%s %s: a numeric address in disguise"):format(method, location.url:match "^[^?]*"),
    { status = 403, url = location.url, method = method }), 0)
end

local function becomes_get(status, method)
  if status == 303 then return method ~= "GET" and method ~= "HEAD" end
  return (status == 301 or status == 302) and method == "POST"
end

--- start(req) -> a request of our own, which redirects may change: a hook may send its own again
function M.start(req)
  return setmetatable({ method = req.method, url = req.url, headers = req.headers, body = req.body, length = req.length,
    cookies = req.cookies, digest = req.digest, settings = req.settings }, getmetatable(req))
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

--- follow(req, status, location): changes the request into the one that goes on
function M.follow(req, status, location)
  local from = native.url_parse(req.url)
  local to, why = native.url_parse(location, from.url)
  if not to then fail(req, ("cannot follow its redirect to '%s': %s"):format(location:match "^[^?#]*", why)) end
  M.check(req.settings, to, req.method)
  req.headers = headers.copy(req.headers)
  if becomes_get(status, req.method) then
    req.method, req.body = "GET", nil
    for _, name in ipairs(of_body) do headers.remove(req.headers, name) end
  elseif not body.may_go_again(req.body) then
    fail(req, "cannot follow its redirect: the body came from an iterator and is gone")
  end
  if to.origin ~= from.origin then
    M.leave_origin(req.headers)
    req.cookies, req.digest = nil, nil
    req.settings = M.without_certificate(req.settings)
  end
  req.url = to.url
end

return M
