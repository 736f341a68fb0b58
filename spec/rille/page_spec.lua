-- lua/rille/page.lua, lua/rille/template/stream.lua
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local rille = require "rille"
local testing = require "rille.testing"

-- An app whose templates are given as name -> text, with one page at /.
local function app_with(templates, handler, options)
  options = options or {}
  options.templates = templates
  local app = rille.app(options)
  app:get("/", handler or function() return rille.render("page.html", { name = "Ada & Bob" }) end, { name = "index" })
  return app
end

local function get(app, path, options) return testing.client(app):get(path or "/", options) end

local function page_text(text, context)
  return get(app_with({ ["page.html"] = text }, function() return rille.render("page.html", context) end)):text()
end

describe("rille.render", function()
  it("answers with a page, as HTML that is escaped", function()
    local res = get(app_with { ["page.html"] = "<p>{{ name }}</p>" })
    assert.equal(200, res.status)
    assert.equal("text/html; charset=utf-8", res.headers["content-type"])
    assert.equal("<p>Ada &amp; Bob</p>", res:text())
  end)

  it("takes a status", function()
    local app = app_with({ ["page.html"] = "no" }, function() return rille.render("page.html", nil, 404) end)
    assert.equal(404, get(app).status)
  end)

  it("does not escape what is no HTML", function()
    local app = app_with({ ["mail.txt"] = "{{ name }}" }, function(req)
      return req.app:render("mail.txt", { name = "<>" })
    end)
    assert.equal("<>", get(app):text())
  end)

  it("finds the app of a mounted route, and its parent's templates behind its own", function()
    local sub = rille.app { templates = { ["own.html"] = "own {% include 'shared.html' %}" } }
    sub:get("/", function() return rille.render "own.html" end)
    local app = rille.app { templates = { ["shared.html"] = "shared", ["own.html"] = "not this" } }
    app:mount("/sub", sub)
    assert.equal("own shared", get(app, "/sub"):text())
  end)

  it("knows its request in tasks that a handler spawned", function()
    local app = app_with({ ["page.html"] = "{{ request.path }}" }, function()
      return (rille.all(function() rille.sleep(0) return rille.render "page.html" end))
    end)
    assert.equal("/", get(app):text())
  end)

  it("knows its request in a coroutine of the program's own", function()
    local app = app_with({ ["page.html"] = "{{ request.path }}" }, function()
      return coroutine.wrap(function() return rille.render "page.html" end)()
    end)
    assert.equal("/", get(app):text())
  end)

  it("raises where there is no request, and says what to use", function()
    assert.error_matches(function() rille.render "page.html" end, "app:render")
  end)

  it("lets a template wait in mid-page", function()
    local app = app_with({ ["page.html"] = "{{ slow(1) }} {{ slow(2) }}" }, function()
      return rille.render("page.html", { slow = function(n) rille.sleep(0) return n end })
    end)
    assert.equal("1 2", get(app):text())
  end)

  it("waits in loops over a program's iterator, in filters and in tests", function()
    local source = "{% for x in rows() %}{{ x | slowly }}{% if x is even_slowly %}!{% endif %}{% endfor %}"
    local app = app_with({ ["page.html"] = source },
      function() return rille.render("page.html", { rows = function()
        local i = 0
        return function()
          rille.sleep(0)
          i = i + 1
          return i <= 3 and i or nil
        end
      end }) end)
    app:filter("slowly", function(v) rille.sleep(0) return v * 10 end)
    app:test("even_slowly", function(v) rille.sleep(0) return v % 2 == 0 end)
    assert.equal("1020!30", get(app):text())
  end)

  it("queries a database from a page", function()
    local db = rille.sqlite.open ":memory:"
    finally(function() db:close() end)
    db:exec "CREATE TABLE posts (title TEXT)"
    db:exec "INSERT INTO posts VALUES ('a <b>'), ('c')"
    local app = app_with({ ["page.html"] = "{% for post in db.query('SELECT title FROM posts') %}{{ post.title }};{% endfor %}" },
      function() return rille.render("page.html", { db = db }) end)
    assert.equal("a &lt;b&gt;;c;", get(app):text())
  end)

  it("is a 500 that tells the client nothing where the template fails", function()
    local res = get(app_with { ["page.html"] = "{{ a.b.secret }}" })
    assert.equal(500, res.status)
    assert.is_nil(res:text():find("secret", 1, true))
    assert.matches("page.html:1: 'a' is undefined", native.take_log())
  end)

  it("is a 500 where there is no such template", function()
    local res = get(app_with({}, function() return rille.render "nope.html" end))
    assert.equal(500, res.status)
    assert.matches("there is no template 'nope.html'", native.take_log())
  end)

  it("wants a name and a table", function()
    local app = app_with({ ["page.html"] = "" }, function()
      local _, first = rille.try(rille.render, 1)
      local _, second = rille.try(rille.render, "page.html", "x")
      return tostring(first) .. tostring(second)
    end)
    local text = get(app):text()
    assert.matches("the name of a template was expected, got a number", text)
    assert.matches("context is a table, got a string", text)
  end)
end)

