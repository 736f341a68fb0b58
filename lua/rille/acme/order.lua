-- One order, from the names to the certificate (RFC 8555 section 7.4).
--
--   newOrder -> authorizations: those that are pending are answered with a challenge -> finalize with the request for the
--   certificate -> the chain
--
-- A solver is one kind of challenge (challenge.lua): {kind = "http-01", put(name, token, text), remove(name, token)}. If it
-- fails, the error has `challenge` set, and another order may be tried with another kind.
local jws = require "rille.acme.jws"
local native = require "rille.native.core"
local problem = require "rille.acme.problem"

local M = {}

local MOST_SECONDS = 300 -- until the server has decided on one thing
local MOST_CHAIN = 10
local MOST_AUTHORIZATIONS = 200 -- each costs a request at least, and a file: twice as many as a certificate has names

-- ---- waiting --------------------------------------------------------------------------------------------------------

-- Asks again and again until `decided(object)`. Retry-After is kept to, within what is sensible.
local function poll(server, url, what, decided, answer)
  local deadline, pause = native.now() + MOST_SECONDS, 0.5
  local object = answer and answer.json
  while not (object and decided(object)) do
    local wait = answer and answer.retry_after and math.max(0.2, math.min(answer.retry_after, 60)) or pause
    if native.now() + wait > deadline then
      problem.raise(("%s: the server did not decide within %d s"):format(what, MOST_SECONDS))
    end
    native.sleep(wait)
    pause = math.min(pause * 2, 10)
    object, answer = server:object(url, "", what)
  end
  return object, answer
end

-- ---- authorizations -------------------------------------------------------------------------------------------------

local function name_of(authorization)
  local identifier = authorization.identifier
  return type(identifier) == "table" and type(identifier.value) == "string" and identifier.value or "?"
end

local function challenge_of(authorization, kind)
  for _, challenge in ipairs(type(authorization.challenges) == "table" and authorization.challenges or {}) do
    if type(challenge) == "table" and challenge.type == kind then return challenge end
  end
end

-- The token goes into a path and a file's name (RFC 8555 section 8.3).
local function check_token(token)
  if type(token) == "string" and #token <= 512 and token:find "^[%w_-]+$" then return token end
  problem.raise "the server gave a token that is none"
end

local function fail(name, kind, authorization)
  local challenge = challenge_of(authorization, kind)
  local reason = challenge and challenge.error and problem.describe(challenge.error)
    or ("the authorization is %s"):format(tostring(authorization.status))
  problem.raise(("%s: %s failed: %s"):format(name, kind, reason), { challenge = true })
end

local function is_asked(order_names, name)
  for _, asked in ipairs(order_names) do
    if asked == name then return true end
  end
  problem.raise(("the server wants proof for %s, which was not asked for"):format(name:sub(1, 100)))
end

-- Puts the answer in its place -> what was put; nil where the name is proven already
local function prepare(server, solver, names, url)
  local authorization = server:object(server:check_url(url), "", "an authorization")
  local name = name_of(authorization)
  if authorization.status == "valid" then return nil end
  if authorization.status ~= "pending" then fail(name, solver.kind, authorization) end
  is_asked(names, name)
  local challenge = challenge_of(authorization, solver.kind)
  if not challenge then problem.raise(("%s: the server does not offer %s"):format(name, solver.kind), { challenge = true }) end
  local token = check_token(challenge.token)
  solver.put(name, token, token .. "." .. jws.thumbprint(server.key))
  return { name = name, token = token, url = url, challenge = challenge }
end

local function is_decided(authorization) return authorization.status ~= "pending" and authorization.status ~= "processing" end

