-- What a program holds may outlive what it belongs to: a response its client, a file its request, `out` its response. Each
-- method of each handle, after its parent's end, after its own, from another task, from a finalizer and from __close: it
-- works or raises what a person understands; it never hangs, and never fails on the insides of the library.
-- runtime/bind/http/request.c, runtime/bind/http/local.c, runtime/bind/http/out.c, runtime/bind/http/spool.c,
-- runtime/bind/core/file.c, runtime/bind/client/transfer.c
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local native_client = require "rille.native.client"
local rille = require "rille"
local testing = require "rille.testing"

-- ---- handles ------------------------------------------------------------------------------------------------------

-- Each is made by a function that returns it, a function that ends what it belongs to (or nil), and one that ends itself
-- (or nil). `calls` are the methods and their arguments, with ":name" for a method, ".name" for a field, "()" for a call.
local handles = {}

local multipart = { ["Content-Type"] = "multipart/form-data; boundary=b" }
local body = '--b\r\nContent-Disposition: form-data; name="t"\r\n\r\ntext\r\n'
  .. '--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n' .. ("bytes"):rep(20000) .. "\r\n--b--\r\n"

-- Something of a request's, and a function that lets the request end.
local function of_request(take, post)
  local app, ends, got, handle = rille.app { body_limit = 1 << 20, secret = ("s"):rep(32) }, rille.event(), rille.event(), nil
  app:use(rille.session { store = "memory" })
  local function keep(value)
    handle = value
    got:set()
    ends:wait()
  end
  app:get("/", function(req) return take(req, keep) or "done" end, { name = "home" })
  app:post("/", function(req) return take(req, keep) or "done" end)
  local client = testing.client(app)
  local asks = rille.spawn(function()
    local res = post and client:post("/", { headers = multipart, body = body }) or client:get("/")
    res:bytes()
  end)
  got:wait()
  return handle, function() ends:set() asks:wait() client:close() end
end

handles.req = {
  make = function() return of_request(function(req, keep) keep(req) end, true) end,
  calls = {
    ".method", ".path", ".raw_path", ".target", ".url", ".query", ".headers", ".params", ".cookies", ".content_type", ".charset",
    ".content_length", ".remote", ".scheme", ".host", ".version", ".route", ".id", ".trailers", ".app", ".state", ".session",
    { ":query_all", "a" }, { ":header_all", "host" }, ":text", ":bytes", ":json", ":form", { ":form_all", "t" }, { ":file", "f" },
    ":chunks", ":parts", { ":url_for", "home" }, { ":accepts", "text/html" }, { ":early_hints", {} }, ":renew_session",
    ":clear_session", { ":flash", "x" }, ":flashes", "tostring",
  },
}

handles["req.headers"] = {
  make = function() return of_request(function(req, keep) keep(req.headers) end) end,
  calls = { ".host", ".nothing", "pairs" },
}

handles.session = {
  make = function() return of_request(function(req, keep) keep(req.session) end) end,
  calls = { ".user", "pairs" },
}

handles.out = {
  make = function()
    return of_request(function(_, keep) return rille.stream("text/plain", function(out) out:write "a" keep(out) end) end)
  end,
  calls = { { ":write", "x" }, { ":write", ("x"):rep(1 << 20) }, { ":trailer", "X-A", "b" } },
}

handles.file = {
  make = function() return of_request(function(req, keep) keep(req:file "f") end, true) end,
  calls = { ".name", ".size", ":bytes", { ":save", os.tmpname() }, ":chunks", "tostring" },
}

handles["chunks of a file"] = {
  make = function() return of_request(function(req, keep)
    local nexts, state = req:file("f"):chunks()
    keep(function() return nexts(state) end)
  end, true) end,
  calls = { "()" },
}

handles["chunks of a request"] = {
  make = function() return of_request(function(req, keep)
    local nexts, state = req:chunks()
    keep(function() return nexts(state) end)
  end, true) end,
  calls = { "()" },
}

