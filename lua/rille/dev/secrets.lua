-- Hides secrets from the pages of development, which are read over shoulders, photographed, and pasted into reports. A value is a
-- secret by its name (password, token, api_key …), or because it was given as one: the secret of an app or of its sessions, an
-- entry of .env with such a name. Those are known by their text, wherever it turns up.
local native = require "rille.native.core"
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

local LONGEST_NAME = 400 -- bytes of it that are looked at

--- Returns true if a value of this name must not be shown.
function M.is_secret(name)
  if type(name) ~= "string" then return false end
  local plain = name:sub(1, LONGEST_NAME):lower():gsub("[-_ .]", "")
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

-- Adds where the values stand in the text. All are looked for in the text as it was, for one may be a part of another.
local function add_places(places, text, values)
  for _, value in ipairs(values) do
    local from, to = 1, nil
    if #value >= SHORTEST then from, to = text:find(value, 1, true) end
    while to do
      places[#places + 1] = { from, to }
      from, to = text:find(value, to + 1, true)
    end
  end
end

local function hide_known(text)
  local places, out, at = {}, {}, 1
  add_places(places, text, secret.given)
  add_places(places, text, values_of_env())
  if #places == 0 then return text end
  table.sort(places, function(a, b) return a[1] < b[1] end)
  for _, place in ipairs(places) do
    if place[1] >= at then
      out[#out + 1] = text:sub(at, place[1] - 1)
      out[#out + 1] = M.MASK
    end
    at = math.max(at, place[2] + 1)
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
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
  text = hide_known(text)
  if text:find("://", 1, true) then
    text = text:gsub("(://[^/@%s:\"']*:)[^/%s\"']+@", "%1" .. M.MASK .. "@")
  end
  if text:find("[?&]") then text = text:gsub("([?&])([%w_.%-]+)=([^&#%s\"'<>]*)", hide_parameter) end
  return text
end

--- head(text, longest) -> what fits, up to a whole character; whether that is all of it. A secret is hidden before the text is
--- cut, for half of one could not be known.
function M.head(text, longest)
  local looked_at = longest + 8192
  local hidden = M.hide(text:sub(1, looked_at))
  if #hidden <= longest and #text <= looked_at then return hidden, true end
  local stop = math.min(longest, #hidden)
  while stop > 0 and (hidden:byte(stop + 1) or 0) & 0xC0 == 0x80 do stop = stop - 1 end
  return hidden:sub(1, stop), false
end

--- readable(text) -> the same as UTF-8. What is hidden is hidden before, as long as its bytes are there.
function M.readable(text)
  if native.utf8_valid(text) then return text end
  local pieces, at = {}, 1
  local from, to = text:find(M.MASK, 1, true)
  while from do
    pieces[#pieces + 1] = text:sub(at, from - 1):gsub("[\128-\255]", "?") .. M.MASK
    at = to + 1
    from, to = text:find(M.MASK, at, true)
  end
  pieces[#pieces + 1] = text:sub(at):gsub("[\128-\255]", "?")
  return table.concat(pieces)
end

local LONGEST = 2000 -- bytes of a text

--- Any text as it can be sent and shown: UTF-8, not endless, without what is a secret.
function M.visible(text)
  local shown, is_all = M.head(tostring(text), LONGEST)
  return M.readable(shown) .. (is_all and "" or " …")
end

-- Returns where a literal ends that begins with this quote. If it goes on in the next line, that is after this line's end.
local function end_of_literal(rest, quote)
  if quote:byte() == 91 then return rest:find("]" .. quote:sub(2, -2) .. "]", 1, true) or #rest + 1 end
  local at = rest:find('[\\"\']')
  while at and rest:sub(at, at) ~= quote do
    at = rest:find('[\\"\']', at + (rest:byte(at) == 92 and 2 or 1))
  end
  return at or #rest + 1
end

-- `password = "…"` in a line of source, as in Lua, JSON, .env and templates.
local function hide_literal(name, between, quote, rest)
  if not M.is_secret(name) then return nil end
  local stop = end_of_literal(rest, quote)
  if stop == 1 then return nil end
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

-- The next name with a literal after it: from, name, what stands between, quote
local function next_literal(line, at)
  local from, _, name, between, quote = line:find("%f[%w_-]([%w_-]+)([\"']?%]?%s*[=:]%s*)([\"'])", at)
  local long_from, _, long_name, long_between, long_quote = line:find("%f[%w_-]([%w_-]+)(%]?%s*=%s*)(%[=*%[)", at)
  if not from or (long_from and long_from < from) then return long_from, long_name, long_between, long_quote end
  return from, name, between, quote
end

--- A line of source without the literals that are secrets.
function M.hide_source(line)
  if #line > 2000 then return M.hide(line) end
  line = hide_list(line)
  local at = 1
  while true do
    local from, name, between, quote = next_literal(line, at)
    if not from then return M.hide(line) end
    local rest = line:sub(from + #name + #between + #quote)
    local hidden = hide_literal(name, between, quote, rest)
    if hidden then line = line:sub(1, from - 1) .. hidden end
    at = from + #name + #between + #quote + (hidden and #M.MASK + 1 or 0)
  end
end

return M
