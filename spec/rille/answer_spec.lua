-- lua/rille/answer.lua, lua/rille/compile.lua
local rille = require "rille"
local testing = require "rille.testing"

describe("an error that nobody handles", function()
  local client
  before_each(function()
    local app = rille.app()
    app:get("/gone", function() rille.abort(410, "the <post> is gone", { headers = { ["X-Why"] = "old" } }) end)
    app:get("/broken", function() rille.abort(503, "the database at db7 is away") end)
    client = testing.client(app)
  end)

  it("is a page for browsers, with the message escaped", function()
    local res = client:get("/gone", { headers = { accept = "text/html,*/*;q=0.1" } })
    assert.equal(410, res.status)
    assert.matches("<h1>410: the &lt;post&gt; is gone</h1>", res:text(), 1, true)
    assert.matches("Accept", res.headers.vary, 1, true)
    assert.equal("old", res.headers["x-why"])
  end)

  it("is JSON for those who ask for it", function()
    local err = client:get("/gone", { headers = { accept = "application/json" } }):json().error
    assert.same({ 410, "gone", "the <post> is gone" }, { err.status, err.code, err.message })
  end)

  it("is a line of text for everybody else", function()
    assert.equal("410: the <post> is gone\n", client:get("/gone"):text())
  end)

  it("of the server keeps its message to itself", function()
    for _, accept in ipairs { "text/html", "application/json", "text/plain" } do
      local res = client:get("/broken", { headers = { accept = accept } })
      assert.equal(503, res.status)
      assert.not_matches("db7", res:text(), 1, true)
    end
  end)
end)

describe("on_error", function()
  local function answered(register, path)
    local app = rille.app()
    app:get("/gone", function() rille.abort(410) end)
    app:get("/taken", function() rille.abort(409, "x", { code = "taken" }) end)
    register(app)
    local res = testing.client(app):get(path)
    return res.status .. " " .. res:text()
  end

  it("has the error's status unless it says another", function()
    assert.equal("410 away", answered(function(app) app:on_error(410, function() return "away" end) end, "/gone"))
    assert.equal("404 away", answered(function(app) app:on_error(410, function() return "away", 404 end) end, "/gone"))
  end)

  it("is chosen by code, then by status, then '*'", function()
    local function all(app)
      app:on_error("*", function() return "any" end)
      app:on_error(409, function() return "status" end)
      app:on_error("taken", function() return "code" end)
    end
    assert.equal("409 code", answered(all, "/taken"))
    assert.equal("410 any", answered(all, "/gone"))
    assert.equal("404 any", answered(all, "/nothing"))
  end)

  it("of a mounted app comes first, and its parent's where that has none", function()
    local function with(register)
      return function(app)
        local sub = rille.app()
        sub:get("/", function() rille.abort(410) end)
        register(sub)
        app:mount("/sub", sub)
        app:on_error("*", function() return "parent" end)
      end
    end
    assert.equal("410 child", answered(with(function(sub) sub:on_error(410, function() return "child" end) end), "/sub"))
    assert.equal("410 parent", answered(with(function(sub) sub:on_error(409, function() return "child" end) end), "/sub"))
  end)
end)

describe("middleware", function()
  it("runs from the outermost app to the route, and back", function()
    local seen = {}
    local function note(name)
      return function(req, handler)
        seen[#seen + 1] = name
        local res = handler(req)
        seen[#seen + 1] = "-" .. name
        return res
      end
    end
    local app, sub = rille.app(), rille.app()
    app:use(note "root")
    sub:use(note "sub")
    sub:group({ prefix = "/g", use = { note "group" } }):get("/", function()
      seen[#seen + 1] = "handler"
      return ""
    end, { use = { note "route" } })
    app:mount("/sub", sub)
    testing.client(app):get "/sub/g"
    assert.equal("root sub group route handler -route -group -sub -root", table.concat(seen, " "))
  end)
end)
