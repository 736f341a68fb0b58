-- Records what a request does, in development: SQL with timings, waits, log lines, templates, headers, session. The program's
-- own state records it and sends it to the dashboard as JSON when the response is sent. The error page of a handler that failed
-- shows what there was until then.
--
-- install(app) is called by `rille dev` alone (rille/boot.lua), before the app is compiled.
local answer = require "rille.answer"
local compile = require "rille.compile"
local failure = require "rille.dev.failure"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local page = require "rille.dev.page"
local pictures = require "rille.dev.raised"
local secrets = require "rille.dev.secrets"
local statements = require "rille.dev.statements"
local value = require "rille.dev.value"

local M = {}

local MOST = 200 -- of each kind, for one request

local records = {} -- request key -> record
local noted = {} -- request key -> what is noted beside its record (statements.lua)

local function current()
  local key = native.request_key()
  if key then return records[key], noted[key] end
end

local function add(list, entry)
  if #list < MOST then list[#list + 1] = entry end
  return entry
end

local function shown(name, v)
  if type(v) == "string" or type(v) == "number" then return secrets.visible(v) end
  return value.text(v, name)
end

-- {name, text, true where it is shown only to who asks for it}
local function field(name, v)
  return { secrets.visible(name), shown(name, v), secrets.is_secret(name) or nil }
end

