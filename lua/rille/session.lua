-- rille.session{}: the middleware, and req.session and its company. Loaded when a handler first asks for it, saved when it
-- has changed, after the handler and after on_error, errors included; a request that does not touch its session costs
-- nothing and answers without a cookie. Where sessions are kept: runtime/session/store.h.
--
--   cookie --store:load--> record {id, created, version, data = text} --decode--> req.session (a plain table), flashes
--                                                                           |
--   Set-Cookie <--store:save-- only where its canonical text is another <---/
local errors = require "rille.error"
local names = require "rille.names"
local is_list = require("rille.list").is_list
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"
local secret = require "rille.secret"
local traits = require "rille.traits"
local vary = require "rille.vary"

local M = {}

-- The library's own state of a request. A program cannot reach it: no field of req is called so.
local state_of, hold, use = native_http.session_state, native_http.session_hold, native_http.session_use

-- ---- configuration ------------------------------------------------------------------------------------------------

local known = {
  store = "string", secret = "string|table", name = "string", max_age = "number", path = "string", secure = "boolean",
  same_site = "string", database = "string|table|userdata|function", lifetime = "number",
}
local stores = { cookie = true, memory = true, sqlite = true }
local same_sites = { lax = "Lax", strict = "Strict", none = "None" }
local day = 86400

local function check(opts)
  local given = options.only(opts, known, "session")
  local config = {
    store = given.store or "cookie", name = given.name or "rille", max_age = given.max_age or 14 * day,
    path = given.path or "/", secure = given.secure, database = given.database,
    same_site = same_sites[(given.same_site or "Lax"):lower()],
  }
  config.lifetime = given.lifetime or math.max(config.max_age, 90 * day)
  if not stores[config.store] then
    options.raise("session: store is 'cookie', 'memory' or 'sqlite', got '%s'", config.store)
  end
  if not config.same_site then options.raise("session: same_site is 'Lax', 'Strict' or 'None', got '%s'", given.same_site) end
  if config.same_site == "None" and config.secure == false then
    options.raise "session: same_site = 'None' goes with secure = true: browsers drop such a cookie without it"
  end
  if config.same_site == "None" then config.secure = true end
  if not config.name:find "^[%w_.-]+$" then options.raise "session: the name is letters, digits, '_', '.' and '-'" end
  if config.max_age <= 0 or config.lifetime <= 0 then options.raise "session: max_age and lifetime are seconds, more than 0" end
  if not config.path:find "^/[^%c;]*$" then options.raise "session: the path starts with '/'" end
  if config.database and config.store ~= "sqlite" then options.raise "session: database goes with store = 'sqlite'" end
  if given.secret ~= nil then
    local ring, wrong = secret.ring_of(given.secret)
    if not ring then options.raise("session: %s", wrong) end
    config.ring = ring
  end
  return config
end

-- Sealed by its own secret or by the app's.
local function sealed_store(config, app)
  local ring, wrong = config.ring, nil
  if not ring then ring, wrong = secret.ring(app) end
  if not ring then error(errors.new("secret", wrong), 0) end
  return native_http.session_store(config.name, config.max_age, config.lifetime, ring)
end

local function make_store(config, app)
  if config.store == "cookie" then return sealed_store(config, app) end
  if config.store == "memory" then return native_http.session_store(config.name, config.max_age, config.lifetime) end
  return require("rille.session.sqlite").new(config, app)
end

-- One for each app that uses this middleware.
local function store_of(config, app)
  local made = config.made
  if not made[app] then made[app] = make_store(config, app) end
  return made[app]
end

-- ---- the cookie ---------------------------------------------------------------------------------------------------

local function is_secure(config, req)
  if config.secure ~= nil then return config.secure end
  return req.scheme == "https"
end

-- __Host- binds a cookie to this very host, so that no neighbour can set it for us; it needs Secure and the path "/".
local function cookie_name(config, secure)
  return secure and config.path == "/" and not config.name:find "^__" and "__Host-" .. config.name or config.name
end

local function cookie_of(config, req) return req.cookies[cookie_name(config, is_secure(config, req))] end

local function set_cookie(config, req, res, token)
  local secure = is_secure(config, req)
  local attributes = { path = config.path, secure = secure, same_site = config.same_site, max_age = token and config.max_age }
  if token then res:cookie(cookie_name(config, secure), token, attributes)
  else res:delete_cookie(cookie_name(config, secure), attributes) end
  if not res.headers["cache-control"] then res:header("Cache-Control", "no-store") end
end

-- ---- loading ------------------------------------------------------------------------------------------------------

-- The sessions of a request: of the middleware that it has passed, or that its app uses and it has not passed yet.
local function config_of(req)
  local _, config = state_of(req)
  local app = not config and req.app
  while app do
    if app.session then return app.session end
    app = app.parent
  end
  return config
end

