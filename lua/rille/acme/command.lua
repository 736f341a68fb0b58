-- rille certificates [DIR] [--json] [--renew NAME] [--revoke NAME]: what `rille serve --acme` has in its folder.
local account = require "rille.acme.account"
local native = require "rille.native.core"
local order = require "rille.acme.order"
local plan = require "rille.acme.plan"
local servers = require "rille.acme.server"
local stores = require "rille.acme.store"

local M = {}

local USAGE = "usage: rille certificates [DIR] [--json] [--renew NAME | --revoke NAME]"
local PATIENCE = 30 -- seconds for the turn

local function parse(...)
  local options, words, i = { directory = "acme" }, { ... }, 1
  while words[i] do
    local word = words[i]
    local name, value = word:match "^%-%-(%l+)=?(.*)$"
    if word == "--json" then options.json = true
    elseif name == "renew" or name == "revoke" then
      if value == "" then i, value = i + 1, words[i + 1] end
      if not value then error(("%s needs a name\n%s"):format(word, USAGE), 0) end
      if options.action then error("--renew and --revoke are one at a time\n" .. USAGE, 0) end
      options.action, options.name = name, value
    elseif word:find "^%-" then error(("unknown option %s\n%s"):format(word, USAGE), 0)
    elseif options.given then error(("unexpected argument '%s'\n%s"):format(word, USAGE), 0)
    else options.directory, options.given = word, true end
    i = i + 1
  end
  return options
end

-- ---- looking --------------------------------------------------------------------------------------------------------

local function describe(store, name)
  local state = store:state(name)
  local facts, why = store:certificate(name)
  local ari = facts and type(state.ari) == "table" and state.ari.id == facts.id and state.ari.at
  local renewal = ari or (facts and state.chosen_for == facts.id and state.renew_at) or nil
  return { name = name, names = native.array(facts and facts.names or state.names or { name }),
    issuer = facts and facts.issuer, from = facts and plan.date(facts.from), ["until"] = facts and plan.date(facts.to),
    expired = facts and native.time() >= facts.to or nil, missing = why, renewal = renewal and plan.date(renewal),
    wanted = state.wanted, error = state.error, error_at = state.error_at and plan.date(state.error_at),
    next_try = state.next_try and plan.date(state.next_try), server = state.server }
end

local function print_one(one)
  print(table.concat(one.names, ", "))
  if one.missing then print("  no certificate: " .. one.missing)
  else
    print(("  from %s, %s %s"):format(one.issuer ~= "" and one.issuer or "?", one.expired and "EXPIRED" or "until", one["until"]))
  end
  if one.wanted then print("  a new one is wanted: " .. (one.wanted == "revoked" and "this one was revoked" or "somebody asked"))
  elseif one.renewal then print("  renewal after " .. one.renewal) end
  if one.error then print(("  last error, %s: %s"):format(one.error_at or "?", one.error)) end
  if one.next_try then print("  next try after " .. one.next_try) end
end

local function show(store, json)
  local all = native.array {}
  for i, name in ipairs(store:names()) do all[i] = describe(store, name) end
  if json then print(native.json_encode(all))
  elseif #all == 0 then print(("%s holds no certificates"):format(store.directory)) end
  for _, one in ipairs(json and {} or all) do print_one(one) end
  return 0
end

-- ---- acting ---------------------------------------------------------------------------------------------------------

local function take_turn(store)
  local deadline = native.now() + PATIENCE
  while true do
    local turn, other = store:turn("rille certificates")
    if turn then return turn end
    if native.now() > deadline then error(("%s is at work in %s, try again later"):format(other, store.directory), 0) end
    native.sleep(0.5)
  end
end

-- Failures are forgotten: somebody who asks has mended something.
local function want(store, name, what)
  local state = store:state(name)
  state.wanted, state.failures, state.next_try, state.failed_order, state.error = what, nil, nil, nil, nil
  store:write_state(name, state)
end

local actions = {}

function actions.renew(store, name)
  want(store, name, "renew")
  print(("%s: rille serve asks for a new certificate within a minute, or when it starts"):format(name))
end

function actions.revoke(store, name)
  local state = store:state(name)
  local facts, why = store:certificate(name)
  if not facts then error(("%s: nothing to revoke: %s"):format(name, why), 0) end
  if not state.server then error(name .. ": it is not known which server has issued it", 0) end
  local server <close> = servers.new { url = state.server, ca = state.ca, insecure = state.insecure }
  local saved = store:account(state.server)
  account.with(server, store, saved and saved.email, function() order.revoke(server, facts.chain, 4) end) -- superseded
  want(store, name, "revoked")
  print(("%s: revoked; rille serve asks for a new certificate within a minute, or when it starts"):format(name))
end

--- run(...) -> exit status
function M.run(...)
  local options = parse(...)
  if not native.file_info(options.directory) then
    error(("there is no folder %s: name that of --acme-dir"):format(options.directory), 0)
  end
  local store = stores.at(options.directory)
  if not options.action then return show(store, options.json) end
  local name, known = options.name:lower(), {}
  for _, each in ipairs(store:names()) do known[each] = true end
  if not known[name] then
    error(("%s has no certificate of the name '%s', there are: %s"):format(options.directory, name,
      table.concat(store:names(), ", ")), 0)
  end
  local turn <close> = take_turn(store) -- luacheck: ignore 211
  actions[options.action](store, name)
  return 0
end

return M
