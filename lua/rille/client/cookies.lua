-- The cookies of a client (RFC 6265bis): kept by host, sent back where they belong and nowhere else.
--
--   jar = require("rille.client.cookies").new()
--   jar:set(url, "name", "value", {…})   jar:get(url, "name")   jar:list()   jar:clear(domain)   jar:save() / jar:load(data)
--
--   by_domain["example.com"]["/account\0sid\0h"] = {name, value, domain, path, host_only, secure, http_only, expires, …}
--
-- A cookie is what (domain, path, name, host-only) says, so that a subdomain cannot take the place of its parent's
-- (PYSEC-2026-4370); Secure ones never leave over http (CVE-2026-111063). Without a list of public suffixes a domain must
-- have a dot and be no address. Bounds: 50 cookies a domain, 3000 in all; who was not used longest goes first.
local mistake = require("rille.options").mistake
local options = require "rille.options"
local dates = require "rille.client.date"
local native = require "rille.native"

local Jar = {}
Jar.__index = Jar
Jar.__name = "rille.cookies"

local MOST_OF_DOMAIN, MOST, MOST_BYTES, MOST_AGE = 50, 3000, 4096, 400 * 86400

local M = {}

--- new() -> an empty jar
function M.new() return setmetatable({ by_domain = {}, count = 0, clock = 0 }, Jar) end

function M.is(value) return getmetatable(value) == Jar end

-- ---- reading Set-Cookie (section 5.6) -------------------------------------------------------------------------------

local function trim(text) return native.trim(text, " \t") end

local function attributes_of(rest)
  local found = {}
  for piece in rest:gmatch "[^;]+" do
    local name, value = piece:match "^([^=]*)=(.*)$"
    name, value = trim(name or piece):lower(), trim(value or "")
    local ignored = #value > 1024 or (name == "max-age" and not value:find "^%-?%d+$")
      or (name == "expires" and not dates.parse(value))
    if not ignored then found[name] = value end -- the last of a kind counts
  end
  return found
end

local function expiry_of(found, now)
  local age = found["max-age"]
  if age and age:find "^%-?%d+$" then
    local seconds = tonumber(age)
    return seconds <= 0 and now - 1 or now + math.min(seconds, MOST_AGE)
  end
  local expires = found.expires and dates.parse(found.expires)
  return expires and math.min(expires, now + MOST_AGE)
end

--- parse(text, now) -> cookie as the server wrote it, or nil
function M.parse(text, now)
  if #text > 8192 or text:find "[\0-\8\10-\31\127]" then return nil end
  local pair, rest = text:match "^([^;]*);?(.*)$"
  local name, value = pair:match "^([^=]*)=(.*)$"
  name, value = trim(name or ""), trim(value or pair)
  if name == "" or #name + #value > MOST_BYTES or not native.utf8_valid(name .. rest) then return nil end
  local found = attributes_of(rest)
  return {
    name = name, value = value, path = found.path, domain = found.domain, expires = expiry_of(found, now),
    secure = found.secure ~= nil, http_only = found.httponly ~= nil, same_site = found.samesite,
  }
end

-- ---- where a cookie belongs -----------------------------------------------------------------------------------------

local function is_address(host) return host:find "^%d+%.%d+%.%d+%.%d+$" ~= nil or host:find(":", 1, true) ~= nil end

local function domain_matches(host, domain)
  if host == domain then return true end
  return #host > #domain and host:sub(-#domain - 1) == "." .. domain and not is_address(host)
end

