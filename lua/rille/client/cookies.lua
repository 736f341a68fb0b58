-- The cookies of a client (RFC 6265bis): kept by host, sent back where they belong and nowhere else.
--
--   jar = require("rille.client.cookies").new()
--   jar:set(url, "name", "value", {…})   jar:get(url, "name")   jar:list()   jar:clear(domain)   jar:save() / jar:load(data)
--
--   by_domain["example.com"]["/account\0sid\0h"] = {name, value, domain, path, host_only, secure, http_only, expires, …}
--   plain, secure        all cookies in the order in which they were last used, the Secure ones apart: lists, linked by the
--                        cookies' own older and newer
--
-- A cookie is what (domain, path, name, host-only) says, so that a subdomain cannot take the place of its parent's
-- (PYSEC-2026-4370); Secure ones never leave over http (CVE-2026-111063); none is for a public suffix (client/suffix.h).
--
-- Bounds: 50 cookies a domain, 3000 in all. Where one must go, an expired one does, else one that is not Secure, of those the
-- one that was used longest ago: who answers over http cannot push out what https has set. What a cookie costs does not grow
-- with how many there are.
local mistake = require("rille.options").mistake
local options = require "rille.options"
local dates = require "rille.client.date"
local names = require "rille.names"
local native = require "rille.native.core"
local native_client = require "rille.native.client"
local urls = require "rille.client.url"

local Jar = {}
Jar.__index = Jar
Jar.__name = "rille.cookies"

local MOST_OF_DOMAIN, MOST, MOST_BYTES, MOST_AGE = 50, 3000, 4096, 400 * 86400

local M = {}

--- new() -> an empty jar
function M.new()
  return setmetatable({ by_domain = {}, counts = {}, count = 0, clock = 0, plain = {}, secure = {}, secure_names = {} }, Jar)
end

function M.is(value) return getmetatable(value) == Jar end

-- ---- reading Set-Cookie (section 5.6) -------------------------------------------------------------------------------

local function age_of(value, now)
  if not value:find "^%-?%d+$" then return nil end
  local seconds = tonumber(value)
  return seconds <= 0 and now - 1 or now + math.min(seconds, MOST_AGE)
end

local function date_of(value, now)
  local date = dates.parse(value)
  return date and math.min(date, now + MOST_AGE)
end

-- Of those of a kind the last counts; an age or a date that is none is not one of them. An age goes before a date.
local function read_attributes(cookie, list, now)
  local found, age, date = {}, nil, nil
  for i = 1, #list, 2 do
    local name, value = list[i], list[i + 1]
    if name == "max-age" then age = age_of(value, now) or age
    elseif name == "expires" then date = date_of(value, now) or date
    else found[name] = value end
  end
  cookie.expires = age or date
  cookie.path, cookie.domain, cookie.same_site = found.path, found.domain, found.samesite
  cookie.secure, cookie.http_only = found.secure ~= nil, found.httponly ~= nil
end

local function is_text(cookie)
  return native.utf8_valid(cookie.name .. (cookie.path or "") .. (cookie.same_site or ""))
    and not (cookie.domain and cookie.domain:find "[\128-\255]")
end

--- parse(text, now) -> cookie as the server wrote it, or nil where it is to be ignored (client/set_cookie.h)
function M.parse(text, now)
  local name, value, list = native_client.set_cookie_cut(text)
  if not name then return nil end
  local cookie = { name = name, value = value }
  read_attributes(cookie, list, now)
  return is_text(cookie) and cookie or nil
end

-- ---- where a cookie belongs -----------------------------------------------------------------------------------------

local is_address = native_client.host_is_address

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

local function is_everybodys(domain) return is_address(domain) or native_client.suffix_is_public(domain) end

-- Sets domain and host_only (section 5.7.3); false where the server may not set it for that domain. A host that is a public
-- suffix itself, or an address, keeps its own to itself.
local function settle_domain(cookie, host)
  local domain = cookie.domain and cookie.domain:gsub("^%.", ""):lower() or ""
  cookie.said_domain = domain ~= ""
  if domain ~= "" and is_everybodys(domain) then
    if domain ~= host then return false end
    domain = ""
  end
  cookie.domain, cookie.host_only = domain == "" and host or domain, domain == ""
  return domain_matches(host, cookie.domain)
end