local function list_of(fields)
  local list = native.array {}
  for name, v in pairs(fields) do list[#list + 1] = field(name, v) end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- Logs may be sent on and stay in reports, so they hold no secret at all.
local function fields_of_log(fields)
  local list = list_of(fields)
  for _, item in ipairs(list) do
    if item[3] then item[2], item[3] = secrets.MASK, nil end
  end
  return list
end

-- An entry is over when the block ends that it was made to-be-closed in.
local ended = { __close = function(entry, err)
  entry.to = native.now()
  if err ~= nil then entry.error = secrets.visible(err) end
end }

-- ---- log lines and templates --------------------------------------------------------------------------------------

local function watch_log()
  local log = native.log
  function native.log(level, message, fields)
    local record = current()
    if record and message ~= answer.FAILED then -- what failed is shown by itself
      add(record.logs, { level = level, message = secrets.visible(message), at = native.now(),
        fields = type(fields) == "table" and fields_of_log(fields) or nil })
    end
    return log(level, message, fields)
  end
end

local watched -- the environment class whose render is noted already

-- Templates are loaded when they are first named, so they are looked for at each request.
local function watch_templates()
  local environment = package.loaded["rille.template.environment"]
  if not environment or watched == environment then return end
  watched = environment
  local render = environment.render
  function environment.render(self, template, ...)
    local record = current()
    if not record then return render(self, template, ...) end
    local entry = add(record.templates, { name = secrets.visible(template.name), from = native.now() })
    local timing <close> = setmetatable(entry, ended) -- luacheck: ignore 211
    return render(self, template, ...)
  end
end

-- ---- one request --------------------------------------------------------------------------------------------------

-- Returns the line where the route was registered.
local function handler_of(req)
  local known = req.app:root().compiled_routes[native.request_route()]
  return known and failure.relative(known.route.where)
end

local function start(req)
  return {
    handler = handler_of(req),
    id = req.id, method = req.method, target = secrets.visible(req.target), route = req.route, remote = req.remote,
    from = native.now(), time = native.time(),
    headers = list_of(req.headers), params = list_of(req.params), query = list_of(req.query),
    sql = native.array {}, logs = native.array {}, templates = native.array {},
  }
end

-- Reading a session has no effect on it, but an app without one raises.
local function session_of(req)
  if not req.app:root().session then return nil end
  local ok, session = pcall(function() return req.session end)
  return ok and type(session) == "table" and list_of(session) or nil
end

local function finish(record, beside, req, res)
  record.to = native.now()
  record.status = res.status
  record.response_headers = list_of(res.headers)
  record.repeated = statements.repeated(beside)
  record.session = session_of(req)
  record.waits = native.array {}
  for _, wait in ipairs(native.request_waits()) do
    add(record.waits, { name = wait[1], from = wait[2], to = wait[3] })
  end
  native.record(native.json_encode(record))
  statements.keep(record.id, beside)
end

local function middleware(req, handler)
  watch_templates()
  local key = native.request_key()
  records[key], noted[key] = start(req), statements.new()
  return handler(req)
end

-- ---- pages --------------------------------------------------------------------------------------------------------

local function is_page(res)
  local kind = res.headers["content-type"] or ""
  return kind:find "^text/html" and not res.headers["content-encoding"]
end

local tag = ('<script src="/_rille/live.js?v=%d"></script>'):format(native.generation)

-- In front of </body>, or at the end: parsers take it there too. Pages that are files are left as they are.
local function add_script(res)
  if native_http.is_stream(res) then
    native_http.wrap_stream(res, function(f) return function(out) f(out) out:write(tag) end end)
    return
  end
  local body = res.body
  if type(body) ~= "string" then return end
  if body:find("/_rille/live.js", 1, true) then return end
  local at = body:lower():find "</body%s*>%s*</html%s*>%s*$" or body:lower():find "</body%s*>%s*$"
  res.body = at and body:sub(1, at - 1) .. tag .. body:sub(at) or body .. tag
end

local own_pages = setmetatable({}, { __mode = "k" }) -- a response that is ours -> {body, kind, policy, err}

-- A page of ours leaves as it was made, whatever hooks, sessions and security headers of the program have added: its style must
-- not depend on their policy, nor must HSTS stay in a browser. Cookies are kept: a session is saved after an error too. So are
-- the headers of the error itself, such as Retry-After.
local function restore(res, page_of)
  local names = {}
  for name in pairs(res.headers) do names[#names + 1] = name end
  for _, name in ipairs(names) do
    if name:lower() ~= "set-cookie" then res:header(name, nil) end
  end
  res.body = page_of.body
  answer.copy_headers(res, page_of.err)
  return page.guard(res:header("Content-Type", page_of.kind), page_of.policy)
end

-- The last one to see a response.
local function on_response(req, res)
  local ours = own_pages[res]
  if ours then restore(res, ours) end
  local key = native.request_key()
  local record, beside = key and records[key], key and noted[key]
  if not record then return end
  records[key], noted[key] = nil, nil
  if not ours and is_page(res) and req.method ~= "HEAD" and native.request_shows_dev() then add_script(res) end
  local _, err = native.try(finish, record, beside, req, res)
  if err then native.log("warn", "dev: a request could not be recorded", { error = tostring(err) }) end
end

local refused = {} -- hosts that the log has been told of
local refused_count = 0

-- Notes a host that gets no page with source: it may be another site, whose name was made to resolve here (DNS rebinding).
local function refuse(host)
  if refused[host] or refused_count == 100 then return end
  refused[host], refused_count = true, refused_count + 1
  native.log("warn", "dev: the page of this error is not shown to this host: if it is yours, rille dev --allow-host NAME",
    { host = host })
end

-- Names that hints compare with (hint.lua).
local function known_to(app, record, beside)
  local known = statements.names(beside)
  known.handler = record and record.handler
  known.templates = function() return require("rille.page").environment(app).loader:names() end
  return known
end

local function remember(res, err, kind, policy)
  own_pages[res] = { body = res.body, kind = kind, policy = policy, err = err }
  return page.guard(res, policy)
end

local kinds = { ["text/plain"] = "text/plain; charset=utf-8", ["application/json"] = "application/json" }

-- Returns the status that the response would have without this page: rille.abort(503) sets one.
local function status_of(err)
  local status = math.tointeger(err.status)
  return status and status >= 500 and status <= 599 and status or 500
end

-- The answer in the form that the client reads.
local function answer_as(kind, what, record, req, err)
  local status = status_of(err)
  if kind == "application/json" then
    return remember(native_http.json(page.json(what, record, status), status), err, kinds[kind])
  end
  if kind ~= "text/html" then return remember(native_http.text(page.text(what, record), status), err, kinds["text/plain"]) end
  local body, policy = page.html(what, { kind = req.method .. " " .. req.path .. " failed", generation = native.generation,
    request = record })
  return remember(native_http.html(body, status), err, "text/html; charset=utf-8", policy)
end

--- Returns the response to an unexpected error, or nil. Browsers get the page, others what the program says, else text or JSON.
local function develop(app, req, err, raised)
  local record, beside = current()
  local what = failure.describe(raised, known_to(req.app or app, record, beside))
  what.id = err.id
  if record then record.failure, record.repeated, record.session = what, statements.repeated(beside), session_of(req) end
  if not native.request_shows_dev() then return refuse(req.host) end
  local kind = req:accepts("text/html", "text/plain", "application/json")
  if req.headers.accept == nil or not req.headers.accept:find("text/html", 1, true) then
    if app:find_error_handler(err) then return nil end
    kind = kind == "text/html" and "text/plain" or kind
  end
  return answer_as(kind, what, record, req, err)
end

-- ---- what the dashboard asks for ---------------------------------------------------------------------------------------

local function routes_of(all)
  local list = native.array {}
  for _, entry in pairs(all) do
    local method = entry.route.method == "*" and "ANY" or entry.route.method
    list[#list + 1] = { method = method, path = entry.path, name = entry.route.name, where = failure.relative(entry.route.where) }
  end
  table.sort(list, function(a, b) return a.path == b.path and a.method < b.method or a.path < b.path end)
  return list
end

local function answers(app)
  return {
    memory = function() return native.memory_used() end,
    routes = function() return routes_of(app.compiled_routes or {}) end,
    tasks = function() return native.array(native.tasks()) end,
    secrets = function() return native.array(require("rille.secret").given) end,
    raised = function(text) return pictures.frames_of_text(text) or native.array {} end,
    explain = function(words)
      local id, number = words:match "^(%S+) (%d+)$"
      return statements.explain(id, math.tointeger(tonumber(number)))
    end,
  }
end

--- install(app): from now on what its requests do is noted.
function M.install(app)
  app.settings.debug = true
  statements.watch(current, ended)
  watch_log()
  native.trace_waits()
  table.insert(app.middleware, 1, middleware)
  compile.last_hook = on_response
  answer.develop = develop
  local known = answers(app)
  native.answer_dashboard(function(question)
    local name, about = question:match "^(%S+) ?(.*)$"
    return native.json_encode(known[name](about))
  end)
end

return M