local function path_matches(path, cookie_path)
  if path == cookie_path then return true end
  if path:sub(1, #cookie_path) ~= cookie_path then return false end
  return cookie_path:sub(-1) == "/" or path:sub(#cookie_path + 1, #cookie_path + 1) == "/"
end

local function default_path(path)
  local folder = path:match "^(/.*)/[^/]*$"
  return folder or "/"
end

-- Sets domain and host_only; false where the server may not set it for that domain.
local function settle_domain(cookie, host)
  local domain = cookie.domain and cookie.domain:gsub("^%.", ""):lower() or ""
  cookie.said_domain = domain ~= ""
  if domain == "" or domain == host then
    -- A host that is no domain of its own (localhost, an address) has no subdomains to share with.
    cookie.host_only = domain == "" or is_address(host) or not host:find(".", 1, true)
    cookie.domain = host
    return true
  end
  cookie.domain, cookie.host_only = domain, false
  return domain:find "^[^.]+%..*[^.]$" ~= nil and domain_matches(host, domain)
end

-- What the name promises; __Host- wants its Path said, not guessed.
local function prefix_is_kept(cookie, location)
  local name = cookie.name:lower()
  if name:sub(1, 9) == "__secure-" then return cookie.secure and location.secure end
  if name:sub(1, 7) ~= "__host-" then return true end
  return cookie.secure and location.secure and cookie.host_only and not cookie.said_domain and cookie.path == "/"
end

-- ---- keeping --------------------------------------------------------------------------------------------------------

local function key_of(cookie) return cookie.path .. "\0" .. cookie.name .. "\0" .. (cookie.host_only and "h" or "d") end

local function drop(jar, domain, key)
  local kept = jar.by_domain[domain]
  kept[key] = nil
  jar.count = jar.count - 1
  if next(kept) == nil then jar.by_domain[domain] = nil end
end

local function is_expired(cookie, now) return cookie.expires ~= nil and cookie.expires <= now end

local function goes_before(cookie, other)
  if cookie.secure ~= other.secure then return other.secure end
  return cookie.used < other.used
end

-- The cookie of these domains that goes first: an expired one, else one that is not Secure, of those the one that was used
-- longest ago. Else who answers over http could push out what https has set.
local function first_to_go(domains, now)
  local oldest, oldest_key, oldest_domain
  for domain, kept in pairs(domains) do
    for key, cookie in pairs(kept) do
      if is_expired(cookie, now) then return domain, key end
      if not oldest or goes_before(cookie, oldest) then oldest, oldest_key, oldest_domain = cookie, key, domain end
    end
  end
  return oldest_domain, oldest_key
end

local function size_of(kept)
  local count = 0
  for _ in pairs(kept) do count = count + 1 end
  return count
end

local function make_room(jar, domain, now)
  local kept = jar.by_domain[domain]
  if kept and size_of(kept) >= MOST_OF_DOMAIN then drop(jar, first_to_go({ [domain] = kept }, now)) end
  if jar.count >= MOST then drop(jar, first_to_go(jar.by_domain, now)) end
end

local function put(jar, cookie, now)
  local key, kept = key_of(cookie), jar.by_domain[cookie.domain]
  local old = kept and kept[key]
  if is_expired(cookie, now) then
    if old then drop(jar, cookie.domain, key) end
    return
  end
  jar.clock = jar.clock + 1
  cookie.used = jar.clock
  cookie.made = old and old.made or jar.clock
  if not old then
    make_room(jar, cookie.domain, now)
    jar.by_domain[cookie.domain] = jar.by_domain[cookie.domain] or {}
    jar.count = jar.count + 1
  end
  jar.by_domain[cookie.domain][key] = cookie
end

-- The Secure cookies of a jar: name -> list. Gathered once for all that a response sets.
local function secure_by_name(jar)
  local found = {}
  for _, kept in pairs(jar.by_domain) do
    for _, cookie in pairs(kept) do
      if cookie.secure then
        found[cookie.name] = found[cookie.name] or {}
        table.insert(found[cookie.name], cookie)
      end
    end
  end
  return found
end

-- "Leave secure cookies alone": over http none may hide a Secure one of that name.
local function hides_a_secure_one(secure, cookie)
  for _, other in ipairs(secure[cookie.name] or {}) do
    if (domain_matches(cookie.domain, other.domain) or domain_matches(other.domain, cookie.domain))
      and path_matches(cookie.path, other.path) then
      return true
    end
  end
  return false
end

-- A cookie as it was parsed, from the response of that location; `secure` as secure_by_name gives them, where it was http.
local function accept(jar, cookie, location, now, secure)
  if not settle_domain(cookie, location.host) or not prefix_is_kept(cookie, location) then return end
  if not cookie.path or cookie.path:sub(1, 1) ~= "/" then cookie.path = default_path(location.path) end
  if cookie.secure and not location.secure then return end
  if secure and hides_a_secure_one(secure, cookie) then return end
  put(jar, cookie, now)
end

--- jar:take(location, values): the Set-Cookie headers of a response
function Jar:take(location, values)
  local now, secure = native.time(), not location.secure and secure_by_name(self) or nil
  for _, text in ipairs(values) do
    local cookie = M.parse(text, now)
    if cookie then accept(self, cookie, location, now, secure) end
  end
end

-- ---- sending --------------------------------------------------------------------------------------------------------

local function collect(jar, domain, location, now, found)
  for key, cookie in pairs(jar.by_domain[domain] or {}) do
    if is_expired(cookie, now) then
      drop(jar, domain, key)
    elseif (not cookie.host_only or domain == location.host) and (not cookie.secure or location.secure)
      and path_matches(location.path, cookie.path) then
      found[#found + 1] = cookie
    end
  end
end

-- Those for a location: longer paths first, older ones first among equals (section 5.8.3).
local function matching(jar, location)
  local now, found, host = native.time(), {}, location.host
  collect(jar, host, location, now, found)
  if not is_address(host) then
    for parent in function(_, at) at = host:find(".", at + 1, true) return at end, nil, 0 do
      collect(jar, host:sub(parent + 1), location, now, found)
    end
  end
  table.sort(found, function(a, b)
    if #a.path ~= #b.path then return #a.path > #b.path end
    return a.made < b.made
  end)
  return found
end

--- jar:header(location) -> "a=1; b=2", or nil where none belongs there
function Jar:header(location)
  if self.count == 0 then return nil end
  local found = matching(self, location)
  if #found == 0 then return nil end
  self.clock = self.clock + 1
  for i, cookie in ipairs(found) do
    cookie.used = self.clock
    found[i] = cookie.name .. "=" .. cookie.value
  end
  return table.concat(found, "; ")
end

-- ---- for programs ---------------------------------------------------------------------------------------------------

local function location_of(url)
  local location, why = native.url_parse(url)
  if not location then mistake(("cookies: '%s' is no URL: %s"):format(url, why)) end
  return location
end

local set_options = { path = "string", domain = "string", secure = "boolean", http_only = "boolean", max_age = "number" }

--- jar:set(url, name, value, {path=, domain=, secure=, http_only=, max_age=}): as if that URL had set it
function Jar:set(url, name, value, opts)
  opts = options.check(opts, set_options, "cookies:set", 2)
  local location, now = location_of(url), native.time()
  if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+%-.^_`|~]+$" then mistake "cookies: the name is a token" end
  if type(value) ~= "string" and type(value) ~= "number" then mistake("cookies: the value is a string, got a " .. type(value)) end
  value = tostring(value)
  local age = opts.max_age
  if age and age ~= age then mistake "cookies: max_age is NaN" end
  if value:find "[%c;]" then mistake "cookies: the value holds a control character or ';'" end
  accept(self, { name = name, value = value, path = opts.path, domain = opts.domain, secure = opts.secure or false,
    http_only = opts.http_only or false, expires = age and now + math.min(age, MOST_AGE) }, location, now,
    not location.secure and secure_by_name(self) or nil)
end

--- jar:get(url, name) -> value of the cookie that would be sent there, or nil
function Jar:get(url, name)
  for _, cookie in ipairs(matching(self, location_of(url))) do
    if cookie.name == name then return cookie.value end
  end
end

local fields = {
  name = "string", value = "string", domain = "string", path = "string", host_only = "boolean", secure = "boolean",
  http_only = "boolean",
}

local function plain(cookie)
  local copy = { expires = cookie.expires, same_site = cookie.same_site }
  for name in pairs(fields) do copy[name] = cookie[name] end
  return copy
end

-- Bytes that are no UTF-8 are no text to JSON.
local function as_text(cookie)
  if native.utf8_valid(cookie.value) then return cookie end
  cookie.value, cookie.encoded = native.base64url_encode(cookie.value), true
  return cookie
end

local function as_bytes(given)
  local cookie = plain(given)
  if given.encoded == true then cookie.value = native.base64url_decode(given.value) or "\0" end
  return cookie
end

--- jar:list() -> list of plain tables, in the order in which they were first set
function Jar:list()
  local now, all = native.time(), {}
  for _, kept in pairs(self.by_domain) do
    for _, cookie in pairs(kept) do
      if not is_expired(cookie, now) then all[#all + 1] = cookie end
    end
  end
  table.sort(all, function(a, b) return a.made < b.made end)
  for i, cookie in ipairs(all) do all[i] = plain(cookie) end
  return native.array(all)
end

--- jar:save() -> plain data, fit for JSON
function Jar:save()
  local all = self:list()
  for _, cookie in ipairs(all) do as_text(cookie) end
  return all
end

--- jar:load(data): what jar:save() gave. Data only: each field is checked, nothing in it is run.
function Jar:load(data)
  if type(data) ~= "table" then mistake("cookies: load takes a list, got a " .. type(data)) end
  local now = native.time()
  for _, given in ipairs(data) do
    for name, kind in pairs(fields) do
      if type(given) ~= "table" or type(given[name]) ~= kind then
        mistake(("cookies: a saved cookie has '%s', a %s"):format(name, kind))
      end
    end
    local cookie = as_bytes(given)
    if type(given.expires) ~= "number" then cookie.expires = nil end
    if cookie.value:find "[\0-\8\10-\31\127;]" or not cookie.name:find "^[^%c;=]+$" or cookie.path:sub(1, 1) ~= "/" then
      mistake "cookies: a saved cookie holds what no cookie can"
    end
    put(self, cookie, now)
  end
  return self
end

--- jar:clear(domain?): all of them, or those of a domain
function Jar:clear(domain)
  for kept_domain, kept in pairs(domain and { [domain] = self.by_domain[domain] } or self.by_domain) do
    self.count = self.count - size_of(kept)
    self.by_domain[kept_domain] = nil
  end
end

return M
