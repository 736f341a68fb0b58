-- Keeps certificates: obtains the first one of each set of names, renews it in time, and goes on after every failure. Runs
-- beside the program, in a state of its own (runtime/cli/acme_thread.h), and blocks nobody but itself.
--
--   look at each set:  certificate, state, clock --plan.lua--> what is due --> take the turn, look again, order, install, reload
--   then sleep until the next thing is due, a minute at most, for the clock may step and another process may have done it
--
-- `host` is the process around it: {has_http, has_tls, set_challenge(name, certificate, key), clear_challenge(name), reload()}.
local account = require "rille.acme.account"
local ari_of = require "rille.acme.ari"
local challenge = require "rille.acme.challenge"
local errors = require "rille.error"
local native = require "rille.native.core"
local order = require "rille.acme.order"
local plan = require "rille.acme.plan"
local problem = require "rille.acme.problem"
local servers = require "rille.acme.server"

local Keeper = {}
Keeper.__index = Keeper

local M = {}

M.LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
local staging = { [M.LETS_ENCRYPT] = "https://acme-staging-v02.api.letsencrypt.org/directory" }

local TURN_PAUSE = 5 -- seconds between two looks at a turn that another process has

--- new{store=, host=, sets = {{"a.example", "www.a.example"}, …}, server=, staging=, ca=, email=, insecure=, random=,
--- look=} -> keeper
function M.new(options)
  local sets = {}
  for i, names in ipairs(options.sets) do sets[i] = { name = names[1], names = names } end
  return setmetatable({ store = options.store, host = options.host, sets = sets, server = options.server or M.LETS_ENCRYPT,
    staging = options.staging or staging[options.server or M.LETS_ENCRYPT], ca = options.ca, email = options.email,
    insecure = options.insecure, random = options.random or math.random, look = options.look or plan.LOOK,
    holder = options.holder or "?" }, Keeper)
end

local function list(names) return table.concat(names, ",") end

-- ---- what is due ----------------------------------------------------------------------------------------------------

local function same_names(facts, names)
  local has, count = {}, 0
  for _, name in ipairs(facts.names) do has[name:lower()], count = true, count + 1 end
  for _, name in ipairs(names) do
    if not has[name] then return false end
  end
  return count == #names
end

-- When to renew: chosen once for each certificate, and moved if the authority says so.
local function renewal(self, facts, state)
  local told = state.ari and state.ari.id == facts.id and state.ari.at
  if told and told < facts.to then return told, "the authority asks for it now" end
  if state.chosen_for ~= facts.id or not state.renew_at or state.renew_at >= facts.to then
    state.chosen_for, state.renew_at = facts.id, plan.by_life(facts, self.random)
  end
  return state.renew_at, "a third of its life is left"
end

-- Returns the reason to order now, or nil and when there will be one.
local function reason(self, set, facts, why, state, now)
  if not facts then return why end
  if state.wanted then return state.wanted == "revoked" and "the last one was revoked" or "somebody asked for a new one" end
  if not same_names(facts, set.names) then return "the names have changed" end
  if state.server and state.server ~= self.server then return "the authority has changed" end
  local at, because = renewal(self, facts, state)
  if now >= at then return because end
  return nil, at
end

local function purpose(self, set) return self.server .. " " .. list(set.names) end

-- Failures of another server or of other names say nothing of these.
local function forget_failures(self, set, state)
  if state.failed_for == purpose(self, set) then return end
  state.failures, state.next_try, state.failed_order, state.error = nil, nil, nil, nil
  state.failed_for = purpose(self, set)
end

-- A time that is further away than any pause is one of a clock that was wrong.
local function next_try(state, now)
  local at = state.next_try
  if type(at) ~= "number" or at - now > 8 * 86400 then return 0 end
  return at
end

-- ---- obtaining ------------------------------------------------------------------------------------------------------

local function with_server(self, url, f)
  local server <close> = servers.new { url = url, ca = self.ca, insecure = self.insecure }
  return account.with(server, self.store, self.email, function() return f(server) end)
