-- app:static("/app", dir): GET /app served the index itself, whose relative links then missed; /.well-known/ could not be served;
-- there was nothing for programs that run in the browser; and static("nosuch.js") gave a URL without a word.
local native = require "rille.native.core"
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

describe("app:static", function()
  local place

  before_each(function()
    place = scratch.new()
    place:write("site/index.html", "<script src=main.js></script>")
    place:write("site/main.js", "let x = 1")
    place:write("site/main.js.gz", "gzip bytes")
    place:write("site/100%25 é.txt", "odd")
    place:write("site/sub/index.html", "sub")
    place:write("site/empty/x.txt", "x")
    place:write("site/large.bin", ("large"):rep(100000))
    place:write("site/.well-known/security.txt", "Contact: mailto:a@example.org")
    place:write("site/.well-known/.hidden", "hidden")
    place:write("site/.git/config", "secret")
    place:write("site/sub/.well-known/x", "elsewhere")
  end)

  after_each(function() place:close() end)

  -- Served by C alone, through a middleware, and in a mounted app: the same answers.
  local function clients(opts)
    local list = {}
    for _, how in ipairs { "alone", "middleware", "mounted" } do
      local app, site = rille.app(), rille.app()
      if how == "middleware" then app:use(function(req, handler) return handler(req) end) end
      local target = how == "mounted" and site or app
      target:static(how == "mounted" and "/" or "/app", place.directory .. "/site", opts)
      if how == "mounted" then app:mount("/app", site) end
      app:get("/api/{id:int}", function() return "api" end)
      list[how] = testing.client(app)
    end
    return pairs(list)
  end

  it("leads from its prefix to the slash behind it", function()
    for how, client in clients() do
      local res = client:get "/app?a=b"
      assert.same({ 308, "/app/?a=b" }, { res.status, res.headers.location }, how)
      assert.equal("<script src=main.js></script>", client:get("/app/"):text(), how)
      assert.equal(308, client:get("/app/sub").status, how)
      assert.equal(200, client:get("/app/main.js").status, how)
    end
    for how, client in clients { index = false } do
      assert.equal(404, client:get("/app").status, how)
      assert.equal(404, client:get("/app/").status, how)
    end
    local app = rille.app()
    app:static("/", place.directory .. "/site")
    assert.equal(200, testing.client(app):get("/").status)
  end)

  it("serves /.well-known/, and nothing else that is hidden", function()
    for how, client in clients() do
      assert.equal(200, client:get("/app/.well-known/security.txt").status, how)
      for _, path in ipairs { "/.well-known/.hidden", "/.git/config", "/sub/.well-known/x", "/.well-known/../.git/config",
        "/.well-known", "/.well-known/" } do
        assert.equal(404, client:get("/app" .. path).status, how .. path)
      end
    end
  end)

  it("falls back to one file where a page is asked for that it has not", function()
    for how, client in clients { fallback = "index.html" } do
      for _, path in ipairs { "/app/users/7", "/app/users/7/", "/app/a/b/c", "/app/empty", "/app/empty/" } do
        local res = client:get(path, { headers = { Accept = "text/html,application/xhtml+xml,*/*;q=0.8" } })
        assert.same({ 200, "<script src=main.js></script>" }, { res.status, res:text() }, how .. path)
        assert.matches("text/html", res.headers["content-type"])
        assert.matches("Accept", res.headers.vary)
      end
      assert.equal(200, client:head("/app/users/7", { headers = { Accept = "text/html" } }).status)
      assert.equal(404, client:get("/app/users/7", { headers = { Accept = "application/json" } }).status)
      assert.equal(404, client:get("/app/users/7", { headers = { Accept = "text/html;q=0" } }).status)
      local missing = { "/app/nosuch.js", "/app/users/jane.doe", "/app/.env", "/app/.git/config", "/app/a%2Fb", "/nowhere" }
      for _, path in ipairs(missing) do
        assert.equal(404, client:get(path, { headers = { Accept = "text/html" } }).status, how .. path)
      end
      assert.equal(405, client:post("/app/users/7").status)
    end
  end)

  it("takes a fallback below its directory only", function()
    for _, wrong in ipairs { "../x", "/etc/passwd", "", "a\0b" } do
      local app = rille.app()
      assert.has_error(function() app:static("/", place.directory .. "/site", { fallback = wrong }) end)
    end
  end)

  -- The page of a template that names files.
  local function page_of(template, opts)
    local app = rille.app { templates = { ["page.html"] = template } }
    app:static("/files", place.directory .. "/site", opts)
    app:get("/page", function() return rille.render("page.html", {}) end)
    return testing.client(app), app
  end

  it("has a version in its URLs, by which browsers may keep a file for ever", function()
    local client = page_of("{{ static('main.js') }} {{ static('large.bin') }} {{ static('/100%25 é.txt') }}", { max_age = 60 })
    local urls = {}
    for url in client:get("/page"):text():gmatch "%S+" do urls[#urls + 1] = url end
    assert.matches("^/files/main%.js%?v=%x+$", urls[1])
    assert.matches("^/files/100%%2525%%20%%C3%%A9%.txt%?v=%x+$", urls[3])
    for _, url in ipairs(urls) do
      local res = client:get(url)
      assert.same({ 200, "public, max-age=31536000, immutable" }, { res.status, res.headers["cache-control"] }, url)
      local packed = client:get(url, { headers = { ["Accept-Encoding"] = "gzip" } })
      assert.equal("public, max-age=31536000, immutable", packed.headers["cache-control"])
    end
    assert.equal("public, max-age=60", client:get("/files/main.js").headers["cache-control"])
    assert.equal("public, max-age=60", client:get("/files/main.js?v=0000000000000000").headers["cache-control"])
  end)

  it("has another version when a file has changed, and the old one is not kept for ever", function()
    local client = page_of "{{ static('main.js') }}"
    local before = client:get("/page"):text()
    place:write("site/main.js", "let x = 2")
    local after = client:get("/page"):text()
    assert.are_not.equal(before, after)
    assert.is_nil(client:get(before).headers["cache-control"])
    assert.matches("immutable", client:get(after).headers["cache-control"])
    place:write("site/main.js", "let x = 1")
    assert.equal(before, client:get("/page"):text(), "what is in it counts, not when it was written")
  end)

  it("has none where that was not wanted", function()
    assert.equal("/files/main.js", page_of("{{ static('main.js') }}", { hash = false }):get("/page"):text())
  end)

  it("is missed with a warning, once", function()
    local client = page_of "{{ static('nosuch.js') }} {{ static('sub/') }}"
    native.take_log()
    assert.equal("/files/nosuch.js /files/sub/", client:get("/page"):text())
    assert.matches("static%('nosuch.js'%): no app:static has such a file", native.take_log())
    client:get "/page"
    assert.not_matches("nosuch", native.take_log())
  end)
end)
