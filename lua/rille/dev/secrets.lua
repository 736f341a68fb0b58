-- What pages of development must not show: they are read over shoulders, photographed, and pasted into reports. A value is a
-- secret by its name (password, token, api_key …), or because it was given as one: the secret of an app or of its sessions, an
-- entry of .env with such a name. Those are known by their text, wherever it turns up.
local native = require "rille.native"
local secret = require "rille.secret"

local M = {}

M.MASK = "••••••"

-- Parts of a name that make it a secret's, without '-', '_' and spaces.
local parts = {
  "password", "passwd", "passphrase", "passcode", "secret", "token", "authorization", "cookie", "apikey", "accesskey",
  "privatekey", "signingkey", "credential", "csrf", "jwt", "bearer",
}
local whole = {
  pass = true, pwd = true, auth = true, otp = true, pin = true, sid = true, sessionid = true, cvc = true, cvv = true,
}

--- Whether what has this name is not to be shown.
function M.is_secret(name)
  if type(name) ~= "string" or #name > 100 then return false end
  local plain = name:lower():gsub("[-_ .]", "")
  if whole[plain] then return true end
  for _, part in ipairs(parts) do
    if plain:find(part, 1, true) then return true end
  end
  return false
end

-- ---- known by their text ------------------------------------------------------------------------------------------------

local SHORTEST = 6 -- a shorter text stands anywhere

local function names_of_env()
  local names, file = {}, io.open(native.root .. "/.env", "r")
  for line in (file and file:read(64 << 10) or ""):gmatch "[^\r\n]+" do
    local name = line:gsub("^%s*export%s+", ""):match "^%s*([%a_][%w_]*)%s*="
    if name and M.is_secret(name) then names[#names + 1] = name end
  end
  if file then file:close() end
  return names
end

local of_env -- the values, read when they are first wanted

local function values_of_env()
  if of_env then return of_env end
  of_env = {}
  for _, name in ipairs(names_of_env()) do of_env[#of_env + 1] = os.getenv(name) end
  return of_env
end

local function hide_each(text, values)
  for _, value in ipairs(values) do
    if #value >= SHORTEST then
      local from, to = text:find(value, 1, true)
      while from do
        text = text:sub(1, from - 1) .. M.MASK .. text:sub(to + 1)
        from, to = text:find(value, from + #M.MASK, true)
      end
    end
  end
  return text
end

--- learn(texts): what another state was given.
function M.learn(texts)
  local known = {}
  for _, text in ipairs(secret.given) do known[text] = true end
  for _, text in ipairs(texts) do
    if not known[text] then secret.given[#secret.given + 1] = text end
  end
end

-- ?token=…&page=2 keeps the page.
local function hide_parameter(before, name, value)
  return M.is_secret(name) and value ~= "" and before .. name .. "=" .. M.MASK or nil
end

--- The text without the secrets that are known, and without passwords and tokens in URLs.
function M.hide(text)
  text = hide_each(hide_each(text, secret.given), values_of_env())
  if text:find("://", 1, true) then
    text = text:gsub("(://[^/@%s:\"']*:)([^/@%s\"']+)@", "%1" .. M.MASK .. "@")
  end
  if text:find("[?&]") then text = text:gsub("([?&])([%w_.%-]+)=([^&#%s\"'<>]*)", hide_parameter) end
  return text
end

local LONGEST = 2000 -- bytes of a text

-- What fits, up to a whole character.
local function cut(text)
  local stop = LONGEST
  while stop > 0 and (text:byte(stop + 1) or 0) & 0xC0 == 0x80 do stop = stop - 1 end
  return text:sub(1, stop) .. " …"
end

--- Any text as it can be sent and shown: UTF-8, not endless, without what is a secret.
function M.visible(text)
  text = tostring(text)
  if not native.utf8_valid(text) then text = text:gsub("[\128-\255]", "?") end
  return M.hide(#text > LONGEST and cut(text) or text)
end

-- `password = "…"` in a line of source, as in Lua, JSON, .env and templates.
local function hide_literal(name, between, quote, rest)
  if not M.is_secret(name) then return nil end
  local stop = rest:find(quote, 1, true)
  if not stop or stop == 1 then return nil end
  return name .. between .. quote .. M.MASK .. rest:sub(stop)
end

-- `local name, password = "ada", "…"`: which is whose is not told apart.
local function hide_list(line)
  local names, rest = line:match "^([%w_%.,%s<>]+)=%s*(.*)$"
  if not names or not names:find(",", 1, true) then return line end
  for name in names:gmatch "[%w_]+" do
    if M.is_secret(name) then
      return line:sub(1, #line - #rest) .. rest:gsub("([\"'])[^\"']+([\"'])", "%1" .. M.MASK .. "%2")
    end
  end
  return line
end

--- A line of source without the literals that are secrets.
function M.hide_source(line)
  if #line > 2000 then return M.hide(line) end
  line = hide_list(line)
  local at = 1
  while true do
    local from, _, name, between, quote = line:find("%f[%w_-]([%w_-]+)([\"']?%]?%s*[=:]%s*)([\"'])", at)
    if not from then return M.hide(line) end
    local rest = line:sub(from + #name + #between + 1)
    local hidden = hide_literal(name, between, quote, rest)
    if hidden then line = line:sub(1, from - 1) .. hidden end
    at = from + #name + #between + 1 + (hidden and #M.MASK + 1 or 0)
  end
end

return M
