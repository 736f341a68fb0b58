-- The dashboard of `rille dev`. It runs beside the program, in a Lua state of its own that stays while the program's come and
-- go. C sends it messages (runtime/app/dashboard.h): a file has changed, a generation of the program was loaded, a request was
-- answered. It tells browsers and the terminal, and answers for the program while that does not load.
require "rille" -- the methods of req
local answer = require "rille.answer"
local App = require "rille.app"
local abort = require("rille.error").abort
local editors = require "rille.dev.editors"
local failure = require "rille.dev.failure"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local page = require "rille.dev.page"
local paths = require "rille.paths"
local secrets = require "rille.dev.secrets"
local terminal = require "rille.dev.terminal"

local MOST_REQUESTS = 100
local MOST_ERRORS = 50
local MOST_LOGGED = 300
local MOST_SAMPLES = 150
local SAMPLE_SECONDS = 2
local PING_SECONDS = 15
local PLAN_SECONDS = 10

local Dashboard = {}
Dashboard.__index = Dashboard

-- ---- what has changed ---------------------------------------------------------------------------------------------

-- Extension -> what is loaded again after a change: "code" the program, "css" style sheets, "page" whole pages.
local kinds = {
  lua = "code", sql = "code", html = "code", htm = "code", jinja = "code", j2 = "code", tmpl = "code", xml = "code", txt = "code",
  css = "css", js = "page", mjs = "page", svg = "page",
}

function Dashboard.kind_of(path)
  local name = failure.relative(path)
  if name == ".env" then return "env" end
  if name:find "^%." or name:find "/%." or name:find "^spec/" then return nil end
  return name:find "/$" and "code" or kinds[name:match "%.(%w+)$"] -- a directory that has gone is code
end

local function shortest(files)
  local first = failure.relative(files[1])
  return #files > 1 and ("%s and %d more"):format(first, #files - 1) or first
end

local messages = {}

local function ask(question)
  local text = native.dashboard_ask(question)
  return text and native.json_decode(text) or nil
end

