-- Routes and groups of them: methods of an app, and of a group, which takes routes as an app does.
local check = require "rille.app.check"
local names = require "rille.names"
local native_http = require "rille.native.http"
local options = require "rille.options"
local traits = require "rille.traits"

local M = {} -- the methods

local Group = {}
Group.__index = Group
Group.__name = "rille.group_of_routes"

local route_options = { name = "string", use = "table", body_limit = "number", timeout = "number" }
local group_options = { prefix = "string", use = "table", name = "string", body_limit = "number", timeout = "number" }

local raise = options.raise

local function concat(a, b)
  local list = {}
  for _, x in ipairs(a) do list[#list + 1] = x end
  for _, x in ipairs(b) do list[#list + 1] = x end
  return list
end

-- Returns how a route of that method is written, for messages.
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
  if traits.makers[handler] then check.callable(handler, method .. " " .. path) end
  if type(handler) == "function" then return end
  local why = ("%s %s: the handler is a function, got %s"):format(method, path, names.describe(handler))
  if native_http.is_response(handler) or type(handler) == "string" then
    why = why .. ", what it returns: pass the function itself, without calling it"
  end
  raise("%s: %s", why, written(method, path))
end

-- The one way in: `from` is an app or a group.
local function add(from, method, path, handler, opts)
  local app = from.app or from
  check.open(app)
  local what = method .. " " .. tostring(path)
  check_route(method, path, handler)
  opts = options.check(opts, route_options, what)
  local full = (from.prefix or "") .. (path == "/" and from.prefix and from.prefix ~= "" and "" or path)
  local parts = check.parts_of(full, what)
  app.routes[#app.routes + 1] = {
    method = method, path = full, parts = parts, is_index = path == "/" and full ~= "/", handler = handler,
    name = opts.name and (from.route_name_prefix or "") .. opts.name,
    use = concat(from.use_list or {}, check.middleware(app, opts.use, what)),
    body_limit = opts.body_limit and options.size(opts.body_limit, "body_limit") or from.group_body_limit,
    timeout = opts.timeout or from.group_timeout,
    where = options.caller(),
  }
  return from
end

for _, method in ipairs { "get", "post", "put", "patch", "delete", "head", "options" } do
  M[method] = function(self, path, handler, opts) return add(self, method:upper(), path, handler, opts) end
end

function M:any(path, handler, opts) return add(self, "*", path, handler, opts) end

--- app:route{method=, path=, handler=, name=, use=, body_limit=, timeout=}; method is a name or a list of names
function M:route(opts)
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
function M:group(opts)
  if type(opts) == "string" then raise("group: options are a table: app:group{prefix = \"%s\"}", opts) end
  opts = options.check(opts, group_options, "group")
  local prefix = (self.prefix or "") .. (opts.prefix or "")
  if opts.prefix and not opts.prefix:find "^/" then raise("group: a prefix starts with '/': write '/%s'", opts.prefix) end
  return setmetatable({
    app = self.app or self,
    prefix = (prefix:gsub("/$", "")),
    use_list = concat(self.use_list or {}, check.middleware(self.app or self, opts.use, "group")),
    route_name_prefix = (self.route_name_prefix or "") .. (opts.name or ""),
    group_body_limit = opts.body_limit and options.size(opts.body_limit, "body_limit") or self.group_body_limit,
    group_timeout = opts.timeout or self.group_timeout,
  }, Group)
end

for name, method in pairs(M) do Group[name] = method end

names.class("route_group", Group, { absent = { "app", "group_body_limit", "group_timeout" } })

return M
