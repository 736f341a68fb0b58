-- luacheck: ignore 631
-- Mistakes that people make, and what they are told: the spec (spec/mistakes_spec.lua) checks each message to the letter, and
-- docs/mistakes.md shows them. An entry is {what is written, what it says, options}:
--
--   loading    a line of a program, app.lua:1; `app` is an app, `h` a handler, `db` a database in memory, `client` a client
--   handling   a line of a handler, app.lua:1; `req` is there, and `res`, a response
--   asking     a request, {method, path, headers, body, json, form}, and the text of the answer; `app` is a line that makes it
--
--     rille run spec/support/mistakes.lua > docs/mistakes.md
local M = {}

M.loading = {
  -- names
  { "rille.jsn { a = 1 }", "rille has no 'jsn', did you mean rille.json(value, status)?" },
  { "rille.rediret '/x'", "rille has no 'rediret', did you mean rille.redirect(url, status)?" },
  { "rille.sqlite.opne 'x.db'", "rille.sqlite has no 'opne', did you mean rille.sqlite.open(path, options)?" },
  { "rille.log.warning 'x'", "rille.log has no 'warning': rille.log.warn(message, fields)" },
  { "rille.auth.basc {}", "rille.auth has no 'basc', did you mean rille.auth.basic(options)?" },
  { "rille.listen(8080)", "rille has no 'listen': `rille serve FILE` runs the app that the program returns" },
  { "rille.testing.client(app)", "rille has no 'testing': it is a module of its own: require \"rille.testing\"" },
  { "rille.frobnicate()", "rille has no 'frobnicate'" },
  { "app:listen(8080)", "app has no 'listen': `rille serve FILE` runs the app that the program returns" },
  { "app:run()", "app has no 'run': `rille serve FILE` runs the app that the program returns" },
  { "app:psot('/x', h)", "app has no 'psot', did you mean app:post(path, handler, options)?" },
  { "app:errorhandler(404, h)", "app has no 'errorhandler': app:on_error(status, function(req, err) … end)" },
  { "app:before_request(h)", "app has no 'before_request': app:use(function(req, handler) … return handler(req) end)" },
  { "app.db = nil; print(app.db)", "app has no 'db': a lifespan opens it and keeps it in app.state.db" },
  { "app:group { prefix = '/a' }:gte('/x', h)", "group has no 'gte', did you mean group:get(path, handler, options)?" },
  -- as Flask, Express and their like have it
  { "rille.jsonify {}", "rille has no 'jsonify': rille.json(value, status)" },
  { "rille.render_template 'index.html'", "rille has no 'render_template': rille.render(name, context, status)" },
  { "rille.url_for 'x'", "rille has no 'url_for': app:url_for(name, params, query), or req:url_for of a request" },
  { "rille.send 'x'", "rille has no 'send': the handler returns a string or a response" },
  { "rille.setTimeout(h, 5)", "rille has no 'setTimeout': rille.spawn(function() rille.sleep(seconds) … end)" },
  { "rille.background(h)", "rille has no 'background': app:background(f, ...)" },
  { "rille.bcrypt.hash 'x'", "rille has no 'bcrypt': rille.password.hash(password) and rille.password.verify(password, hash)" },
  { "rille.http.get 'http://x/'", "rille has no 'http': rille.fetch(url, options), or rille.client(options)" },
  { "rille.static 'public'", "rille has no 'static': app:static(prefix, directory)" },
  { "rille.db.open 'x.db'", "rille has no 'db': rille.sqlite.open(path) opens one" },
  { "app:on_event('startup', h)", "app has no 'on_event': app:lifespan(function(self, running) … running() … end)" },
  { "app:register_blueprint {}", "app has no 'register_blueprint': app:mount(prefix, sub)" },
  { "app:teardown_request(h)", "app has no 'teardown_request': app:on_response(function(req, res) … end)" },
  { "app:param('id', h)", "app has no 'param': app:converter(name, {pattern=, parse=}), then {id:name}" },
  { "app:redirect '/'", "app has no 'redirect': a handler returns rille.redirect(url, status)" },
  { "app:get('/users/[id]', h)", "GET /users/[id]: '[id]' would be matched literally; a parameter is written {id}" },
  { "app:get('/docs/[...slug]', h)", "GET /docs/[...slug]: '[...slug]' would be matched literally; a parameter is written {slug:path}" },
  { "app:get('/users/%d+', h)", "GET /users/%d+: '%d+' would be matched literally; a pattern of your own is a converter: "
    .. "app:converter(\"name\", {pattern = a Lua pattern}), then {id:name}" },
  { "app:on_error('404', h)", "on_error: a status is a number: app:on_error(404, function(req, err) … end), got the string '404'" },
  { "rille.abort '404'", "an error's status is a number: 404, got the string '404'" },
  { "rille.abort 'not found'", "an error's code is one word such as 'conflict', got 'not found': a message is the second argument, "
    .. "after a status" },
  { "rille.abort(404, { why = 'x' })", "an error's message is a string, got a table: fields are the third argument, "
    .. "rille.abort(409, \"taken\", {…})" },
  { "rille.abort(404, 'gone', 'for ever')", "an error's fields are a table such as {post = 7}, got a string" },
  { "app:use(h, h)", "app:use(middleware) takes one: call it once for each" },
  { "app:on_response(h, h)", "app:on_response(function(req, res) … end) takes one: call it once for each" },
  { "app:on_error(404, h, h)", "app:on_error(status, function(req, err) … end) takes one: call it once for each" },
  { "app:lifespan(h, h)", "app:lifespan(function(self, running) … end) takes one: call it once for each" },
  { "app:context(h, h)", "app:context(function(req) … end) takes one: call it once for each" },
  { "app:mount('/a', rille.app(), rille.app())", "app:mount(prefix, sub) takes one: call it once for each" },
  { "client:use(h, h)", "client:use(function(req, send) … end) takes one: call it once for each" },
  { "rille.group(h, h)", "group: one function was expected: rille.all(f, g) runs several" },
  { "app:get('/', h, { use = { h, by = h } })", "GET /: use is a list of middleware: use = { f, g }" },
  { "rille.app 'demo'", "app: options are a table, got the string 'demo'" },
  { "rille.response 'x'", "response: options are a table, got the string 'x'" },
  { "rille.response { headers = { ['X-A'] = { a = 'b' } } }", "response: header X-A: a list was expected, got a table with 'a'" },
  { "rille.fetch('http://a.test/', { headers = { ['X-A'] = { a = 'b' } } })", "header X-A: a list was expected, got a table with 'a'" },
  { "rille.fetch('http://a.test/', { query = { { 'a', 1 }, b = 2 } })", "query: a list was expected, got a table with 'b'" },
  { "client.cookies:load { a = 'b' }", "cookies:load: a list was expected, got a table with 'a'" },
  { "rille.cors { origins = { a = 'https://a.test' } }", "cors: origins: a list was expected, got a table with 'a'" },
  { "rille.cors { expose = { 'x-a', nil, 'x-b' } }", "cors: expose: the list has a hole" },
  { "rille.csrf { trusted = { a = 'https://a.test' } }", "csrf: trusted: a list was expected, got a table with 'a'" },
  { "rille.json({}, { status = 201 })", "rille.json(value, status): status: a status is an integer from 200 to 599, got a table" },
  { "rille.log.info('saved', 7)", "rille.log.info(message, fields): fields is a table such as {id = 7}, got a number" },
  { "rille.log.info { id = 7 }", "rille.log.info(message, fields): message is text, got a table: fields come second" },
  { "rille.limit { window = 60 }", "limit: unknown option 'window'; there are burst, by, name, rate" },
  { "rille.auth.basic { users = {} }", "auth.basic: unknown option 'users'; there are realm, verify" },
  { "app:get('/u/{id:int}', h, { name = 'u' }) app:url_for('u', 7)", "url_for: parameters are a table: url_for(\"u\", { id = … }), got a number" },
  -- dots and colons
  { "app.get('/x', h)", "app.get was called with a dot: write app:get(path, handler, options)" },
  { "app.use(h)", "app.use was called with a dot: write app:use(middleware)" },
  { "app.lifespan(h)", "app.lifespan was called with a dot: write app:lifespan(f)" },
  { "rille:json {}", "rille.json was called with a colon: write rille.json(value, status)" },
  { "rille:app {}", "rille.app was called with a colon: write rille.app(options)" },
  { "rille:abort(404)", "rille.abort was called with a colon: write rille.abort(kind, message, fields)" },
  { "rille.log:info 'x'", "rille.log.info was called with a colon: write rille.log.info(message, fields)" },
  { "rille.sqlite:open 'x.db'", "rille.sqlite.open was called with a colon: write rille.sqlite.open(path, options)" },
  { "rille:map({}, h)", "rille.map was called with a colon: write rille.map(list, f, options)" },
  { "db.query 'SELECT 1'", "db.query was called with a dot: write db:query(sql, ...)" },
  { "db.transaction(h)", "db.transaction was called with a dot: write db:transaction(f)" },
  { "client.get 'http://127.0.0.1/'", "client.get was called with a dot: write client:get(url, options)" },
  { "local task = rille.spawn(h) task:wait() task.wait()", "task.wait was called with a dot: write task:wait()" },
  { "rille.channel().send(1)", "channel.send was called with a dot: write channel:send(value)" },
  -- arguments
  { "rille.html(nil)", "rille.html(s, status): s is a string, got nil" },
  { "rille.json()", "rille.json(value, status): a value was expected, got nothing" },
  { "rille.text('gone', 999)", "rille.text(s, status): status: a status is an integer from 200 to 599, got 999" },
  { "rille.redirect(303, '/x')", "rille.redirect(url, status): url is a string, got a number: the arguments are in the wrong order" },
  { "rille.timeout(h, 5)", "rille.timeout(seconds, f, ...): seconds is a number, got a function: the arguments are in the wrong order" },
  { "rille.spawn(h())", "rille.spawn(f, ...): f is a function, got a string" },
  { "rille.sleep 'a while'", "rille.sleep(seconds): seconds is a number, got a string" },
  { "rille.url_encode {}", "rille.url_encode(s): s is a string, got a table" },
  { "rille.app { secert = 'x' }", "app: unknown option 'secert', did you mean 'secret'?" },
  { "rille.client { base = 'http://127.0.0.1' }", "client: unknown option 'base', did you mean 'base_url'?" },
  { "rille.abort('gone', 404)", "an error's status or code comes first: 404, then the message, 'gone'" },
  { "rille.map(h, {})", "map: the list comes first: rille.map(list, f)" },
  { "rille.cors 'https://a.test'", "cors: options are a table, got the string 'https://a.test'" },
  { "rille.abort(200)", "an error's status is from 400 to 599, got 200" },
  -- routes
  { "app:get('/posts/:id', h)", "GET /posts/:id: ':id' would be matched literally; a parameter is written {id}" },
  { "app:get('/items/<int:id>', h)", "GET /items/<int:id>: '<int:id>' would be matched literally; a parameter is written {id:int}" },
  { "app:get('/files/*', h)", "GET /files/*: '*' would be matched literally; a parameter is written {rest:path}" },
  { "app:get('/file/{name}.json', h)", "GET /file/{name}.json: '{name}.json' mixes text and a parameter, and a parameter is a whole "
    .. "segment: write {name} and look at its text in the handler, or {name:file} with app:converter(\"file\", {pattern = \".+%.json\"})" },
  { "app:get('posts', h)", "GET posts: a path starts with '/': write '/posts'" },
  { "app:get('/x?page=1', h)", "GET /x?page=1: 'x?page=1': a path has no query; its fields are in req.query" },
  { "app:get('/x/{id?}', h)", "GET /x/{id?}: '{id?}' is not a parameter: expected {name} or {name:converter}; for an optional "
    .. "part, register two routes, one without it" },
  { "app:get(h, '/x')", "GET: the path comes first, then the handler: app:get(\"/x\", function(req) … end)" },
  { "app:get('/x')", "GET /x: the handler is a function, got nil: app:get(\"/x\", function(req) … end)" },
  { "app:get('/x', rille.json {})", "GET /x: the handler is a function, got a response, what it returns: pass the function itself, "
    .. "without calling it: app:get(\"/x\", function(req) … end)" },
  { "app:get('/x', h, { nmae = 'x' })", "GET /x: unknown option 'nmae', did you mean 'name'?" },
  { "app:get('/x', h, { use = h })", "GET /x: option 'use' is a table, got a function" },
  { "app:use(rille.session)", "use: rille.session makes the middleware: write rille.session{}" },
  { "app:use(rille.cors)", "use: rille.cors makes the middleware: write rille.cors{}" },
  { "app:use(rille.app())", "use: a middleware is a function(req, handler), got an app: an app within an app is mounted, "
    .. "app:mount(prefix, sub)" },
  { "app:on_error(h, 404)", "on_error: the status or code comes first: app:on_error(404, function(req, err) … end), '*' for any" },
  { "app:mount(rille.app(), '/admin')", "mount: the prefix comes first: app:mount(\"/admin\", sub)" },
  { "app:group '/admin'", "group: options are a table: app:group{prefix = \"/admin\"}" },
  { "app:static('static', '/static')", "static: a prefix starts with '/': app:static(\"/static\", \"static\"), got 'static'" },
  { "app:converter('hex', '%x+')", "converter: hex: options are a table, such as {pattern = \"%x+\", parse=, format=}, got a string" },
  { "app:url_for 'psot'", "url_for: no route is named 'psot', did you mean 'post'?", before = "app:get('/p', h, { name = 'post' })" },
  -- the database
  { "db:execute 'SELECT 1'", "db has no 'execute': db:exec(sql, ...)" },
  { "db:qurey 'SELECT 1'", "db has no 'qurey', did you mean db:query(sql, ...)?" },
  { "db:commit()", "db has no 'commit': db:transaction(function(tx) … end) commits when it returns" },
  { "db:query('SELECT ?', nil)", "parameter 1 is nil: rille.null stands for NULL" },
  { "db:query { 'SELECT 1' }", "db:query(sql, ...): sql is a string, got a table" },
  { "db:transaction(function() db:query 'SELECT 1' end)", "inside a transaction its own methods are used: the function's argument, not "
    .. "the database (begun at app.lua:1)" },
  { "db:transaction(function(tx) tx:begin() end)", "tx has no 'begin': tx:transaction(function(tx) … end) is a savepoint" },
  -- the client
  { "client:fetch 'http://127.0.0.1/'", "client has no 'fetch': client:get(url, options)" },
  { "client:get('http://127.0.0.1/', { jsn = {} })", "fetch: unknown option 'jsn', did you mean 'json'?" },
  { "rille.client.get 'http://127.0.0.1/'", "rille.client has no 'get': local client = rille.client{}, then client:get(url, options); or "
    .. "rille.fetch(url, options)" },
  -- tasks
  { "local task = rille.spawn(h) task:wait() task:join()", "task has no 'join': task:wait()" },
  { "rille.channel():put(1)", "channel has no 'put': channel:send(value)" },
  { "rille.all(h(), h)", "all: argument 1 is a function, got a string" },
  { "rille.lock():with()", "with: a function was expected, got a nil" },
  { "rille.semaphore(0)", "a semaphore has a whole number of permits, at least 1" },
  -- cookies, sessions
  { "rille.text('x'):cookie('a', 'b', { same_site = 'None' })", "cookie: same_site = 'None' goes with secure = true: browsers drop such "
    .. "a cookie without it" },
  { "rille.session { same_site = 'None', secure = false }", "session: same_site = 'None' goes with secure = true: browsers drop such a "
    .. "cookie without it" },
  { "rille.session { store = 'redis' }", "session: store is 'cookie', 'memory' or 'sqlite', got 'redis'" },
  -- specs
  { "testing.client(h)", "testing: an app was expected, got a function (a program that returns a function is called first: "
    .. "require \"app\" {…})" },
  { "testing.client(app):get 'x'", "a path that starts with '/' was expected" },
  { "testing.client(app):gett '/x'", "client has no 'gett', did you mean client:get(path, options)?" },
  { "testing.clock():tick(1)", "clock has no 'tick': clock:advance(seconds)" },
  { "testing.clok()", "testing has no 'clok', did you mean testing.clock()?" },
  { "testing.mock():expect('GET', 'http://x/')", "fake has no 'expect': fake:on(method, url, answer)" },
}

