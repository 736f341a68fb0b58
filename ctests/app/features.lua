-- The app of test_features.c: what a program can do, feature by feature, each as one request whose answer is always the same.
--
--   POST /run/NAME   does it and answers what came of it; every step that went wrong raises, so that a 200 is right or a bug
--   POST /names      all of them
local Client = require "rille.testing.client"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local rille = require "rille"

local app = rille.app { body_limit = 1 << 22, secret = ("s"):rep(32) }
local path = os.tmpname()
local features = {}
local inner, pages, port

local function expect(wanted, got)
  if wanted ~= got then error(("expected %s, got %s"):format(wanted, got), 2) end
  return got
end

-- The same for what an answer of the app behind holds that says it went well: another one is a bug, and is told as one.
local wrong
local function right(wanted, got)
  if wanted ~= got then wrong = ("WRONG: expected %s, got %s"):format(wanted, got) end
  return got
end

-- A client of the app behind, for one run.
local function client_of(f)
  local client <close> = Client.new(inner)
  return f(client)
end

local function ok(res)
  if res.status ~= 200 then error(("status %d"):format(res.status), 2) end
  return res
end

-- ---- bodies -------------------------------------------------------------------------------------------------------

local large = {}
for i = 1, 9000 do large[i] = ("line %d"):format(i) end
large = table.concat(large, "\n")

function features.form()
  return client_of(function(client)
    return ok(client:post("/form", { form = { a = "1", b = "two words", c = "é" } })):text()
  end)
end

function features.multipart()
  return client_of(function(client)
    return ok(client:post("/form", {
      form = { title = "x" },
      files = { small = { filename = "a.txt", body = "bytes" }, big = { filename = "b.bin", body = large } },
    })):text()
  end)
end

function features.parts()
  return client_of(function(client)
    return ok(client:post("/parts", { form = { title = "x" }, files = { big = { filename = "b.bin", body = large } } })):text()
  end)
end

function features.upload()
  return client_of(function(client)
    local sent = 0
    return ok(client:post("/digest", { body = function()
      if sent == #large then return nil end
      local piece = large:sub(sent + 1, sent + 30000)
      sent = sent + #piece
      return piece
    end })):text()
  end)
end

function features.text()
  return client_of(function(client)
    return ok(client:post("/echo", { body = "some text that comes back" })):text()
      .. ok(client:post("/echo_json", { json = { a = { 1, 2, { b = "é" } }, c = 1.5 } })):text()
  end)
end

-- ---- answers ------------------------------------------------------------------------------------------------------

function features.stream()
  return client_of(function(client) return rille.sha256(ok(client:get "/stream"):text()) end)
end

function features.compress()
  return client_of(function(client)
    local parts = {}
    for i, encoding in ipairs { "gzip", "br" } do
      for j, target in ipairs { "/large", "/little", "/stream" } do
        local res = ok(client:get(target, { headers = { ["Accept-Encoding"] = encoding } }))
        parts[3 * i + j - 3] = rille.sha256(res:bytes()):sub(1, 8)
      end
    end
    return table.concat(parts, " ")
  end)
end

function features.files()
  return client_of(function(client)
    local listing = ok(client:get "/files/"):text()
    expect(true, listing:find(path:match "[^/]*$", 1, true) ~= nil)
    expect(404, client:get("/files/nothing").status)
    local served = ok(client:get("/files/" .. path:match "[^/]*$")):bytes()
    return rille.sha256(served) .. rille.sha256(ok(client:get "/file"):bytes())
  end)
end

function features.errors()
  return client_of(function(client)
    expect(418, client:get("/abort").status)
    expect(500, client:get("/raise").status)
    expect(404, client:get("/nowhere").status)
    return ok(client:get "/caught"):text()
  end)
end

function features.templates()
  local render = rille.template.compile([[
{% extends "base" %}{% macro item(x) %}<li>{{ x.name|upper }} {{ x.n * 2 + 1 }} {{ "quo\ted" }}</li>{% endmacro %}
{% block body %}{% for x in list if x.n > 1 %}{{ item(x) }}{% else %}none{% endfor %}
{% set t %}captured {{ 1.5 }}{% endset %}{{ t }} {{ list|map(attribute="name")|join(", ") }}{% include "part" %}{% endblock %}]],
    { templates = { base = "<ul>{% block body %}{% endblock %}</ul>{# a comment #}",
      part = "{% raw %}{{ x }}{% endraw %} {{ missing }}" } })
  return render { list = { { name = "a", n = 1 }, { name = "<b>", n = 2 }, { name = "c", n = 3 } } }
end

-- ---- values -------------------------------------------------------------------------------------------------------

