-- A typo was nil: `rille.jsn`, `req.parms`, `app:listen` ended in bare errors of Lua, and `req.user` was never there, silently.
-- What is said is in spec/mistakes_spec.lua; here is who is not disturbed.
local native = require "rille.native.core"
local options = require "rille.options"
local rille = require "rille"
local testing = require "rille.testing"

describe("a field that is not there", function()
  it("is nil for modules that were installed, and for C", function()
    local app = rille.app()
    local look = assert(load("return (...).frobnicated", "@/usr/share/lua/5.4/inspect.lua"))
    local look_too = assert(load("return (...).frobnicated", "@lua_modules/share/lua/5.4/x.lua"))
    assert.is_nil(look(app))
    assert.is_nil(look_too(rille))
    assert.is_nil(rawget(app, "frobnicated"))
    assert.same(app, app)
    assert.equal("table", type(app.state))
  end)

  it("is nil where it is a metamethod that is looked for", function()
    assert.is_nil(rille.app().__tostring)
    assert.is_nil(rille.channel().__len)
  end)

  it("is nil where an absent one means something", function()
    local app, seen = rille.app(), {}
    app:get("/", function(req)
      seen = { req.route, req.content_type, req.charset, req.state.user, req.app.state.db, req.query.page, req.headers["x-none"],
        req.cookies.none, req.params.none }
      return ""
    end)
    app:post("/", function(req)
      local part = req:parts()()
      seen[#seen + 1] = part and part.filename
      return ""
    end)
    local client = testing.client(app)
    local res = client:get "/"
    assert.equal(0, #seen)
    assert.same({ nil, nil }, { res.charset and nil, res.encoding })
    local db <close> = rille.sqlite.open ":memory:"
    assert.is_nil(db:one("SELECT 1 AS a, NULL AS b").b)
  end)

  it("is found through a table of the program that stands in front", function()
    local ok, message = pcall(function() return setmetatable({}, { __index = rille.app() }).frobnicated end)
    assert.is_false(ok)
    assert.matches("^spec/regress/300%-unknown%-fields_spec.lua:%d+: app has no 'frobnicated'", message)
  end)

  it("is cut and without control characters in the message", function()
    local _, message = pcall(function() return rille[("x\n"):rep(100)] end)
    assert.is_nil(message:find "%c")
    assert.is_true(#message < 200)
  end)

  it("costs a request nothing where nothing is missing", function() -- what misses is asked for by no hot path
    local asked = 0
    local app = rille.app { secret = ("s"):rep(32) }
    app:use(rille.session {})
    app:get("/", function(req)
      req.session.count = (req.session.count or 0) + 1
      return req:form().x or "none"
    end)
    local original = options.nearest
    options.nearest = function(...)
      asked = asked + 1
      return original(...)
    end
    assert.equal("none", testing.client(app):get("/"):text())
    options.nearest = original
    assert.equal(0, asked)
  end)
end)

describe("the nearest name", function()
  local names = { "json", "os", "params", "max_age", "open", "get", "headers" }
  local near = {
    jsn = "json", jsonn = "json", parms = "params", maxAge = "max_age", ["max-age"] = "max_age", opne = "open", gte = "get",
    hedaers = "headers",
  }
  for name, wanted in pairs(near) do
    it(("of %s is %s"):format(name, wanted), function() assert.equal(wanted, options.nearest(name, names)) end)
  end
  for _, name in ipairs { "ok", "is", "user", "x", "", "frobnicate", ("json"):rep(1000) } do
    it(("of '%s' is none"):format(name:sub(1, 12)), function() assert.is_nil(options.nearest(name, names)) end)
  end
end)

describe("a mistake in `return f(…)`, which leaves no line of its own,", function()
  it("is told where the handler begins", function()
    local app, failure = rille.app(), nil
    app:get("/", function(req)
      return req:csrf_field()
    end)
    app:on_error("*", function(_, err) failure = tostring(err) return "" end)
    testing.client(app):get "/"
    assert.matches("^spec/regress/300%-unknown%-fields_spec.lua:%d+: req:csrf_field%(%) needs", failure)
  end)

  it("or where its task was spawned", function()
    local task = rille.spawn(function() return rille.channel().send(1) end)
    local _, err = rille.try(task.wait, task)
    assert.matches("^spec/regress/300%-unknown%-fields_spec.lua:%d+: channel.send was called with a dot", tostring(err))
  end)
end)

describe("app:options", function()
  it("takes a route, as app:get does", function() -- a field of that name hid the method
    local app = rille.app()
    app:options("/", function() return "mine" end)
    assert.equal("mine", testing.client(app):options("/"):text())
  end)
end)

describe("a mode", function()
  it("is known", function() assert.equal("test", native.mode) end)
end)