-- All are put up before the first is announced, and all are taken away again, whatever becomes of it.
local function authorize(server, order, names, solver)
  local put = {}
  local undo <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    for _, item in ipairs(put) do native.try(solver.remove, item.name, item.token) end
  end })
  for _, url in ipairs(order.authorizations) do put[#put + 1] = prepare(server, solver, names, url) end
  for _, item in ipairs(put) do
    if item.challenge.status == "pending" then server:post(server:check_url(item.challenge.url), "{}") end
  end
  for _, item in ipairs(put) do
    local authorization = poll(server, item.url, item.name, is_decided)
    if authorization.status ~= "valid" then fail(item.name, solver.kind, authorization) end
  end
end

-- ---- the order ------------------------------------------------------------------------------------------------------

local function begin(server, names, replaces)
  local identifiers = native.array {}
  for i, name in ipairs(names) do identifiers[i] = { type = "dns", value = name } end
  local payload = { identifiers = identifiers, replaces = replaces }
  local url = server:directory().newOrder
  local order, answer = native.try(server.object, server, url, payload, "an order")
  if not order and replaces then -- what it replaces may be unknown, or replaced already (RFC 9773 section 5)
    local kind = answer.problem
    if kind ~= "alreadyReplaced" and kind ~= "malformed" and answer.http_status ~= 409 then error(answer, 0) end
    payload.replaces = nil
    return server:object(url, payload, "an order")
  end
  if not order then error(answer, 0) end
  return order, answer
end

local function check_order(order)
  if type(order.authorizations) ~= "table" or type(order.finalize) ~= "string" then
    problem.raise "the server answered with an order that is none"
  end
  if #order.authorizations > MOST_AUTHORIZATIONS then
    problem.raise(("the server wants %d authorizations for one order"):format(#order.authorizations))
  end
  if order.status == "invalid" then
    problem.raise("the order is invalid: " .. (order.error and problem.describe(order.error) or "no reason given"))
  end
  return order
end

local function is_finished(order) return order.status == "valid" or order.status == "invalid" end

local function finalize(server, url, order, names, key)
  local request = jws.base64url(native.certificate_ask(key, names))
  local done, answer = server:object(server:check_url(order.finalize), { csr = request }, "an order")
  done = poll(server, url, "the order", is_finished, { json = done, retry_after = answer.retry_after })
  if done.status ~= "valid" then
    problem.raise("the order is invalid: " .. (done.error and problem.describe(done.error) or "no reason given"))
  end
  if type(done.certificate) ~= "string" then problem.raise "the server finished the order without a certificate" end
  return server:check_url(done.certificate)
end

-- ---- the certificate ------------------------------------------------------------------------------------------------

local function covers(facts, names)
  local has = {}
  for _, name in ipairs(facts.names) do has[name:lower()] = true end
  for _, name in ipairs(names) do
    if not has[name] then return false, name end
  end
  return true
end

--- check_chain(text, names, key) -> its certificates, as PEM, and what the first says. Raises if they are not what was asked.
function M.check_chain(text, names, key)
  local blocks = {}
  for block in text:gmatch "%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-.-%-%-%-%-%-END CERTIFICATE%-%-%-%-%-" do
    blocks[#blocks + 1] = block .. "\n"
  end
  if #blocks == 0 or #blocks > MOST_CHAIN then problem.raise(("the server sent a chain of %d certificates"):format(#blocks)) end
  local facts = native.try(native.certificate_describe, blocks[1])
  for i = 2, #blocks do facts = facts and native.try(native.certificate_describe, blocks[i]) and facts end
  if not facts then problem.raise "the server sent a certificate that cannot be read" end
  if not native.certificate_fits(blocks[1], key) then problem.raise "the server sent a certificate of another key" end
  local all, missing = covers(facts, names)
  if not all then problem.raise("the server sent a certificate that lacks the name " .. missing) end
  if facts.to <= native.time() then problem.raise "the server sent a certificate that has expired" end
  return table.concat(blocks), facts
end

--- obtain(server, {names=, key=, solver=, replaces=}) -> chain as PEM, facts
function M.obtain(server, wanted)
  local order, answer = begin(server, wanted.names, wanted.replaces)
  local url = server:location(answer, "the order")
  if check_order(order).status == "pending" then
    authorize(server, order, wanted.names, wanted.solver)
    order = poll(server, url, "the order", function(now) return now.status ~= "pending" end)
    check_order(order)
  end
  local certificate = finalize(server, url, order, wanted.names, wanted.key)
  local chain = server:post(certificate, "", "application/pem-certificate-chain").body
  return M.check_chain(chain, wanted.names, wanted.key)
end

--- revoke(server, certificate, reason): reason as in RFC 5280 section 5.3.1, 0 to 10
function M.revoke(server, certificate, reason)
  local url = server:directory().revokeCert
  if type(url) ~= "string" then problem.raise(server.url .. " revokes no certificates") end
  local der = native.pem_decode(certificate, "CERTIFICATE")[1]
  server:post(server:check_url(url), { certificate = jws.base64url(der), reason = reason })
end

return M