-- JSON has no integers for keys, and carts are tables of them: {[7] = 2}. Where that is no list, such a key is written as the
-- text "\1i7", and a text that begins with \1 gets another one in front.
local function to_text(key)
  if math.type(key) == "integer" then return "\1i" .. key end
  return type(key) == "string" and key:byte() == 1 and "\1" .. key or key
end

local function to_key(text)
  if text:byte() ~= 1 then return text end
  return math.tointeger(text:match "^\1i(-?%d+)$") or text:sub(2)
end

-- session.cart[7].title: where in a session something is
local function path_to(path, key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return path .. "." .. key end
  return ("%s[%s]"):format(path, type(key) == "string" and ("%q"):format(key) or tostring(key))
end

local no_data = { ["function"] = "a function", userdata = "a userdata", thread = "a coroutine" }

-- Why a value cannot be saved, or nil.
local function complaint(value)
  if math.type(value) == "float" and (value ~= value or value == math.huge or value == -math.huge) then
    return "NaN or an infinity"
  end
  if type(value) == "string" and not native.utf8_valid(value) then return "a string that is not UTF-8" end
  return value ~= native.null and no_data[type(value)] or nil
end

local function check_key(key, path)
  if type(key) ~= "string" and math.type(key) ~= "integer" then
    error(("%s: the keys of a session are strings or integers"):format(path), 0)
  elseif type(key) == "string" and not native.utf8_valid(key) then
    error(("%s: the key is not UTF-8, and a session holds text"):format(path), 0)
  end
end

-- A copy whose keys JSON can hold; what cannot be saved raises with its place.
local function portable(value, path, depth)
  local wrong = complaint(value)
  if wrong then error(("%s is %s, which a session cannot hold"):format(path, wrong), 0) end
  if type(value) ~= "table" then return value end
  if depth > 100 then error(("%s is nested too deeply for a session (a table that contains itself?)"):format(path), 0) end
  local out, list = {}, is_list(value)
  for key, item in pairs(value) do
    local where = path_to(path, key)
    check_key(key, where)
    out[list and key or to_text(key)] = portable(item, where, depth + 1)
  end
  return setmetatable(out, getmetatable(value))
end

-- The other way round, in place.
local function restored(value)
  if type(value) ~= "table" then return value end
  local renamed
  for key, item in pairs(value) do
    restored(item)
    if type(key) == "string" and key:byte() == 1 then
      renamed = renamed or {}
      renamed[key] = item
    end
  end
  for key in pairs(renamed or {}) do value[key] = nil end
  for key, item in pairs(renamed or {}) do value[to_key(key)] = item end
  return value
end

-- As it stands, where JSON can hold it.
local function to_json(data, flashes)
  flashes = #flashes > 0 and flashes or nil
  local ok, text = pcall(native.json_canonical, { data = data, flashes = flashes })
  if ok and not text:find("\\u0001", 1, true) then return text end
  return native.json_canonical { data = portable(data, "req.session", 1), flashes = flashes }
end

local function from_json(text)
  local value = native.json_decode(text)
  if text:find("\\u0001", 1, true) and type(value) == "table" then restored(value.data) end
  return value
end

-- Encodes the session. If a value cannot be saved, the handler is at fault: the message begins with its file and line.
local function encode(holder, req)
  local ok, text = pcall(to_json, holder.data, holder.flashes)
  if not ok then error(type(text) == "string" and native_http.handler_place(req) .. text or text, 0) end
  return text
end

-- Returns what a store gave back, or nothing: a text that is none of ours is as good as absent. Nothing else is: a session
-- that could not be read for want of memory would be saved as an empty one.
local function decode(record)
  local value, err
  if record then value, err = native.try(from_json, record.data) end
  if err and err.code ~= "json" then error(err, 0) end
  if type(value) ~= "table" or type(value.data) ~= "table" then return {}, {} end
  return value.data, type(value.flashes) == "table" and value.flashes or {}
end

local finish

local function open(req, config)
  local store, token = store_of(config, req.app), cookie_of(config, req)
  local record = token and store:load(token) or nil
  local data, flashes = decode(record)
  local holder = { config = config, store = store, record = record, token = token, data = data, flashes = flashes,
    before = record and record.data }
  hold(req, holder)
  native_http.request_keep(req, "session", data)
  native_http.request_finish(req, finish)
  return holder
end

-- Returns the holder of a request's session, and loads it first if need be; nil if there are no sessions.
local function holder_of(req)
  local holder = state_of(req)
  if holder then return holder end
  local config = config_of(req)
  return config and open(req, config)
end

local function must_hold(req, what)
  local holder = holder_of(req)
  if not holder then options.raise("%s needs sessions: app:use(rille.session{})", what) end
  return holder
end

-- ---- saving -------------------------------------------------------------------------------------------------------

local function is_new(holder) return not holder.record or holder.record.version == 0 end

local function is_empty(holder) return next(holder.data) == nil and #holder.flashes == 0 end

-- Another request has saved this session since we loaded it: what we have changed is put on top of what it wrote.
local function merge(holder, theirs)
  local ours, was = holder.data, from_json(holder.before).data
  local merged, flashes = decode(theirs)
  local function same(a, b) return to_json({ a }, {}) == to_json({ b }, {}) end
  for key, value in pairs(ours) do
    if not same(value, was[key]) then merged[key] = value end
  end
  for key in pairs(was) do
    if ours[key] == nil then merged[key] = nil end
  end
  if #flashes == 0 then flashes = holder.flashes end
  theirs.data = to_json(merged, flashes)
  return theirs
end

local function too_large(holder, text)
  local most = holder.config.store == "cookie" and "a cookie (4096 bytes, sealed)" or native_http.limit_session .. " bytes"
  error(errors.new("session", ("the session has %d bytes of data, too many for %s: keep less in it%s"):format(#text, most,
    holder.config.store == "cookie" and ", or use store = 'memory' or 'sqlite'" or "")), 0)
end

-- Returns the token, or nil if the session was revoked meanwhile.
local function save(holder, text)
  local record = holder.record or native_http.session_new()
  record.data = text
  for _ = 1, 5 do
    local token, why = holder.store:save(record)
    if token then return token end
    if why == "large" then too_large(holder, text) end
    if why == "gone" then return nil end
    local theirs = holder.store:load(holder.token)
    if not theirs then return nil end
    record = merge(holder, theirs)
  end
  error(errors.new("busy", "the session is changed by too many requests at once"), 0)
end

-- Before the response leaves, where the session was touched.
function finish(req, res)
  local holder = state_of(req)
  vary(res, "Cookie")
  if is_new(holder) and is_empty(holder) and not holder.wanted then
    if holder.cleared and holder.token then set_cookie(holder.config, req, res, nil) end
    return
  end
  local text = encode(holder, req)
  if not is_new(holder) and text == holder.before and not holder.record.refresh then return end
  local token = save(holder, text)
  if token then set_cookie(holder.config, req, res, token) end
end

-- ---- req ----------------------------------------------------------------------------------------------------------

local methods, getters = native_http.request_methods, native_http.request_getters

function getters.session(req) return must_hold(req, "req.session").data end

-- Makes the client's cookie worthless from now on.
local function revoke(holder)
  if not is_new(holder) then holder.store:revoke(holder.record) end
  holder.record = nil
end

--- req:renew_session(): a new identity with the same data. To be called at login, and whenever somebody gains rights: an
--- id that was planted before is worth nothing then.
function methods.renew_session(req)
  local holder = must_hold(req, "req:renew_session()")
  local had = not is_new(holder)
  revoke(holder)
  holder.wanted = holder.wanted or had
end

--- req:clear_session(): forgets everything, and the identity: logout
function methods.clear_session(req)
  local holder = must_hold(req, "req:clear_session()")
  revoke(holder)
  for key in pairs(holder.data) do holder.data[key] = nil end
  holder.flashes, holder.cleared, holder.wanted = {}, true, false
end

--- req:flash(text): kept for the next page, once
function methods.flash(req, text)
  local holder = must_hold(req, "req:flash()")
  if type(text) ~= "string" then options.raise("flash: a text was expected, got a %s", type(text)) end
  holder.flashes[#holder.flashes + 1] = text
end

--- req:flashes() -> list of texts; they are gone then
function methods.flashes(req)
  local holder = must_hold(req, "req:flashes()")
  local list = native.array(holder.flashes)
  holder.flashes = {}
  return list
end

names.again "req"

-- ---- for csrf -----------------------------------------------------------------------------------------------------

--- Returns true if a request has sessions: pages ask, which may be without them.
function native_http.request_has_session(req) return state_of(req) ~= nil or config_of(req) ~= nil end

--- Returns true if the client has sent a session cookie, valid or not.
function M.has_cookie(req)
  local config = config_of(req)
  return config ~= nil and cookie_of(config, req) ~= nil
end

--- The id of a session that the client has, or nil.
function M.id_of(req)
  local holder = holder_of(req)
  return holder and not is_new(holder) and holder.record.id or nil
end

--- Returns the id of the session, and makes one first if need be: it will be saved. nil if there are no sessions.
function M.make_id(req)
  local holder = holder_of(req)
  if not holder then return nil end
  if not holder.record then holder.record = native_http.session_new() end
  holder.wanted = true
  return holder.record.id
end

--- The key ring of the sessions' own secret, or nil.
function M.own_ring(req)
  local config = config_of(req)
  return config and config.ring
end

-- ---- the middleware -----------------------------------------------------------------------------------------------

--- rille.session{store="cookie", secret=, name="rille", max_age=1209600, path="/", secure=, same_site="Lax", database=,
--- lifetime=} -> middleware
local function session(_, opts)
  local config = check(opts)
  config.made = setmetatable({}, { __mode = "k" })
  return traits.mark(function(req, handler)
    use(req, config)
    return handler(req)
  end, { session = config, needs_secret = config.store == "cookie" and not config.ring })
end

return setmetatable(M, { __call = session })
