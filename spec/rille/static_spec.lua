-- runtime/bind/http/static.c, runtime/bind/http/compress.c
-- lua/rille/compress.lua
local rille = require "rille"
local testing = require "rille.testing"

local root = os.tmpname()

local function write(name, text)
  local file = assert(io.open(root .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

describe("files", function()
  local client

  setup(function()
    os.remove(root)
    os.execute(("mkdir -p %s/files/sub %s/files/.hidden %s/outside"):format(root, root, root))
    write("files/page.html", "<p>page</p>")
    write("files/text.txt", "0123456789")
    write("files/large.bin", ("large"):rep(100000))
    write("files/.env", "SECRET")
    write("files/.hidden/x", "hidden")
    write("files/sub/index.html", "index")
    write("files/a<b>.txt", "x")
    write("files/packed.css", ("a { b: c }\n"):rep(10))
    write("files/packed.css.gz", "gzip bytes")
    write("files/packed.css.br", "brotli bytes")
    write("outside/secret", "outside")
    os.execute(("ln -s ../outside/secret %s/files/link; ln -s ../outside/secret %s/files/linked.css.br; mkfifo %s/files/fifo")
      :format(root, root, root))
    write("files/linked.css", "plain")
  end)

  teardown(function() os.execute("rm -r " .. root) end)

  before_each(function()
    local app = rille.app()
    app:static("/s", root .. "/files", { max_age = 60 })
    local listed = rille.app()
    listed:use(function(req, handler) return handler(req):header("X-Middleware", "ran") end)
    listed:static("/", root .. "/files", { listing = true })
    app:mount("/listed", listed)
    app:get("/file", function() return rille.file(root .. "/files/large.bin", { filename = "größe.bin" }) end)
    app:get("/missing", function() return rille.file(root .. "/nothing") end)
    client = testing.client(app)
  end)

  it("are served with type, length, validators and the age that was said", function()
    local res = client:get "/s/page.html"
    assert.equal(200, res.status)
    assert.equal("<p>page</p>", res:text())
    assert.equal("text/html; charset=utf-8", res.headers["content-type"])
    assert.equal("11", res.headers["content-length"])
    assert.equal("public, max-age=60", res.headers["cache-control"])
    assert.equal("bytes", res.headers["accept-ranges"])
    assert.matches('^"%x+%-b"$', res.headers.etag)
    assert.matches("GMT$", res.headers["last-modified"])
  end)

  it("of any size arrive whole", function()
    assert.equal(("large"):rep(100000), client:get("/s/large.bin"):bytes())
    assert.equal(("large"):rep(100000), client:get("/listed/large.bin"):bytes())
  end)

  for _, path in ipairs {
    "/s/nothing", "/s/.env", "/s/.hidden/x", "/s/link", "/s/fifo", "/s/../outside/secret", "/s/%2e%2e/outside/secret",
    "/s/..%2foutside%2fsecret", "/s/%2e%2e%5coutside", "/s//text.txt", "/s/./text.txt", "/s/text.txt/",
    "/s/%252e%252e/outside/secret",
    "/s/sub%2findex.html", "/s/" .. ("x"):rep(300), "/s/a/../text.txt",
  } do
    it("are not found at " .. path:sub(1, 40), function()
      assert.equal(404, client:get(path).status)
      assert.equal(404, client:get((path:gsub("^/s", "/listed"))).status)
    end)
  end

  it("are answered to HEAD without a body, and 405 to POST", function()
    local res = client:head "/s/text.txt"
    assert.equal("10", res.headers["content-length"])
    assert.equal("", res:text())
    assert.equal(405, client:post("/s/text.txt").status)
  end)

  it("of a directory are its index, behind a redirect to its slash", function()
    local res = client:get "/s/sub"
    assert.equal(308, res.status)
    assert.equal("/s/sub/", res.headers.location)
    assert.equal("/s/sub/?a=b", client:get("/s/sub?a=b").headers.location)
    assert.equal("index", client:get("/s/sub/"):text())
    assert.equal("index", client:get("/s/sub", { follow = true }):text())
    assert.equal("/s/sub/", client:get("//s/sub").headers.location)
  end)

  it("are listed only where that was asked for, escaped, without dotfiles and links", function()
    assert.equal(404, client:get("/s/").status)
    local page = client:get("/listed/"):text()
    assert.matches('href="./a%3Cb%3E.txt">a&lt;b&gt;.txt</a>', page, 1, true)
    assert.matches('href="./sub/">sub/</a>', page, 1, true)
    assert.is_nil(page:find(".env", 1, true))
    assert.is_nil(page:find("link<", 1, true))
  end)

  it("pass through the middleware of the app they belong to", function()
    assert.equal("ran", client:get("/listed/text.txt").headers["x-middleware"])
    assert.is_nil(client:get("/s/text.txt").headers["x-middleware"])
  end)

  describe("with conditions", function()
    local function status(headers, method) return client:request("/s/text.txt", { method = method, headers = headers }).status end

    it("answer 304 to what the client has, 412 to what it does not", function()
      local res = client:get "/s/text.txt"
      local etag, date = res.headers.etag, res.headers["last-modified"]
      assert.equal(304, status { ["If-None-Match"] = etag })
      assert.equal(304, status { ["If-None-Match"] = 'W/"x", W/' .. etag })
      assert.equal(304, status { ["If-None-Match"] = "*" })
      assert.equal(200, status { ["If-None-Match"] = '"other"' })
      assert.equal(304, status { ["If-Modified-Since"] = date })
      assert.equal(200, status { ["If-Modified-Since"] = "Sun, 06 Nov 1994 08:49:37 GMT" })
      assert.equal(200, status { ["If-Modified-Since"] = "yesterday" })
      assert.equal(200, status { ["If-Match"] = etag })
      assert.equal(412, status { ["If-Match"] = '"other"' })
      assert.equal(412, status { ["If-Match"] = "W/" .. etag })
      assert.equal(412, status { ["If-Unmodified-Since"] = "Sun, 06 Nov 1994 08:49:37 GMT" })
      assert.equal(200, status { ["If-None-Match"] = '"other"', ["If-Modified-Since"] = date })
    end)

    it("of any response with a validator are met too", function()
      local app = rille.app()
      app:get("/", function() return rille.text("body"):etag("v1") end)
      app:get("/dated", function() return rille.text("body"):last_modified(784111777) end)
      local other = testing.client(app)
      local res = other:get("/", { headers = { ["If-None-Match"] = '"v1"' } })
      assert.equal(304, res.status)
      assert.equal("", res:text())
      assert.equal('"v1"', res.headers.etag)
      assert.equal(412, other:get("/", { headers = { ["If-Match"] = '"v2"' } }).status)
      assert.equal(304, other:get("/dated", { headers = { ["If-Modified-Since"] = "Sun, 06 Nov 1994 08:49:37 GMT" } }).status)
    end)
  end)

  describe("in ranges", function()
    local function get(range, headers)
      headers = headers or {}
      headers.Range = range
      return client:get("/s/text.txt", { headers = headers })
    end

    for range, expected in pairs {
      ["bytes=0-3"] = { "0123", "bytes 0-3/10" },
      ["bytes=4-"] = { "456789", "bytes 4-9/10" },
      ["bytes=-3"] = { "789", "bytes 7-9/10" },
      ["bytes=8-99"] = { "89", "bytes 8-9/10" },
      ["bytes=0-1,2-3"] = { "0123", "bytes 0-3/10" },
      ["bytes=2-5,0-3"] = { "012345", "bytes 0-5/10" },
      ["bytes=0-0,99-"] = { "0", "bytes 0-0/10" },
    } do
      it("give " .. range, function()
        local res = get(range)
        assert.equal(206, res.status)
        assert.equal(expected[1], res:text())
        assert.equal(expected[2], res.headers["content-range"])
      end)
    end

    local many = "bytes=0-0,2-2,4-4,6-6,8-8,1-1,3-3,5-5,7-7"
    for _, range in ipairs { "bytes=5-2", "bytes=a-b", "lines=0-1", "bytes=", "bytes=-", many } do
      it("are ignored where they are malformed or too many: " .. range, function() assert.equal(200, get(range).status) end)
    end

    for _, range in ipairs { "bytes=10-", "bytes=18446744073709551615-", "bytes=-0" } do
      it("are refused where nothing of them is there: " .. range, function()
        local res = get(range)
        assert.equal(416, res.status)
        assert.equal("bytes */10", res.headers["content-range"])
      end)
    end

    it("that are several come as parts", function()
      local res = get "bytes=0-1,8-9"
      assert.equal(206, res.status)
      local boundary = res.headers["content-type"]:match "^multipart/byteranges; boundary=(.+)$"
      local body = res:text()
      assert.equal(#body, tonumber(res.headers["content-length"]))
      assert.equal(("--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n" ..
        "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--%s--\r\n")
        :format(boundary, boundary, boundary), body)
    end)

    it("depend on If-Range", function()
      local etag = client:get("/s/text.txt").headers.etag
      assert.equal(206, get("bytes=0-1", { ["If-Range"] = etag }).status)
      assert.equal(200, get("bytes=0-1", { ["If-Range"] = '"old"' }).status)
    end)
  end)

  describe("with a compressed sibling", function()
    local function get(accept, path)
      return client:get(path or "/s/packed.css", { headers = { ["Accept-Encoding"] = accept } })
    end

    it("are sent as the client likes best", function()
      assert.equal("brotli bytes", get("gzip, br"):text())
      assert.equal("br", get("gzip, br").headers["content-encoding"])
      assert.equal("gzip bytes", get("gzip, br;q=0"):text())
      assert.equal("gzip bytes", get("br;q=0.5, gzip"):text())
      assert.is_nil(get("identity").headers["content-encoding"])
      assert.equal("Accept-Encoding", get("identity").headers.vary)
      assert.equal("text/css; charset=utf-8", get("br").headers["content-type"])
    end)

    it("are not taken through a link", function() assert.equal("plain", get("br", "/s/linked.css"):text()) end)
  end)

  it("that change are never served stale", function()
    write("files/changing.txt", "before")
    assert.equal("before", client:get("/s/changing.txt"):text())
    assert.equal("before", client:get("/s/changing.txt"):text())
    write("files/changing.txt", "behind")
    assert.equal("behind", client:get("/s/changing.txt"):text())
    os.remove(root .. "/files/changing.txt")
    assert.equal(404, client:get("/s/changing.txt").status)
  end)

  it("are sent by rille.file too, with a name to save them under", function()
    local res = client:get "/file"
    assert.equal("attachment; filename=\"gr____e.bin\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.bin", res.headers["content-disposition"])
    assert.equal("application/octet-stream", res.headers["content-type"])
    assert.equal(500000, #res:bytes())
    assert.equal(206, client:get("/file", { headers = { Range = "bytes=0-9" } }).status)
    assert.equal(404, client:get("/missing").status)
  end)
end)

describe("compression", function()
  local function make(min)
    local app = rille.app()
    app:use(rille.compress { min = min })
    app:get("/text", function() return ("compress me "):rep(1000) end)
    app:get("/large", function() return ("compress me "):rep(20000) end)
    app:get("/tiny", function() return "tiny" end)
    app:get("/png", function() return rille.response { content_type = "image/png", body = ("x"):rep(5000) } end)
    app:get("/done", function() return rille.text(("x"):rep(5000)):header("Content-Encoding", "gzip") end)
    app:get("/tagged", function() return rille.text(("x"):rep(5000)):etag "v" end)
    app:get("/stream", function()
      return rille.stream("text/plain", function(out) for i = 1, 100 do out:write(("line %d\n"):format(i)) end end)
    end)
    return testing.client(app)
  end

  local function get(client, path, accept) return client:get(path, { headers = { ["Accept-Encoding"] = accept } }) end

  it("follows Accept-Encoding and says Vary", function()
    local client = make()
    local cases = { gzip = "gzip", br = "br", ["gzip, br"] = "br", ["gzip;q=1, br;q=0.1"] = "gzip", ["*"] = "br" }
    for accept, expected in pairs(cases) do
      local res = get(client, "/text", accept)
      assert.equal(expected, res.headers["content-encoding"])
      assert.equal("Accept-Encoding", res.headers.vary)
      assert.is_true(#res:bytes() < 500)
    end
    local res = get(client, "/text", "identity")
    assert.is_nil(res.headers["content-encoding"])
    assert.equal("Accept-Encoding", res.headers.vary)
  end)

  it("leaves alone what is tiny, compressed already, or of no compressible type", function()
    local client = make()
    for _, path in ipairs { "/tiny", "/png" } do assert.is_nil(get(client, path, "gzip").headers["content-encoding"]) end
    assert.equal(5000, #get(client, "/done", "gzip"):bytes())
  end)

  it("compresses large bodies on a thread, and streams as they go", function()
    local client = make()
    assert.equal("gzip", get(client, "/large", "gzip").headers["content-encoding"])
    local res = get(client, "/stream", "gzip")
    assert.equal("gzip", res.headers["content-encoding"])
    local bytes = res:bytes()
    assert.equal("\31\139", bytes:sub(1, 2))
  end)

  it("weakens a strong validator", function()
    assert.equal('W/"v"', get(make(), "/tagged", "br").headers.etag)
  end)
end)
