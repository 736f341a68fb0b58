-- What a program may name, and what it is told where it names or passes something else. Every message says what was meant and
-- how it is written; it is raised at the line of the program (vm/bind/names.h).
--
--   names.class("app", App, {…})     reading an unknown field of an app raises, and app.get(…) with a dot does
--   names.module("rille.log", log)   the same for a table of functions
--
-- A miss alone costs something: what is there is found as ever. The annotations for editors (lua/rille/meta/) have the same
-- signatures, and a spec compares them.
local native = require "rille.native"
local options = require "rille.options"

local M = {}
local meta_of = debug.getmetatable -- without a look at __metatable, which costs more than all else here

M.signatures = [[
app:get(path: string, handler: function, options?: table)
app:post(path: string, handler: function, options?: table)
app:put(path: string, handler: function, options?: table)
app:patch(path: string, handler: function, options?: table)
app:delete(path: string, handler: function, options?: table)
app:head(path: string, handler: function, options?: table)
app:options(path: string, handler: function, options?: table)
app:any(path: string, handler: function, options?: table)
app:route(options: table)
app:group(options?: table)
app:use(middleware: function)
app:on_error(which: integer|string, handler: function)
app:on_response(hook: function)
app:mount(prefix: string, sub: table)
app:static(prefix: string, directory: string, options?: table)
app:converter(name: string, options: table)
app:url_for(name: string, params?: table, query?: table)
app:lifespan(f: function)
app:background(f: function, ...)
app:keep(name: string, value)
app:render(name: string, context?: table)
app:context(f: function)
app:filter(name: string, f: function)
app:test(name: string, f: function)
app:global(name: string, value)
rille.fetch(url: string, options?: table)
rille.client.cookies()
rille.client.response(options: table)
client:get(url: string, options?: table)
client:post(url: string, options?: table)
client:put(url: string, options?: table)
client:patch(url: string, options?: table)
client:delete(url: string, options?: table)
client:head(url: string, options?: table)
client:options(url: string, options?: table)
client:request(url: string, options?: table)
client:use(hook: function)
client:stats()
client:close()
jar:set(url: string, name: string, value: string, options?: table)
jar:get(url: string, name: string)
jar:list()
jar:clear(domain?: string)
jar:save()
jar:load(data: table)
req:header_all(name: string)
req:query_all(name: string)
req:accepts(...)
req:text()
req:bytes()
req:json(options?: table)
req:chunks()
req:form()
req:form_all(name: string)
req:file(name: string)
req:parts()
req:url_for(name: string, params?: table, query?: table)
req:renew_session()
req:clear_session()
req:flash(text: string)
req:flashes()
req:csrf_token()
req:csrf_field()
req:csp_nonce()
file:bytes()
file:chunks()
file:save(path: string, options?: table)
part:bytes()
part:text()
part:chunks()
part:save(path: string, options?: table)
res:header(name: string, value?: string|number)
res:add_header(name: string, value: string|number)
res:cookie(name: string, value: string|number, options?: table)
res:delete_cookie(name: string, options?: table)
res:etag(value: string)
res:last_modified(time: number)
response:header_all(name: string)
response:text(options?)
response:bytes()
response:json(options?)
response:chunks()
response:save(path: string)
response:raise_for_status()
response:close()
rille.app(options?: table)
rille.text(s: string, status?: integer)
rille.html(s: string, status?: integer)
rille.json(value, status?: integer)
rille.empty(status?: integer)
rille.redirect(url: string, status?: integer)
rille.file(path: string, options?: table)
rille.stream(content_type: string, f: function, status?: integer)
rille.response(options?: table)
rille.render(name: string, context?: table, status?: integer)
rille.render_stream(name: string, context?: table, status?: integer)
rille.template.compile(source: string, options?: table)
rille.template.markup(s: string)
rille.image.thumbnail(bytes: string, options: table)
rille.image.info(bytes: string)
out:write(s: string)
out:trailer(name: string, value: string)
rille.error(kind: integer|string, message?: string, fields?: table)
rille.abort(kind: integer|string, message?: string, fields?: table)
rille.try(f: function, ...)
rille.log.debug(message: string, fields?: table)
rille.log.info(message: string, fields?: table)
rille.log.warn(message: string, fields?: table)
rille.log.error(message: string, fields?: table)
rille.array(t)
rille.json_encode(value)
rille.json_decode(s: string, options?: table)
rille.blob(s: string)
rille.url_encode(s: string)
rille.url_decode(s: string)
rille.html_escape(s: string)
rille.now()
rille.time()
rille.session(options?: table)
rille.csrf(options?: table)
rille.cors(options?: table)
rille.security_headers(options?: table)
rille.limit(options: table)
rille.compress(options?: table)
rille.trust_proxy(networks: table)
rille.request_id(options?: table)
rille.normalize_path(options?: table)
rille.auth.basic(options: table)
rille.auth.bearer(options: table)
rille.password.hash(password: string)
rille.password.verify(password: string, hash)
rille.password.needs_rehash(hash: string)
rille.seal(value, purpose: string)
rille.unseal(text, purpose: string, max_age?: number)
rille.verify_signature(secret: string, body: string, signature)
rille.metrics()
rille.healthz(checks?: table)
rille.sha256(s: string)
rille.hmac_sha256(key: string, s: string)
rille.random_token(n?: integer)
rille.secure_compare(a, b)
rille.validate.body(schema: table)
rille.validate.query(schema: table)
rille.sqlite.open(path: string, options?: table)
rille.sqlite.match_query(text: string, options?: table)
db:query(sql: string, ...)
db:one(sql: string, ...)
db:value(sql: string, ...)
db:rows(sql: string, ...)
db:exec(sql: string, ...)
db:batch(list: table)
db:transaction(f: function)
db:begin()
db:migrate(directory: string)
db:backup(path: string)
db:stats()
db:close()
tx:query(sql: string, ...)
tx:one(sql: string, ...)
tx:value(sql: string, ...)
tx:rows(sql: string, ...)
tx:exec(sql: string, ...)
tx:batch(list: table)
tx:transaction(f: function)
tx:commit()
tx:rollback()
tx:close()
task:wait()
task:cancel(reason?: string)
rille.sleep(seconds: number)
rille.spawn(f: function, ...)
rille.all(...)
rille.race(...)
rille.map(list: table, f: function, options?: table)
rille.group(f: function)
group:spawn(f: function, ...)
rille.timeout(seconds: number, f: function, ...)
rille.shield(f: function, ...)
rille.offload(module: string, function_name: string, ...)
rille.tasks()
rille.channel(capacity?: integer)
channel:send(value)
channel:receive()
channel:close()
rille.semaphore(n: integer)
rille.lock()
semaphore:with(f: function, ...)
semaphore:acquire()
semaphore:release()
lock:with(f: function, ...)
lock:acquire()
lock:release()
rille.event()
event:set()
event:wait()
testing.client(app: table, options?: table)
testing.server(app: table)
testing.clock()
testing.mock()
testing.background()
testing.database(directory?: string)
test_client:request(path: string, options?: table)
test_client:use(hook: function)
test_client:get(path: string, options?: table)
test_client:post(path: string, options?: table)
test_client:put(path: string, options?: table)
test_client:patch(path: string, options?: table)
test_client:delete(path: string, options?: table)
test_client:head(path: string, options?: table)
test_client:options(path: string, options?: table)
test_client:close()
server:close()
clock:advance(seconds: number)
clock:close()
fake:on(method: string, wanted, answer: table)
fake:close()
]]

