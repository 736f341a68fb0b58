-- An ACME server without a socket: answers for testing.mock, with a state that a spec looks at and spoils.
--
--   local acme = require("spec.support.acme_server").new(store)
--   acme.life = 90 * 86400             of the certificates that it issues
--   acme.down = true                   nobody answers
--   acme.on.newOrder = function(acme, call, payload) return {status=…} end     answers instead, or nil: as usual
--   acme.validate = function(name, kind) return true | false end
--   acme.orders, acme.issued, acme.calls
--
-- It does not verify signatures: Debian's pebble does, in acme_pebble_spec.lua. The key of a certificate is read off the store.
local native = require "rille.native.core"
local testing = require "rille.testing"

local BASE = "https://acme.test"

local Acme = {}
Acme.__index = Acme

local M = { url = BASE .. "/directory" }

local function bytes_of(text) return assert(native.base64url_decode(text)) end

local function problem(status, kind, detail, headers)
  return { status = status, headers = headers, json = { type = "urn:ietf:params:acme:error:" .. kind, detail = detail } }
end
M.problem = problem

local function date(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds // 1) end
M.date = date

local routes = {}

function routes.directory(self)
  return { json = { newNonce = BASE .. "/nonce", newAccount = BASE .. "/newAccount", newOrder = BASE .. "/newOrder",
    revokeCert = BASE .. "/revoke", renewalInfo = self.has_ari and BASE .. "/ari" or nil,
    meta = { termsOfService = BASE .. "/terms" } } }
end

function routes.nonce() return { status = 200 } end

function routes.newAccount(self, _, payload)
  self.accounts[#self.accounts + 1] = payload
  return { status = 201, headers = { Location = BASE .. "/account/1" }, json = { status = "valid" } }
end

function routes.account(self, _, payload)
  self.account_update = payload
  return { json = { status = "valid" } }
end

local function order_json(order)
  return { status = order.status, finalize = BASE .. "/finalize/" .. order.id, authorizations = order.authorizations,
    certificate = order.status == "valid" and BASE .. "/certificate/" .. order.id or nil, error = order.error }
end

function routes.newOrder(self, _, payload)
  local id = #self.orders + 1
  local order = { id = id, status = "pending", authorizations = native.array {}, names = {}, replaces = payload.replaces,
    at = native.time() }
  for i, identifier in ipairs(payload.identifiers) do
    order.names[i] = identifier.value
    order.authorizations[i] = ("%s/authorization/%d-%d"):format(BASE, id, i)
  end
  self.orders[id] = order
  return { status = 201, headers = { Location = BASE .. "/order/" .. id }, json = order_json(order) }
end

function routes.order(self, call) return { json = order_json(self.orders[tonumber(call.url:match "%d+$")]) } end

local function authorization_of(self, call)
  local order, name = call.url:match "(%d+)%-(%d+)"
  order = self.orders[tonumber(order)]
  return order, tonumber(name), order.names[tonumber(name)]
end

function routes.authorization(self, call)
  local order, index, name = authorization_of(self, call)
  local key = order.id .. "-" .. index
  local proof = self.proofs[key] or {}
  local challenges = native.array {}
  for i, kind in ipairs { "http-01", "tls-alpn-01", "dns-01" } do
    challenges[i] = { type = kind, url = ("%s/challenge/%s-%s"):format(BASE, key, kind), token = "token_" .. key,
      status = proof.kind == kind and proof.status or "pending", error = proof.kind == kind and proof.error or nil }
  end
  return { json = { status = proof.status or "pending", identifier = { type = "dns", value = name }, challenges = challenges } }
end

function routes.challenge(self, call)
  local order, index, name = authorization_of(self, call)
  local kind = call.url:match "%d+%-%d+%-(.*)$"
  local valid = self.validate(name, kind, "token_" .. order.id .. "-" .. index)
  self.proofs[order.id .. "-" .. index] = { kind = kind, status = valid and "valid" or "invalid",
    error = not valid and { type = "urn:ietf:params:acme:error:connection", detail = "no route to " .. name } or nil }
  local all = true
  for i in ipairs(order.names) do
    local proof = self.proofs[order.id .. "-" .. i]
    all = all and proof ~= nil and proof.status == "valid"
  end
  order.status = all and "ready" or valid and "pending" or "invalid"
  return { json = { status = "processing" } }
end

function routes.finalize(self, call)
  local order = self.orders[tonumber(call.url:match "%d+$")]
  order.status = "valid"
  order.chain = self:issue(order.names)
  return { json = order_json(order), headers = { Location = BASE .. "/order/" .. order.id } }
end

function routes.certificate(self, call)
  local order = self.orders[tonumber(call.url:match "%d+$")]
  return { body = order.chain, headers = { ["Content-Type"] = "application/pem-certificate-chain" } }
end

function routes.ari(self, call)
  self.asked_ari[#self.asked_ari + 1] = call.url:match "[^/]+$"
  return { headers = { ["Retry-After"] = self.ari_pause }, json = { suggestedWindow = { start = date(self.window[1]),
    ["end"] = date(self.window[2]) } } }
end

function routes.revoke(self, _, payload)
  self.revoked[#self.revoked + 1] = payload
  return {}
end

--- acme:issue(names, key) -> chain
function Acme:issue(names, key)
  local now = native.time() // 1
  key = key or native.read_file(self.store:path(names[1], "next-key.pem"))
  local leaf = native.certificate_make(key, { names = names, from = now - 60, to = now - 60 + self.life, issuer = self.root,
    issuer_key = self.root_key })
  self.issued[#self.issued + 1] = { names = names, at = now }
  return leaf .. self.root
end

local function payload_of(call)
  if call.method ~= "POST" then return nil end
  local jws = native.json_decode(call.body)
  local header = native.json_decode(bytes_of(jws.protected))
  local text = bytes_of(jws.payload)
  return text ~= "" and native.json_decode(text) or "", header
end

function Acme:answer(call)
  self.calls[#self.calls + 1] = call.method .. " " .. call.url
  if self.down then return { error = "connect" } end
  local name = call.url:match "^https://acme%.test/(%a+)"
  local payload, header = payload_of(call)
  if header then
    assert(header.url == call.url and header.alg == "ES256" and (header.kid ~= nil) ~= (header.jwk ~= nil))
    if not self.nonces[header.nonce] then return problem(400, "badNonce", "unknown", { ["Replay-Nonce"] = self:nonce() }) end
    self.nonces[header.nonce] = nil
    if self.bad_nonces > 0 then
      self.bad_nonces = self.bad_nonces - 1
      return problem(400, "badNonce", "spoiled", { ["Replay-Nonce"] = self:nonce() })
    end
  end
  local reply = self.on[name] and self.on[name](self, call, payload) or routes[name](self, call, payload)
  reply.headers = reply.headers or {}
  reply.headers["Replay-Nonce"] = self:nonce()
  return reply
end

function Acme:nonce()
  self.given = self.given + 1
  local nonce = "nonce-" .. self.given
  self.nonces[nonce] = true
  return nonce
end

--- new(store) -> server; the mock is closed at the end of the test
function M.new(store)
  local key = native.ec_key()
  local now = native.time() // 1
  local self = setmetatable({ store = store, root_key = key, orders = {}, proofs = {}, issued = {}, calls = {}, nonces = {},
    given = 0, bad_nonces = 0, on = {}, accounts = {}, asked_ari = {}, revoked = {}, life = 90 * 86400, ari_pause = "21600",
    validate = function() return true end,
    root = native.certificate_make(key, { title = "Test Authority", authority = true, from = now - 86400,
      to = now + 3650 * 86400 }),
  }, Acme)
  self.fake = testing.mock()
  self.fake:on("ANY", BASE .. "/*", function(call) return self:answer(call) end)
  return self
end

return M
