-- rille.file("files/" .. req.params.name) left its folder by "..%2F", and there was no confined form.
-- runtime/bind/http/spool.c
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

describe("a path that comes from a request", function()
  local place, client

  before_each(function()
    place = scratch.new()
    place:write("files/a.txt", "inside")
    place:write("files/sub/b c.txt", "below")
    place:write("files/.env", "SECRET")
    place:write("files/.git/config", "SECRET")
    place:write("outside.txt", "outside")
    assert(os.execute(("cd %s/files && ln -s ../outside.txt out && ln -s sub in && ln -s / slash && mkfifo fifo")
      :format(place.directory)))
    local app = rille.app { body_limit = 10 * 1024 ^ 2 }
    local root = place.directory .. "/files"
    app:get("/f/{name:path}", function(req) return rille.file(req.params.name, { root = root }) end)
    app:get("/q", function(req) return rille.file(req.query.name, { root = root }) end)
    app:get("/dot/{name:path}", function(req) return rille.file(req.params.name, { root = root, dotfiles = true }) end)
    app:get("/plain", function(req) return rille.file(root .. "/" .. req.query.name) end)
    app:get("/nowhere", function() return rille.file("a.txt", { root = root .. "/nowhere" }) end)
    app:post("/save", function(req)
      return tostring(req:file("f"):save(req.query.name, { root = root }))
    end)
    app:post("/part", function(req)
      for part in req:parts() do return tostring(part:save(req.query.name, { root = root })) end -- luacheck: ignore 512
    end)
    client = testing.client(app)
  end)

  after_each(function() place:close() end)

  local ways_out = {
    "../outside.txt", "sub/../../outside.txt", "/etc/hostname", "out", "slash/etc/hostname", "in/../../outside.txt",
    "a.txt/../../outside.txt", "..", ".", "", "//etc/hostname", "sub/./../../outside.txt",
  }

  it("leads to what is below its root", function()
    assert.equal("inside", client:get("/f/a.txt"):text())
    assert.equal("text/plain; charset=utf-8", client:get("/f/a.txt").headers["content-type"])
    assert.equal("below", client:get("/f/sub%2Fb%20c.txt"):text())
    assert.equal("below", client:get("/f/in/b%20c.txt"):text(), "by a link that stays inside")
    assert.equal(206, client:get("/f/a.txt", { headers = { Range = "bytes=0-1" } }).status)
  end)

  it("leads nowhere else: 404", function()
    for _, name in ipairs(ways_out) do
      assert.equal(404, client:get("/q?name=" .. rille.url_encode(name)).status, name)
      if name ~= "" then assert.equal(404, client:get("/f/" .. rille.url_encode(name)).status, name) end
      if name ~= "" then assert.equal(404, client:get("/dot/" .. rille.url_encode(name)).status, name) end
    end
    for _, name in ipairs { "sub", "sub/", "fifo", "nothing", "a.txt/", "a.txt%00.png", "sub%00/b%20c.txt" } do
      assert.equal(404, client:get("/q?name=" .. name).status, name)
    end
    assert.equal(404, client:get("/plain?name=a.txt%00.png").status, "NUL ends no path")
    assert.equal(200, client:get("/plain?name=a.txt").status)
    for _, name in ipairs { "../outside.txt", "sub/..", "sub/../a.txt", "../../../../../../etc/hostname" } do
      assert.equal(404, client:get("/plain?name=" .. rille.url_encode(name)).status, name)
    end
    assert.matches("'..' in a path is not followed", require("rille.native.core").take_log(), 1, true)
    place:write("files/a..b/..c.txt", "dots")
    assert.equal("dots", client:get("/plain?name=a..b/..c.txt"):text())
  end)

  it("leads to nothing hidden, unless that is wanted", function()
    for _, name in ipairs { ".env", ".git/config" } do
      assert.equal(404, client:get("/f/" .. name).status, name)
      assert.equal(200, client:get("/dot/" .. name).status, name)
    end
  end)

  it("needs a root that is there", function()
    assert.equal(500, client:get("/nowhere").status)
    assert.matches("cannot open the directory .-/nowhere %(root%)", require("rille.native.core").take_log())
  end)

  it("saves an upload below its root only", function()
    for _, to in ipairs { "/save", "/part" } do
      for _, size in ipairs { 10, 200000 } do
        local function save(name)
          local files = { f = { filename = "x", body = ("x"):rep(size) } }
          return client:post(to .. "?name=" .. rille.url_encode(name), { files = files })
        end
        for _, name in ipairs { "new.txt", "sub/new.txt", "in/other.txt" } do
          assert.same({ 200, tostring(size) }, { save(name).status, save(name):text() }, to .. name)
          assert.equal(("x"):rep(size), place:read("files/" .. name))
        end
        for _, name in ipairs(ways_out) do
          local status = save(name).status -- a link is replaced by the file, where it stands
          if name ~= "out" then assert.is_true(status >= 400, to .. name) end
        end
        assert.equal(400, save("../new.txt").status)
        assert.equal(400, save("/tmp/new.txt").status)
        assert.equal(400, save("a\0b").status)
        assert.equal(400, save(".htaccess").status)
        assert.equal(500, save("slash/tmp/x.txt").status)
        assert.equal(500, save("nowhere/x.txt").status)
      end
    end
    assert.equal("outside", place:read "outside.txt")
    local names = place:run("find", place.directory, "-name", ".rille-*")
    assert.equal("", names, "nothing half-written stays")
  end)
end)