describe("a page sees", function()
  it("what app:context gives, behind what it was given itself", function()
    local app = app_with({ ["page.html"] = "{{ user }} {{ name }} {{ path }}" })
    app:context(function(req) return { user = "ada", name = "not this", path = req.path } end)
    assert.equal("ada Ada &amp; Bob /", get(app):text())
  end)

  it("contexts of a mounted app before its parent's", function()
    local sub = rille.app()
    sub:get("/", function() return rille.render "page.html" end)
    sub:context(function() return { a = "sub" } end)
    local app = rille.app { templates = { ["page.html"] = "{{ a }} {{ b }}" } }
    app:context(function() return { a = "app", b = "app" } end)
    app:mount("/sub", sub)
    assert.equal("sub app", get(app, "/sub"):text())
  end)

  it("filters, tests and globals of the app and its parents", function()
    local sub = rille.app()
    sub:get("/", function() return rille.render("page.html", { n = 4 }) end)
    sub:filter("twice", function(v) return v .. v end)
    local app = rille.app { templates = { ["page.html"] = "{{ site | twice }} {{ n is small }} {{ n | add(1, by=2) }}" } }
    app:test("small", function(v) return v < 5 end)
    app:filter("add", function(v, a, options) return v + a * options.by end)
    app:global("site", "x")
    app:mount("/sub", sub)
    assert.equal("xx true 6", get(app, "/sub"):text())
  end)

  it("url_for with parameters by name, the rest as a query", function()
    local app = app_with { ["page.html"] = "{{ url_for('index') }} {{ url_for('post', id=7) }} "
      .. "{{ url_for('post', id=7, page=2) }} "
      .. "{{ url_for('post', {'id': 8}, {'q': 'a b'}) }}" }
    app:get("/posts/{id:int}", function() return "" end, { name = "post" })
    assert.equal("/ /posts/7 /posts/7?page=2 /posts/8?q=a%20b", get(app):text())
  end)

  it("an error that names the route that url_for does not know", function()
    assert.equal(500, get(app_with { ["page.html"] = "{{ url_for('inde') }}" }).status)
    assert.matches("no route is named 'inde', did you mean 'index'", native.take_log())
  end)

  it("static: where a file of app:static is served", function()
    local app = app_with { ["page.html"] = "{{ static('a b.css') }}" }
    app:static("/files", "spec")
    assert.equal("/files/a%20b.css", get(app):text())
  end)

  it("the request, its query and headers, and none of its private parts", function()
    local app = app_with { ["page.html"] = "{{ request.method }} {{ request.query.q }} {{ request.headers['x-a'] }} "
      .. "{{ request.__index is defined }}" }
    assert.equal("GET &lt; 1 false", get(app, "/?q=%3C", { headers = { ["X-A"] = "1" } }):text())
  end)

  it("no field for csrf and no flashes where nobody installed them", function()
    assert.equal("[][]", page_text "[{{ csrf_field() }}]{{ flashes() }}")
  end)

  it("the session and its flashes, once", function()
    local app = app_with { ["page.html"] = "{{ session.user }}{% for text in flashes() %}[{{ text }}]{% endfor %}" }
    app:use(rille.session { secret = ("x"):rep(32) })
    app:get("/login", function(req)
      req.session.user = "ada"
      req:flash "Welcome <ada>"
      return ""
    end)
    local client = testing.client(app)
    client:get "/login"
    assert.equal("ada[Welcome &lt;ada&gt;]", client:get("/"):text())
    assert.equal("ada", client:get("/"):text())
  end)

  it("no session where nobody installed one", function()
    assert.equal("false", page_text "{{ session is defined }}")
  end)

  it("the field for csrf, as HTML, with a token of the session", function()
    local app = app_with { ["page.html"] = "{{ csrf_field() }}" }
    app:use(rille.session { secret = ("x"):rep(32) })
    app:use(rille.csrf {})
    assert.matches('^<input type="hidden" name="csrf_token" value="[%w_.-]+">$', get(app):text())
  end)

  it("no Lua", function()
    for _, name in ipairs { "os", "io", "require", "load", "_G", "_ENV", "string", "debug", "setmetatable", "error" } do
      assert.equal("false", page_text("{{ " .. name .. " is defined }}"))
    end
  end)

  it("nothing of what another page has set", function()
    local app = app_with { ["page.html"] = "{{ x is defined }}{% set x = 1 %}" }
    local client = testing.client(app)
    assert.equal("false", client:get("/"):text())
    assert.equal("false", client:get("/"):text())
  end)
end)

describe("app:render", function()
  it("gives the text of a page where there is no request", function()
    local app = app_with {
      ["page.html"] = "{{ request is defined }} {{ url_for('index') }} {{ flashes() }}{{ csrf_field() }} {{ a }}",
    }
    app:context(function(req) return { a = req.path } end)
    assert.equal("false / [] ", app:render "page.html")
  end)

  it("raises not_found", function()
    local _, err = rille.try(app_with({}).render, app_with {}, "x.html")
    assert.equal("not_found", err.code)
    assert.equal(500, err.status)
  end)
end)

