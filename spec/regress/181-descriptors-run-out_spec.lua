-- When descriptors ran out, existing files were 404, and databases and fetches failed without a word of why. Now connections
-- leave a reserve alone, and whoever finds no descriptor answers 503 and says so in the log.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local program = [[
local rille = require "rille"
local app = rille.app { body_limit = 10 * 1024 ^ 2 }
app:static("/s", "static")
app:static("/middle", "static")
local held = {}
app:get("/take", function()
  while true do
    local file = io.open "/dev/null"
    if not file then return tostring(#held) end
    held[#held + 1] = file
  end
end)
local function give()
  while #held > 0 do table.remove(held):close() end
  return "given"
end
app:get("/give", give)
app:get("/file", function() return rille.file "static/a.txt" end)
app:get("/rooted", function() return rille.file("a.txt", { root = "static" }) end)
app:get("/template", function() return rille.render("page.html", {}) end)
app:get("/sqlite", function() rille.sqlite.open("x.db"):close() return "opened" end)
app:get("/fetch", function(req) return rille.fetch(req.query.url):text() end)
app:get("/name", function() return rille.fetch "http://nowhere.invalid/":text() end)
app:post("/upload", function(req)
  local _, err = rille.try(req.file, req, "f")
  give() -- what is left of the body ends the connection, and the next one needs a descriptor
  return tostring(err), err and err.status
end)
app:get("/offload", function() return rille.offload("work", "f") end)
app:get("/require", function() return require "work".f() end)
local listed = rille.app()
listed:use(function(req, handler) return handler(req) end)
listed:static("/", "static")
app:mount("/mounted", listed)
return app
]]

describe("descriptors that run out", function()
  local place, client

  before_each(function()
    place = scratch.new()
    place:write("app.lua", program)
    place:write("work.lua", "return { f = function() return 'worked' end }")
    place:write("static/a.txt", "hello")
    place:write("static/large.txt", ("x"):rep(100000))
    place:write("templates/page.html", "page")
    client = rille.client { timeout = 20 }
  end)

  after_each(function()
    client:close()
    place:close()
  end)

  local function start(limit)
    return served.start(place, { command = "serve app.lua", first = "ulimit " .. limit })
  end

  it("are told at the start: how many connections there may be", function()
    local server <close> = start "-n 100"
    local count = tonumber(server:log():match "connections=(%d+)")
    assert.is_true(count >= 40 and count < 100 - 16, server:log())
  end)

  it("are as many as the hard limit lets there be", function()
    local server <close> = start "-S -n 64 && ulimit -H -n 80"
    local limits = assert(io.open("/proc/" .. server.pid .. "/limits")):read "a"
    assert.matches("Max open files%s+80%s+80", limits)
  end)

  it("leave enough for files while as many connections are open as there may be", function()
    local server <close> = start "-n 64"
    assert.equal(200, client:get(server.url .. "/file").status)
    place:write("many.py", ([[
import socket, sys, time
c = [socket.create_connection(("127.0.0.1", %s)) for _ in range(80)]
time.sleep(0.3)
c[0].sendall(b"GET /s/large.txt HTTP/1.1\r\nHost: a\r\n\r\n")
print(c[0].recv(12))
c[1].sendall(b"GET /sqlite HTTP/1.1\r\nHost: a\r\n\r\n")
print(c[1].recv(12))
for s in c[2:60]: s.close()
c[79].sendall(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
print(c[79].recv(12))
]]):format(server.port))
    assert.equal("b'HTTP/1.1 200'\nb'HTTP/1.1 200'\nb'HTTP/1.1 200'\n", place:run("python3", place:path "many.py"))
    server:wait_for "file descriptors run short"
  end)

  it("are a 503 with its reason in the log, whoever needs one", function()
    local server <close> = start "-n 100"
    local asked = { "/s/a.txt", "/s/large.txt", "/mounted/a.txt", "/file", "/rooted", "/template", "/sqlite", "/offload",
      "/require", "/fetch?url=" .. rille.url_encode(server.url .. "/s/a.txt"), "/name" }
    assert.equal(200, client:get(server.url .. "/give").status) -- the connection that all of this goes over
    for _, path in ipairs(asked) do
      client:get(server.url .. "/take")
      local res = client:get(server.url .. path)
      assert.equal(503, res.status, path .. ": " .. res:text())
    end
    local body = ("x"):rep(200000)
    local res = client:post(server.url .. "/upload", { files = { f = { filename = "x", body = body } } })
    assert.equal("a temporary file: out of file descriptors", res:text())
    assert.equal(503, res.status)
    server:wait_for "out of file descriptors"
    for _, path in ipairs(asked) do
      if path ~= "/name" then assert.equal(200, client:get(server.url .. path).status, path) end
    end
  end)
end)
