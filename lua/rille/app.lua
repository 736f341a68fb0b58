-- The app: what a program registers. Nothing here runs per request: rille/compile.lua turns it into a router and one function
-- per route before the first one. Routes and groups are in app/routes.lua.
local check = require "rille.app.check"
local names = require "rille.names"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"
local routes = require "rille.app.routes"
local traits = require "rille.traits"
local url_for = require "rille.url_for"

local App = {}
App.__index = App
App.__name = "rille.app"

local app_options = {
  body_limit = "number", templates = "string|table", secret = "string|table", cpu_limit = "number", debug = "boolean",
  name = "string", limits = "table",
}
local latest = setmetatable({}, { __mode = "v" })

local function check_limits(given)
  local known, kinds = native_http.limits(), {}
  for name in pairs(known) do kinds[name] = "number" end
  for name, value in pairs(options.check(given, kinds, "app: limits")) do
    local least, most = known[name][1], known[name][2]
    if not (value >= least and value <= most) then
      options.raise("app: limits: %s is a number from %.14g to %.14g, got %s", name, least, most, value)
    end
  end
end

--- rille.app(options) -> app
function App.new(opts)
  local given = options.only(opts, app_options, "app")
  check_limits(given.limits)
  if given.cpu_limit and (given.cpu_limit <= 0 or given.cpu_limit ~= given.cpu_limit) then
    options.raise("app: cpu_limit is in seconds, more than 0, got %s", given.cpu_limit)
  end
  local app = setmetatable({
    settings = given,
    body_limit = given.body_limit and options.size(given.body_limit, "body_limit"),
    parent = false, session = false, needs_secret = false,
    state = {},
    routes = {},       -- in order of registration
    middleware = {},
    error_handlers = {},
    response_hooks = {},
    mounts = {},
    statics = {},
    lifespans = {},
    converters = {},
    contexts = {}, filters = {}, tests = {}, globals = {},
  }, App)
  latest[1] = app
  return app
end

--- The app that the running code belongs to: the request's; outside of requests the one made last, or nil.
function App.current() return native_http.running_app() or latest[1] end

function App.is(value) return getmetatable(value) == App end

local raise = options.raise

for name, method in pairs(routes) do App[name] = method end

