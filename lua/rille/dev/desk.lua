-- The desk: what `rille dev` runs beside the program, in a Lua state of its own that stays while the program's come and go. It
-- hears of files that change, of loads and of requests (letters from C, runtime/vm/desk.h), tells browsers and the terminal,
-- and answers for the program while that does not load.
require "rille" -- the methods of req
local App = require "rille.app"
local failure = require "rille.dev.failure"
local native = require "rille.native"
local page = require "rille.dev.page"
local terminal = require "rille.dev.terminal"

local MOST_REQUESTS = 100
local MOST_SAMPLES = 150
local SAMPLE_SECONDS = 2
local PING_SECONDS = 15

local Desk = {}
Desk.__index = Desk

-- ---- what has changed --------------------------------------------------------------------------------------------

-- What a change of this file asks for: "code" (load again), "css", "page" (browsers load again), "env", or nil.
local kinds = {
  lua = "code", sql = "code", html = "code", htm = "code", jinja = "code", j2 = "code", tmpl = "code", xml = "code", txt = "code",
  css = "css", js = "page", mjs = "page", svg = "page",
}

function Desk.kind_of(path)
  local name = failure.relative(path)
  if name == ".env" then return "env" end
  if name:find "^%." or name:find "/%." or name:find "^spec/" then return nil end
  return name:find "/$" and "code" or kinds[name:match "%.(%w+)$"] -- a directory that has gone is code
end

local function shortest(paths)
  local first = failure.relative(paths[1])
  return #paths > 1 and ("%s and %d more"):format(first, #paths - 1) or first
end

local letters = {}

