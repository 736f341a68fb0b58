-- The two proofs that a host is ours.
--
--   http-01        the authority asks http://NAME/.well-known/acme-challenge/TOKEN on port 80 (RFC 8555 section 8.3); the
--                  answer is a file of the store, so every process on it can give it (runtime/server/challenges.h)
--   tls-alpn-01    it connects to port 443 with the protocol "acme-tls/1" and looks at a certificate made for it (RFC 8737)
local jws = require "rille.acme.jws"
local native = require "rille.native.core"
local problem = require "rille.acme.problem"

local M = {}

local DAY = 86400

local function by_http(store)
  return {
    kind = "http-01",
    put = function(_, token, text) store:put_challenge(token, text) end,
    remove = function(_, token) store:remove_challenge(token) end,
  }
end

local function by_tls(host)
  return {
    kind = "tls-alpn-01",
    put = function(name, _, text)
      local key, now = native.ec_key(), native.time()
      local certificate = native.certificate_make(key, { names = { name }, from = now // 1 - DAY, to = now // 1 + DAY,
        digest = jws.sha256(text) })
      local done, why = host.set_challenge(name, certificate, key)
      if not done then problem.raise("tls-alpn-01: " .. why, { challenge = true }) end
    end,
    remove = function(name) host.clear_challenge(name) end,
  }
end

--- solvers(host, store, first) -> list; those whose port is open, the one that worked last time first
function M.solvers(host, store, first)
  local list = {}
  if host.has_http then list[#list + 1] = by_http(store) end
  if host.has_tls then list[#list + 1] = by_tls(host) end
  if list[2] and list[2].kind == first then list[1], list[2] = list[2], list[1] end
  return list
end

return M