M.handling = {
  { "return req:get 'Accept'", "req has no 'get': req.headers[\"name\"], req.params.NAME or req.query.NAME" },
  { "return req.is_json", "req has no 'is_json': req.content_type == \"application/json\"" },
  { "return req:get_json().a", "req has no 'get_json': req:json()" },
  { "return req.secure", "req has no 'secure': req.scheme == \"https\"" },
  { "return req.view_args.id", "req has no 'view_args': req.params" },
  { "return req:redirect '/x'", "req has no 'redirect': return rille.redirect(url, status)" },
  { "return req:render 'index.html'", "req has no 'render': return rille.render(name, context)" },
  { "return req:next()", "req has no 'next': a middleware is function(req, handler), and calls handler(req)" },
  { "return res:cookie('a')", "cookie: the value of a is a string, got a nil" },
  { "return res:clear_cookie 'a'", "res has no 'clear_cookie': res:delete_cookie(name, options)" },
  { "return req.parms.id", "req has no 'parms', did you mean req.params?" },
  { "return req:jsonn()", "req has no 'jsonn', did you mean req:json(options)?" },
  { "return req.body", "req has no 'body': req:text(), req:bytes(), req:json() and req:form() read it" },
  { "return req.user.name", "req has no 'user': middleware leaves it in req.state.user" },
  { "return req.ip", "req has no 'ip': req.remote" },
  { "return req.frobnicated", "req has no 'frobnicated'; keep data of this request in req.state" },
  { "req.user = 'ada'", "req.user cannot be set: what belongs to this request goes into req.state.user" },
  { "return req.json().a", "req.json was called with a dot: write req:json(options)" },
  { "return req.accepts 'text/html'", "req.accepts was called with a dot: write req:accepts(...)" },
  { "return req.session.user", "req.session needs sessions: app:use(rille.session{})" },
  { "req:flash 'saved'", "req:flash() needs sessions: app:use(rille.session{})" },
  { "return req:csrf_field()", "req:csrf_field() needs the guard against forged forms: app:use(rille.csrf{})" },
  { "req.session = {}", "req.session cannot be set: its fields can (req.session.user = …), and req:clear_session() empties it" },
  { "return res:set_header('X-A', '1')", "res has no 'set_header': res:header(name, value)" },
  { "return res:heder('X-A', '1')", "res has no 'heder', did you mean res:header(name, value)?" },
  { "return res.status_code", "res has no 'status_code': res.status" },
  { "res.body = { a = 1 }", "res.body is a string, got a table: rille.json(value) makes a response of it" },
  { "res.status = '200'", "res.status is an integer from 200 to 599, got the string '200'" },
  { "res.content_type = 'text/css'", "res.content_type cannot be set: res.status and res.body can, and headers by res:header(name, value)" },
  { "return res.header('X-A', '1')", "res.header was called with a dot: write res:header(name, value)" },
  { "rille.json { a = 1 }", "the handler of GET / returned nothing: return a string or a response" },
  { "return { a = 1 }", "the handler of GET / returned a table: return a string or a response; rille.json(value) makes one of a table" },
  { "return 404", "the handler of GET / returned a number: return a string or a response; rille.empty(status) answers with a status alone, "
    .. "rille.abort(status) ends a request" },
  { "return 'x', 'y'", "the handler of GET / returned y as the status: an integer from 200 to 599 was expected" },
  { "error { status = 404 }", "a plain table was raised, which is no error value: rille.abort(404) raises one", place = false },
  { "return rille.render 'indx.html'", "there is no template 'indx.html', did you mean 'index.html'?", place = false },
}

