-- lua/rille/dev/record.lua, lua/rille/dev/raised.lua
--
-- `rille dev` explained what handlers raise and nothing else: an error of a task that nobody waits for, of a streamed response,
-- of an on_error handler was a line in the terminal, or a plain page.
-- runtime/cli/dev.c, runtime/cli/dev_news.c, runtime/bind/core/dashboard.c
-- runtime/app/dashboard.c
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local program = [[
local rille = require "rille"
local app = rille.app()
app:on_error(404, function(req) local nothing; return nothing.title end)
app:get("/task", function()
  rille.spawn(function() local step = 3; error("alone at step " .. step) end)
  rille.sleep(0.02)
  return "x"
end)
app:get("/value", function()
  rille.spawn(function() local step = 4; rille.abort(500, "an error value of step " .. step) end)
  rille.sleep(0.02)
  return "x"
end)
app:get("/stream", function() return rille.stream("text/plain", function() local piece = 5; error("stream " .. piece) end) end)
app:get("/waited", function() return rille.spawn(function() local step = 6; error("waited for " .. step) end):wait() end)
app:get("/background", function()
  app:background(function() local step = 7; error("in the background " .. step) end)
  return "x"
end)
app:get("/use", function() return "x" end, { use = { function() local inside = 8; error("middleware " .. inside) end } })
app:get("/template", function() return rille.render("page.html", { list = { 9, "nine" } }) end)
app:get("/caught", function()
  local text = "caught"
  for i = 1, 1000 do pcall(error, "caught " .. i) end
  return text
end)
app:get("/coroutine", function()
  return coroutine.wrap(function() local inner = 10; error("in a coroutine " .. inner) end)()
end)
return app
]]

describe("rille dev explains", function()
  local place, client

  before_each(function()
    place = scratch.new()
    place:write("app.lua", program)
    place:write("templates/page.html", "<p>\n{{ list.x.y }}</p>")
    client = rille.client { timeout = 20 }
  end)

  after_each(function()
    client:close()
    place:close()
  end)

  local function page_of(server, path)
    local res = client:get(server.url .. path, { headers = { Accept = "text/html" } })
    assert.equal(500, res.status, path)
    return res:text()
  end

  local function errors_of(server, count)
    for _ = 1, 500 do
      local state = client:get(server.url .. "/_rille/state"):json()
      if #state.errors >= count then return state.errors end
      rille.sleep(0.02)
    end
    error("the errors never came", 2)
  end

  it("middleware, templates, tasks, coroutines and handlers of errors, on the spot and with their locals", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    for path, words in pairs {
      ["/use"] = { "middleware 8", "<th>inside</th><td>8</td>" },
      ["/waited"] = { "waited for 6", "<th>step</th><td>6</td>", "spawned at" },
      ["/template"] = { "templates/page.html:2", "Variables of the page", "<th>list</th><td>{ 9, &#34;nine&#34; }</td>" },
      ["/coroutine"] = { "in a coroutine 10", "<th>inner</th><td>10</td>" },
      ["/nowhere"] = { "attempt to index a nil value (local &#39;nothing&#39;)", "<th>nothing</th><td>nil</td>" },
    } do
      local text = page_of(server, path)
      for _, word in ipairs(words) do assert(text:find(word, 1, true), path .. ": no " .. word .. " in:\n" .. text) end
    end
  end)

  it("what fails while nobody looks, in the panel", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    for i, case in ipairs {
      { "/task", "alone at step 3", "<th>step</th><td>3</td>" },
      { "/value", "an error value of step 4", "<th>step</th><td>4</td>" },
      { "/stream", "stream 5", "<th>piece</th><td>5</td>" }, { "/background", "in the background 7", "<th>step</th><td>7</td>" },
    } do
      rille.try(function() return client:get(server.url .. case[1]):text() end)
      local entry = errors_of(server, i)[1]
      assert.equal(case[2], entry.message)
      assert.matches("^app%.lua:%d+$", entry.where)
      local text = client:get(server.url .. "/_rille/errors/" .. entry.key):text()
      assert(text:find(case[3], 1, true), case[1] .. ": no " .. case[3] .. " in:\n" .. text)
    end
    assert.equal(404, client:get(server.url .. "/_rille/errors/99").status)
    assert.equal(404, client:get(server.url .. "/_rille/errors/1", { headers = { Host = "evil.example" } }).status)
  end)

  it("what an API client was told about, too", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    client:get(server.url .. "/use", { headers = { Accept = "application/json" } }):text()
    local entry = errors_of(server, 1)[1]
    assert.same({ "middleware 8", "GET /use failed" }, { entry.message, entry.kind })
  end)

  it("nothing of what the program catches itself", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    assert.equal("caught", client:get(server.url .. "/caught"):text())
    assert.same({}, client:get(server.url .. "/_rille/state"):json().errors)
  end)

  it("a program that does not load, with its locals and a hint", function()
    place:write("app.lua", 'local limits = { small = 1, large = 2 }\nreturn limits.lagre.size')
    local server <close> = served.start(place, { command = "dev app.lua" })
    local text = page_of(server, "/")
    assert.matches("<th>limits</th><td>{ large = 2, small = 1 }</td>", text, 1, true)
    assert.matches("<code>limits</code> has no <code>lagre</code>, but <code>large</code>.", text, 1, true)
    assert.matches("hint: `limits` has no `lagre`, but `large`.", server:log(), 1, true)
  end)

  it("an error that is an error's, as far as it can", function()
    place:write("app.lua", [[
local rille = require "rille"
local app = rille.app()
local meta = { __index = function() error "index" end, __tostring = function() error "text" end }
app:get("/table", function() error(setmetatable({}, meta)) end)
app:get("/nil", function() error() end)
app:get("/nan", function() error(0/0) end)
app:get("/close", function() local x <close> = setmetatable({}, { __close = function() error "closing" end }); error "first" end)
return app]])
    local server <close> = served.start(place, { command = "dev app.lua" })
    for _, path in ipairs { "/table", "/nil", "/nan" } do
      assert.equal(500, client:get(server.url .. path, { headers = { Accept = "text/html" } }).status, path)
    end
    assert.matches("closing", page_of(server, "/close"), 1, true)
  end)
end)