-- Checks what a name promises; __Host- needs an explicit Path.
local function prefix_is_kept(cookie, location)
  local name = cookie.name:sub(1, 9):lower()
  if name == "__secure-" then return cookie.secure and location.secure end
  if name:sub(1, 7) ~= "__host-" then return true end
  return cookie.secure and location.secure and cookie.host_only and not cookie.said_domain and cookie.path == "/"
end

-- ---- keeping --------------------------------------------------------------------------------------------------------

local function is_expired(cookie, now) return cookie.expires ~= nil and cookie.expires <= now end

local function list_of(jar, cookie) return cookie.secure and jar.secure or jar.plain end

local function unlink(jar, cookie)
  local list, older, newer = list_of(jar, cookie), cookie.older, cookie.newer
  if older then older.newer = newer else list.oldest = newer end
  if newer then newer.older = older else list.newest = older end
  cookie.older, cookie.newer = nil, nil
end

local function link(jar, cookie)
  local list = list_of(jar, cookie)
  cookie.older, cookie.used = list.newest, jar.clock
  if list.newest then list.newest.newer = cookie else list.oldest = cookie end
  list.newest = cookie
end

local function touch(jar, cookie)
  unlink(jar, cookie)
  link(jar, cookie)
end

-- The Secure ones of a name, for those that would hide them.
local function note_secure(jar, cookie, value)
  if not cookie.secure then return end
  local set = jar.secure_names[cookie.name] or {}
  set[cookie] = value
  jar.secure_names[cookie.name] = next(set) and set or nil
end

local function add(jar, cookie)
  local domain = cookie.domain
  jar.by_domain[domain] = jar.by_domain[domain] or {}
  jar.by_domain[domain][cookie.key] = cookie
  jar.counts[domain] = (jar.counts[domain] or 0) + 1
  jar.count = jar.count + 1
  if cookie.expires then jar.soonest = math.min(jar.soonest or cookie.expires, cookie.expires) end
  note_secure(jar, cookie, true)
  link(jar, cookie)
end

local function drop(jar, cookie)
  local domain = cookie.domain
  jar.by_domain[domain][cookie.key] = nil
  jar.counts[domain] = jar.counts[domain] - 1
  jar.count = jar.count - 1
  if jar.counts[domain] == 0 then jar.by_domain[domain], jar.counts[domain] = nil, nil end
  note_secure(jar, cookie, nil)
  unlink(jar, cookie)
end

-- All of them; the one that is being looked at may be dropped.
local function each(jar)
  local following, rest = jar.plain.oldest, jar.secure.oldest
  return function()
    if not following then following, rest = rest, nil end
    local cookie = following
    following = cookie and cookie.newer
    return cookie
  end
end

-- The expired ones go, once any has. All cookies of a response have one `now`, so this happens once for each at the most.
local function sweep(jar, now)
  if not jar.soonest or jar.soonest > now then return end
  jar.soonest = nil
  for cookie in each(jar) do
    if is_expired(cookie, now) then drop(jar, cookie)
    elseif cookie.expires then jar.soonest = math.min(jar.soonest or cookie.expires, cookie.expires) end
  end
end

local function goes_before(cookie, other, now)
  if is_expired(cookie, now) ~= is_expired(other, now) then return is_expired(cookie, now) end
  if cookie.secure ~= other.secure then return other.secure end
  return cookie.used < other.used
end

local function first_to_go(kept, now)
  local first
  for _, cookie in pairs(kept) do
    if not first or goes_before(cookie, first, now) then first = cookie end
  end
  return first
end

local function make_room(jar, domain, now)
  if (jar.counts[domain] or 0) >= MOST_OF_DOMAIN then drop(jar, first_to_go(jar.by_domain[domain], now)) end
  if jar.count >= MOST then sweep(jar, now) end
  if jar.count >= MOST then drop(jar, jar.plain.oldest or jar.secure.oldest) end
end

local function key_of(cookie) return cookie.path .. "\0" .. cookie.name .. "\0" .. (cookie.host_only and "h" or "d") end

local function put(jar, cookie, now)
  cookie.key = key_of(cookie)
  local kept = jar.by_domain[cookie.domain]
  local old = kept and kept[cookie.key]
  if old then drop(jar, old) end
  if is_expired(cookie, now) then return end
  jar.clock = jar.clock + 1
  cookie.made = old and old.made or jar.clock
  make_room(jar, cookie.domain, now)
  add(jar, cookie)
end