function letters.change(self, text)
  local found, code = {}, {}
  for path in text:gmatch "[^\n]+" do
    local kind = Desk.kind_of(path)
    if kind then found[kind] = true end
    if kind == "code" or kind == "env" then code[#code + 1] = path end
  end
  if #code > 0 then
    self.changed = shortest(code)
    native.desk_reload(found.env == true)
  elseif found.page then self:broadcast "page"
  elseif found.css then
    self:broadcast "css"
    terminal.styles()
  end
end

function letters.loaded(self, text)
  local load = native.json_decode(text)
  self.edition, self.states = load.edition, load.states
  self.failure = nil
  if not load.ok then self.failure = load.failure or { message = "the program could not be loaded, see the terminal" } end
  terminal.loaded(load, self.changed, self.failure)
  self.changed = nil
  self:broadcast("edition", tostring(load.edition))
end

function letters.listening(self, url)
  self.url = url
  terminal.listening(url)
end

-- ---- requests ---------------------------------------------------------------------------------------------------------

function letters.record(self, text)
  local record = native.json_decode(text)
  self.open[record.id] = record
end

-- When the last byte has left. Requests that no Lua has seen (files) have no record.
function letters.exchange(self, text)
  local exchange = native.json_decode(text)
  local record = self.open[exchange.id] or exchange
  self.open[exchange.id] = nil
  record.status, record.bytes, record.ms, record.ended = exchange.status, exchange.bytes, exchange.ms, exchange.ended
  table.insert(self.requests, 1, record)
  self.requests[MOST_REQUESTS + 1] = nil
  terminal.request(record)
end

local function summary(record)
  return { id = record.id, method = record.method, target = record.target, status = record.status, ms = record.ms,
    sql = record.sql and #record.sql or 0, route = record.route, at = record.ended }
end

-- ---- browsers ------------------------------------------------------------------------------------------------------------

function Desk:broadcast(event, data)
  local text = ("event: %s\ndata: %s\n\n"):format(event, data or "")
  for reader in pairs(self.readers) do
    reader.waiting[#reader.waiting + 1] = text
    reader.queue:wake()
  end
end

-- One stream of events, until the browser leaves or the process ends.
function Desk:follow(out)
  local reader = { waiting = {}, queue = native.queue() }
  local forget <close> = setmetatable({}, { __close = function() self.readers[reader] = nil end }) -- luacheck: ignore 211
  self.readers[reader] = true
  out:write(("retry: 300\nevent: edition\ndata: %d\n\n"):format(self.edition))
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

-- ---- answers --------------------------------------------------------------------------------------------------------------

local policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
  .. "frame-ancestors 'none'; base-uri 'none'"

local function guarded(res)
  return res:header("Content-Security-Policy", policy):header("Cache-Control", "no-store")
    :header("X-Content-Type-Options", "nosniff"):header("Referrer-Policy", "no-referrer")
end

local function script(name)
  return native.text(native.embedded("rille/dev/" .. name)):header("Content-Type", "text/javascript; charset=utf-8")
    :header("Cache-Control", "no-store")
end

-- While the program does not load: why, in the form that the client reads.
function Desk:explain(req)
  local what = self.failure or { message = "the program is being loaded" }
  local kind = req:accepts("text/plain", "text/html", "application/json")
  if (req.headers.accept or ""):find("text/html", 1, true) then kind = "text/html" end
  if kind == "application/json" then return native.json(page.json(what), 500) end
  if kind ~= "text/html" then return native.text(page.text(what), 500) end
  return guarded(native.html(page.html(what, { kind = "The program does not load", edition = self.edition,
    note = "The code before goes on answering API clients. This page follows as soon as it loads." }), 500))
end

function Desk:source(req)
  local file, line = req.query.file or "", math.tointeger(tonumber(req.query.line)) or 1
  local excerpt = failure.excerpt(file, line, 100000)
  if not excerpt then require("rille.error").abort(404, "no such file in the project") end
  return guarded(native.html(page.source(file, line, excerpt, self.edition)))
end

local function ask(question)
  local text = native.desk_ask(question)
  return text and native.json_decode(text) or nil
end

function Desk:state()
  local requests = native.array {}
  for i, record in ipairs(self.requests) do requests[i] = summary(record) end
  return {
    requests = requests, routes = ask "routes" or native.array {}, tasks = ask "tasks" or native.array {},
    memory = native.array(self.samples), edition = self.edition, states = self.states,
    failure = self.failure and self.failure.message,
  }
end

function Desk:request(id)
  for _, record in ipairs(self.requests) do
    if record.id == id then return native.json(record) end
  end
  require("rille.error").abort(404)
end

function Desk:routes()
  local app = self.app
  app:get("/_rille/live.js", function() return script "live.js" end)
  app:get("/_rille/panel.js", function() return script "panel.js" end)
  app:get("/_rille/events", function()
    return native.stream("text/event-stream", function(out) self:follow(out) end):header("Cache-Control", "no-store")
  end)
  app:get("/_rille", function() return guarded(native.html(page.panel(self.edition))) end)
  app:get("/_rille/state", function() return guarded(native.json(self:state())) end)
  app:get("/_rille/requests/{id}", function(req) return guarded(self:request(req.params.id)) end)
  app:get("/_rille/source", function(req) return self:source(req) end)
  app:use(function(req, handler)
    if req.path == "/_rille" or req.path:find "^/_rille/" then return handler(req) end
    return self:explain(req)
  end)
end

--- new() -> desk
function Desk.new()
  local self = setmetatable({
    app = App.new { name = "desk" }, requests = {}, open = {}, readers = {}, samples = {}, edition = 0, states = 0,
  }, Desk)
  self:routes()
  return self
end

function Desk:sample()
  local used = ask "memory"
  if not used then return end
  table.insert(self.samples, used)
  if #self.samples > MOST_SAMPLES then table.remove(self.samples, 1) end
end

--- run(): reads letters until the process stops.
function Desk:run()
  if not native.desk_watch(native.root) then terminal.unwatched(native.root) end
  every(SAMPLE_SECONDS, function() self:sample() end)
  every(PING_SECONDS, function() self:broadcast "ping" end)
  for kind, text in native.desk_receive do
    if kind == "stop" then break end
    letters[kind](self, text)
  end
  self.stopping = true
  self:broadcast "stop"
end

return Desk