handles.part = {
  make = function() return of_request(function(req, keep)
    local nexts, state = req:parts()
    keep(nexts(state))
  end, true) end,
  calls = { ".name", ".headers", ":bytes", ":text", ":chunks", { ":save", os.tmpname() } },
}

handles["parts of a request"] = {
  make = function() return of_request(function(req, keep)
    local nexts, state = req:parts()
    keep(function() return nexts(state) end)
  end, true) end,
  calls = { "()" },
}

handles["part of a form"] = {
  make = function() return of_request(function(req, keep)
    req:form()
    for part in req:parts() do if part.filename then keep(part) break end end
  end, true) end,
  calls = { ".name", ":bytes", ":text", ":chunks", { ":save", os.tmpname() } },
}

handles.res = {
  make = function() return of_request(function(_, keep) local res = rille.text "x" keep(res) return res end) end,
  calls = {
    ".status", ".body", ".headers", { ":header", "X-A", "b" }, { ":add_header", "X-A", "b" }, { ":cookie", "a", "b" },
    { ":delete_cookie", "a" }, { ":etag", "x" }, { ":last_modified", 0 }, "tostring",
  },
}

handles["res.headers"] = {
  make = function() return of_request(function(_, keep) local res = rille.text "x" keep(res.headers) return res end) end,
  calls = { ".x", "pairs" },
}

local server -- of slow_app, one for all of them: to stop takes a moment

local function slow_app()
  local app = rille.app()
  app:get("/", function() return "short" end)
  app:get("/long", function() return rille.stream("text/plain", function(out)
    for _ = 1, 30 do out:write(("x"):rep(50000)) end
  end) end)
  return app
end

local client_calls = {}
for i, method in ipairs { "get", "post", "put", "patch", "delete", "head", "options", "request" } do
  client_calls[i] = { ":" .. method, "/" }
end

handles.client = {
  make = function()
    local client = rille.client { base_url = server.url, timeout = 5 }
    client:get "/":text()
    return client, nil, function() client:close() end
  end,
  calls = { { ":use", function(req, send) return send(req) end }, ":stats", ":close", table.unpack(client_calls) },
}

local response_calls = {
  ".status", ".headers", ".url", ".history", ".ok", ".cookies", ".version", ".content_type", ".charset", ":text", ":bytes",
  ":chunks", { ":save", os.tmpname() }, { ":header_all", "x" }, ":raise_for_status", ":close", "tostring",
}

handles.response = {
  make = function()
    local client = rille.client { base_url = server.url, timeout = 5 }
    local res = client:get "/long"
    return res, function() client:close() end, function() res:close() end
  end,
  calls = response_calls,
}

handles["chunks of a response"] = {
  make = function()
    local client = rille.client { base_url = server.url, timeout = 5 }
    local res = client:get "/long"
    local nexts = res:chunks()
    nexts()
    return nexts, function() client:close() end, function() res:close() end
  end,
  calls = { "()" },
}

handles["response of a test client"] = {
  make = function()
    local client = testing.client(slow_app())
    local res = client:get "/long"
    return res, function() client:close() end, function() res:close() end, function() client:close() end
  end,
  calls = response_calls,
}

handles.jar = {
  make = function()
    local client = rille.client {}
    return client.cookies, function() client:close() end
  end,
  calls = {
    { ":get", "http://a.test/", "x" }, { ":set", "http://a.test/", "x", "y" }, ":list", ":save", { ":load", "" }, ":clear",
  },
}

handles["test client"] = {
  make = function()
    local client = testing.client(slow_app())
    return client, nil, function() client:close() end
  end,
  calls = { { ":use", function(req, send) return send(req) end }, ":close", table.unpack(client_calls) },
}

handles["test server"] = {
  make = function()
    local other = testing.server(slow_app())
    return other, nil, function() other:close() end
  end,
  calls = { ".url", ".port", ":close" },
}

handles.server = {
  make = function()
    local running = require("rille.testing.running").start(slow_app())
    local listening = native_http.listen(running.compiled, "127.0.0.1", 0)
    local function close() listening:close(0) end
    return listening, function() close() running:close() end, close
  end,
  calls = { ":port", { ":close", 0 } },
}

