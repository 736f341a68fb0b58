-- Options that were taken and then dropped without a word: a body limit of 0, the limits of a mounted app, a cpu_limit of less
-- than a millisecond, parameters of a URL that have no place, an empty list of methods.
local native = require "rille.native.core"
local rille = require "rille"
local testing = require "rille.testing"

describe("an option", function()
  local function echo(req) return tostring(#req:bytes()) end

  it("of 0 is a limit too: no body at all", function()
    local app = rille.app()
    app:post("/none", echo, { body_limit = 0 })
    app:group({ prefix = "/group", body_limit = 0 }):post("/", echo)
    app:post("/some", echo)
    local client = testing.client(app)
    for _, path in ipairs { "/none", "/group" } do
      assert.equal(413, client:post(path, { body = "x" }).status, path)
      assert.equal(200, client:post(path, { body = "" }).status, path)
    end
    assert.equal(200, client:post("/some", { body = "x" }).status)
    local small = rille.app { body_limit = 0 }
    small:post("/", echo)
    assert.equal(413, testing.client(small):post("/", { body = "x" }).status)
  end)

  it("of a mounted app holds for its routes, and for those of apps mounted in it", function()
    local app, sub, inner = rille.app(), rille.app { body_limit = 10 }, rille.app()
    for _, one in ipairs { app, sub, inner } do
      one:post("/echo", echo)
      one:post("/own", echo, { body_limit = 20 })
    end
    sub:mount("/inner", inner)
    app:mount("/sub", sub)
    local client = testing.client(app)
    local function status(path, size) return client:post(path, { body = ("x"):rep(size) }).status end
    assert.same({ 200, 413 }, { status("/sub/echo", 10), status("/sub/echo", 11) })
    assert.same({ 200, 413 }, { status("/sub/inner/echo", 10), status("/sub/inner/echo", 11) })
    assert.same({ 200, 413 }, { status("/sub/own", 20), status("/sub/own", 21) })
    assert.equal(200, status("/echo", 1000))
  end)

  it("of connections is not for a mounted app", function()
    assert.error_matches(function() rille.app():mount("/sub", rille.app { limits = { headers = 10 } }) end,
      "limits are limits of connections")
  end)

  it("cpu_limit holds in a mounted app, however small", function()
    local function busy() while true do end end
    local app, sub = rille.app(), rille.app { cpu_limit = 0.0001 }
    sub:get("/", busy)
    app:mount("/sub", sub)
    assert.equal(503, testing.client(app):get("/sub").status)
    for _, wrong in ipairs { 0, -1, 0 / 0 } do
      assert.error_matches(function() rille.app { cpu_limit = wrong } end, "cpu_limit is in seconds, more than 0")
    end
  end)

  it("of file, dotfiles, goes with a root", function()
    assert.error_matches(function() rille.file("x", { dotfiles = true }) end, "dotfiles goes with root")
  end)

  it("of response, headers, has names", function()
    assert.error_matches(function() rille.response { headers = { "X-A: b" } } end, "headers has names")
  end)

  it("of security_headers that is true says nothing of its own", function()
    local app = rille.app()
    app:use(rille.security_headers { permissions = true, referrer = true })
    app:get("/", function() return "x" end)
    local res = testing.client(app):get "/"
    assert.equal(200, res.status)
    assert.equal("strict-origin-when-cross-origin", res.headers["referrer-policy"])
    assert.is_nil(res.headers["permissions-policy"])
  end)

  it("of route, method, names one at least", function()
    local app = rille.app()
    assert.error_matches(function() app:route { method = {}, path = "/", handler = echo } end, "the list is empty")
    assert.error_matches(function() app:route { method = { 1 }, path = "/", handler = echo } end, "method%[1%] is a name")
  end)

  it("of url_for has a place", function()
    local app = rille.app()
    app:get("/posts/{id:int}", echo, { name = "post" })
    app:get("/go", function(req) return req:url_for("post", { id = 1, idd = 2 }) end)
    assert.error_matches(function() app:url_for("post", { id = 1, page = 2 }) end, "route 'post' has no parameter 'page'")
    assert.error_matches(function() app:url_for("post", { id = 1, idd = 2 }) end, "did you mean 'id'?", 1, true)
    assert.equal("/posts/1?page=2", app:url_for("post", { id = 1 }, { page = 2 }))
    assert.equal(500, testing.client(app):get("/go").status)
    native.take_log()
  end)

  it("that is not known is named, with the nearest one, wherever options are taken", function()
    local app = rille.app()
    local mistakes = {
      ["body_limt"] = function() rille.app { body_limt = 1 } end,
      ["heders"] = function() rille.app { limits = { heders = 1 } } end,
      ["nam"] = function() app:get("/", echo, { nam = "x" }) end,
      ["handlr"] = function() app:route { path = "/", handlr = echo } end,
      ["prefx"] = function() app:group { prefx = "/" } end,
      ["indx"] = function() app:static("/", "spec", { indx = true }) end,
      ["patern"] = function() app:converter("x", { patern = "x" }) end,
      ["statu"] = function() rille.response { statu = 200 } end,
      ["filname"] = function() rille.file("x", { filname = "y" }) end,
      ["max_ag"] = function() rille.text("x"):cookie("a", "b", { max_ag = 1 }) end,
      ["pth"] = function() rille.text("x"):delete_cookie("a", { pth = "/" }) end,
      ["stor"] = function() rille.session { stor = "memory" } end,
      ["trustd"] = function() rille.csrf { trustd = {} } end,
      ["origns"] = function() rille.cors { origns = "*" } end,
      ["rat"] = function() rille.limit { rat = 1 } end,
      ["mn"] = function() rille.compress { mn = 1 } end,
      ["hst"] = function() rille.security_headers { hst = false } end,
      ["hedders"] = function() rille.trust_proxy { "10.0.0.0/8", hedders = "forwarded" } end,
      ["headr"] = function() rille.request_id { headr = "X" } end,
      ["stats"] = function() rille.normalize_path { stats = 301 } end,
      ["relm"] = function() rille.auth.basic { relm = "x", verify = echo } end,
    }
    for name, mistake in pairs(mistakes) do
      assert.error_matches(mistake, "unknown option '" .. name .. "'", 1, true)
    end
  end)
end)
