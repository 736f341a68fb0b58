-- lua/rille/request.lua, lua/rille/coding.lua
-- runtime/bind/http/request.c, runtime/bind/http/request_body.c
local rille = require "rille"
local testing = require "rille.testing"

describe("req", function()
  -- What f(req) returns when this is asked.
  local function ask(f, path, opts, method)
    local app, result = rille.app(), nil
    app:any("/{rest:path}", function(req)
      result = table.pack(f(req))
      return "ok"
    end, { name = "any" })
    app:any("/", function(req)
      result = table.pack(f(req))
      return "ok"
    end)
    local client <close> = testing.client(app)
    local res = client[method or "get"](client, path or "/", opts)
    if not result then return nil, res end
    return table.unpack(result, 1, result.n)
  end

  -- The status, code and message that reading a body this way ends in.
  local function refusal(f, opts)
    local app, err = rille.app(), nil
    app:post("/", function(req)
      local _
      _, err = rille.try(f, req)
      error(err, 0)
    end)
    local client <close> = testing.client(app)
    local res = client:post("/", opts)
    return res.status, err and err.code
  end

  describe("has fields:", function()
    it("method, path decoded, raw_path as sent, target with the query, url", function()
      assert.same({ "DELETE", "/a b/é", "/a%20b/%C3%A9", "/a%20b/%C3%A9?x=%20", "http://127.0.0.1/a%20b/%C3%A9?x=%20" },
        { ask(function(req) return req.method, req.path, req.raw_path, req.target, req.url end, "/a%20b/%C3%A9?x=%20", nil,
          "delete") })
    end)

    it("query: the first value of a name; query_all: all of them", function()
      assert.same({ "1", "", "", "a b&", { "1", "2" }, {} }, { ask(function(req)
        return req.query.x, req.query.empty, req.query.bare, req.query.s, req:query_all "x", req:query_all "none"
      end, "/?x=1&x=2&empty=&bare&s=a+b%26") })
      assert.is_nil(ask(function(req) return req.query.none end, "/?x=1"))
      local all = ask(function(req)
        local names = {}
        for name, value in pairs(req.query) do names[name] = value end
        return names
      end, "/?a=1&b=2")
      assert.same({ a = "1", b = "2" }, all)
    end)

    it("headers in any case, repeated ones joined; header_all: each by itself", function()
      assert.same({ "1", "1", "a, b", { "a", "b" }, {} }, { ask(function(req)
        return req.headers["x-one"], req.headers["X-ONE"], req.headers["x-many"], req:header_all "X-Many", req:header_all "x-none"
      end, "/", { headers = { ["X-One"] = "1", ["X-Many"] = { "a", "b" } } }) })
      assert.is_nil(ask(function(req) return req.headers["x-none"] end))
    end)

    it("headers whose metamethods raise for what is no view of them", function()
      for _, name in ipairs { "__index", "__pairs" } do
        local ok, err = ask(function(req) return pcall(getmetatable(req.headers)[name], "x", "host") end)
        assert.is_false(ok)
        assert.match("a table was expected", tostring(err))
      end
    end)

    it("params, of the converter's type", function()
      local app = rille.app()
      app:get("/{a:int}/{b:float}/{c}/{d:path}", function(req)
        local p = req.params
        return rille.json { math.type(p.a), math.type(p.b), p.c, p.d }
      end)
      assert.same({ "integer", "float", "c d", "e/f" }, testing.client(app):get("/7/1.5/c%20d/e/f"):json())
    end)

    it("cookies", function()
      assert.same({ "1", '"x"', "" }, { ask(function(req) return req.cookies.a, req.cookies.b, req.cookies.c end, "/",
        { headers = { Cookie = 'a=1; b="x"; c=; d' } }) })
      assert.same({}, ask(function(req) return req.cookies end))
    end)

    it("content_type without its parameters, charset, content_length, nil when chunked", function()
      local function fields(req) return req.content_type, req.charset, req.content_length end
      assert.same({ "text/plain", "utf-8", 3 }, { ask(fields, "/",
        { body = "abc", headers = { ["Content-Type"] = "Text/Plain; Charset=\"UTF-8\"" } }, "post") })
      assert.same({ n = 3, nil, nil, 0 }, table.pack(ask(fields)))
      local sent = false
      assert.is_nil((ask(function(req) return req.content_length end, "/", { body = function()
        if sent then return nil end
        sent = true
        return "abc"
      end }, "post")))
    end)

    it("remote, scheme, host, version, id, route, app", function()
      local remote, scheme, host, version, id, route, app = ask(function(req)
        return req.remote, req.scheme, req.host, req.version, req.id, req.route, req.app
      end, "/x")
      assert.same({ "127.0.0.1", "http", "127.0.0.1", "any" }, { remote, scheme, host, route })
      assert.matches("1%.1$", version)
      assert.is_true(#id >= 16)
      assert.equal("function", type(app.get))
      assert.is_nil(ask(function(req) return req.route end, "/"))
      assert.not_equal(id, (ask(function(req) return req.id end)))
    end)

    it("state, a table of this request alone", function()
      local app = rille.app()
      app:use(function(req, handler)
        assert(req.state.n == nil)
        req.state.n = 1
        return handler(req)
      end)
      app:get("/", function(req) return tostring(req.state.n) .. tostring(req.app.state.n) end)
      local client = testing.client(app)
      assert.equal("1nil", client:get("/"):text())
      assert.equal("1nil", client:get("/"):text())
    end)

    it("and no others that could be set or misspelt", function()
      local ok, message = ask(function(req) return pcall(function() req.user = 1 end) end)
      assert.is_false(ok)
      assert.matches("user", message)
      assert.is_false((ask(function(req) return pcall(function() req.method = "X" end) end)))
    end)
  end)

  describe("reads its body", function()
    it("whole, as text, bytes or JSON, again and again", function()
      assert.same({ '{"a":[]}', '{"a":[]}', { a = {} }, { a = {} } }, { ask(function(req)
        return req:text(), req:bytes(), req:json(), req:json()
      end, "/", { body = '{"a":[]}' }, "post") })
      assert.same({ "", "" }, { ask(function(req) return req:text(), req:bytes() end) })
    end)

    it("as JSON whatever its type is said to be", function()
      local opts = { body = "1", headers = { ["Content-Type"] = "text/x" } }
      assert.equal(1, ask(function(req) return req:json() end, "/", opts, "post"))
    end)

    it("as text of the charset it says, UTF-8 unless said", function()
      local function text(body, type)
        return ask(function(req) return req:text() end, "/", { body = body, headers = { ["Content-Type"] = type } }, "post")
      end
      assert.equal("é", text("\xe9", "text/plain; charset=iso-8859-1"))
      assert.equal("é", text("é", "text/plain"))
      assert.equal("\xe9", ask(function(req) return req:bytes() end, "/", { body = "\xe9" }, "post"))
    end)

    it("piece by piece as it arrives", function()
      local parts = { "one ", "two ", "three" }
      local text = ask(function(req)
        local all = {}
        for chunk in req:chunks() do all[#all + 1] = chunk end
        return table.concat(all)
      end, "/", { body = function() return table.remove(parts, 1) end }, "post")
      assert.equal("one two three", text)
    end)

    it("or 400 for bad JSON, with what is wrong", function()
      local status, code = refusal(function(req) return req:json() end, { body = "{" })
      assert.same({ 400, "json" }, { status, code })
      assert.same({ 400 }, { (refusal(function(req) return req:json() end, {})) })
    end)

    it("or 413 beyond the limit: the app's, the group's, the route's", function()
      local app = rille.app { body_limit = 100 }
      local function length(req) return tostring(#req:bytes()) end
      app:post("/", length)
      app:group { prefix = "/group", body_limit = 200 }:post("/", length)
      app:post("/route", length, { body_limit = 300 })
      local client = testing.client(app)
      for path, limit in pairs { ["/"] = 100, ["/group"] = 200, ["/route"] = 300 } do
        assert.equal(tostring(limit), client:post(path, { body = ("x"):rep(limit) }):text())
        assert.equal(413, client:post(path, { body = ("x"):rep(limit + 1) }).status)
        local sent = 0
        assert.equal(413, client:post(path, { body = function()
          sent = sent + 1
          return sent < 9 and ("x"):rep(100) or nil
        end }).status)
      end
    end)

    it("or 415 for a charset or a coding nobody knows, and bytes that are not of the charset", function()
      local function text(req) return req:text() end
      assert.equal(415, (refusal(text, { body = "\xff" })))
      assert.equal(415, (refusal(text, { body = "x", headers = { ["Content-Type"] = "text/plain; charset=klingon" } })))
      assert.equal(415, (refusal(text, { body = "x", headers = { ["Content-Encoding"] = "lzma" } })))
      local gzip = { ["Content-Encoding"] = "gzip" }
      assert.equal(415, (refusal(function(req) return req:json() end, { body = "1", headers = gzip })))
    end)
  end)

  it("builds absolute URLs of routes", function()
    local app = rille.app()
    app:get("/posts/{id:int}", function(req) return req:url_for("post", { id = 7 }, { page = 2 }) end, { name = "post" })
    assert.equal("http://blog.test/posts/7?page=2", testing.client(app, { host = "blog.test" }):get("/posts/1"):text())
    assert.equal("https://blog.test/posts/7?page=2",
      testing.client(app, { host = "blog.test", scheme = "https" }):get("/posts/1"):text())
  end)

  describe("accepts", function()
    for accept, best in pairs {
      ["text/html"] = "text/html", ["application/json"] = "application/json", ["*/*"] = "text/html", ["text/*"] = "text/html",
      ["text/html;q=0.1, application/json"] = "application/json", ["application/*;q=0.5, text/html;q=0.4"] = "application/json",
      ["text/html;q=0, */*"] = "application/json", ["TEXT/HTML"] = "text/html", ["application/json, text/html"] = "text/html",
    } do
      it(best .. " where it is asked for " .. accept, function()
        assert.equal(best, ask(function(req) return req:accepts("text/html", "application/json") end, "/",
          { headers = { Accept = accept } }))
      end)
    end

    it("nothing of what is offered, and the first where nothing was said", function()
      local function best(req) return req:accepts("text/html", "application/json") end
      assert.is_nil((ask(best, "/", { headers = { Accept = "image/png" } })))
      assert.equal("text/html", (ask(best, "/", { headers = { Accept = "" } })))
    end)
  end)

  it("is worth nothing once its request is over, and says so", function()
    local kept = ask(function(req) return req end)
    for _, name in ipairs { "method", "headers", "query", "state" } do
      local _, message = pcall(function() return kept[name].x end)
      assert.is_string(message, name)
    end
    assert.is_false(pcall(kept.text, kept))
  end)
end)
