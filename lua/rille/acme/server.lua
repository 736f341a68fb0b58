-- One ACME server, as its clients see it (RFC 8555): the directory, nonces, and signed requests.
--
--   local server = Server.new{url = "https://acme-v02.api.letsencrypt.org/directory", ca = "root.pem"}
--   server.key, server.account                   the account's key (PEM) and URL; account.lua sets them
--   server:post(url, payload) -> {status, headers, body, json}
--
-- A nonce that the server does not take any more is replaced a bounded number of times (section 6.5). Answers are bounded,
-- redirects are not followed, and every URL that the server names is of https, whatever it sends.
local clients = require "rille.client"
local date = require "rille.client.date"
local errors = require "rille.error"
local jws = require "rille.acme.jws"
local native = require "rille.native.core"
local native_client = require "rille.native.client"
local problem = require "rille.acme.problem"

local MOST_BYTES = 256 << 10
local MOST_NONCES = 16 -- kept, and tried
local TIMEOUT = { total = 60, connect = 20 }
local MOST_WAIT = 7 * 86400

local Server = {}
Server.__index = Server

local M = {}

--- new{url=, ca=, insecure=} -> server; insecure: http is good enough, for tests
function M.new(options)
  local self = setmetatable({ url = options.url, insecure = options.insecure, nonces = {}, ca = options.ca }, Server)
  self:check_url(options.url)
  self.client = clients.new { cookies = false, follow = false, timeout = TIMEOUT, body_limit = MOST_BYTES, ca = options.ca,
    headers = { ["Accept-Language"] = "en" } }
  return self
end

function Server:close() self.client:close() end
Server.__close = Server.close

--- Raises unless it is a URL that may be asked.
function Server:check_url(url)
  local location = type(url) == "string" and native_client.url_parse(url)
  if location and (location.scheme == "https" or self.insecure) then return url end
  problem.raise(("the ACME server names a URL that is not of https: %s"):format(tostring(url):sub(1, 200)))
end

-- ---- answers --------------------------------------------------------------------------------------------------------

--- retry_after(res) -> seconds | nil; a date or a number (RFC 9110 section 10.2.3), within a week
function M.retry_after(res)
  local value = res.headers["retry-after"]
  if not value then return nil end
  local seconds = value:find "^%d+$" and tonumber(value)
  local at = not seconds and date.parse(value)
  if at then seconds = at - native.time() end
  return seconds and math.max(0, math.min(seconds, MOST_WAIT))
end

local function json_of(text)
  local value = native.try(native.json_decode, text)
  return type(value) == "table" and value or nil
end

function Server:take_nonce(res)
  local nonce = res.headers["replay-nonce"]
  if nonce and #nonce <= 1024 and nonce:find "^[%w_-]+$" and #self.nonces < MOST_NONCES then
    self.nonces[#self.nonces + 1] = nonce
  end
end

local function fail(url, answer)
  local reason = answer.json and answer.json.type and problem.describe(answer.json) or "no problem document"
  problem.raise(("%s answered %d: %s"):format(url, answer.status, reason),
    { problem = problem.kind(answer.json), retry_after = answer.retry_after, http_status = answer.status })
end

function Server:send(method, url, options)
  self:check_url(url)
  options.method = method
  local res, err = native.try(self.client.request, self.client, url, options)
  local text = res and method ~= "HEAD" and native.try(res.bytes, res) or ""
  if not res then problem.raise(("%s cannot be reached: %s"):format(url, errors.wrap(err).message), { away = true }) end
  self:take_nonce(res)
  return { status = res.status, headers = res.headers, body = text or "", json = json_of(text or ""),
    retry_after = M.retry_after(res) }
end

-- ---- asking ---------------------------------------------------------------------------------------------------------

--- server:get(url) -> answer; unsigned, for the directory and renewal information
function Server:get(url)
  local answer = self:send("GET", url, {})
  if answer.status ~= 200 then fail(url, answer) end
  return answer
end

--- server:directory() -> what the server can do: URLs, and meta
function Server:directory()
  if self.known then return self.known end
  local known = self:get(self.url).json
  if not known then problem.raise(self.url .. " is no ACME directory: it answered with no JSON object") end
  for _, name in ipairs { "newNonce", "newAccount", "newOrder" } do
    if type(known[name]) ~= "string" then problem.raise(("%s is no ACME directory: it has no %s"):format(self.url, name)) end
    self:check_url(known[name])
  end
  self.known = known
  return known
end

--- server:meta() -> table
function Server:meta()
  local meta = self:directory().meta
  return type(meta) == "table" and meta or {}
end

function Server:nonce()
  local nonce = table.remove(self.nonces)
  if nonce then return nonce end
  local url = self:directory().newNonce
  local answer = self:send("HEAD", url, {})
  nonce = table.remove(self.nonces)
  if not nonce then
    problem.raise(("%s gave no nonce (status %d)"):format(url, answer.status), { retry_after = answer.retry_after })
  end
  return nonce
end

local function is_bad_nonce(answer) return answer.status == 400 and problem.kind(answer.json) == "badNonce" end

--- server:post(url, payload, accept) -> answer; payload: a table, JSON text, or "" for POST-as-GET. Signed with the account, or
--- with the key itself as long as there is none. Raises for an answer that is an error.
function Server:post(url, payload, accept)
  if type(payload) == "table" then payload = native.json_encode(payload) end
  local answer
  for _ = 1, MOST_NONCES do
    local header = { nonce = self:nonce(), url = url }
    if self.account then header.kid = self.account else header.jwk = jws.public_key(self.key) end
    answer = self:send("POST", url, { body = jws.sign(self.key, header, payload),
      headers = { ["Content-Type"] = "application/jose+json", Accept = accept or "application/json" } })
    if not is_bad_nonce(answer) then break end
  end
  if answer.status < 200 or answer.status > 299 then fail(url, answer) end
  return answer
end

--- server:object(url, payload, what) -> JSON object, answer; raises if it is none
function Server:object(url, payload, what)
  local answer = self:post(url, payload)
  if not answer.json then problem.raise(("%s: the server answered with no JSON object for %s"):format(url, what)) end
  return answer.json, answer
end

--- server:location(answer, what) -> the URL of what was made
function Server:location(answer, what)
  local url = answer.headers.location
  if not url then problem.raise(("%s: the server named no URL of %s"):format(self.url, what)) end
  return self:check_url(url)
end

return M
