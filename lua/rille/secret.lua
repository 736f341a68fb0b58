-- The secret of an app: where it comes from, how long it must be, and the key ring made of it.
--
-- An app names its secret (or a list of them, newest first, to replace one); a mounted app uses its parent's. `serve` wants
-- one of 32 bytes or more wherever something is sealed; development, tests and scripts make one that lives as long as the
-- process.
local native = require "rille.native.core"

local M = {}

M.given = {} -- development: the texts that were given as secrets, for pages that must not show them (rille/dev/secrets.lua)

local shortest = 32
local how = "make one with `openssl rand -base64 48`, put it into the environment and pass it as secret="

-- A string or a list of strings -> list, or nil and what is wrong with it.
local function list_of(secret)
  local list = type(secret) == "table" and secret or { secret }
  if #list == 0 then return nil, "the list of secrets is empty" end
  for i, text in ipairs(list) do
    if type(text) ~= "string" or text == "" then return nil, "a secret is a string, not an empty one" end
    if native.mode == "dev" then M.given[#M.given + 1] = text end
    if #text < shortest and native.mode == "serve" then
      return nil, ("secret %d has %d bytes, which is too short: at least %d are needed; %s"):format(i, #text, shortest, how)
    end
  end
  return list
end

--- The secret given to an app or to the nearest of its parents, or nil.
local function given_to(app)
  while app do
    if app.settings.secret ~= nil then return app.settings.secret end
    app = app.parent
  end
end

local rings = setmetatable({}, { __mode = "k" }) -- app -> key ring

local function made()
  if native.mode == "serve" then
    return nil, "sessions in cookies, csrf and seal need a secret: rille.app{secret = os.getenv \"SECRET\"}; " .. how
  end
  return { native.process_secret() }
end

--- ring_of(secret) -> key ring, or nil and what is wrong
function M.ring_of(secret)
  local list, wrong = list_of(secret)
  if not list then return nil, wrong end
  return native.keyring(list)
end

--- ring(app) -> key ring, or nil and what is wrong. `app` may be nil.
function M.ring(app)
  local known = app and rings[app]
  if known then return known end
  local secret = given_to(app)
  local list, wrong
  if secret ~= nil then list, wrong = list_of(secret) else list, wrong = made() end
  if not list then return nil, wrong end
  local ring = native.keyring(list)
  if app then rings[app] = ring end
  return ring
end

--- Raises at the start of `serve` where an app, or one mounted in it, lacks a secret that its middleware needs.
function M.check_app(app)
  local has_own = app.session and app.session.ring
  if (app.needs_secret and not has_own) or app.settings.secret ~= nil then
    local ring, wrong = M.ring(app)
    if not ring then error(wrong, 0) end
  end
  for _, mount in ipairs(app.mounts) do M.check_app(mount.app) end
end

return M
