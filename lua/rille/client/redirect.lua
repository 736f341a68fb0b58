-- Redirects by the Fetch standard (HTTP-redirect fetch): which method goes on, and what of the request is dropped.
--
--   303, and 301 or 302 to a POST      GET, without the body and its headers          (HEAD stays HEAD)
--   301, 302 else; 307, 308            the same request again; a body that cannot be sent twice is an error
--   another origin (scheme, host or port): what proves who asks stays where it was, for good: the request's cookies,
--   credentials and certificate, Authorization and every other header with the name of a secret, and the headers that a
--   client sends with each request (credentials.lua)              (CVE-2026-34518, CVE-2026-47265, CVE-2026-54276)
--   anything but http and https is refused
local body = require "rille.client.body"
local credentials = require "rille.client.credentials"
local errors = require "rille.error"
local headers = require "rille.client.headers"
local native = require "rille.native.client"
local route = require "rille.client.route"
local urls = require "rille.client.url"

local M = {}

local statuses = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local of_body = { "Content-Type", "Content-Encoding", "Content-Language", "Content-Location" }

--- location(status, head) -> where it leads, or nil
function M.location(status, head) return statuses[status] and head.location or nil end

local function fail(req, message)
  error(errors.new("redirect", ("%s %s: %s"):format(req.method, req.url:match "^[^?#]*", message),
    { status = 502, url = req.url, method = req.method }), 0)
end

M.fail = fail

local function becomes_get(status, method)
  if status == 303 then return method ~= "GET" and method ~= "HEAD" end
  return (status == 301 or status == 302) and method == "POST"
end

--- follow(req, status, location, own): changes the request into the one that goes on; own: the client's headers
function M.follow(req, status, location, own)
  local from = urls.of(req)
  local to, why = native.url_parse(location, from)
  if not to then fail(req, ("cannot follow its redirect to '%s': %s"):format(urls.shown(location), why)) end
  urls.check_disguise(req.settings, to, req.method)
  req.headers = headers.copy(req.headers)
  if becomes_get(status, req.method) then
    req.method, req.body = "GET", nil
    for _, name in ipairs(of_body) do headers.remove(req.headers, name) end
  elseif not body.may_go_again(req.body) then
    fail(req, "cannot follow its redirect: the body came from an iterator and is gone")
  end
  if to.origin ~= from.origin then
    credentials.leave_origin(req.headers, own)
    req.cookies, req.digest = nil, nil
    req.settings = route.without_certificate(req.settings)
  end
  urls.put(req, to)
end

return M