M.asking = {
  { { method = "POST", path = "/", headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }, body = '{"age": 7}' },
    "7", app = "app:post('/', function(req) return tostring(req.state.body.age) end, { use = { rille.validate.body { age = 'integer' } } })",
    what = "curl -d '{\"age\": 7}'" },
  { { method = "POST", path = "/", headers = { ["Content-Type"] = "text/xml" }, body = "<age/>" },
    "400: bad JSON at line 1 column 1: malformed (the body came as text/xml: send JSON, with Content-Type: application/json, or a form)\n",
    app = "app:post('/', h, { use = { rille.validate.body { age = 'integer' } } })", what = "a body of another type" },
  { { method = "POST", path = "/" }, "422: the body is empty: JSON or a form was expected\n",
    app = "app:post('/', h, { use = { rille.validate.body { age = 'integer' } } })", what = "no body" },
  { { method = "OPTIONS", path = "/", headers = { Origin = "https://a.test", ["Access-Control-Request-Method"] = "POST",
      ["Access-Control-Request-Headers"] = "content-type" } },
    "403: the header content-type is not allowed from other origins: rille.cors{headers = {…}} names those that are\n",
    app = "app:use(rille.cors { headers = { 'x-token' } })", what = "a preflight for a header that rille.cors does not name" },
  { { method = "OPTIONS", path = "/", headers = { Origin = "https://b.test", ["Access-Control-Request-Method"] = "POST" } },
    "403: the origin https://b.test is not allowed from other origins: rille.cors{origins = {…}} names those that are\n",
    app = "app:use(rille.cors { origins = { 'https://a.test' } })", what = "a preflight from an origin that rille.cors does not name" },
}

