-- Tools for specs: `local testing = require "rille.testing"`. Whatever it returns is closed at the end of the test that made it,
-- or of the describe whose setup did.
local background = require "rille.background"
local cleanup = require "rille.testing.cleanup"
local names = require "rille.names"
local native = require "rille.native.http"
local native_core = require "rille.native.core"
local options = require "rille.options"

local testing = {}

--- testing.client(app, {cookies=true}) -> client: requests in process, without a socket.
function testing.client(app, opts)
  return cleanup.own(require("rille.testing.client").new(app, opts))
end

local Server = {}
Server.__index = Server

-- If it may not wait, or no longer, it can be closed again.
function Server:close()
  if self.closed then return end
  self.server:close()
  self.closed = true
  if self.ca then require("rille.testing.certificate").release(self.ca) end
  self.running:close()
end

Server.__close = Server.close

local server_options = { tls = "boolean|table" }
local tls_options = { names = "table", client_ca = "string" }
local LOCAL = { "localhost", "*.localhost", "127.0.0.1", "::1" }

-- Returns certificate, key and the file of whom of the clients to trust, and the file of the authority that has signed it.
local function certificate_for(tls)
  if not tls then return end
  local opts = options.check(tls ~= true and tls or nil, tls_options, "testing.server: tls")
  local made = require "rille.testing.certificate"
  local certificate, key = made.for_server(opts.names or LOCAL)
  return made.authority_file(), certificate, key, opts.client_ca
end

--- testing.server(app, {tls=false}) -> server with a real port on 127.0.0.1: server.url, server.port; with tls = true or
--- {names=, client_ca=} it speaks https, and server.ca is the file of the authority that has signed its certificate
function testing.server(app, opts)
  opts = options.check(opts, server_options, "testing.server")
  local running = require("rille.testing.running").start(app)
  local ca, certificate, key, client_ca = certificate_for(opts.tls)
  local listening = native.listen(running.compiled, "127.0.0.1", 0, certificate, key, client_ca)
  local port = listening:port()
  return cleanup.own(setmetatable({ server = listening, running = running, port = port, ca = ca,
    url = (ca and "https" or "http") .. "://127.0.0.1:" .. port }, Server))
end

local Clock = {}
Clock.__index = Clock

--- clock:advance(seconds): runs what is ready until nothing is, moves to the next timer, and repeats.
function Clock:advance(seconds)
  if self.closed then error("the clock is real again", 2) end
  if not math.type(seconds) then error("clock:advance: a number of seconds was expected, got a " .. type(seconds), 2) end
  if seconds < 0 or seconds ~= seconds then error("clock:advance: time does not go back: " .. seconds .. " s", 2) end
  native_core.clock_advance(seconds)
end

function Clock:close()
  if self.closed then return end
  self.closed = true
  native_core.clock_thaw()
end

Clock.__close = Clock.close

--- testing.clock() -> clock: from now on time stands still until clock:advance moves it.
function testing.clock()
  if not native_core.clock_freeze then error("testing.clock() is for rille test: elsewhere time goes on", 2) end
  native_core.clock_freeze()
  return cleanup.own(setmetatable({}, Clock), true) -- a server for which time stands still cannot stop
end

--- testing.mock() -> fake: answers outgoing requests, fake:on(method, url, answer); one that nothing matches fails the test
function testing.mock() return cleanup.own(require("rille.testing.mock").new()) end

local images = {} -- directory -> image of a migrated database

--- testing.background(): waits until what app:background has started has ended.
testing.background = background.wait

--- testing.database(migrations) -> db: fresh, migrated, in memory; migrated once and copied from then on. Empty without them.
function testing.database(directory)
  local sqlite = require "rille.sqlite"
  local db = cleanup.own(sqlite.open ":memory:")
  if directory == nil then return db end
  if images[directory] then
    db:load_image(images[directory])
  else
    db:migrate(directory)
    images[directory] = db:image()
  end
  return db
end

names.class("server", Server, { fields = { "url", "port", "ca" }, absent = { "closed", "check" } })
names.class("clock", Clock, { absent = { "closed", "check" } })
names.module("testing", testing)

return testing
