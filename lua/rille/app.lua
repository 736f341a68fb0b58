-- The app: what a program registers. Nothing here runs per request: rille/compile.lua turns it into a router and one function
-- per route before the first one.
local names = require "rille.names"
local native = require "rille.native"
local options = require "rille.options"
local traits = require "rille.traits"
local url_for = require "rille.url_for"

local App = {}
App.__index = App
App.__name = "rille.app"

local Group = {}
Group.__index = Group
Group.__name = "rille.group_of_routes"

local app_options = {
  body_limit = "number", templates = "string|table", secret = "string|table", cpu_limit = "number", debug = "boolean",
  name = "string", limits = "table",
}
local route_options = { name = "string", use = "table", body_limit = "number", timeout = "number" }
local group_options = { prefix = "string", use = "table", name = "string", body_limit = "number", timeout = "number" }

local latest = setmetatable({}, { __mode = "v" })

local function check_limits(given)
  local known, kinds = native.limits(), {}
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
function App.current() return native.running_app() or latest[1] end

function App.is(value) return getmetatable(value) == App end

local raise = options.raise

-- A pattern of the router's, checked where it is written: -> its parts
local function parts_of(path, what)
  local ok, parts = pcall(native.pattern_parts, path)
  if not ok then raise("%s: %s", what, parts) end
  return parts
end

local function check_open(app)
  if app.compiled then
    raise "the app is in use already: routes and middleware are registered while the program loads"
  end
end

local MIDDLEWARE = "a middleware is a function(req, handler)"

-- What makes a middleware or a handler is none: rille.cors{} is one, rille.cors is not.
local function check_callable(f, what, expected)
  local maker = traits.makers[f]
  if maker then raise("%s: %s makes the middleware: write %s", what, maker.name, maker.call) end
  if type(f) == "function" then return end
  local hint = App.is(f) and ": an app within an app is mounted, app:mount(prefix, sub)"
    or type(f) == "string" and f:find "^/" and ": for some paths only, use app:group{prefix=, use=}" or ""
  raise("%s: %s, got %s%s", what, expected, names.describe(f), hint)
end

local function check_middleware(app, list, what)
  for key in pairs(list or {}) do
    if math.type(key) ~= "integer" then raise("%s: use is a list of middleware: use = { f, g }", what) end
  end
  for i, middleware in ipairs(list or {}) do
    check_callable(middleware, ("%s: use[%d]"):format(what, i), MIDDLEWARE)
    traits.adopt(app, middleware)
  end
  return list or {}
end