end

-- Tries one kind of challenge after the other -> chain, facts, the kind that worked
local function order_by_any(self, server, set, state, key, replaces)
  local solvers, failures = challenge.solvers(self.host, self.store, state.works), {}
  if #solvers == 0 then
    problem.raise "no port is open on which a challenge could be answered: 80 for HTTP-01, 443 for TLS-ALPN-01"
  end
  for _, solver in ipairs(solvers) do
    if server.url == self.server then state.orders[#state.orders + 1] = native.time() end
    self.store:write_state(set.name, state) -- what is begun counts, whatever becomes of it
    local chain, facts = native.try(order.obtain, server, { names = set.names, key = key, solver = solver, replaces = replaces })
    if chain then return chain, facts, solver.kind end
    local err = facts
    if not err.challenge then error(err, 0) end
    failures[#failures + 1] = err.message
  end
  problem.raise(table.concat(failures, "; "), { challenge = true })
end

-- After an order that failed a server for tries shows whether the next one would succeed: its limits are wide.
local function rehearse(self, set, state)
  if not self.staging or not state.failed_order then return end
  with_server(self, self.staging, function(server) return order_by_any(self, server, set, state, native.ec_key()) end)
  native.log("info", "certificates: the rehearsal with the staging server succeeded", { names = list(set.names) })
end

local function obtain(self, set, facts, state)
  rehearse(self, set, state)
  return with_server(self, self.server, function(server)
    local replaces = facts and type(server:directory().renewalInfo) == "string" and ari_of.id(facts) or nil
    return order_by_any(self, server, set, state, self.store:next_key(set.name), replaces)
  end)
end

local function note_success(self, set, state, facts, kind)
  state.failures, state.next_try, state.error, state.error_at, state.failed_order, state.warned_at = nil, nil, nil, nil, nil, nil
  state.server, state.ca, state.works, state.names = self.server, self.ca, kind, native.array(set.names)
  state.issued_at, state.chosen_for, state.ari, state.wanted = native.time(), nil, nil, nil
  local _, at = reason(self, set, facts, nil, state, native.time())
  self.store:write_state(set.name, state)
  native.log("info", "certificates: obtained", { names = list(set.names), issuer = facts.issuer, by = kind,
    ["until"] = plan.date(facts.to), renewal = at and plan.date(at) or "-" })
end

local function note_failure(self, set, facts, state, err)
  local now = native.time()
  state.failures = (state.failures or 0) + 1
  state.error, state.error_at = err.message, now
  state.failed_order = err.challenge or state.failed_order or nil
  state.next_try = now + plan.pause(state.failures, facts and facts.to - now, err.retry_after, self.random)
  self.store:write_state(set.name, state)
  native.log("error", "certificates: not obtained", { names = list(set.names), error = err.message, failures = state.failures,
    ["next"] = plan.date(state.next_try) })
end

-- ---- one set --------------------------------------------------------------------------------------------------------

local function reload(self, set, facts)
  if not facts or set.loaded == facts.id then return end
  set.loaded = facts.id
  local done, why = self.host.reload()
  if not done then native.log("error", "certificates: cannot be used", { names = list(set.names), error = why }) end
end

local function warn(self, set, facts, state, now)
  if not state.error or not facts or not plan.warns(facts, now) then return end
  if type(state.warned_at) == "number" and now - state.warned_at < plan.WARN_EVERY and now >= state.warned_at then return end
  state.warned_at = now
  self.store:write_state(set.name, state)
  native.log("warn", now < facts.to and "certificates: expires soon and could not be renewed" or "certificates: has expired",
    { names = list(set.names), ["until"] = plan.date(facts.to), error = state.error,
      ["next"] = state.next_try and plan.date(state.next_try) or "-" })
end

-- Asks for renewal information if it is time. When it is asked again is forgotten at a restart: asking is cheap.
local function ask_ari(self, set, facts, state, now)
  if not facts or state.server ~= self.server then return end
  local ari = set.ari
  if ari and ari.id == facts.id and now < ari.ask_at and now >= ari.asked then return end
  local server <close> = servers.new { url = self.server, ca = self.ca, insecure = self.insecure }
  local pause, err = ari_of.update(server, facts, state, self.random)
  if err and not (ari and ari.failed) then
    native.log("info", "certificates: no renewal information", { names = list(set.names), error = errors.wrap(err).message })
  end
  set.ari = { id = facts.id, asked = now, ask_at = now + pause, failed = err ~= nil }
end

-- What is due for a set, in our turn -> when to look again
local function work(self, set)
  local store = self.store
  store:prepare(set.name)
  store:recover(set.name)
  store:clean()
  local state, now = store:state(set.name), native.time()
  local facts, why = store:certificate(set.name)
  forget_failures(self, set, state)
  ask_ari(self, set, facts, state, now)
  local because, at = reason(self, set, facts, why, state, now)
  if not because then
    store:write_state(set.name, state)
    return math.min(at, set.ari and set.ari.ask_at or at)
  end
  local allowed = math.max(next_try(state, now), plan.order_allowed(state.orders, now))
  if now < allowed then return allowed end
  state.orders = native.array(plan.count_orders(state.orders, now))
  native.log("info", "certificates: asking for one", { names = list(set.names), reason = because, server = self.server })
  local chain, fresh, kind = native.try(obtain, self, set, facts, state)
  if not chain then
    note_failure(self, set, facts, state, errors.wrap(fresh))
    return state.next_try
  end
  store:install(set.name, chain)
  note_success(self, set, state, store:certificate(set.name), kind)
  return native.time()
end

local function log_holder(self, other)
  if self.said == other then return end
  self.said = other
  native.log("info", "certificates: another process has its turn", { holder = other, directory = self.store.directory })
end

-- Reads the files of a set where they have changed, and uses a certificate that another process has obtained.
local function look(self, set)
  local mark = self.store:mark(set.name)
  if set.mark == mark then return end
  set.mark, set.state, set.facts = mark, self.store:state(set.name), (self.store:certificate(set.name))
  reload(self, set, set.facts)
end

-- Looks without a turn: most looks find nothing to do. Returns when there is something, which may have passed.
local function due_at(self, set, now)
  look(self, set)
  local state, facts = set.state, set.facts
  warn(self, set, facts, state, now)
  if state.failed_for ~= purpose(self, set) then return now end
  local clock_went_back = set.looked and now < set.looked
  if not facts or state.wanted then return clock_went_back and now or next_try(state, now) end
  if clock_went_back or not set.at or set.seen ~= facts.id then return now end
  return set.at
end

local function until_look(self, at, now) return math.max(0.1, math.min(at - now, self.look)) end

local function step(self, set)
  local now = native.time()
  local due = due_at(self, set, now)
  if now < due then return until_look(self, due, now) end
  local turn, other = self.store:turn(self.holder)
  if not turn then
    log_holder(self, other)
    return TURN_PAUSE
  end
  self.said = nil
  local at, err = native.try(work, self, set)
  turn:close()
  if not at then
    native.log("error", "certificates: the folder cannot be used", { names = list(set.names), error = errors.wrap(err).message })
    at = now + self.look
  end
  look(self, set)
  set.at, set.looked, set.seen = at, native.time(), set.facts and set.facts.id
  return until_look(self, at, native.time())
end

--- keeper:step() -> seconds until it is worth to look again
function Keeper:step()
  local pause = self.look
  for _, set in ipairs(self.sets) do pause = math.min(pause, step(self, set)) end
  return pause
end

--- keeper:run(): until it is cancelled
function Keeper:run()
  local complaint = self.store:complaint()
  if complaint then native.log("warn", "certificates: " .. complaint) end
  while true do native.sleep(self:step()) end
end

return M
