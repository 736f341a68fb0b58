-- testing.client did not apply the app's limits: a test passed with what the wire answers with 431.
local rille = require "rille"
local testing = require "rille.testing"

describe("testing.client", function()
  local app, clients

  before_each(function()
    app = rille.app { body_limit = 1000, limits = { headers = 10, header_line = 200, headers_size = 600, request_line = 300 } }
    app:get("/", function() return "hello" end)
    app:get("/{x:path}", function(req) return #req.params.x .. "" end)
    app:post("/", function(req) return #req:bytes() .. "" end)
    app:post("/chunks", function(req)
      local size = 0
      for chunk in req:chunks() do size = size + #chunk end
      return tostring(size)
    end)
    app:post("/form", function(req) return tostring(req:form().a and #req:form().a) end)
    app:post("/more", function(req) return #req:bytes() .. "" end, { body_limit = 2000 })
    app:post("/unread", function() return "unread" end)
    clients = { process = testing.client(app), wire = rille.client { base_url = testing.server(app).url, timeout = 20 } }
  end)

  after_each(function() clients.wire:close() end)

  local function headers(count, size)
    local list = {}
    for i = 1, count do list["X-" .. i] = ("a"):rep(size or 1) end
    return list
  end

  local function streamed(size)
    return function()
      local piece = math.min(size, 100)
      size = size - piece
      return piece > 0 and ("x"):rep(piece) or nil
    end
  end

  local asked = {
    { 200, "get", "/" },
    { 431, "get", "/", { headers = headers(20) } },
    { 200, "get", "/", { headers = { A = ("a"):rep(190) } } },
    { 431, "get", "/", { headers = { A = ("a"):rep(250) } } },
    { 431, "get", "/", { headers = headers(4, 180) } },
    { 414, "get", "/" .. ("a"):rep(400) },
    { 414, "get", "/?" .. ("a"):rep(400) },
    { 200, "get", "/" .. ("a"):rep(200) },
    { 400, "get", "/%00" },
    { 400, "get", "/%ff" },
    { 400, "get", "/%zz" },
    { 400, "get", "/", { headers = { Host = "a b" } } },
    { 417, "post", "/", { body = "x", headers = { Expect = "magic" } } },
    { 200, "post", "/", { body = ("x"):rep(1000) } },
    { 413, "post", "/", { body = ("x"):rep(1001) } },
    { 413, "post", "/chunks", { body = ("x"):rep(1001) } },
    { 413, "post", "/", { body = function() return streamed(5000) end } },
    { 413, "post", "/chunks", { body = function() return streamed(5000) end } },
    { 200, "post", "/chunks", { body = function() return streamed(1000) end } },
    { 413, "post", "/form", { form = { a = ("x"):rep(2000) } } },
    { 200, "post", "/more", { body = ("x"):rep(2000) } },
    { 413, "post", "/more", { body = ("x"):rep(2001) } },
    { 200, "post", "/unread", { body = ("x"):rep(2001) } },
  }

  local function ask(client, method, path, opts)
    local own = {}
    for key, value in pairs(opts or {}) do own[key] = value end
    if type(own.body) == "function" then own.body = own.body() end
    local res = client[method](client, path, own)
    return res.status, res:text()
  end

  it("answers as the wire does, beyond the limits of the app too", function()
    for i, row in ipairs(asked) do
      local what = ("%d: %s %s"):format(i, row[2], row[3]:sub(1, 20))
      local status, text = ask(clients.wire, table.unpack(row, 2))
      assert.equal(row[1], status, "the wire, " .. what)
      local own_status, own_text = ask(clients.process, table.unpack(row, 2))
      assert.same({ status, text }, { own_status, own_text }, what)
    end
  end)

  it("says why", function()
    local res = clients.process:get("/", { headers = headers(20) })
    assert.equal("431: too many header lines\n", res:text())
    assert.equal("text/plain; charset=utf-8", res.headers["content-type"])
  end)
end)
