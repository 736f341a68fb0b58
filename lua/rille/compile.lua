-- From what a program registered to what runs: one router for the app and everything mounted in it, and one function per
-- route with its middleware around it, outermost first:
--
--   app:use … (root)  ->  app:use … (mounted)  ->  group and route `use`  ->  timeout  ->  handler
--
-- A mounted app's middleware and on_error stand inside its parent's for every path below its prefix, misses included.
local answer = require "rille.answer"
local errors = require "rille.error"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local url_for = require "rille.url_for"

local M = {}

local function display(app, route)
  return (route.method == "*" and "ANY" or route.method) .. " " .. app.prefix_here .. (route.path == "/"
    and app.prefix_here ~= "" and "" or route.path)
end

-- Answers an error with a mounted app's on_error, if it has a handler for it; else the error goes on to its parent.
local function with_error_handlers(app, inner, label)
  return native_http.link(function(req)
    local res, err = native.try(inner, req)
    if not err then return res end
    return answer.by_app(app, req, err, label) or error(err, 0)
  end, label)
end

local function wrap(inner, middleware, label)
  for i = #middleware, 1, -1 do inner = native_http.link(middleware[i], label, inner) end
  return inner
end

-- A program's own converters: their values are parsed before any middleware sees req.params.
local function parsing(app, route, inner)
  local custom = {}
  for _, part in ipairs(route.parts) do
    local converter = type(part) == "table" and app:find_converter(part[2])
    if converter and converter.parse then custom[part[1]] = converter.parse end
  end
  if next(custom) == nil then return inner end
  return function(req)
    local params = req.params
    for name, parse in pairs(custom) do
      local value = parse(params[name])
      if value == nil then errors.abort(404) end
      params[name] = value
    end
    return inner(req)
  end
end

local function with_timeout(seconds, inner)
  if not seconds then return inner end
  return function(req) return native.timeout(seconds, inner, req) end
end

-- Middleware of the app and its parents around `inner`.
local function around(app, inner, label)
  local wrapped = wrap(inner, app.middleware, label)
  if app.parent then
    if next(app.error_handlers) ~= nil then wrapped = with_error_handlers(app, wrapped, label) end
    return around(app.parent, wrapped, label)
  end
  return wrapped
end

local function has_error_handlers(app)
  return next(app.error_handlers) ~= nil or (app.parent and has_error_handlers(app.parent))
end

local function has_middleware(app)
  return #app.middleware > 0 or (app.parent and (next(app.error_handlers) ~= nil or has_middleware(app.parent)))
end

local function chain(app, route, label)
  local inner = with_timeout(route.timeout, route.handler)
  if has_middleware(app) or #route.use > 0 then inner = native_http.link(inner, label) end
  inner = wrap(inner, route.use, label)
  inner = parsing(app, route, inner)
  return around(app, inner, label)
end

-- "/api/" where "/api" is the "/" of a group or of a mounted app: -> where it leads, or nil. The method and the body go along.
local function without_slash(req, indexes)
  local target = indexes[req.path]
  return target and native_http.request_has_route(req, target) and target .. (req.target:match "^[^?]*(%?.*)$" or "") or nil
end

-- A path without a route: 404, 405 with Allow, or the answer to OPTIONS; through the middleware like any other.
local function miss_chain(app, indexes)
  return around(app, native_http.link(function(req)
    local status, allow = native_http.request_miss(req)
    local target = status == 404 and without_slash(req, indexes)
    if target then return native_http.redirect(target, 308) end
    if status == 204 then
      local res = native_http.empty(204)
      return allow and res:header("Allow", allow) or res
    end
    error(errors.new(status, nil, allow and { headers = { Allow = allow } }), 0)
  end, "no route"), "no route")
end

-- Returns a setting for a mounted app's routes: its own, or the nearest mounted parent's. C knows the outermost app's.
local function inherited(app, read)
  while app.parent do
    local value = read(app)
    if value ~= nil then return value end
    app = app.parent
  end
end

local function body_limit(app) return app.body_limit end
local function cpu_limit(app) return app.settings.cpu_limit end