-- ---- signatures -------------------------------------------------------------------------------------------------------

-- How a program calls what two classes share, or what has a longer name here.
local signed_as = { route_group = "app" }
local shown_as = { response = "res", test_client = "client", route_group = "group" }

local order   -- the keys of these, as they stand above
local entries -- "app:get" -> {owner, name, is_method, shown, params = {{name, optional, type}}}

local function read_params(text)
  local params, shown = {}, {}
  for item in text:gmatch "[^,]+" do
    local name, mark, kind = item:match "^%s*([%w_.]+)(%??):?%s*([%w|]*)"
    params[#params + 1] = { name = name, optional = mark ~= "", type = kind ~= "" and kind or nil }
    shown[#shown + 1] = name
  end
  return params, table.concat(shown, ", ")
end

local function read_signatures()
  entries, order = {}, {}
  for owner, separator, name, list in M.signatures:gmatch "([%w_.]+)([:.])([%w_]+)%((.-)%)\n" do
    local params, shown = read_params(list)
    order[#order + 1] = owner .. separator .. name
    entries[owner .. separator .. name] = { owner = owner, name = name, is_method = separator == ":", params = params,
      shown = ("%s%s%s(%s)"):format(shown_as[owner] or owner, separator, name, shown) }
  end
end

local function entry_of(owner, name)
  if not entries then read_signatures() end
  return entries[owner .. ":" .. name] or entries[owner .. "." .. name]
end

-- ---- classes ------------------------------------------------------------------------------------------------------------

local classes = {} -- what -> {tables that hold its names, set of fields, words for what is not there}

local ends = {
  req = "; what belongs to this request is kept in req.state",
  app = "; what a program keeps stands in app.state",
}

local in_place = { -- of what is not there, by its name: what is meant
  rille = {
    listen = "`rille serve FILE` runs the app that the program returns", request = "rille.fetch(url, options) makes a request",
    router = "rille.app() takes routes; app:group{prefix=} and app:mount(prefix, sub) are parts of one",
    status = "rille.empty(status), or a status as the second value that a handler returns",
    send_file = "rille.file(path, options) answers with one, app:static(prefix, directory) with a folder",
    raise = "rille.abort(status, message) ends a request", testing = 'it is a module of its own: require "rille.testing"',
    parse = "rille.json_decode(s) reads JSON", encode = "rille.json_encode(value) writes JSON",
    decode = "rille.json_decode(s) reads JSON", escape = "rille.html_escape(s)", wait = "rille.sleep(seconds)",
    async = "rille.spawn(f, ...) starts a task; whatever waits, waits in its own task anyway",
    timer = "rille.spawn(function() rille.sleep(seconds) … end)", gather = "rille.all(f, g, …)",
    database = "rille.sqlite.open(path) opens one", cookie = "res:cookie(name, value, options) of a response",
    env = 'os.getenv "NAME"; .env is read at the start', print = "rille.log.info(message, fields)",
    jsonify = "rille.json(value, status)", render_template = "rille.render(name, context, status)",
    render_template_string = "rille.template.compile(source)", make_response = "rille.response(options)",
    send = "the handler returns a string or a response", static = "app:static(prefix, directory)",
    send_from_directory = "app:static(prefix, directory)", config = "os.getenv \"NAME\", or the settings of rille.app{}",
    url_for = "app:url_for(name, params, query), or req:url_for of a request", flask = "rille.app(options)",
    express = "rille.app(options)", fast_api = "rille.app(options)", application = "rille.app(options)",
    db = "rille.sqlite.open(path) opens one", connect = "rille.sqlite.open(path) opens a database",
    set_timeout = "rille.spawn(function() rille.sleep(seconds) … end)", background = "app:background(f, ...)",
    set_interval = "a loop with rille.sleep(seconds), which a lifespan spawns", promise = "rille.spawn(f, ...) starts a task",
    create_task = "rille.spawn(f, ...) starts a task", await = "whatever waits, waits in its own task anyway",
    http = "rille.fetch(url, options), or rille.client(options)",
    get = "rille.fetch(url, options); a route is app:get(path, handler)",
    post = 'rille.fetch(url, {method = "POST"}); a route is app:post(path, handler)',
    bcrypt = "rille.password.hash(password) and rille.password.verify(password, hash)",
    hash = "rille.password.hash(password) for passwords, rille.sha256(s) for the rest",
    flash = "req:flash(text)", websocket = "there are no WebSockets yet", markup = "rille.template.markup(s)",
    uuid = "rille.random_token(n) makes what nobody can guess", md5 = "rille.sha256(s)",
  },
  req = {
    body = "req:text(), req:bytes(), req:json() and req:form() read it", user = "middleware leaves it in req.state.user",
    ip = "req.remote", remote_addr = "req.remote", peer = "req.remote", client = "req.remote", uri = "req.target or req.path",
    args = "req.query", post = "req:form()", files = "req:file(name)", param = "req.params.NAME", match_info = "req.params",
    cookie = "req.cookies.NAME", header = 'req.headers["name"]', get_header = 'req.headers["name"]', verb = "req.method",
    locals = "req.state", context = "req.state", ctx = "req.state", protocol = "req.scheme", hostname = "req.host",
    db = "what a lifespan has opened stands in req.app.state, what middleware has, in req.state",
    data = "req:form() or req:json()",
    original_url = "req.url", type = "req.content_type", csrf = "req:csrf_field() for a form, req:csrf_token() for its value",
    get = 'req.headers["name"], req.params.NAME or req.query.NAME', is_json = 'req.content_type == "application/json"',
    is = 'req.content_type == "application/json"', mimetype = "req.content_type", secure = 'req.scheme == "https"',
    is_secure = 'req.scheme == "https"', values = "req.query, and req:form()", view_args = "req.params",
    request_id = "req.id", get_json = "req:json()", get_data = "req:bytes()", read = "req:bytes()",
    redirect = "return rille.redirect(url, status)", render = "return rille.render(name, context)",
    send = "the handler returns a string or a response", next = "a middleware is function(req, handler), and calls handler(req)",
    match = "req.params", base_url = "req.url", accepts_json = 'req:accepts("json")',
  },
  res = {
    set = "res:header(name, value)", set_header = "res:header(name, value)", status_code = "res.status", code = "res.status",
    send = "the handler returns the response", write = "rille.stream(content_type, function(out) out:write(s) end)",
    ["end"] = "the handler returns the response", set_cookie = "res:cookie(name, value, options)",
    json = "rille.json(value, status) makes a response", text = "rille.text(s, status) makes one; its bytes are res.body",
    html = "rille.html(s, status) makes a response", content_type = 'res.headers["content-type"]',
    type = 'res.headers["content-type"]', redirect = "rille.redirect(url, status) makes a response",
    send_file = "rille.file(path, options) makes a response", render = "rille.render(name, context) makes a response",
    append = "res:add_header(name, value)", clear_cookie = "res:delete_cookie(name, options)",
    send_status = "rille.empty(status)",
    get = 'res.headers["name"]', data = "res.body",
  },
  response = {
    status_code = "res.status", code = "res.status", body = "res:text(), res:bytes() and res:json() read it",
    content = "res:bytes()", data = "res:json()", header = 'res.headers["name"]', reason = "res.status",
    read = "res:text() or res:bytes()", iter = "res:chunks()",
  },
  app = {
    listen = "`rille serve FILE` runs the app that the program returns", del = "app:delete(path, handler, options)",
    all = "app:any(path, handler, options)", match = "app:route{method=, path=, handler=}",
    add_route = "app:route{method=, path=, handler=}", handle = "app:route{method=, path=, handler=}",
    middleware = "app:use(function(req, handler) return handler(req) end)",
    before = "app:use(function(req, handler) … return handler(req) end)",
    before_request = "app:use(function(req, handler) … return handler(req) end)",
    after = "app:on_response(function(req, res) … end)", after_request = "app:on_response(function(req, res) … end)",
    error = "app:on_error(status, function(req, err) … end)", errorhandler = "app:on_error(status, function(req, err) … end)",
    error_handler = "app:on_error(status, function(req, err) … end)", blueprint = "app:mount(prefix, sub)",
    register = "app:mount(prefix, sub)", include_router = "app:mount(prefix, sub)", router = "app:group{prefix=}",
    db = "what a lifespan opens is kept in app.state.db", config = "app.state, or the settings of rille.app{}",
    on_startup = "app:lifespan(function(self, running) … running() … end)", startup = "app:lifespan(f)",
    on_shutdown = "app:lifespan(function(self, running) … running() … end)", shutdown = "app:lifespan(f)",
    on_event = "app:lifespan(function(self, running) … running() … end)",
    cleanup_ctx = "app:lifespan(function(self, running) … running() … end)",
    before_first_request = "app:lifespan(function(self, running) … running() … end)",
    teardown_appcontext = "app:lifespan(function(self, running) … running() … end)",
    teardown_request = "app:on_response(function(req, res) … end)",
    exception_handler = "app:on_error(status, function(req, err) … end)",
    register_blueprint = "app:mount(prefix, sub)", add_url_rule = "app:get(path, handler, {name=})",
    add_routes = "app:get(path, handler, options) for each", param = "app:converter(name, {pattern=, parse=}), then {id:name}",
    template_filter = "app:filter(name, f)", context_processor = "app:context(function(req) return {…} end)",
    add_middleware = "app:use(function(req, handler) return handler(req) end)",
    redirect = "a handler returns rille.redirect(url, status)",
    secret_key = "rille.app{secret = …}", ws = "there are no WebSockets yet", json = "a handler returns rille.json(value)",
    test_client = 'require("rille.testing").client(app)', logger = "rille.log.info(message, fields)",
    log = "rille.log.info(message, fields)", set = "app.state.NAME = value", websocket = "there are no WebSockets yet",
  },
  db = {
    execute = "db:exec(sql, ...)", run = "db:exec(sql, ...)", insert = "db:exec(sql, ...)", update = "db:exec(sql, ...)",
    delete = "db:exec(sql, ...)", select = "db:query(sql, ...)", all = "db:query(sql, ...)", fetchall = "db:query(sql, ...)",
    nrows = "db:rows(sql, ...)", each = "db:rows(sql, ...)", iterate = "db:rows(sql, ...)", cursor = "db:rows(sql, ...)",
    first = "db:one(sql, ...)", get = "db:one(sql, ...)", row = "db:one(sql, ...)", fetchone = "db:one(sql, ...)",
    connect = "rille.sqlite.open(path) has connected", fetchval = "db:value(sql, ...)",
    find = "db:one(sql, ...)", scalar = "db:value(sql, ...)", fetch = "db:query(sql, ...)",
    prepare = "statements are prepared and kept anyway: db:query(sql, ...)",
    commit = "db:transaction(function(tx) … end) commits when it returns",
    rollback = "db:transaction(function(tx) … end) rolls back when it raises",
    last_id = "db:exec(sql, ...) returns {changes=, last_id=}",
    last_insert_rowid = "db:exec(sql, ...) returns {changes=, last_id=}",
    changes = "db:exec(sql, ...) returns {changes=, last_id=}",
    escape = "a ? in the statement takes a value: db:query(sql, value)", quote = "a ? in the statement takes a value",
  },
  ["rille.log"] = { warning = "rille.log.warn(message, fields)", err = "rille.log.error(message, fields)",
    log = "rille.log.info(message, fields)", print = "rille.log.info(message, fields)" },
  ["rille.client"] = { get = "local client = rille.client{}, then client:get(url, options); or rille.fetch(url, options)" },
  client = { fetch = "client:get(url, options)", send = "client:request(url, options)", del = "client:delete(url, options)",
    base_url = "it is said where the client is made: rille.client{base_url=}" },
  task = { join = "task:wait()", await = "task:wait()", result = "task:wait() returns it", kill = "task:cancel(reason)",
    stop = "task:cancel(reason)", done = 'task.status == "done"', state = "task.status" },
  channel = { put = "channel:send(value)", push = "channel:send(value)", get = "channel:receive()", pop = "channel:receive()",
    recv = "channel:receive()", take = "channel:receive()" },
  file = { read = "file:bytes()", content = "file:bytes()", data = "file:bytes()",
    path = "it has none: file:save(path) writes it",
    type = "file.content_type", mimetype = "file.content_type", length = "file.size", write = "file:save(path, options)" },
  out = { send = "out:write(s)", print = "out:write(s)", flush = "what is written is on its way",
    close = "it ends with its function" },
  clock = { tick = "clock:advance(seconds)", now = "rille.now() and rille.time() follow the clock",
    sleep = "clock:advance(seconds)" },
  fake = { expect = "fake:on(method, url, answer)", when = "fake:on(method, url, answer)", requests = "fake.calls",
    stub = "fake:on(method, url, answer)" },
  server = { get = 'rille.fetch(server.url .. "/path")' },
}
for from, to in pairs { run = "listen", start = "listen", serve = "listen" } do
  in_place.app[from], in_place.rille[from] = in_place.app[to], in_place.rille[to]
end
in_place.tx = setmetatable({ begin = "tx:transaction(function(tx) … end) is a savepoint", commit = nil, rollback = nil },
  { __index = function(_, name)
    local words = in_place.db[name]
    return words and words:gsub("^db:", "tx:")
  end })
in_place.test_client, in_place.route_group = in_place.client, in_place.app

local function class_of(what)
  local class = classes[what]
  if not class then
    class = { tables = {}, fields = {} }
    classes[what] = class
  end
  return class
end

-- How a name of a class is written: "req:json()", "req.params".
local function written(what, name)
  local entry = entry_of(signed_as[what] or what, name)
  if entry and what == "route_group" then return (entry.shown:gsub("^app", "group")) end
  return entry and entry.shown or (shown_as[what] or what) .. "." .. name
end

-- Every name of a class that is not the library's own affair: it has a signature, or it is a field.
local function names_of(what)
  local class, names = class_of(what), {}
  for _, list in ipairs(class.tables) do
    for name in next, list do
      if type(name) == "string" and entry_of(signed_as[what] or what, name) then names[name] = true end
    end
  end
  for name in pairs(class.fields) do names[name] = true end
  return names
end

local FEW = 12

local function list_of(what, names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  if #list == 0 or #list > FEW then return ends[what] or "" end
  table.sort(list)
  for i, name in ipairs(list) do list[i] = written(what, name) end
  return "; it has " .. table.concat(list, ", ")
end

local function key_text(key)
  if type(key) ~= "string" then return ("[%s]"):format(tostring(key)) end
  return "'" .. (#key > 60 and key:sub(1, 60) .. "…" or key):gsub("%c", "?") .. "'"
end

-- A word without its style: setHeader and set_header are one. None that is meant is long.
local function plain_word(key)
  if #key > 60 then return key end
  return (key:gsub("(%l)(%u)", "%1_%2"):lower())
end

--- unknown(what, key) -> message: for who reads a field that is not there
function M.unknown(what, key)
  local shown, text = shown_as[what] or what, key_text(key)
  local words = type(key) == "string" and in_place[what] and in_place[what][plain_word(key)]
  if words then return ("%s has no %s: %s"):format(shown, text, words) end
  local names = names_of(what)
  local near = type(key) == "string" and options.nearest(key, names)
  if near then return ("%s has no %s, did you mean %s?"):format(shown, text, written(what, near)) end
  return ("%s has no %s%s"):format(shown, text, list_of(what, names))
end

-- ---- arguments ----------------------------------------------------------------------------------------------------------

local by_function -- function -> entry, made when it is first asked for

local function value_at(path)
  local value = require "rille"
  for name in path:gmatch "[^.]+" do value = type(value) == "table" and rawget(value, name) or nil end
  return value
end

local function find_functions()
  local found = {}
  if not entries then read_signatures() end
  for _, key in ipairs(order) do
    local entry, path = entries[key], key:match "^rille%.(.*)$"
    local f = path and value_at(path)
    if f then found[f] = entry end
    local class = classes[entry.owner]
    for _, list in ipairs(class and class.tables or {}) do
      local method = rawget(list, entry.name)
      if method then found[method] = found[method] or entry end -- db and tx share some
    end
  end
  return found
end

local function entry_of_function(f)
  if not by_function or not by_function[f] then by_function = find_functions() end -- more may be loaded meanwhile
  return by_function[f]
end

local vowels = { a = true, e = true, i = true, o = true, u = true }
local bare = { ["nil"] = true }

local function with_article(kind)
  if bare[kind] then return kind end
  return (vowels[kind:sub(1, 1)] and "an " or "a ") .. kind:gsub("|", " or a ")
end

-- What a value is, in words.
local function describe(value)
  local kind = type(value)
  local meta = (kind == "table" or kind == "userdata") and getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  if value == native.null then return "rille.null" end
  return with_article(type(name) == "string" and name:sub(1, 60):gsub("^rille%.", ""):gsub("_", " ") or kind)
end

local function is_of(value, kinds)
  if not kinds then return false end
  local kind = type(value)
  for name in kinds:gmatch "[^|]+" do
    if name == kind or name == math.type(value) then return true end
  end
  return false
end

-- Whether the argument that is wrong would fit where another one stands, and that one here.
local function is_swapped(entry, index, args, first)
  local wanted = entry.params[index].type
  for other, param in ipairs(entry.params) do
    if other ~= index and is_of(args[first + other], wanted) and is_of(args[first + index], param.type)
      and not is_of(args[first + other], param.type) then
      return true
    end
  end
  return false
end

local function refuse_self(entry)
  return ("%s.%s was called with a dot: write %s"):format(shown_as[entry.owner] or entry.owner, entry.name, entry.shown)
end

local function is_module(value)
  local rille = require "rille"
  if rawequal(value, rille) then return true end
  for name, class in pairs(classes) do
    if name:find("^rille%.") and rawequal(class.tables[1], value) then return true end
  end
  return false
end

--- argument(f, name, number, why, type, args) -> message: for what the C function f cannot use
function M.argument(f, name, number, why, kind, args)
  local entry = entry_of_function(f)
  local got = number > args.n and "nothing" or describe(args[number])
  if not entry then
    return ("%s: argument %d: %s"):format(name or "?", number, why or ("%s was expected, got %s"):format(with_article(kind), got))
  end
  if entry.is_method and number == 1 then return refuse_self(entry) end
  if not entry.is_method and is_module(args[1]) then
    return ("%s.%s was called with a colon: write %s"):format(entry.owner, entry.name, entry.shown)
  end
  local first = entry.is_method and 1 or 0
  local param = entry.params[number - first] or { name = "argument " .. number - first }
  if why then return ("%s: %s: %s"):format(entry.shown, param.name, why) end
  if kind == "value" then return ("%s: a value was expected, got %s"):format(entry.shown, got) end
  local text = ("%s: %s is %s, got %s"):format(entry.shown, param.name, with_article(kind), got)
  if not entry.params[number - first] or not is_swapped(entry, number - first, args, first) then return text end
  return text .. ": the arguments stand in another order"
end

--- check_colon(value, name): of a function in Lua whose first argument is none: it may be what stands before a colon
function M.check_colon(value, name)
  if type(value) ~= "table" or not is_module(value) then return end
  local entry = entry_of(name:match "^(.*)%.([%w_]+)$")
  options.raise("%s was called with a colon: write %s", name, entry and entry.shown or name)
end

M.describe = describe

-- ---- making them -----------------------------------------------------------------------------------------------------------

local function set_of(list)
  local set = {}
  for _, name in ipairs(list or {}) do set[name] = true end
  return set
end

local function refuse_dot(entry) options.raise("%s", refuse_self(entry)) end

-- The object of a method, whose metatable is not the one that was seen last: -> the one to be seen from now on, or it raises.
local function admit(entry, self, seen, is_one)
  if not is_one(self) then refuse_dot(entry) end
  return type(self) == "userdata" and meta_of(self) or seen
end

-- Methods that are written in Lua and called without their object say how they are called. By how many parameters they have, for
-- a list of any length costs more; and most objects of a method have one metatable.
local by_count = {
  [0] = function(f, entry, seen, is_one)
    return function(self)
      if meta_of(self) ~= seen then seen = admit(entry, self, seen, is_one) end
      return f(self)
    end
  end,
  function(f, entry, seen, is_one)
    return function(self, a)
      if meta_of(self) ~= seen then seen = admit(entry, self, seen, is_one) end
      return f(self, a)
    end
  end,
  function(f, entry, seen, is_one)
    return function(self, a, b)
      if meta_of(self) ~= seen then seen = admit(entry, self, seen, is_one) end
      return f(self, a, b)
    end
  end,
  function(f, entry, seen, is_one)
    return function(self, a, b, c)
      if meta_of(self) ~= seen then seen = admit(entry, self, seen, is_one) end
      return f(self, a, b, c)
    end
  end,
}

local function guarded(f, entry, seen, is_one)
  local last = entry.params[#entry.params]
  local make = not (last and last.name == "...") and by_count[#entry.params]
  if make then return make(f, entry, seen, is_one) end
  return function(self, ...)
    if meta_of(self) ~= seen then seen = admit(entry, self, seen, is_one) end
    return f(self, ...)
  end
end

local guards = setmetatable({}, { __mode = "k" })

local function guard(what, class, is_one, meta)
  for name, f in next, class do
    local is_new = type(f) == "function" and not guards[f] and type(name) == "string"
    local entry = is_new and entry_of(signed_as[what] or what, name)
    if entry and entry.is_method and debug.getinfo(f, "S").what ~= "C" then
      local made = guarded(f, entry, meta or class, is_one)
      guards[made], class[name] = true, made
    end
  end
end

-- An object of a class, or one of the program's that stands for it: a table of its own with a metatable. Whoever calls a method
-- with a dot passes something else.
local function is_object_of(class, value)
  local meta = type(value) == "table" and meta_of(value)
  return meta == class or (type(meta) == "table" and rawget(meta, "__index") ~= nil)
end

--- check_self(what, class, self, name): of a method that looks for itself whether it was called with a dot
function M.check_self(what, class, self, name)
  if not is_object_of(class, self) then refuse_dot(entry_of(what, name)) end
end

--- class(what, class, {fields = {…}, absent = {…}, bare = {…}}) -> class: `fields` are those that objects have of their own, and
--- may lack; `absent` are names of the library's own that may be absent; `is_one` says whether a value is an object of it, where
--- that is not what has the class for its metatable. Methods are there already.
function M.class(what, class, given)
  given = given or {}
  local of = class_of(what)
  of.tables[#of.tables + 1] = class
  local absent = set_of(given.absent)
  for _, name in ipairs(given.fields or {}) do absent[name], of.fields[name] = true, true end
  if given.is_one ~= false then
    guard(what, class, given.is_one or function(value) return is_object_of(class, value) end)
  end
  return setmetatable(class, { __index = native.unknown(what, absent) })
end

--- known(what, methods, fields, is_one, meta): of objects that look for themselves and ask here where they find nothing; `meta`
--- is their metatable, where that is one
function M.known(what, methods, fields, is_one, meta)
  local of = class_of(what)
  of.tables[#of.tables + 1] = methods
  for _, name in ipairs(fields) do of.fields[name] = true end
  of.is_one = of.is_one or is_one
  if is_one then guard(what, methods, is_one, meta) end
end

--- again(what): a class that is known has got more methods
function M.again(what)
  local of = class_of(what)
  for _, list in ipairs(of.tables) do guard(what, list, of.is_one) end
end

--- module(what, table) -> table: reading what it has not raises. A metatable that it has stays.
function M.module(what, module)
  local of = class_of(what)
  of.tables[#of.tables + 1] = module
  local meta = getmetatable(module)
  if not meta then
    meta = {}
    setmetatable(module, meta)
  end
  meta.__index = meta.__index or native.unknown(what, {})
  return module
end

return M