function messages.change(self, text)
  local found, code = {}, {}
  for path in text:gmatch "[^\n]+" do
    local kind = Dashboard.kind_of(path)
    if kind then found[kind] = true end
    if kind == "code" or kind == "env" then code[#code + 1] = path end
  end
  if #code > 0 then
    self.changed = shortest(code)
    native.dashboard_reload(found.env == true)
  elseif found.page then self:broadcast "page"
  elseif found.css then
    self:broadcast "css"
    terminal.styles()
  end
end

function messages.loaded(self, text)
  local load = native.json_decode(text)
  self.generation, self.states = load.generation, load.states
  self.failure = nil
  self.loaded_once = self.loaded_once or load.ok
  if load.ok then secrets.learn(ask "secrets" or {}) end
  if not load.ok then self.failure = load.failure or { message = "the program could not be loaded, see the terminal" } end
  terminal.loaded(load, self.changed, self.failure)
  self.changed = nil
  self:broadcast("generation", tostring(load.generation))
end

function messages.listening(self, url)
  self.url = url
  terminal.listening(url)
  if editors.complaint() then terminal.complain(editors.complaint()) end
end

function messages.authority(_, path) terminal.authority(path) end

-- ---- requests -----------------------------------------------------------------------------------------------------

-- Takes the plan of a statement that somebody waits for, or the record of a request.
function messages.record(self, text)
  local record = native.json_decode(text)
  if not record.explains then
    self.open[record.id] = record
    return
  end
  local waiting = self.plans[record.explains]
  if not waiting then return end -- they have given up
  self.plans[record.explains] = nil
  waiting.reply = record
  waiting.queue:wake()
end

local function keep(list, most, entry)
  table.insert(list, 1, entry)
  list[most + 1] = nil
end

-- Returns true for what browsers and desktops ask of every site by themselves, unless the program answered it with an error.
local function is_noise(exchange)
  local path = exchange.target:match "^[^?]*"
  return exchange.status < 500 and (path == "/favicon.ico" or path:find "^/apple%-touch%-icon" ~= nil
    or path:find "^/%.well%-known/appspecific/" ~= nil)
end

function Dashboard:add_error(entry)
  self.error_count = self.error_count + 1
  entry.key = tostring(self.error_count)
  if entry.request then entry.request.error = entry.key end
  keep(self.errors, MOST_ERRORS, entry)
end

-- Comes when the last byte has been sent. Requests that no Lua has seen (files) have no record.
function messages.exchange(self, text)
  local exchange = native.json_decode(text)
  local record = self.open[exchange.id] or exchange
  self.open[exchange.id] = nil
  if is_noise(exchange) then return end
  record.file = record == exchange
  record.status, record.bytes, record.ms, record.ended = exchange.status, exchange.bytes, exchange.ms, exchange.ended
  record.time = record.time or native.time() - exchange.ms / 1000
  keep(self.requests, MOST_REQUESTS, record)
  if record.failure then
    self:add_error { time = record.time, kind = record.method .. " " .. record.target .. " failed", failure = record.failure,
      request = record }
  end
  terminal.request(record)
end

-- ---- the log ------------------------------------------------------------------------------------------------------

local function field_of(line, name)
  for _, item in ipairs(line.fields) do
    if item[1] == name then return item[2] end
  end
end

-- An error that is logged with its traceback, and is not a request's: a task's that nobody waits for, a stream's.
function Dashboard:note_failure(line)
  local message, trace = field_of(line, "error"), field_of(line, "traceback")
  if line.level ~= "error" or line.message == answer.FAILED or not message or not trace then return end
  self:add_error { time = line.time, kind = line.message,
    failure = failure.describe_text(message, trace, ask("raised " .. message)) }
end

-- As people read it: paths from the project's folder on, and a traceback where it does not stand among the errors.
local function readable(line)
  local fields = native.array {}
  line.message = secrets.hide(line.message)
  for _, item in ipairs(line.fields) do
    local text = paths.without_root(secrets.is_secret(item[1]) and secrets.MASK or secrets.hide(item[2]))
    if item[1] == "traceback" then text = text:gsub("^stack traceback:", ""):gsub("\n\t", "\n"):gsub("^\n", "") end
    if item[1] ~= "traceback" or line.level ~= "error" then fields[#fields + 1] = { item[1], text } end
  end
  line.fields = fields
  return line
end

function messages.log(self, text)
  local line = native.json_decode(text)
  line.time = native.time()
  self:note_failure(line)
  keep(self.logged, MOST_LOGGED, readable(line))
end

local function summary(record)
  return { id = record.id, method = record.method, target = record.target, status = record.status, ms = record.ms,
    sql = record.sql and #record.sql or 0, route = record.route, time = record.time, file = record.file or nil,
    repeated = record.repeated and #record.repeated > 0 or nil }
end

-- ---- browsers -----------------------------------------------------------------------------------------------------

function Dashboard:broadcast(event, data)
  local text = ("event: %s\ndata: %s\n\n"):format(event, data or "")
  for reader in pairs(self.readers) do
    reader.waiting[#reader.waiting + 1] = text
    reader.queue:wake()
  end
end

-- One stream of events, until the browser leaves or the process ends.
function Dashboard:follow(out)
  local reader = { waiting = {}, queue = native.queue() }
  local forget <close> = setmetatable({}, { __close = function() self.readers[reader] = nil end }) -- luacheck: ignore 211
  self.readers[reader] = true
  out:write(("retry: 300\nevent: generation\ndata: %d\n\n"):format(self.generation))
  while not self.stopping do
    if #reader.waiting == 0 then reader.queue:wait "an event" end
    local text = table.concat(reader.waiting)
    reader.waiting = {}
    out:write(text)
  end
end

local function every(seconds, f)
  native.spawn_root(function()
    while true do
      native.sleep(seconds)
      f()
    end
  end)
end

-- ---- answers ------------------------------------------------------------------------------------------------------

local function html(body, policy, status) return page.guard(native_http.html(body, status), policy) end

local function script(name)
  local text = native.embedded("rille/dev/" .. name)
  return page.guard(native_http.text(text)):header("Content-Type", "text/javascript; charset=utf-8")
end

-- While the program does not load: why, in the form that the client reads.
function Dashboard:explain(req)
  local what = self.failure or { message = "the program is being loaded" }
  local kind = req:accepts("text/plain", "text/html", "application/json")
  if (req.headers.accept or ""):find("text/html", 1, true) then kind = "text/html" end
  if kind == "application/json" then return page.guard(native_http.json(page.json(what), 500)) end
  if kind ~= "text/html" then return page.guard(native_http.text(page.text(what), 500)) end
  local body, policy = page.html(what, { kind = "The program does not load", generation = self.generation,
    note = "Edit and save: this page reloads." .. (self.loaded_once
      and " Until then curl and API clients get the last version that loaded." or "") })
  return html(body, policy, 500)
end

function Dashboard:source(req)
  local file, line = req.query.file or "", math.tointeger(tonumber(req.query.line)) or 1
  local excerpt = native.try(failure.excerpt, file, line, 100000) -- a folder cannot be read
  if not excerpt then abort(404, "no such file in the project") end
  return html(page.source(file, line, excerpt, self.generation))
end

function Dashboard:state()
  local requests, failures = native.array {}, native.array {}
  for i, record in ipairs(self.requests) do requests[i] = summary(record) end
  for i, entry in ipairs(self.errors) do
    local what = entry.failure
    failures[i] = { key = entry.key, time = entry.time, kind = entry.kind, message = what.message,
      where = what.file and what.line and what.file .. ":" .. what.line or nil }
  end
  return {
    requests = requests, errors = failures, log = native.array(self.logged), routes = ask "routes" or native.array {},
    tasks = ask "tasks" or native.array {}, memory = native.array(self.samples), generation = self.generation,
    states = self.states, failure = self.failure and self.failure.message,
  }
end

local function find(list, name, wanted)
  for _, entry in ipairs(list) do
    if entry[name] == wanted then return entry end
  end
  abort(404)
end

function Dashboard:request(id) return native_http.json(find(self.requests, "id", id)) end

-- The page of an error, as whoever caused it has seen it.
function Dashboard:error(key)
  local entry = find(self.errors, "key", key)
  return html(page.html(entry.failure, { kind = entry.kind, generation = self.generation, request = entry.request, still = true,
    note = os.date("at %H:%M:%S", entry.time // 1) }))
end

-- The plan of a statement that a request has run; the program's state asks its database.
function Dashboard:plan(id, number)
  find(self.requests, "id", id)
  local key = id .. " " .. number
  local waiting = self.plans[key] or { queue = native.queue(), reply = false } -- one reply answers all who ask meanwhile
  self.plans[key] = waiting
  if not ask("explain " .. key) then self.plans[key] = nil abort(404) end
  native.try(native.timeout, PLAN_SECONDS, function()
    if not waiting.reply then waiting.queue:wait "a plan" end
  end)
  if self.plans[key] == waiting then self.plans[key] = nil end
  local reply = waiting.reply
  if not reply then return native_http.json { error = "The program did not answer in time." } end
  return native_http.json { plan = reply.plan, error = reply.error }
end

function Dashboard:routes()
  local app = self.app
  app:get("/_rille/live.js", function() return script "live.js" end)
  app:get("/_rille/panel.js", function() return script "panel.js" end)
  app:get("/_rille/events", function()
    return native_http.stream("text/event-stream", function(out) self:follow(out) end):header("Cache-Control", "no-store")
  end)
  app:get("/_rille", function() return html(page.panel(self.generation)) end)
  app:get("/_rille/state", function() return page.guard(native_http.json(self:state())) end)
  app:get("/_rille/requests/{id}", function(req) return page.guard(self:request(req.params.id)) end)
  app:get("/_rille/requests/{id}/plan/{number:int}", function(req)
    return page.guard(self:plan(req.params.id, req.params.number))
  end)
  app:get("/_rille/errors/{key}", function(req) return self:error(req.params.key) end)
  app:get("/_rille/source", function(req) return self:source(req) end)
  app:use(function(req, handler)
    if req.path == "/_rille" or req.path:find "^/_rille/" then return handler(req) end
    return self:explain(req)
  end)
end

--- Returns a new dashboard; `app` is what it serves.
function Dashboard.new()
  local self = setmetatable({
    app = App.new { name = "dashboard" }, requests = {}, open = {}, readers = {}, samples = {}, errors = {}, error_count = 0,
    logged = {}, plans = {}, generation = 0, states = 0,
  }, Dashboard)
  self:routes()
  return self
end

function Dashboard:sample()
  local used = ask "memory"
  if not used then return end
  table.insert(self.samples, used)
  if #self.samples > MOST_SAMPLES then table.remove(self.samples, 1) end
end

--- Reads messages until the process stops.
function Dashboard:run()
  if not native.dashboard_watch(native.root) then terminal.unwatched(native.root) end
  every(SAMPLE_SECONDS, function() self:sample() end)
  every(PING_SECONDS, function() self:broadcast "ping" end)
  for kind, text in native.dashboard_receive do
    if kind == "stop" then break end
    messages[kind](self, text)
  end
  self.stopping = true
  self:broadcast "stop"
end

return Dashboard
