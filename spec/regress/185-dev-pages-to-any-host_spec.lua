-- `rille dev` showed sources to whatever host a request named: a page of another site, whose name was made to lead to 127.0.0.1
-- (DNS rebinding), could read them from the page of a handler that fails, or of a program that does not load.
-- runtime/cli/dev_access.c, runtime/cli/dev_gate.c, runtime/bind/core/dashboard.c
-- runtime/app/dashboard.c
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local program = [[
local rille = require "rille"
local app = rille.app()
app:use(rille.trust_proxy { "127.0.0.0/8", "::1" })
app:get("/", function() return rille.html "<p>page</p>" end)
app:get("/fails", function() local nothing; return nothing.at_all end) -- a secret of the source
return app
]]

local function shows(wanted, text, words, message)
  local found = text:find(words, 1, true) ~= nil
  local problem = ("%s%s '%s' in: %s"):format(message and message .. ": " or "", wanted and "no" or "there is", words, text)
  assert(found == wanted, problem)
end

describe("rille dev", function()
  local place, client

  before_each(function()
    place = scratch.new()
    place:write("app.lua", program)
    client = rille.client { timeout = 20 }
  end)

  after_each(function()
    client:close()
    place:close()
  end)

  local function get(server, path, headers)
    return client:get(server.url .. path, { headers = headers })
  end

  local ours = {
    "localhost", "LOCALHOST:8080", "blog.localhost", "a.b.localhost:1", "localhost.", "127.0.0.1", "127.9.9.9:80", "127.1",
    "0x7f000001", "2130706433", "0177.0.0.1", "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "127.0.0.1.",
  }
  local others = {
    "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evillocalhost", "10.0.0.1",
    "128.0.0.1", "0.0.0.0", "[::]", "[::2]", "[::ffff:10.0.0.1]", "127-0-0-1.evil.example", "localhost-evil.example", "1.0.0.127",
    "2130706432.x",
  }

  it("shows sources to hosts that are ours alone", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    for _, kind in ipairs { "text/html", "text/plain", "application/json" } do
      for _, host in ipairs(ours) do
        shows(true, get(server, "/fails", { Host = host, Accept = kind }):text(), "nothing", host)
      end
      for _, host in ipairs(others) do
        local res = get(server, "/fails", { Host = host, Accept = kind })
        assert.equal(500, res.status, host)
        shows(false, res:text(), "nothing", host)
        shows(false, res:text(), "app.lua", host)
        local forwarded = { Host = host, Accept = kind, ["X-Forwarded-Host"] = "localhost", ["X-Forwarded-For"] = "1.2.3.4" }
        res = get(server, "/fails", forwarded)
        shows(false, res:text(), "nothing", host .. " behind a header")
      end
    end
    server:wait_for "rille dev --allow-host NAME"
  end)

  it("has no panel and no live reload for others", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    assert.matches("/_rille/live.js", get(server, "/", { Host = "blog.localhost" }):text())
    for _, path in ipairs { "/_rille", "/_rille/state", "/_rille/live.js", "/_rille/source?file=app.lua&line=1" } do
      assert.equal(200, get(server, path, { Host = "localhost" }).status, path)
      for _, host in ipairs(others) do assert.equal(404, get(server, path, { Host = host }).status, host .. path) end
    end
    assert.equal(404, get(server, "/_rille/events", { Host = "evil.example" }).status)
    local res = get(server, "/", { Host = "evil.example" })
    assert.same({ 200, "<p>page</p>" }, { res.status, res:text() }, "the program itself answers")
  end)

  it("does not answer pages of other sites there", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    local own = "http://localhost:" .. server.port
    local function status(path, headers)
      headers.Host = "localhost:" .. server.port
      return get(server, path, headers).status
    end
    for _, path in ipairs { "/_rille", "/_rille/state", "/_rille/live.js", "/_rille/events" } do
      assert.equal(404, status(path, { ["Sec-Fetch-Site"] = "cross-site" }), path)
      assert.equal(404, status(path, { ["Sec-Fetch-Site"] = "same-site" }), path)
      assert.equal(404, status(path, { Origin = "http://evil.example" }), path)
      assert.equal(404, status(path, { Origin = "null" }), path)
      assert.equal(404, status(path, { Origin = "http://localhost:1" }), path)
      local frame = { ["Sec-Fetch-Site"] = "cross-site", ["Sec-Fetch-Mode"] = "navigate", ["Sec-Fetch-Dest"] = "iframe" }
      assert.equal(404, status(path, frame), path)
    end
    assert.equal(200, status("/_rille/state", { ["Sec-Fetch-Site"] = "same-origin", Origin = own }))
    assert.equal(200, status("/_rille", { ["Sec-Fetch-Site"] = "none" }))
    local link = { ["Sec-Fetch-Site"] = "cross-site", ["Sec-Fetch-Mode"] = "navigate", ["Sec-Fetch-Dest"] = "document" }
    assert.equal(200, status("/_rille", link), "a link is followed")
    assert.equal(404, status("/_rille/state", link))
  end)

  it("explains a program that does not load to hosts that are ours alone", function()
    place:write("app.lua", "local a = = 1 -- a secret of the source")
    local server <close> = served.start(place, { command = "dev app.lua" })
    for _, kind in ipairs { "text/html", "text/plain", "application/json" } do
      assert.matches("unexpected symbol", get(server, "/", { Host = "localhost", Accept = kind }):text())
      local res = get(server, "/", { Host = "evil.example", Accept = kind })
      assert.equal(500, res.status)
      assert.not_matches("unexpected symbol", res:text())
      assert.not_matches("app.lua", res:text())
    end
  end)

  it("takes other hosts that are named", function()
    local command = "dev app.lua --allow-host blog.test --allow-host=.example.org --allow-host 10.0.0.1"
    local server <close> = served.start(place, { command = command })
    for _, host in ipairs { "blog.test", "BLOG.test:80", "a.example.org", "a.b.example.org", "10.0.0.1", "10.1", "localhost" } do
      shows(true, get(server, "/fails", { Host = host }):text(), "nothing", host)
      assert.equal(200, get(server, "/_rille/state", { Host = host }).status, host)
    end
    for _, host in ipairs { "example.org", "evilexample.org", "a.blog.test", "10.0.0.2" } do
      shows(false, get(server, "/fails", { Host = host }):text(), "nothing", host)
    end
  end)

  it("shows them by the address that it listens on", function()
    local server <close> = served.start(place, { command = "dev app.lua --host 0.0.0.0" })
    shows(true, get(server, "/fails", { Host = "0.0.0.0" }):text(), "nothing")
    shows(false, get(server, "/fails", { Host = "10.255.255.1" }):text(), "nothing")
  end)

  it("refuses what is no host, and serve has no such option", function()
    local function run(...) return place:run("sh", "-c", table.concat({ place.rille, ... }, " ") .. "; echo $?") end
    for _, wrong in ipairs { "''", "http://x", "x:80", "'*.x'", "." } do
      local text = run("dev", "app.lua", "--allow-host", wrong)
      assert.matches("--allow-host: expected a name such as blog.test, without a port", text, 1, true)
      assert.matches("2\n$", text)
    end
    assert.matches("--allow-host is for rille dev", run("serve", "app.lua", "--allow-host", "x"), 1, true)
  end)
end)