handles["compiled app"] = {
  make = function()
    local running = require("rille.testing.running").start(slow_app())
    return running.compiled, function() running:close() end
  end,
  calls = { { ":match", "GET", "/" } },
}

handles.exchange = {
  make = function()
    local running = require("rille.testing.running").start(slow_app())
    local exchange = native_http.exchange(running.compiled, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false)
    local function close() exchange:close() end
    return exchange, function() close() running:close() end, close
  end,
  calls = { ":head", ":read", ":is_over", ":trailers", ":wants_body", { ":send", "x", true }, ":close" },
}

handles.mock = {
  make = function()
    local mock = testing.mock()
    return mock, nil, function() mock:close() end
  end,
  calls = { { ":on", "GET", "http://a.test/", { status = 200 } }, ".calls", ":close" },
}

handles.clock = {
  make = function()
    local clock = testing.clock()
    return clock, nil, function() clock:close() end
  end,
  calls = { { ":advance", 0.001 }, ":close" },
}

local function queue_handle(make, calls)
  return { make = function() return make() end, calls = calls }
end

handles.channel = {
  make = function()
    local channel = rille.channel(2)
    channel:send(1)
    return channel, nil, function() channel:close() end
  end,
  calls = { { ":send", 2 }, ":receive", "()", ":close" },
}
handles.lock = queue_handle(rille.lock, { ":acquire", ":release", { ":with", function() return 1 end } })
handles.semaphore = queue_handle(function() return rille.semaphore(1) end,
  { ":acquire", ":release", { ":with", function() return 1 end } })
handles.event = queue_handle(function() local event = rille.event() event:set() return event end, { ":set", ":wait" })

handles.task = {
  make = function()
    local task = rille.spawn(function() return 1 end)
    return task, nil, function() task:cancel() rille.try(task.wait, task) end
  end,
  calls = { ".status", ":wait", ":cancel", "tostring" },
}

handles["task of another"] = {
  make = function()
    local inner
    rille.spawn(function() inner = rille.spawn(rille.sleep, 1e6) rille.sleep(0) end):wait()
    return inner
  end,
  calls = { ".status", ":wait", ":cancel", "tostring" },
}

handles.group = {
  make = function()
    local group
    rille.group(function(g) group = g end)
    return group
  end,
  calls = { { ":spawn", function() end } },
}

handles.template = {
  make = function() return rille.template.compile("{{ x }}{% macro m() %}m{% endmacro %}{{ m() }}") end,
  calls = { { "()", { x = 1 } } },
}

handles["macro of a page"] = {
  make = function()
    local kept
    rille.template.compile("{% macro m() %}m{% endmacro %}{{ keep(m) }}") { keep = function(m) kept = m return "" end }
    return kept
  end,
  calls = { "()" },
}

handles["saved file"] = {
  make = function()
    local saver = native_http.saver(os.tmpname())
    return saver, nil, function() saver:close() end
  end,
  calls = { { ":write", "x" }, { ":write", ("x"):rep(1 << 17) }, { ":read", 0 }, ":size", ":commit", ":close" },
}

handles["open file"] = {
  make = function()
    local file = assert(native.file_open(os.tmpname(), "w"))
    return file, nil, function() file:close() end
  end,
  calls = { { ":write", "x" }, ":read", ":close" },
}

handles.compressor = {
  make = function()
    local compressor = native_http.compressor "gzip"
    return compressor, nil, function() pcall(compressor.finish, compressor) end
  end,
  calls = { { ":write", "x" }, ":finish" },
}

handles.transfer = {
  make = function()
    local pool = native_client.client_pool {}
    local transfer = pool:start("GET", server.url .. "/long", {}, nil, { 1, 1, false, true }, 5, true)
    return transfer, function() pool:close() end, function() transfer:close() end
  end,
  calls = { ":head", ":next", ":all", ":version", { ":send", "x" }, ":send_end", ":close" },
}

handles.pool = {
  make = function()
    local pool = native_client.client_pool {}
    return pool, nil, function() pool:close() end
  end,
  calls = { ":stats", { ":request", "GET", "http://127.0.0.1:1/", {}, nil, { 1, 1, false, true }, 1, true }, ":close" },
}