describe("app:filter, app:test, app:global and app:context", function()
  it("check what they are given", function()
    local app = rille.app()
    assert.error_matches(function() app:filter("a b", print) end, "filter: a name was expected, got 'a b'")
    assert.error_matches(function() app:filter("a", 1) end, "filter 'a': a function was expected, got a number")
    assert.error_matches(function() app:test("a") end, "test 'a': a function was expected, got a nil")
    assert.error_matches(function() app:global "a" end, "global 'a': a value was expected, got nil")
    assert.error_matches(function() app:context {} end, "context: a function%(req%) was expected, got a table")
  end)

  it("say so when a context is no table", function()
    local app = app_with { ["page.html"] = "" }
    app:context(function() return 1 end)
    assert.equal(500, get(app).status)
    assert.matches("app:context: the function returns a table, it returned a number", native.take_log())
  end)
end)

describe("the option templates", function()
  it("may list several sources, of which the first that knows a name wins, and settings", function()
    local app = app_with({ { ["page.html"] = "{% if true %}\nfirst{% endif %} {% include 'b.html' %}" },
      { ["page.html"] = "second", ["b.html"] = "b" }, function(name) return name == "c.html" and "c" or nil end,
        trim_blocks = true })
    assert.equal("first b", get(app):text())
    assert.equal("c", app:render "c.html")
  end)

  it("may be strict", function()
    local app = rille.app { templates = { { ["page.html"] = "{{ nothing }}" }, strict = true } }
    local _, err = rille.try(app.render, app, "page.html")
    assert.equal("undefined", err.code)
  end)

  it("is told by name when it has an unknown setting", function()
    local app = rille.app { templates = { {}, trim_block = true } }
    assert.error_matches(function() app:render "x" end, "unknown option 'trim_block', did you mean 'trim_blocks'")
  end)
end)

describe("rille.render_stream", function()
  -- The exchange itself: what a client sees on the wire.
  local function exchange(app)
    local client = testing.client(app)
    local ex = native_http.exchange(client.running.compiled, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false)
    finally(function() ex:close() end)
    return ex
  end

  local function streamed(text, context, templates)
    templates = templates or {}
    templates["page.html"] = text
    return app_with(templates, function() return rille.render_stream("page.html", context) end)
  end

  it("answers with the same page", function()
    local res = get(streamed("{% for i in range(3) %}<p>{{ i }}{{ request.path }}</p>{% endfor %}"))
    assert.equal("text/html; charset=utf-8", res.headers["content-type"])
    assert.equal("<p>0/</p><p>1/</p><p>2/</p>", res:text())
  end)

  it("sends what is there before the page waits", function()
    local go = rille.event()
    local ex = exchange(streamed("<h1>head</h1>{{ slow() }}", { slow = function() go:wait() return "rest" end }))
    local seen = ""
    while not seen:find("head", 1, true) do seen = seen .. ex:read() end
    assert.is_nil(seen:find("rest", 1, true))
    go:set()
    while not seen:find("rest", 1, true) do seen = seen .. ex:read() end
  end)

  it("holds what is captured until it is printed", function()
    local res = get(streamed("{% set x %}a{{ slow() }}b{% endset %}[{{ x }}]",
      { slow = function() rille.sleep(0) return "-" end }))
    assert.equal("[a-b]", res:text())
  end)

  it("waits for the client that reads slowly", function()
    local rounds = 0
    local res = get(streamed("{% for x in rows() %}{{ x }}{% endfor %}", { rows = function()
      return function()
        rounds = rounds + 1
        return rounds <= 100 and ("x"):rep(65536) or nil
      end
    end }))
    for _ = 1, 20 do rille.sleep(0) end
    assert.is_true(rounds < 50, "the template ran ahead of its client: " .. rounds .. " rounds")
    assert.equal(100 * 65536, #res:text())
  end)

  it("ends the template when the client leaves", function()
    local closed
    local app = streamed("<p>head</p>{{ slow() }}", { slow = function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      rille.sleep(3600)
    end })
    local ex = exchange(app)
    ex:read()
    ex:close()
    for _ = 1, 5 do rille.sleep(0) end
    assert.is_true(closed)
  end)

  it("is a 500 where the template cannot be compiled, for nothing has been sent yet", function()
    assert.equal(500, get(streamed "{% if %}").status)
    native.take_log()
  end)

  it("is broken off where the page fails later", function()
    local res = get(streamed("<p>start</p>{{ wait() }}{{ a.b.c }}", { wait = function() rille.sleep(0) return "" end }))
    local ok, err = pcall(res.text, res)
    assert.is_false(ok)
    assert.matches("broke the response off", tostring(err))
    assert.matches("page.html:1: 'a' is undefined", native.take_log())
  end)
end)