-- ---- as a page ------------------------------------------------------------------------------------------------------------

local function cell(text) return (text:gsub("\n$", ""):gsub("|", "\\|")) end

local function add_rows(out, title, rows, text_of)
  out[#out + 1] = ("\n## %s\n\n| code | message |\n|---|---|"):format(title)
  for _, entry in ipairs(rows) do out[#out + 1] = ("| %s | %s |"):format(text_of(entry), "`" .. cell(entry[2]) .. "`") end
end

local function code_of(entry) return "`" .. cell(entry[1]) .. "`" end

--- markdown() -> docs/mistakes.md
function M.markdown()
  local out = { [[# Mistakes and their messages

This page lists common mistakes and the message for each. A message begins with the file and the line of the mistake, `app.lua:12: `,
which this page leaves out. Then it says what is wrong and how to write it. A spec compares every line of this page with what rille says.

Reading an unknown field of rille's objects raises, with the nearest name: `rille`, `req`, a response, an app, a database, a transaction, a
client, a file, a part, a task, a channel, and the objects of `rille.testing`. Tables with your own values are plain, and an absent field is
nil: `req.state`, `app.state`, `req.params`, `req.query`, `req.headers`, `req.cookies`, `req.session`, rows of a query, error values.
Installed modules that probe for a field get nil. To ask whether this version of rille has something, write
`pcall(function() return rille.something end)`.]] }
  add_rows(out, "While a program loads", M.loading, code_of)
  add_rows(out, "While a request is handled", M.handling, code_of)
  add_rows(out, "What a client gets", M.asking, function(entry) return cell(entry.what) end)
  return table.concat(out, "\n") .. "\n"
end

function M.main() io.write(M.markdown()) end

return M