-- "Leave secure cookies alone": over http none may hide a Secure one of that name.
local function hides_a_secure_one(jar, cookie)
  for other in pairs(jar.secure_names[cookie.name] or {}) do
    if path_matches(cookie.path, other.path)
      and (domain_matches(cookie.domain, other.domain) or domain_matches(other.domain, cookie.domain)) then
      return true
    end
  end
  return false
end

-- Keeps a cookie as it was parsed, from the response of that location; or says why not.
local function accept(jar, cookie, location, now)
  local said = cookie.domain
  if not settle_domain(cookie, location.host) then
    return ("%s may not set a cookie for the domain '%s'"):format(location.host, said)
  end
  if not prefix_is_kept(cookie, location) then return "it is not what its name promises (__Host-, __Secure-)" end
  if not cookie.path or cookie.path:sub(1, 1) ~= "/" then cookie.path = default_path(location.path) end
  if cookie.secure and not location.secure then return "a Secure cookie is set over https only" end
  if not location.secure and hides_a_secure_one(jar, cookie) then return "it would hide a Secure cookie" end
  put(jar, cookie, now)
end

--- jar:take(location, values): the Set-Cookie headers of a response
function Jar:take(location, values)
  local now = native.time()
  for _, text in ipairs(values) do
    local cookie = M.parse(text, now)
    if cookie then accept(self, cookie, location, now) end
  end
end

-- ---- sending --------------------------------------------------------------------------------------------------------

local function collect(jar, domain, location, now, found)
  for _, cookie in pairs(jar.by_domain[domain] or {}) do
    if is_expired(cookie, now) then
      drop(jar, cookie)
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
    touch(self, cookie)
    found[i] = cookie.name == "" and cookie.value or cookie.name .. "=" .. cookie.value
  end
  return table.concat(found, "; ")
end

-- ---- for programs ---------------------------------------------------------------------------------------------------

local function location_of(url)
  if type(url) ~= "string" then mistake("cookies: a URL is a string, got a " .. type(url)) end
  return urls.parse(url)
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
  if ((opts.path or "") .. (opts.domain or "")):find "[%c;\128-\255]" then
    mistake "cookies: path and domain are ASCII, without control characters and ';'"
  end
  if #name + #value > MOST_BYTES then mistake(("cookies: name and value have %d bytes at the most"):format(MOST_BYTES)) end
  local why = accept(self, { name = name, value = value, path = opts.path, domain = opts.domain, secure = opts.secure or false,
    http_only = opts.http_only or false, expires = age and now + math.min(age, MOST_AGE) }, location, now)
  if why then mistake("cookies: " .. why) end
end

--- jar:get(url, name) -> value of the cookie that would be sent there, or nil
function Jar:get(url, name)
  for _, cookie in ipairs(matching(self, location_of(url))) do
    if cookie.name == name then return cookie.value end
  end
  return nil
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
  for cookie in each(self) do
    if not is_expired(cookie, now) then all[#all + 1] = cookie end
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

-- As a server could have set it.
local function is_possible(cookie)
  return not cookie.name:find "[=;]" and not cookie.value:find(";", 1, true) and cookie.path:find "^/" ~= nil
    and not (cookie.path .. cookie.domain):find "[%c;]"
    and native_client.set_cookie_cut(cookie.name .. "=" .. cookie.value) ~= nil
end

local function check_saved(given)
  for name, kind in pairs(fields) do
    if type(given) ~= "table" or type(given[name]) ~= kind then
      mistake(("cookies: a saved cookie has '%s', a %s"):format(name, kind))
    end
  end
end

--- jar:load(data): what jar:save() gave. Data only: each field is checked, nothing in it is run.
function Jar:load(data)
  if type(data) ~= "table" then mistake("cookies: load takes a list, got a " .. type(data)) end
  local now = native.time()
  for _, given in ipairs(options.list(data, "cookies:load")) do
    check_saved(given)
    local cookie = as_bytes(given)
    cookie.expires = type(given.expires) == "number" and math.min(given.expires, now + MOST_AGE) or nil
    if not is_possible(cookie) then mistake "cookies: a saved cookie holds what no cookie can" end
    cookie.host_only = cookie.host_only or is_everybodys(cookie.domain)
    put(self, cookie, now)
  end
  return self
end

--- jar:clear(domain?): all of them, or those of a domain
function Jar:clear(domain)
  for cookie in each(self) do
    if not domain or cookie.domain == domain:lower() then drop(self, cookie) end
  end
end

names.class("jar", Jar)

return M