--- app:use(middleware): the first is outermost, wherever it stands among the routes.
function App:use(middleware, ...)
  check.open(self)
  options.alone("app:use(middleware)", ...)
  check.callable(middleware, "use", check.MIDDLEWARE)
  traits.adopt(self, middleware)
  traits.adopt_session(self, middleware)
  self.middleware[#self.middleware + 1] = middleware
  return self
end

--- app:on_error(status or code or "*", function(req, err) return response end)
function App:on_error(which, handler, ...)
  check.open(self)
  options.alone("app:on_error(status, function(req, err) … end)", ...)
  if type(which) == "function" then
    raise "on_error: the status or code comes first: app:on_error(404, function(req, err) … end), '*' for any"
  end
  if type(which) ~= "string" and math.type(which) ~= "integer" then
    raise("on_error: a status, a code or '*' was expected, got a %s", type(which))
  end
  if type(which) == "string" and which:find "^%d+$" then
    raise("on_error: a status is a number: app:on_error(%s, function(req, err) … end), got the string '%s'", which, which)
  end
  if type(handler) ~= "function" then raise("on_error: the handler is a function, got a %s", type(handler)) end
  if self.error_handlers[which] then raise("on_error: there is a handler for %s already", which) end
  self.error_handlers[which] = handler
  return self
end

--- app:on_response(function(req, res) end): before any response leaves, errors included.
function App:on_response(hook, ...)
  check.open(self)
  options.alone("app:on_response(function(req, res) … end)", ...)
  if type(hook) ~= "function" then raise("on_response: a function was expected, got a %s", type(hook)) end
  self.response_hooks[#self.response_hooks + 1] = hook
  return self
end

--- app:mount(prefix, sub_app): sub's "/" is prefix.
function App:mount(prefix, sub, ...)
  check.open(self)
  options.alone("app:mount(prefix, sub)", ...)
  if App.is(prefix) then raise "mount: the prefix comes first: app:mount(\"/admin\", sub)" end
  if type(prefix) ~= "string" or not prefix:find "^/." then
    raise("mount: a prefix starts with '/' and is more than that, such as \"/admin\", got %s", type(prefix) == "string" and
      ("'%s'"):format(prefix) or names.describe(prefix))
  end
  check.parts_of(prefix, "mount " .. prefix)
  if not App.is(sub) then
    raise("mount: an app was expected, got %s%s", names.describe(sub), type(sub) == "function"
      and ": a function that returns one is called first, require \"admin\" {}" or "")
  end
  if sub.parent then raise("mount: this app is mounted already") end
  local above = self
  while above do
    if above == sub then raise("mount: an app cannot be mounted in itself") end
    above = above.parent
  end
  if sub.settings.limits then
    raise("mount: limits are limits of connections, which only the outermost app has: %s", prefix)
  end
  prefix = prefix:gsub("/$", "")
  sub.parent, sub.mounted_at = self, prefix
  setmetatable(sub.state, { __index = self.state })
  self.mounts[#self.mounts + 1] = { prefix = prefix, app = sub, where = options.caller() }
  return self
end

local static_options = {
  index = "boolean", max_age = "number", precompressed = "boolean", listing = "boolean", dotfiles = "boolean",
  fallback = "string", hash = "boolean",
}

--- app:static(prefix, directory, {index=true, max_age=, precompressed=true, listing=false, dotfiles=false, fallback=,
--- hash=true}): the directory starts at the root.
function App:static(prefix, directory, opts)
  check.open(self)
  if type(prefix) ~= "string" or not prefix:find "^/" then
    raise("static: a prefix starts with '/': app:static(\"/static\", \"static\"), got %s", type(prefix) == "string"
      and ("'%s'"):format(prefix) or names.describe(prefix))
  end
  check.parts_of(prefix, "static " .. prefix)
  if type(directory) ~= "string" then raise("static: a directory was expected, got a %s", type(directory)) end
  opts = options.check(opts, static_options, "static")
  local path = directory:find "^/" and directory or native.root .. "/" .. directory
  local ok, site = pcall(native_http.static_site, path, opts)
  if not ok then raise("static: %s", (tostring(site):gsub("^rille/[^ ]-:%d+: ", ""):gsub("^static: ", ""))) end
  self.statics[#self.statics + 1] = { prefix = native.trim_right(prefix, "/"), directory = path,
    site = site, hash = opts.hash ~= false, where = options.caller() }
  return self
end

--- app:converter(name, {pattern=, parse=, format=}): pattern is a Lua pattern for the whole segment; parse(s) -> value, nil
--- is a 404; format(value) -> string, for url_for.
function App:converter(name, opts)
  check.open(self)
  if type(name) ~= "string" or not name:find "^[%a][%w_]*$" then raise("converter: a name was expected") end
  if type(opts) ~= "table" then
    raise("converter: %s: options are a table, such as {pattern = \"%%x+\", parse=, format=}, got %s", name, names.describe(opts))
  end
  opts = options.check(opts, { pattern = "string", parse = "function", format = "function" }, "converter")
  if self.converters[name] then raise("converter: there is one named '%s' already", name) end
  if opts.pattern then
    local ok, message = pcall(string.find, "", opts.pattern)
    if not ok then raise("converter: %s", tostring(message)) end
  end
  self.converters[name] = opts
  return self
end

--- app:lifespan(function(self, running) … running() … end)
function App:lifespan(f, ...)
  check.open(self)
  options.alone("app:lifespan(function(self, running) … end)", ...)
  if type(f) ~= "function" then raise("lifespan: a function was expected, got a %s", type(f)) end
  self.lifespans[#self.lifespans + 1] = { run = f, where = options.caller() }
  return self
end

--- app:background(f, ...) -> task: it outlives its request; shutdown waits for it, then cancels.
function App:background(f, ...) -- luacheck: ignore 212
  if type(f) ~= "function" then raise("background: a function was expected, got a %s", type(f)) end
  return require("rille.background").spawn(f, ...)
end

--- app:keep(name, table) -> the table: plain data copied across a reload. Where the code before kept one under this name, its
--- contents replace the table's.
function App:keep(name, value) -- luacheck: ignore 212
  if type(name) ~= "string" then raise("keep: a name was expected, got a %s", type(name)) end
  if type(value) ~= "table" then raise("keep: a table was expected, got a %s", type(value)) end
  local before = native.keep(name, value)
  if not before then return value end
  for key in pairs(value) do value[key] = nil end
  for key, item in pairs(before) do value[key] = item end
  return value
end

local function root(app)
  while app.parent do app = app.parent end
  return app
end

App.root = root

--- app:url_for(name, params, query) -> path
function App:url_for(name, params, query)
  return url_for.path(root(self), name, params, query)
end

-- A converter registered here or in a parent, or nil.
function App:find_converter(name)
  local app = self
  while app do
    if app.converters[name] then return app.converters[name] end
    app = app.parent
  end
end

-- ---- templates --------------------------------------------------------------------------------------------------------

local function add_named(app, what, name, value, expected)
  check.open(app)
  if type(name) ~= "string" or not name:find "^[%a_][%w_.]*$" then
    raise("%s: a name was expected, got '%s'", what, tostring(name))
  end
  if expected and type(value) ~= expected then
    raise("%s '%s': a %s was expected, got a %s", what, name, expected, type(value))
  end
  if value == nil then raise("%s '%s': a value was expected, got nil", what, name) end
  app[what .. "s"][name] = value
  return app
end

--- app:filter(name, function(value, …)): {{ value | name(…) }}; keyword arguments come as one table, last
function App:filter(name, f) return add_named(self, "filter", name, f, "function") end

--- app:test(name, function(value, …)): {{ value is name(…) }}
function App:test(name, f) return add_named(self, "test", name, f, "function") end

--- app:global(name, value): a variable of all templates
function App:global(name, value) return add_named(self, "global", name, value) end

--- app:context(function(req) return {user = …} end): variables of every page that answers a request
function App:context(f, ...)
  check.open(self)
  options.alone("app:context(function(req) … end)", ...)
  if type(f) ~= "function" then raise("context: a function(req) was expected, got a %s", type(f)) end
  self.contexts[#self.contexts + 1] = f
  return self
end

--- app:render(name, context) -> string
function App:render(name, context) return require("rille.page").render(self, name, context) end

-- ---- errors -----------------------------------------------------------------------------------------------------------

-- The handler of this app for an error value: by code, by status, then for any.
function App:find_error_handler(err)
  local handlers = self.error_handlers
  return handlers[err.code] or handlers[err.status] or handlers["*"]
end

-- ---- names --------------------------------------------------------------------------------------------------------------

names.class("app", App, { fields = { "state" }, absent = { "body_limit", "parent", "mounted_at", "session", "needs_secret",
  "compiled", "compiled_routes", "environment", "prefix_here", "route_names", "app", "prefix", "use_list", "route_name_prefix",
  "group_body_limit", "group_timeout" } })

return App
