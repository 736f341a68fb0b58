-- What a request did, noted in development: SQL with timings, what it waited for, log lines, templates, headers, session. The
-- program's own state notes it and sends it to the desk as JSON when the response leaves; the error page of a handler that
-- failed shows what there was until then.
--
-- install(app) is called by `rille dev` alone (rille/boot.lua), before the app is compiled.
local answer = require "rille.answer"
local compile = require "rille.compile"
local failure = require "rille.dev.failure"
local native = require "rille.native"
local options = require "rille.options"
local page = require "rille.dev.page"

local M = {}

local MOST = 200 -- of each kind, for one request
local LONGEST = 2000 -- bytes of a text

local records = {} -- request key -> record

local function current()
  local key = native.request_key()
  return key and records[key]
end

local function add(list, entry)
  if #list < MOST then list[#list + 1] = entry end
  return entry
end

-- What fits, up to a whole character.
local function cut(text)
  local stop = LONGEST
  while (text:byte(stop + 1) or 0) & 0xC0 == 0x80 do stop = stop - 1 end
  return text:sub(1, stop) .. " …"
end

local function visible(value)
  local text = tostring(value)
  if not native.utf8_valid(text) then text = text:gsub("[\128-\255]", "?") end
  return #text > LONGEST and cut(text) or text
end

local function list_of(fields)
  local list = native.array {}
  for name, value in pairs(fields) do list[#list + 1] = { visible(name), visible(value) } end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- ---- SQL ------------------------------------------------------------------------------------------------------

local ended = { __close = function(entry, err)
  entry.to = native.now()
  if err ~= nil then entry.error = visible(err) end
end }

local function count_rows(entry, ...)
  local first = ...
  if type(first) == "table" then entry.rows = #first end
  return ...
end

local function statement(name, sql)
  if type(sql) == "string" then return visible((sql:gsub("%s+", " "))) end
  return type(sql) == "table" and name .. " of " .. #sql or name:upper()
end

local function noted(name, run)
  return function(self, sql, ...)
    local record = current()
    if not record then return run(self, sql, ...) end
    local entry = add(record.sql, { sql = statement(name, sql), at = failure.relative(options.caller()), from = native.now() })
    local timing <close> = setmetatable(entry, ended) -- luacheck: ignore 211
    return count_rows(entry, run(self, sql, ...))
  end
end

local function watch_sql()
  require "rille.sqlite"
  for _, methods in ipairs { native.database_methods, native.transaction_methods } do
    for _, name in ipairs { "query", "one", "value", "exec", "batch", "begin", "commit", "rollback" } do
      if methods[name] then methods[name] = noted(name, methods[name]) end
    end
  end
end

-- ---- log lines and templates ---------------------------------------------------------------------------------------

local function watch_log()
  local log = native.log
  function native.log(level, message, fields)
    local record = current()
    if record and message ~= answer.FAILED then -- what failed is shown by itself
      add(record.logs, { level = level, message = visible(message), at = native.now(),
        fields = type(fields) == "table" and list_of(fields) or nil })
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
    local entry = add(record.templates, { name = visible(template.name), from = native.now() })
    local timing <close> = setmetatable(entry, ended) -- luacheck: ignore 211
    return render(self, template, ...)
  end
end

-- ---- one request ------------------------------------------------------------------------------------------------------

local function start(req)
  return {
    id = req.id, method = req.method, target = visible(req.target), route = req.route, remote = req.remote,
    from = native.now(),
    headers = list_of(req.headers), params = list_of(req.params),
    sql = native.array {}, logs = native.array {}, templates = native.array {},
  }
end

-- Reading a session has no effect on it, but an app without one raises.
local function session_of(req)
  if not req.app:root().session then return nil end
  local ok, session = pcall(function() return req.session end)
  return ok and type(session) == "table" and list_of(session) or nil
end

local function finish(record, req, res)
  record.to = native.now()
  record.status = res.status
  record.response_headers = list_of(res.headers)
  record.session = session_of(req)
  record.waits = native.array {}
  for _, wait in ipairs(native.request_waits()) do
    add(record.waits, { name = wait[1], from = wait[2], to = wait[3] })
  end
  native.record(native.json_encode(record))
end

local function middleware(req, handler)
  watch_templates()
  records[native.request_key()] = start(req)
  return handler(req)
end

-- ---- pages -------------------------------------------------------------------------------------------------------------

local function is_page(res)
  local kind = res.headers["content-type"] or ""
  return kind:find "^text/html" and not res.headers["content-encoding"]
end

local tag = ('<script src="/_rille/live.js?v=%d"></script>'):format(native.edition)

-- In front of </body>, or at the end: parsers take it there too. Pages that are files are left as they are.
local function add_script(res)
  if native.is_stream(res) then
    native.wrap_stream(res, function(f) return function(out) f(out) out:write(tag) end end)
    return
  end
  local body = res.body
  if type(body) ~= "string" then return end
  if body:find("/_rille/live.js", 1, true) then return end
  local at = body:lower():find "</body%s*>%s*</html%s*>%s*$" or body:lower():find "</body%s*>%s*$"
  res.body = at and body:sub(1, at - 1) .. tag .. body:sub(at) or body .. tag
end

-- The last one to see a response.
local function on_response(req, res)
  local key = native.request_key()
  local record = key and records[key]
  if not record then return end
  records[key] = nil
  if is_page(res) and req.method ~= "HEAD" and native.request_shows_dev() then add_script(res) end
  local _, err = native.try(finish, record, req, res)
  if err then native.log("warn", "dev: a request could not be recorded", { error = tostring(err) }) end
end

local refused = {} -- hosts that the log has been told of
local refused_count = 0

-- A page of another site may be behind it, whose name was made to lead here: it is not shown any source.
local function refuse(host)
  if refused[host] or refused_count == 100 then return end
  refused[host], refused_count = true, refused_count + 1
  native.log("warn", "dev: the page of this error is not shown to this host: if it is yours, rille dev --allow-host NAME",
    { host = host })
end

--- What an unexpected error is answered with, or nil: browsers get the page, others what the program says, else text or JSON.
local function develop(app, req, err, raised)
  if not native.request_shows_dev() then return refuse(req.host) end
  local kind = req:accepts("text/html", "text/plain", "application/json")
  if req.headers.accept == nil or not req.headers.accept:find("text/html", 1, true) then
    if app:find_error_handler(err) then return nil end
    kind = kind == "text/html" and "text/plain" or kind
  end
  local what, record = failure.describe(raised), current()
  what.id = err.id
  if record then record.failure = what end
  if kind == "application/json" then return native.json(page.json(what, record), 500) end
  if kind ~= "text/html" then return native.text(page.text(what, record), 500) end
  return native.html(page.html(what, { kind = req.method .. " " .. req.path .. " failed", edition = native.edition,
    request = record }), 500)
end

-- ---- what the desk asks for --------------------------------------------------------------------------------------------

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
  }
end

--- install(app): from now on what its requests do is noted.
function M.install(app)
  app.settings.debug = true
  watch_sql()
  watch_log()
  native.trace_waits()
  table.insert(app.middleware, 1, middleware)
  compile.last_hook = on_response
  answer.develop = develop
  local known = answers(app)
  native.answer_desk(function(question) return native.json_encode(known[question]()) end)
end

return M
