-- Renewal information (RFC 9773): when the authority would like a certificate to be renewed. It may move the moment, for example
-- because it has to revoke certificates.
local date = require "rille.client.date"
local jws = require "rille.acme.jws"
local native = require "rille.native.core"
local plan = require "rille.acme.plan"
local problem = require "rille.acme.problem"

local M = {}

--- id(facts) -> the certificate's name (section 4.1), nil where it names no authority
function M.id(facts)
  if facts.authority == "" then return nil end
  return jws.base64url(facts.authority) .. "." .. jws.base64url(facts.serial)
end

--- time("2026-11-30T20:37:00Z") -> seconds since 1970 | nil (RFC 3339)
function M.time(text)
  if type(text) ~= "string" or #text > 40 then return nil end
  local y, mo, d, h, mi, s, zone = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](%d%d):(%d%d):(%d%d%.?%d*)(.+)$"
  if not y then return nil end
  local sign, hours, minutes = zone:match "^([+-])(%d%d):(%d%d)$"
  if not sign and zone:upper() ~= "Z" then return nil end
  mo, d = tonumber(mo), tonumber(d)
  if mo < 1 or mo > 12 or d < 1 or d > 31 or tonumber(h) > 23 or tonumber(mi) > 59 then return nil end
  local offset = sign and (tonumber(hours) * 60 + tonumber(minutes)) * 60 or 0
  return date.days(tonumber(y), mo, d) * 86400 + tonumber(h) * 3600 + tonumber(mi) * 60 + tonumber(s)
    - (sign == "-" and -offset or offset)
end

--- ask(server, facts) -> {from=, to=, pause=, why=} | nil where the server has no such information
function M.ask(server, facts)
  local base, id = server:directory().renewalInfo, M.id(facts)
  if type(base) ~= "string" or not id then return nil end
  local answer = server:get(server:check_url(base:gsub("/$", "") .. "/" .. id))
  local window = answer.json and answer.json.suggestedWindow
  local from, to = nil, nil
  if type(window) == "table" then from, to = M.time(window.start), M.time(window["end"]) end
  if not from or not to or to <= from then problem.raise "the server's renewal information is none" end
  return { from = from, to = to, pause = plan.ari_pause(answer.retry_after),
    why = type(answer.json.explanationURL) == "string" and answer.json.explanationURL:sub(1, 300) or nil }
end

--- update(server, facts, state, random) -> seconds until it is asked again, error | nil. Keeps what was said. A failure
--- changes no plan (section 4.3.3).
function M.update(server, facts, state, random)
  local told, err = native.try(M.ask, server, facts)
  if not told then return err and plan.ari_pause(err.retry_after) or plan.ari_pause(math.huge), err end
  local ari = state.ari
  if type(ari) ~= "table" or ari.id ~= facts.id or ari.from ~= told.from or ari.to ~= told.to then
    state.ari = { id = facts.id, from = told.from, to = told.to, why = told.why,
      at = plan.in_window(facts, told.from, told.to, random) }
  end
  return told.pause
end

return M