-- ---- what may come out --------------------------------------------------------------------------------------------

local insides = {
  "attempt to", "bad argument", "expected, got", "nil value", "overflow", "a bug in rille", "^rille/[%w_/]+%.lua:%d+:",
}

local function call(handle, what)
  local name, args = what, {}
  if type(what) == "table" then name, args = what[1], { table.unpack(what, 2) } end
  if name == "()" then return handle(table.unpack(args)) end
  if name == "tostring" then return tostring(handle) end
  if name == "pairs" then for _ in pairs(handle) do end return end -- luacheck: ignore 542
  if name:sub(1, 1) == "." then return handle[name:sub(2)] end
  local method = handle[name:sub(2)]
  assert(method, "no method " .. name)
  local first, state, control, closing = method(handle, table.unpack(args))
  if (name == ":chunks" or name == ":parts") and type(first) == "function" then
    local ok, err = pcall(function() return first(state, control) end)
    if closing then getmetatable(closing).__close(closing) end
    if not ok then error(err, 0) end
  end
end

local function check(context, ok, err)
  if ok then return end
  local text = tostring(err)
  if type(err) == "table" and err.code == "timeout" then error(context .. ": hangs", 0) end
  for _, pattern in ipairs(insides) do
    if text:find(pattern) then error(("%s: %s"):format(context, text), 0) end
  end
end

local function try_call(context, handle, what)
  check(context, pcall(rille.timeout, 3, call, handle, what))
end

-- ---- situations ---------------------------------------------------------------------------------------------------

local situations = {}

situations["after its parent's end"] = function(context, what, handle, end_parent)
  if not end_parent then return end
  end_parent()
  try_call(context, handle, what)
  try_call(context, handle, what)
end

situations["after its own end"] = function(context, what, handle, _, end_itself)
  if not end_itself then return end
  end_itself()
  try_call(context, handle, what)
  try_call(context, handle, what)
  end_itself()
end

situations["from another task"] = function(context, what, handle)
  rille.spawn(function() try_call(context, handle, what) end):wait()
end

situations["from a finalizer"] = function(context, what, handle)
  local ran, ok, err = false, nil, nil
  setmetatable({}, { __gc = function()
    ran, ok, err = true, pcall(call, handle, what)
  end })
  collectgarbage()
  collectgarbage()
  assert(ran)
  check(context, ok, err)
end

situations["from a finalizer, after its parent's end"] = function(context, what, handle, end_parent)
  if not end_parent then return end
  end_parent()
  situations["from a finalizer"](context, what, handle)
end

situations["from __close"] = function(context, what, handle)
  local closed
  do
    local closing <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
      try_call(context, handle, what)
      closed = true
    end })
  end
  assert(closed)
end

situations["from __close of a cancelled task"] = function(context, what, handle)
  local problem
  local task = rille.spawn(function()
    local closing <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
      local ok, err = pcall(try_call, context, handle, what)
      problem = not ok and err or nil
    end })
    rille.sleep(1e6)
  end)
  rille.sleep(0)
  task:cancel()
  rille.try(task.wait, task)
  if problem then error(problem, 0) end
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

describe("the handle", function()
  setup(function() server = testing.server(slow_app()) end)

  for _, name in ipairs(sorted(handles)) do
    local spec = handles[name]
    for _, situation in ipairs(sorted(situations)) do
      it(name .. " " .. situation, function()
        local problems = {}
        for _, what in ipairs(spec.calls) do
          local handle, end_parent, end_itself = spec.make()
          local context = ("%s %s, %s"):format(name, type(what) == "table" and what[1] or what, situation)
          local ok, err = pcall(situations[situation], context, what, handle, end_parent, end_itself)
          if not ok then problems[#problems + 1] = tostring(err) end
          if end_itself then pcall(end_itself) end
          if end_parent then pcall(end_parent) end
        end
        assert.equal("", table.concat(problems, "\n"))
      end)
    end
  end
end)
