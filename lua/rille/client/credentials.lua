-- Credentials belong to one origin: the option auth, and the headers that another origin must not see.
local headers = require "rille.client.headers"
local mistake = require("rille.options").mistake
local native = require "rille.native.core"
local options = require "rille.options"

local M = {}

-- ---- auth -----------------------------------------------------------------------------------------------------------

local auth_options = { "string", "string", user = "string", password = "string", bearer = "string", digest = "boolean" }

local function check_text(text)
  if type(text) ~= "string" then mistake "auth: {user, password}, {bearer=token} or {user, password, digest=true}" end
  if text:find "%c" then mistake "auth: holds a control character" end
  return text
end

local function check_auth(auth)
  options.check(auth, auth_options, "auth")
  local user, password = auth[1] or auth.user, auth[2] or auth.password
  if auth.bearer and (user or password or auth.digest) then mistake "auth: bearer excludes a user and digest" end
  if (auth[1] and auth.user) or (auth[2] and auth.password) then mistake "auth: names the user or the password twice" end
  return user, password
end

-- RFC 4648 section 4, with its padding.
local function base64(text)
  local encoded = native.base64url_encode(text):gsub("%-", "+"):gsub("_", "/")
  return encoded .. ("="):rep(-#encoded % 4)
end

-- {user, password} | {bearer=} | {user, password, digest=true} -> Authorization, or the pair for a digest challenge
local function credentials(auth)
  local user, password = check_auth(auth)
  if auth.bearer then return "Bearer " .. check_text(auth.bearer) end
  user, password = check_text(user), check_text(password or "")
  if auth.digest then return nil, { user, password } end
  if user:find(":", 1, true) then mistake "auth: a user's name holds no ':' in basic authentication" end
  return "Basic " .. base64(user .. ":" .. password)
end

--- set(req, auth): instead of what req.headers and req.digest say
function M.set(req, auth)
  local header
  header, req.digest = credentials(auth)
  headers.set(req.headers, "Authorization", header)
end

-- ---- headers --------------------------------------------------------------------------------------------------------

-- Headers that say how to answer, not to whom: a client's own headers of these names may go anywhere.
local harmless = {
  accept = true, ["accept-charset"] = true, ["accept-encoding"] = true, ["accept-language"] = true, ["cache-control"] = true,
  ["content-language"] = true, ["content-type"] = true, pragma = true, ["user-agent"] = true,
}

-- Words of names by which keys and tokens go, beside the standard ones: X-API-Key, X-Auth-Token, X-Amz-Security-Token …
local words = { "auth", "token", "secret", "session", "cookie", "credential", "password", "signature", "apikey" }

local function is_secret(name)
  if name == "host" then return true end
  if name:sub(-3) == "key" and name ~= "idempotency-key" then return true end
  for _, word in ipairs(words) do
    if name:find(word, 1, true) then return true end
  end
  return false
end

-- name .. value, of the headers in a list.
local function set_of(list)
  local set = {}
  for i = 1, #list, 2 do set[list[i]:lower() .. "\0" .. list[i + 1]] = true end
  return set
end

local function keep(list, is_kept)
  local kept, count = 0, #list
  for i = 1, count, 2 do
    if is_kept(list[i]:lower(), list[i + 1]) then
      list[kept + 1], list[kept + 2] = list[i], list[i + 1]
      kept = kept + 2
    end
  end
  for i = kept + 1, count do list[i] = nil end
end

--- leave_home(list): of a client's own headers those that may go to another origin than its base_url's
function M.leave_home(list)
  keep(list, function(name) return harmless[name] end)
end

--- leave_origin(list, own, told): takes out of a request's headers what another origin must not see: credentials, and what the
--- client sends with each request (own). told: only of those that stand in this list as well.
function M.leave_origin(list, own, told)
  local of_client, of_call = set_of(own), told and set_of(told)
  keep(list, function(name, value)
    local key = name .. "\0" .. value
    if of_call and not of_call[key] then return true end
    return not is_secret(name) and (harmless[name] or not of_client[key])
  end)
end

return M
