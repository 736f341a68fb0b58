-- The scripted server of fake_server.py, from a spec's side.
--
--   local fake = require("spec.support.fake").start()      fake.url "http://127.0.0.1:N"   fake.other, fake.https, …
--   local url = fake:script { fake.ok "hello" }            each argument one answer: a list of steps, or raw bytes
--   fake:fetch(url, options)                               rille.fetch, a path taken to be this server's
--   fake:user{…}                                           rille.client, which trusts it
--   fake:log(url) -> what came there                       fake:open() -> connections that are open
--   fake:http2() -> "https://localhost:N", where http2_server.py answers; nil without python3-h2
--   fake:close()
--
-- Plain connections are our own, all else is libcurl's (client/client.h), and nothing shall tell the two apart: what holds
-- for both is said for each of fakes.schemes.
local rille = require "rille"

local Fake = {}
Fake.__index = Fake

local M = { schemes = { "http", "https" } }

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function wait_for(name)
  for _ = 1, 500 do
    local text = read_file(name)
    if text then return text end
    rille.sleep(0.02)
  end
  error("the fake server did not start: no " .. name)
end

--- start(scheme="http") -> fake; its certificates stand in fake.directory
function M.start(scheme)
  local directory = os.tmpname()
  os.remove(directory)
  assert(os.execute("mkdir -m 700 " .. directory))
  local input = assert(io.popen("exec python3 spec/support/fake_server.py " .. directory, "w"))
  local ports = rille.json_decode(wait_for(directory .. "/ports.json"))
  local fake = { directory = directory, input = input, ports = ports, client = rille.client {} }
  fake.url = "http://127.0.0.1:" .. ports.http
  fake.other = "http://127.0.0.1:" .. ports.other
  fake.https = "https://localhost:" .. ports.https
  fake.mutual = "https://localhost:" .. ports.mutual
  fake.ca = directory .. "/ca.pem"
  fake.control = fake.url
  if scheme == "https" then fake.url = fake.https end
  return setmetatable(fake, Fake)
end

local function with_ca(fake, opts)
  local own = { ca = fake.ca }
  for key, value in pairs(opts or {}) do own[key] = value end
  return fake.url == fake.https and own or opts
end

--- fake:fetch(path_or_url, options) -> response
function Fake:fetch(path, opts)
  return rille.fetch(path:find "^https?:" and path or self.url .. path, with_ca(self, opts))
end

--- fake:user{…} -> client
function Fake:user(opts) return rille.client(with_ca(self, opts)) end

--- M.ok(body, headers) -> raw bytes of a 200 with a length
function M.ok(body, headers)
  return M.raw("200 OK", body or "", headers)
end

--- M.raw("404 Not Found", body, {"Name: value"}) -> raw bytes
function M.raw(status, body, headers)
  local lines = { "HTTP/1.1 " .. status, "Content-Length: " .. #body, table.unpack(headers or {}) }
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

--- M.redirect(302, "/there") -> raw bytes
function M.redirect(status, location, headers)
  return M.raw(status .. " Moved", "moved", { "Location: " .. location, table.unpack(headers or {}) })
end

local function latin1_json(value) return rille.json_encode(value) end

--- fake:script(answer, …) -> path; an answer is raw bytes or a list of steps
function Fake:script(...)
  local answers = {}
  for i = 1, select("#", ...) do
    local answer = select(i, ...)
    answers[i] = type(answer) == "string" and { { send = answer } } or answer
  end
  return self.client:post(self.control .. "/_script", { body = latin1_json(answers) }):json().path
end

--- fake:log(path) -> list of requests
function Fake:log(path) return self.client:get(self.control .. "/_log" .. path:match "^/%w+"):json() end

--- fake:open() -> how many connections the server has open, this client's not counted
function Fake:open() return self.client:get(self.control .. "/_open"):json() end

--- fake:http2() -> its URL; nil where /usr/bin/python3 has no h2
function Fake:http2()
  if not os.execute "/usr/bin/python3 -c 'import h2' 2>/dev/null" then return nil end
  local command = "exec /usr/bin/python3 spec/support/http2_server.py " .. self.directory
  self.second = assert(io.popen(command, "w"))
  return "https://localhost:" .. wait_for(self.directory .. "/http2.port")
end

function Fake:close()
  self.client:close()
  if self.second then self.second:close() end
  self.input:close()
  os.execute("rm -rf " .. self.directory)
end

Fake.__close = Fake.close

return M