function features.json()
  local value = { list = rille.array { 1, 2.5, "three", rille.null }, deep = { { {} } }, text = ("x"):rep(300), ["k\n"] = true }
  for i = 1, 40 do value["k" .. i] = { i = i, s = ("%d"):rep(i) } end
  local canonical = native.json_canonical(value)
  local back = rille.json_decode(rille.json_encode(value))
  return rille.sha256(right(canonical, native.json_canonical(back)))
end

function features.secrets()
  local sealed = rille.seal({ a = 1, list = { "x" } }, "purpose")
  local value = rille.unseal(sealed, "purpose")
  expect(nil, rille.unseal(sealed .. "x", "purpose"))
  expect(true, rille.secure_compare("a", "a"))
  expect(43, #rille.random_token(32))
  expect(false, rille.password.verify("secret", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" .. ("A"):rep(43)))
  return value.list[1] .. rille.hmac_sha256("k", "s") .. rille.url_encode "a b/é" .. rille.url_decode "a%20b"
    .. rille.html_escape "<&>"
end

function features.validate()
  local check = rille.validate {
    name = { type = "string", max = 20 }, age = { type = "integer", min = 0 }, tags = { type = "list", items = "string" },
  }
  local good = check { name = "ada", age = 3, tags = { "x", "y" } }
  local _, err = rille.try(check, { age = -1, tags = { 1 } })
  return expect(422, err and err.status) .. good.name .. #good.tags
end

function features.sessions()
  local seen = {}
  for i, store in ipairs { "memory", "cookie", "sqlite" } do
    client_of(function(client)
      ok(client:post("/" .. store .. "/login", { form = { user = "ada" } }))
      seen[i] = right("ada 1", ok(client:get("/" .. store .. "/me")):text())
      ok(client:post("/" .. store .. "/logout"))
      right("nobody", ok(client:get("/" .. store .. "/me")):text())
    end)
  end
  return table.concat(seen, ",")
end

function features.page()
  local client <close> = Client.new(pages)
  local token = ok(client:get "/"):text():match 'value="([^"]+)"'
  if not token then error "no token" end
  ok(client:post("/login", { form = { user = "ada", csrf_token = token } }))
  right("ada|hello;", ok(client:get "/"):text():match "^[^<]*")
  local res = client:get("/", { headers = { Origin = "http://a.test" } })
  right("http://a.test", ok(res).headers["access-control-allow-origin"])
  return ok(client:get "/made/7"):text() .. expect(422, client:post("/check", { json = { age = "x" } }).status)
end

function features.log()
  rille.log.error("a line", { number = 1, float = 1.5, text = "x", flag = true, t = {} })
  return "logged"
end

-- ---- the world ----------------------------------------------------------------------------------------------------

local function url(target) return ("http://127.0.0.1:%d%s"):format(port, target) end

function features.fetch()
  local client <close> = rille.client { base_url = url "", headers = { ["X-Mine"] = "1" } }
  client:use(function(req, send) return send(req) end)
  local parts = { rille.sha256(ok(client:get "/large"):text()) }
  parts[2] = ok(client:post("/echo_json", { json = { a = 1 }, query = { q = "x y" } })):json().a
  local size = 0
  for chunk in ok(client:get "/stream"):chunks() do size = size + #chunk end
  parts[3] = size
  parts[4] = ok(client:get("/redirect", { follow = 3 })):text()
  parts[5] = expect(404, client:get("/nowhere").status)
  return table.concat(parts, " ")
end

function features.fetch_upload()
  local sent = 0
  return ok(rille.fetch(url "/digest", { method = "POST", body = function()
    if sent == #large then return nil end
    local piece = large:sub(sent + 1, sent + 50000)
    sent = sent + #piece
    return piece
  end })):text()
end

function features.server()
  local compiled = require("rille.testing.running").start(inner).compiled
  local server
  local closed <close> = setmetatable({}, { __close = function() if server then server:close(0) end end }) -- luacheck: ignore 211
  server = native_http.listen(compiled, "127.0.0.1", 0)
  return ok(rille.fetch(("http://127.0.0.1:%d/caught"):format(server:port()))):text()
end

function features.offload()
  local a, b = rille.offload("spec.support.offloaded", "echo", { 1, "two" }, { list = rille.array { true } })
  local _, err = rille.try(rille.offload, "spec.support.offloaded", "aborts")
  return a[2] .. tostring(b.list[1]) .. expect(418, err.status)
end

function features.image()
  local png = (require "spec.support.png")(20, 20)
  local info = rille.image.info(rille.image.thumbnail(png, { width = 8, height = 8, format = "png" }))
  local _, err = rille.try(rille.image.thumbnail, "no picture", { width = 1 })
  return info.width .. info.format .. expect(415, err.status)
end

function features.disk()
  local name = path .. ".disk"
  local removed <close> = setmetatable({}, { __close = function() os.remove(name) end }) -- luacheck: ignore 211
  do
    local saver <close> = native_http.saver(name)
    saver:write(large)
    saver:write(large)
    saver:commit()
  end
  local pieces, file <close> = {}, assert(native.file_open(name, "r"))
  for piece in function() return file:read(100000) end do pieces[#pieces + 1] = piece end
  right(large .. large, table.concat(pieces))
  return #native.list_directory "spec/support" > 0 and native.file_info(name).type
end

function features.sqlite()
  local db = app.state.db
  local rows = db:query("SELECT a, b FROM t WHERE a < ? ORDER BY a", 4)
  local total = db:value("SELECT sum(a) FROM t WHERE b <> :b", { b = "nothing" })
  local seen = {}
  for row in db:rows "SELECT a, b FROM t ORDER BY a LIMIT 20" do seen[#seen + 1] = row.b end
  db:transaction(function(tx)
    tx:exec("INSERT INTO t VALUES (1000, ?)", ("x"):rep(100))
    expect(1, tx:exec("DELETE FROM t WHERE a = 1000").changes)
  end)
  local _, err = rille.try(db.query, db, "SELECT nothing FROM nowhere")
  return #rows .. rows[3].b .. total .. #seen .. seen[20] .. db:one("SELECT count(*) AS n FROM t").n
    .. expect("sql", err and err.code)
end

-- ---- tasks --------------------------------------------------------------------------------------------------------

function features.tasks()
  local a = rille.spawn(function(...) rille.sleep(0.01) return ... end, 1, 2, 3)
  local x, y = rille.all(function() return "x" end, function() rille.sleep(0) return "y" end)
  local first = rille.race(function() rille.sleep(1) return "slow" end, function() return "fast" end)
  local doubled = rille.map({ 1, 2, 3 }, function(n) return n * 2 end, { limit = 2 })
  local _, err = rille.try(rille.group, function(group)
    group:spawn(function() rille.sleep(0) error "mine" end)
    rille.sleep(1)
  end)
  expect(true, tostring(err):find "mine" ~= nil)
  _, err = rille.try(rille.timeout, 0.01, rille.sleep, 1)
  return x .. y .. first .. doubled[3] .. select(3, a:wait()) .. expect("timeout", err.code)
    .. rille.shield(function() return "s" end)
end

function features.queues()
  local channel, got = rille.channel(1), {}
  rille.group(function(group)
    group:spawn(function() for i = 1, 5 do channel:send(i) end channel:close() end)
    for value in channel do got[#got + 1] = value end
  end)
  local lock, order = rille.lock(), {}
  rille.all(
    function() lock:with(function() rille.sleep(0) order[#order + 1] = "a" end) end,
    function() lock:with(function() order[#order + 1] = "b" end) end)
  local event = rille.event()
  local waiter = rille.spawn(function() event:wait() return "set" end)
  rille.sleep(0)
  event:set()
  return table.concat(got) .. table.concat(order) .. waiter:wait() .. rille.semaphore(2):with(function() return "s" end)
end

function features.strands()
  local parts = {}
  local function count() for i = 1, 3 do rille.sleep(0) coroutine.yield(i) end end
  for value in coroutine.wrap(count) do parts[#parts + 1] = value end
  local co = coroutine.create(function()
    local closing <close> = setmetatable({}, { __close = function() parts[#parts + 1] = "c" end }) -- luacheck: ignore 211
    error "inside"
  end)
  local done, err = coroutine.resume(co)
  expect(false, done)
  return table.concat(parts) .. tostring(err):match "inside$" .. coroutine.status(co)
end

function features.app()
  local other = rille.app()
  other:converter("even", { pattern = "%d+", parse = function(s) return tonumber(s) % 2 == 0 and tonumber(s) or nil end })
  other:use(function(req, handler) return handler(req):header("X-Seen", "1") end)
  other:get("/n/{n:even}", function(req) return tostring(req.params.n) end)
  other:get("/s/{name}", function(req) return req.params.name .. (req.query.q or "") end)
  local client <close> = Client.new(other)
  return ok(client:get "/n/4"):text() .. expect(404, client:get("/n/3").status) .. ok(client:get "/s/x%20y?q=1"):text()
end

-- ---- the app behind -----------------------------------------------------------------------------------------------

local function make_inner(db)
  inner = rille.app { body_limit = 1 << 22, secret = ("s"):rep(32) }
  inner:post("/form", function(req)
    local names = {}
    for name, value in pairs(req:form()) do
      if type(value) == "table" then value = value.filename .. rille.sha256(value:bytes()):sub(1, 8) end
      names[#names + 1] = name .. "=" .. value
    end
    table.sort(names)
    return table.concat(names, " ")
  end)
  inner:post("/parts", function(req)
    local seen = {}
    for part in req:parts() do
      local name = path .. ".part"
      seen[#seen + 1] = part.filename and part:save(name) or part:text()
      os.remove(name)
    end
    return table.concat(seen, " ")
  end)
  inner:post("/digest", function(req)
    local pieces = {}
    for chunk in req:chunks() do pieces[#pieces + 1] = chunk end
    return rille.sha256(table.concat(pieces))
  end)
  inner:post("/echo", function(req) return req:text() end)
  inner:post("/echo_json", function(req) return rille.json(req:json()) end)
  inner:get("/file", function() return rille.file(path) end)
  inner:static("/files", path:match "^(.*)/" , { listing = true })
  inner:get("/abort", function() rille.abort(418, "tea") end)
  inner:get("/raise", function() error { code = "mine" } end)
  inner:get("/caught", function() return tostring(select(2, rille.try(error, "caught"))):match "caught$" end)
  inner:get("/redirect", function() return rille.redirect("/caught", 302) end)
  local squeezed = inner:group { use = { rille.compress {} } }
  squeezed:get("/large", function() return large end)
  squeezed:get("/little", function() return ("some text "):rep(500) end)
  squeezed:get("/stream", function()
    return rille.stream("text/plain", function(out) for i = 1, #large, 50000 do out:write(large:sub(i, i + 49999)) end end)
  end)
  for _, store in ipairs { "memory", "cookie", "sqlite" } do
    local group = inner:group {
      prefix = "/" .. store,
      use = { rille.session { store = store, name = store, secret = ("k"):rep(32), database = store == "sqlite" and db or nil } },
    }
    group:post("/login", function(req)
      req:renew_session()
      req.session.user, req.session.list = req:form().user, { 1 }
      return "in"
    end)
    group:get("/me", function(req)
      return req.session.user and req.session.user .. " " .. #req.session.list or "nobody"
    end)
    group:post("/logout", function(req) req:clear_session() return "out" end)
  end
end

local function make_pages(directory)
  pages = rille.app { templates = directory, secret = ("s"):rep(32) }
  pages:use(rille.request_id {})
  pages:use(rille.normalize_path {})
  pages:use(rille.trust_proxy { "127.0.0.0/8" })
  pages:use(rille.security_headers {})
  pages:use(rille.cors { origins = { "http://a.test" } })
  pages:use(rille.limit { rate = 1e6, burst = 1e6 })
  pages:use(rille.session { store = "memory", name = "pages" })
  pages:use(rille.csrf {})
  pages:context(function(req) return { method = req.method } end)
  pages:filter("shout", function(s) return s:upper() end)
  pages:get("/", function() return rille.render "page.html" end, { name = "home" })
  pages:post("/login", function(req)
    req:renew_session()
    req.session.user = req:form().user
    req:flash "hello"
    return "in"
  end)
  pages:get("/made/{n:int}", function(req)
    return req:url_for("home") .. rille.render("made.html", { n = req.params.n }).body
  end)
  local checked = { use = { rille.validate.body { age = "integer" } } }
  pages:post("/check", function(req) return rille.json(req.state.body) end, checked)
end

app:post("/run/{name}", function(req)
  wrong = nil
  local result, err = rille.try(features[req.params.name])
  if wrong then return wrong end
  if err then error(err, 0) end
  return result
end)
app:post("/names", function()
  local names = {}
  for name in pairs(features) do names[#names + 1] = name end
  table.sort(names)
  return "names " .. table.concat(names, " ") .. ";"
end)

app:lifespan(function(self, running)
  local db <close> = rille.sqlite.open(path .. ".db")
  db:exec "CREATE TABLE t (a INTEGER, b TEXT)"
  local rows = {}
  for i = 1, 305 do rows[i] = { "INSERT INTO t VALUES (?, ?)", i, ("row %d"):format(i) } end
  db:batch(rows)
  self.state.db = db
  assert(io.open(path, "wb")):write(large):close()
  make_inner(db)
  local templates = path .. ".pages"
  assert(native.make_directory(templates))
  assert(io.open(templates .. "/page.html", "w")):write(
    "{{ session.user }}|{% for text in flashes() %}{{ text }};{% endfor %}<form>{{ csrf_field() }}</form>"):close()
  assert(io.open(templates .. "/made.html", "w")):write("{{ n + 1 }}{{ method|shout }}{{ url_for('home') }}"):close()
  make_pages(templates)
  local listening = require("rille.testing.running").start(inner)
  local server = native_http.listen(listening.compiled, "127.0.0.1", 0)
  port = server:port()
  running()
  server:close(0)
  listening:close()
  for _, suffix in ipairs { "", ".db", ".db-wal", ".db-shm", ".part", ".disk", ".pages/page.html", ".pages/made.html",
    ".pages" } do
    os.remove(path .. suffix)
  end
end)

return app
