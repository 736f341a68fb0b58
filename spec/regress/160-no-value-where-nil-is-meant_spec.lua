-- jar:get of a cookie that is not there returned no value, so that tostring(jar:get(…)) and table.insert(t, jar:get(…)) failed.
-- Whatever may be absent is nil, one value; here for each public function that says "or nil".
local rille = require "rille"
local mock = require "rille.testing.mock"
local testing = require "rille.testing"

-- The last value that an iterator gives.
local function at_end(iterator, state, control)
  while true do
    local values = table.pack(iterator(state, control))
    if values.n ~= 1 or values[1] == nil then return table.unpack(values, 1, values.n) end
    control = values[1]
  end
end

describe("what is absent is nil, one value", function()
  local counted
  before_each(function() counted = {} end)

  local function count(name, ...) counted[name] = ("%d %s"):format(select("#", ...), tostring((...))) end

  local function all_are_nil()
    assert.is_not_nil(next(counted))
    for name, what in pairs(counted) do assert.equal("1 nil", what, name) end
  end

  it("of cookies, responses and sealed values", function()
    local jar = rille.client.cookies()
    jar:set("http://h.com/", "a", "1", { path = "/there" })
    count("jar:get", jar:get("http://h.com/", "a"))
    count("rille.unseal", rille.unseal("junk", "purpose"))
    count("image.info", rille.image.info "no picture")
    local res = rille.client.response { body = "x" }
    for _, name in ipairs { "content_type", "charset", "encoding", "url" } do count("res." .. name, res[name]) end
    count("res.headers", res.headers["x-none"])
    count("res.cookies", res.cookies.none)
    count("res:chunks", at_end(res:chunks()))
    all_are_nil()
  end)

  it("of databases", function()
    local db <close> = rille.sqlite.open ":memory:"
    db:exec "CREATE TABLE t (a)"
    local function look(name, on)
      count(name .. ":one", on:one "SELECT * FROM t")
      count(name .. ":value", on:value "SELECT a FROM t")
      count(name .. ":rows", at_end(on:rows "SELECT * FROM t"))
    end
    look("db", db)
    db:transaction(function(tx) look("tx", tx) end)
    db:exec "INSERT INTO t VALUES (NULL)"
    count("NULL", db:value "SELECT a FROM t")
    all_are_nil()
  end)

  it("of channels and their like", function()
    local channel = rille.channel(1)
    channel:close()
    count("channel:receive", channel:receive())
    count("channel", at_end(channel))
    all_are_nil()
  end)

  it("of requests, forms and files", function()
    local app = rille.app { secret = ("s"):rep(32) }
    app:use(rille.session {})
    app:post("/form", function(req)
      count("req:file", req:file "none")
      count("req:file, a field", req:file "text")
      count("file:chunks", at_end(req:file("image"):chunks()))
      for _, name in ipairs { "query", "cookies", "params", "headers", "session" } do count("req." .. name, req[name].none) end
      count("req.route", req.route)
      count("req:accepts", req:accepts("text/html", "image/png"))
      count("req:csp_nonce", req:csp_nonce())
      return ""
    end)
    local guarded = rille.app { secret = ("s"):rep(32) }
    guarded:use(rille.csrf {})
    guarded:get("/", function(req)
      count("req:csrf_token", req:csrf_token())
      return ""
    end)
    testing.client(guarded):get "/"
    app:post("/parts", function(req)
      local parts, state = req:parts()
      local part = parts(state)
      count("part.content_type", part.content_type)
      count("part:chunks", at_end(part:chunks()))
      while parts(state) do end -- luacheck: ignore 542
      return ""
    end)
    app:post("/chunks", function(req)
      count("req:chunks", at_end(req:chunks()))
      return ""
    end)
    local client <close> = testing.client(app)
    local files = { image = { filename = "a.png", body = "png" } }
    client:post("/form", { headers = { Accept = "text/plain" }, form = { text = "x" }, files = files })
    client:post("/parts", { multipart = { { name = "a", body = "1" } } })
    local res = client:post("/chunks", { body = "x" })
    assert.equal(200, res.status)
    count("res:chunks, of a handler", at_end(res:chunks()))
    all_are_nil()
  end)

  it("of responses off a wire", function()
    local app = rille.app()
    app:get("/", function() return "x" end)
    local server <close> = testing.server(app)
    local res = rille.fetch(server.url)
    count("res:chunks", at_end(res:chunks()))
    count("res.charset", rille.fetch(server.url, { method = "OPTIONS" }).charset)
    local fake <close> = mock.new():on("GET", "http://a.test/", "x")
    count("res:chunks, limited", at_end(rille.fetch("http://a.test/", { body_limit = 10 }):chunks()))
    all_are_nil()
    assert.equal(1, #fake.calls)
  end)
end)