local function concat(a, b)
  local list = {}
  for _, x in ipairs(a) do list[#list + 1] = x end
  for _, x in ipairs(b) do list[#list + 1] = x end
  return list
end

-- How a route of that method is written, for messages.
local function written(method, path)
  return ("app:%s(%q, function(req) … end)"):format(method == "*" and "any" or method:lower(), path)
end

local function check_route(method, path, handler)
  if type(path) == "function" and (type(handler) == "string" or handler == nil) then
    raise("%s: the path comes first, then the handler: %s", method, written(method, handler or "/path"))
  end
  if type(path) ~= "string" then
    raise("%s: a route needs a path, got %s: %s", method, names.describe(path), written(method, "/path"))
  end
  if traits.makers[handler] then check_callable(handler, method .. " " .. path) end
  if type(handler) == "function" then return end
  local why = ("%s %s: the handler is a function, got %s"):format(method, path, names.describe(handler))
  if native.is_response(handler) or type(handler) == "string" then
    why = why .. ", what it returns: pass the function itself, without calling it"
  end
  raise("%s: %s", why, written(method, path))
end

-- The one way in: `from` is an app or a group.
local function add(from, method, path, handler, opts)
  local app = from.app or from
  check_open(app)
  local what = method .. " " .. tostring(path)
  check_route(method, path, handler)
  opts = options.check(opts, route_options, what)
  local full = (from.prefix or "") .. (path == "/" and from.prefix and from.prefix ~= "" and "" or path)
  local parts = parts_of(full, what)
  app.routes[#app.routes + 1] = {
    method = method, path = full, parts = parts, is_index = path == "/" and full ~= "/", handler = handler,
    name = opts.name and (from.route_name_prefix or "") .. opts.name,
    use = concat(from.use_list or {}, check_middleware(app, opts.use, what)),
    body_limit = opts.body_limit and options.size(opts.body_limit, "body_limit") or from.group_body_limit,
    timeout = opts.timeout or from.group_timeout,
    where = options.caller(),
  }
  return from
end

for _, class in ipairs { App, Group } do
  for _, method in ipairs { "get", "post", "put", "patch", "delete", "head", "options" } do
    class[method] = function(self, path, handler, opts) return add(self, method:upper(), path, handler, opts) end
  end

  function class:any(path, handler, opts) return add(self, "*", path, handler, opts) end

  --- app:route{method=, path=, handler=, name=, use=, body_limit=, timeout=}; method is a name or a list of names
  function class:route(opts)
    if type(opts) ~= "table" then raise("route: a table was expected, got a %s", type(opts)) end
    local known = { method = "string|table", path = "string", handler = "function" }
    for key, value in pairs(route_options) do known[key] = value end
    opts = options.check(opts, known, "route")
    local rest = { name = opts.name, use = opts.use, body_limit = opts.body_limit, timeout = opts.timeout }
    local methods = type(opts.method) == "table" and opts.method or { opts.method or "GET" }
    if #methods == 0 then raise "route: method is a name or a list of names, and the list is empty" end
    for i, method in ipairs(methods) do
      if type(method) ~= "string" then raise("route: method[%d] is a name such as 'GET', got a %s", i, type(method)) end
      add(self, method == "*" and "*" or method:upper(), opts.path, opts.handler, rest)
      rest.name = nil -- the first carries it
    end
    return self
  end

  --- app:group{prefix=, use=, name=, body_limit=, timeout=} -> what takes routes as an app does
  function class:group(opts)
    if type(opts) == "string" then raise("group: options are a table: app:group{prefix = \"%s\"}", opts) end
    opts = options.check(opts, group_options, "group")
    local prefix = (self.prefix or "") .. (opts.prefix or "")
    if opts.prefix and not opts.prefix:find "^/" then raise("group: a prefix starts with '/': write '/%s'", opts.prefix) end
    return setmetatable({
      app = self.app or self,
      prefix = (prefix:gsub("/$", "")),
      use_list = concat(self.use_list or {}, check_middleware(self.app or self, opts.use, "group")),
      route_name_prefix = (self.route_name_prefix or "") .. (opts.name or ""),
      group_body_limit = opts.body_limit and options.size(opts.body_limit, "body_limit") or self.group_body_limit,
      group_timeout = opts.timeout or self.group_timeout,
    }, Group)
  end
end

--- app:use(middleware): the first is outermost, wherever it stands among the routes.
function App:use(middleware, ...)
  check_open(self)
  options.alone("app:use(middleware)", ...)
  check_callable(middleware, "use", MIDDLEWARE)
  traits.adopt(self, middleware)
  traits.adopt_session(self, middleware)
  self.middleware[#self.middleware + 1] = middleware
  return self
end

--- app:on_error(status or code or "*", function(req, err) return response end)
function App:on_error(which, handler, ...)
  check_open(self)
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
  check_open(self)
  options.alone("app:on_response(function(req, res) … end)", ...)
  if type(hook) ~= "function" then raise("on_response: a function was expected, got a %s", type(hook)) end
  self.response_hooks[#self.response_hooks + 1] = hook
  return self
end

--- app:mount(prefix, sub_app): sub's "/" is prefix.
function App:mount(prefix, sub, ...)
  check_open(self)
  options.alone("app:mount(prefix, sub)", ...)
  if App.is(prefix) then raise "mount: the prefix comes first: app:mount(\"/admin\", sub)" end
  if type(prefix) ~= "string" or not prefix:find "^/." then
    raise("mount: a prefix starts with '/' and is more than that, such as \"/admin\", got %s", type(prefix) == "string" and
      ("'%s'"):format(prefix) or names.describe(prefix))
  end
  parts_of(prefix, "mount " .. prefix)
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
  check_open(self)
  if type(prefix) ~= "string" or not prefix:find "^/" then
    raise("static: a prefix starts with '/': app:static(\"/static\", \"static\"), got %s", type(prefix) == "string"
      and ("'%s'"):format(prefix) or names.describe(prefix))
  end
  parts_of(prefix, "static " .. prefix)
  if type(directory) ~= "string" then raise("static: a directory was expected, got a %s", type(directory)) end
  opts = options.check(opts, static_options, "static")
  local path = directory:find "^/" and directory or native.root .. "/" .. directory
  local ok, site = pcall(native.static_site, path, opts)
  if not ok then raise("static: %s", (tostring(site):gsub("^rille/[^ ]-:%d+: ", ""):gsub("^static: ", ""))) end
  self.statics[#self.statics + 1] = { prefix = native.trim_right(prefix, "/"), directory = path,
    site = site, hash = opts.hash ~= false, where = options.caller() }
  return self
end

--- app:converter(name, {pattern=, parse=, format=}): pattern is a Lua pattern for the whole segment; parse(s) -> value, nil
--- is a 404; format(value) -> string, for url_for.
function App:converter(name, opts)
  check_open(self)
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
  check_open(self)
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
  check_open(app)
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
  check_open(self)
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
names.class("route_group", Group, { absent = { "app", "group_body_limit", "group_timeout" } })

return App
