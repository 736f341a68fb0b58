-- Pages: templates of an app, rendered for a request. An app has one environment, made when it is first asked for; that of a
-- mounted app looks for what it has not in its parent's. What a page sees, from the front:
--
--   the context given to render  >  app:context (a mounted app's before its parent's)  >  request, session, url_for …
--   >  app:global  >  Jinja's own
--
-- The helpers cost nothing where a page does not name them.
local Environment = require "rille.template.environment"
local names = require "rille.names"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"
local url_for = require "rille.url_for"
local value = require "rille.template.value"

local REQUEST = require("rille.template.inherit").REQUEST

local M = {}

local DEFAULT_DIRECTORY = "templates"
local HTML = "text/html; charset=utf-8"

-- ---- the environment of an app --------------------------------------------------------------------------------------

local settings = {
  autoescape = "boolean|function", trim_blocks = "boolean", lstrip_blocks = "boolean", keep_trailing_newline = "boolean",
  strict = "boolean", limit = "number",
}

local function add_source(sources, source)
  local kind = type(source)
  if kind ~= "string" and kind ~= "table" and kind ~= "function" then
    options.raise("app: templates: a directory, a table of sources or a function was expected, got a %s", kind)
  end
  sources[#sources + 1] = source
end

-- The option `templates`: a directory, a table name -> text, or a list of those with settings beside them.
local function read_option(given)
  local sources, own = {}, {}
  if type(given) ~= "table" or given[1] == nil then
    if given ~= nil then add_source(sources, given) end
    return sources, own
  end
  for key, v in pairs(given) do
    if math.type(key) ~= "integer" then own[key] = v end
  end
  for _, source in ipairs(given) do add_source(sources, source) end
  return sources, options.check(own, settings, "app: templates")
end

local function new_environment(app)
  local sources, own = read_option(app.settings.templates)
  local parent = app.parent and M.environment(app.parent)
  if parent then table.move(parent.loader.sources, 1, #parent.loader.sources, #sources + 1, sources)
  elseif #sources == 0 then sources[1] = DEFAULT_DIRECTORY end
  local env = { sources = sources, parent = parent, filters = app.filters, tests = app.tests, globals = app.globals,
    reload = app:root().settings.debug }
  for key in pairs(settings) do
    env[key] = own[key]
    if env[key] == nil and parent then env[key] = parent.settings[key] end
  end
  local made = Environment.new(env)
  made.settings = env
  made.context_lists = { app.contexts }
  if parent then table.move(parent.context_lists, 1, #parent.context_lists, 2, made.context_lists) end
  return made
end

--- The environment of an app.
function M.environment(app)
  if not app.environment then app.environment = new_environment(app) end
  return app.environment
end

-- ---- helpers: name -> function(app, req) -> value -------------------------------------------------------------------

local helpers = {}

function helpers.request(_, req) return req end

-- Pages of a program without sessions are pages all the same.
local function has_sessions(req)
  local has = native_http.request_has_session -- of rille/session.lua, where that is in use
  return req and has and has(req)
end

function helpers.session(_, req) return has_sessions(req) and req.session or nil end

function helpers.flashes(_, req)
  return function() return has_sessions(req) and req:flashes() or native.array {} end
end

local warned = false -- of a form that nothing guards

function helpers.csrf_field(_, req)
  return function()
    if req and req["guarded by csrf"] then return value.markup(req:csrf_field()) end
    if req and native.mode == "dev" and not warned then
      warned = true
      native.log("warn", "csrf_field() in a template is empty: the app has no app:use(rille.csrf{})")
    end
    return value.markup ""
  end
end

--- url_for(name, id=3, page=2) or url_for(name, params, query): what is no place in the path goes to the query.
function helpers.url_for(app)
  return function(name, params, query)
    local root = app:root()
    local filled, rest = url_for.split(root, name, params or {})
    for key, v in pairs(query or {}) do rest[key] = v end
    return url_for.path(root, name, filled, rest)
  end
end

local function mount_point(app)
  local parent = rawget(app, "parent") -- a miss by name asks the class
  return parent and mount_point(parent) .. app.mounted_at or ""
end

local spelled, spelled_count = {}, 0 -- what templates pass to static() -> its spellings; what a program makes up is not kept
local MOST_SPELLED, LONGEST_SPELLED = 1000, 200

-- Returns {path without a slash in front, as site:version() takes it, as it stands in a URL}.
local function spell(given)
  local made = spelled[given]
  if made then return made end
  local path = native.trim_left(tostring(given), "/")
  made = { path, (path:gsub("%%", "%%25")), "/" .. path:gsub("[^/]+", native.url_encode) }
  if type(given) == "string" and #given <= LONGEST_SPELLED and spelled_count < MOST_SPELLED then
    spelled[given], spelled_count = made, spelled_count + 1
  end
  return made
end

-- Returns the version of a file of app:static; "" for a folder, nil if there is no such file.
local function version_in(static, path)
  local version = static.site:version(path[2])
  if version then return static.hash and "?v=" .. version or "" end
  local info = native.file_info(static.directory .. "/" .. path[1])
  return info and info.type == "directory" and "" or nil
end

-- The first app:static whose directory has the file, of this app or a parent: its prefix, and the version in a query. Where
-- none has: the first prefix there is.
local function find_static(app, path)
  local first
  while app do
    local statics = app.statics
    for i = 1, #statics do
      local prefix, version = mount_point(app) .. statics[i].prefix, version_in(statics[i], path)
      if version then return prefix, version end
      first = first or prefix
    end
    app = rawget(app, "parent")
  end
  return first
end

local missed, missed_count = {}, 0 -- paths that the log has been told of
local MOST_MISSED = 1000

local function note_missing(path)
  local text = ("static('%s'): no app:static has such a file"):format(path)
  if native.mode == "dev" then options.raise("%s", text) end
  if missed[path] or missed_count == MOST_MISSED then return end
  missed[path], missed_count = true, missed_count + 1
  native.log("warn", text)
end

--- static(path): the URL of a file of app:static, with its version in the query, so that browsers may cache it for ever.
function helpers.static(app)
  return function(given)
    local path = spell(given)
    local prefix, version = find_static(app, path)
    if not prefix then options.raise("static('%s'): the app has no app:static", path[1]) end
    if not version then note_missing(path[1]) end
    return prefix .. path[3] .. (version or "")
  end
end

-- ---- what a page sees -----------------------------------------------------------------------------------------------

local function add_context(vars, more)
  if type(more) ~= "table" then
    options.raise("app:context: the function returns a table, it returned a %s", type(more))
  end
  for name, v in pairs(more) do
    vars = vars or {}
    if vars[name] == nil then vars[name] = v end
  end
  return vars
end

-- The variables of app:context, those of the mounted app first; nil if there are none.
local function context_vars(lists, req)
  local vars
  for k = 1, #lists do
    local contexts = lists[k]
    for i = #contexts, 1, -1 do
      local more = contexts[i](req)
      if more ~= nil then vars = add_context(vars, more) end
    end
  end
  return vars
end

-- Returns the metatable of the variables of an app's pages: it leads to the helpers, and to the globals. What a helper has made
-- is kept with the variables.
local function helpers_meta(app, globals)
  return { __index = function(vars, name)
    local helper = helpers[name]
    if not helper then return globals[name] end
    local v = helper(app, vars[REQUEST])
    vars[name] = v
    return v
  end }
end

-- Returns the same for one page, with the variables of app:context before them.
local function helpers_of(app, req, env)
  local meta = env.helpers
  if not meta then
    meta = helpers_meta(app, env.globals)
    env.helpers = meta
  end
  local vars = req and context_vars(env.context_lists, req)
  if not vars then return meta end
  vars[REQUEST] = req
  return { __index = setmetatable(vars, meta) }
end

local function check(name, context, what)
  if type(name) ~= "string" then names.check_colon(name, "rille." .. what) end
  if type(name) ~= "string" then options.raise("%s: the name of a template was expected, got a %s", what, type(name)) end
  if context ~= nil and type(context) ~= "table" then
    options.raise("%s: a template's context is a table, got a %s", what, type(context))
  end
end

-- ---- rendering ------------------------------------------------------------------------------------------------------

local function render(app, req, name, context)
  local env = app.environment or M.environment(app)
  local template = not env.reload and env.templates[name] or env:get(name)
  return env:render(template, context, helpers_of(app, req, env), req)
end

--- render(app, name, context) -> text. Where it answers a request, the page sees that.
function M.render(app, name, context)
  check(name, context, "app:render")
  return render(app, native_http.served_request(), name, context)
end

local function must_serve(what)
  return native_http.served_request()
    or options.raise("%s answers a request, and there is none here: app:render(name, context) returns the text of a page", what)
end

--- response(name, context, status) -> response
function M.response(name, context, status)
  check(name, context, "render")
  local req = must_serve "render"
  return native_http.html(render(req.app, req, name, context), status)
end

--- stream(name, context, status) -> response. The template is found and compiled here, so that what is wrong with it can
--- still be answered.
function M.stream(name, context, status)
  check(name, context, "render_stream")
  local req = must_serve "render_stream"
  local env = M.environment(req.app)
  local template, meta = env:get(name), helpers_of(req.app, req, env)
  return native_http.stream(HTML, function(out)
    env:stream(template, context, meta, req, function(text) out:write(text) end)
  end, status)
end

-- ---- rille check ----------------------------------------------------------------------------------------------------

-- The environments that share an app's templates: its own, and those of mounted apps that have none of their own.
local function add_sharers(app, sharers)
  sharers[#sharers + 1] = M.environment(app)
  for _, mount in ipairs(app.mounts) do
    if not mount.app.settings.templates then add_sharers(mount.app, sharers) end
  end
  return sharers
end

-- Nil where one of the environments can compile it, for each has its own filters; else the error of the first.
local function error_of(name, environments)
  local first
  for _, env in ipairs(environments) do
    local ok, err = pcall(env.get, env, name)
    if ok then return nil end
    first = first or err
  end
  return first
end

--- Compiles all templates of an app and of those mounted in it: their number, and a list of error values.
function M.check(app)
  local templates, errors = M.environment(app).loader:names(), {}
  local sharers, count = add_sharers(app, {}), #templates
  for _, env in ipairs(sharers) do env.checking = true end
  for _, name in ipairs(templates) do errors[#errors + 1] = error_of(name, sharers) end
  for _, mount in ipairs(app.mounts) do
    if mount.app.settings.templates then
      local more, wrong = M.check(mount.app)
      count = count + more
      table.move(wrong, 1, #wrong, #errors + 1, errors)
    end
  end
  return count, errors
end

return M