local function add_routes(compiled, app, all)
  for name, converter in pairs(app.converters) do
    local pattern = converter.pattern and "^" .. converter.pattern .. "$"
    compiled:converter(name, function(segment) return not pattern or segment:find(pattern) ~= nil end)
  end
  for _, mount in ipairs(app.mounts) do
    mount.app.prefix_here = app.prefix_here .. mount.prefix
    add_routes(compiled, mount.app, all)
  end
  for _, route in ipairs(app.routes) do
    local label = display(app, route)
    local path = label:match "%s(.*)"
    local id, why, taken = compiled:add(route.method, path, chain(app, route, label), app, route.name,
      route.body_limit or inherited(app, body_limit), inherited(app, cpu_limit))
    if not id then
      local other = all[taken + 1]
      error(("%s: %s: %s%s"):format(route.where, label, why, other and (" (by " .. other.route.where .. ")") or ""), 0)
    end
    all[id + 1] = { route = route, app = app, label = label, path = path }
  end
end

-- Files: a route for the directory itself and one for all below it. Without middleware or hooks around them they are answered
-- in C, without a Lua task.
local function add_statics(compiled, app, all, hooks)
  for _, static in ipairs(app.statics) do
    local prefix = app.prefix_here .. static.prefix
    local function handler(req) return static.site:respond(req) or errors.abort(404) end
    for _, path in ipairs { prefix == "" and "/" or prefix, prefix .. "/{file:path}", prefix ~= "" and prefix .. "/" or nil } do
      local label = "GET " .. path
      local plain = not hooks and not has_middleware(app)
      local fn = plain and handler or around(app, native_http.link(handler, label), label)
      local id, why, taken = compiled:add("GET", path, fn, app)
      if not id then
        local other = all[taken + 1]
        error(("%s: static %s: %s%s"):format(static.where, path, why, other and (" (by " .. other.route.where .. ")") or ""), 0)
      end
      if plain and not has_error_handlers(app) then compiled:serve_in_c(id, static.site) end
      local route = { method = "GET", path = path, use = {}, where = static.where }
      all[id + 1] = { route = route, app = app, label = label, path = path }
    end
  end
  for _, mount in ipairs(app.mounts) do add_statics(compiled, mount.app, all, hooks) end
end

local function add_scopes(compiled, app, count, indexes)
  compiled:scope(app.prefix_here, count, miss_chain(app, indexes), app)
  for _, mount in ipairs(app.mounts) do count = add_scopes(compiled, mount.app, count + 1, indexes) end
  return count
end

-- Paths of an index (a "/" of something) with a slash at the end: path -> without it.
local function index_paths(all)
  local paths = {}
  for _, entry in pairs(all) do
    local is_index = entry.route.is_index or (entry.route.path == "/" and entry.path ~= "/")
    if is_index and not entry.path:find "[{/]$" then paths[entry.path .. "/"] = entry.path end
  end
  return paths
end

-- The hooks of app:on_response of one app and its parents, innermost first.
local function collect_hooks(app)
  local any = #app.response_hooks > 0
  for _, mount in ipairs(app.mounts) do any = collect_hooks(mount.app) or any end
  return any
end

-- Before a response leaves: the hooks of the apps, then what this request asked for itself (req.session, security headers),
-- innermost first.
local function run_hooks(req, res)
  local app = req.app
  while app do
    for _, hook in ipairs(app.response_hooks) do hook(req, res) end
    app = app.parent
  end
  local finishers = native_http.request_finishers(req)
  for i = finishers and #finishers or 0, 1, -1 do finishers[i](req, res) end
  if M.last_hook then M.last_hook(req, res) end -- development (rille/dev/record.lua)
end

--- compile(app) -> compiled, list of {route, app, label, path}. Once; the app is closed to registrations from then on.
function M.compile(app)
  if app.compiled then return app.compiled, app.compiled_routes end
  if app.parent then error("a mounted app is served through its parent", 2) end
  require("rille.strict").loaded = true
  app.prefix_here = ""
  app.route_names = url_for.names(app)
  local hooks = collect_hooks(app) or M.last_hook ~= nil
  local compiled, all = native_http.app(app, app.body_limit, app.settings.cpu_limit), {}
  for name, value in pairs(app.settings.limits or {}) do compiled:limit(name, value) end
  add_routes(compiled, app, all)
  add_statics(compiled, app, all, hooks)
  add_scopes(compiled, app, 0, index_paths(all))
  compiled:ready(function(req, err) return answer.to_error(app, req, err) end, run_hooks, hooks)
  app.compiled, app.compiled_routes = compiled, all
  return compiled, all
end

return M
