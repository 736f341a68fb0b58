-- HEAD under rille.compress told the length and the ETag of the body that is not compressed (RFC 9110 sections 8.6 and 9.3.2).
local rille = require "rille"
local testing = require "rille.testing"

describe("HEAD under rille.compress", function()
  local client

  before_each(function()
    local app = rille.app()
    app:use(rille.compress {})
    app:get("/", function() return rille.text(("hello "):rep(1000)):etag "v1" end)
    app:get("/large", function() return rille.text(("hello "):rep(100000)):etag "v1" end)
    app:get("/weak", function() return rille.text(("hello "):rep(1000)):etag 'W/"v1"' end)
    app:get("/small", function() return rille.text "hello":etag "v1" end)
    app:get("/stream", function()
      return rille.stream("text/plain", function(out) out:write(("hello "):rep(1000)) end):etag "v1"
    end)
    app:get("/varies", function() return rille.text(("hello "):rep(1000)):header("Vary", "Cookie") end)
    app:get("/none", function() return rille.text(("hello "):rep(1000)):header("Cache-Control", "no-transform") end)
    app:get("/not-modified", function() return rille.empty(304):etag "v1" end)
    app:get("/failing", function() rille.abort(404, ("no "):rep(1000)) end)
    client = testing.client(app)
  end)

  local function fields(res)
    local seen = { status = res.status }
    for _, name in ipairs { "content-length", "content-encoding", "content-type", "etag", "vary", "cache-control" } do
      seen[name] = res.headers[name]
    end
    return seen
  end

  it("tells what GET does", function()
    local paths = { "/", "/large", "/weak", "/small", "/varies", "/none", "/not-modified", "/failing", "/nowhere", "/stream" }
    for _, path in ipairs(paths) do
      for _, accepts in ipairs { "gzip", "br", "identity", "gzip;q=0, br;q=0", "" } do
        local opts = { headers = { ["Accept-Encoding"] = accepts } }
        local get, head = client:get(path, opts), client:head(path, opts)
        assert.same(fields(get), fields(head), path .. " " .. accepts)
        assert.equal("", head:bytes())
        if path ~= "/small" and path ~= "/none" and path ~= "/failing" and path ~= "/nowhere" then
          assert.matches("Accept%-Encoding", get.headers.vary, path)
        end
      end
    end
    local head = client:head("/", { headers = { ["Accept-Encoding"] = "gzip" } })
    assert.same({ "gzip", 'W/"v1"' }, { head.headers["content-encoding"], head.headers.etag })
    assert.is_true(tonumber(head.headers["content-length"]) < 200)
    assert.equal('"v1"', client:head("/", { headers = { ["Accept-Encoding"] = "identity" } }).headers.etag)
  end)

  it("is not modified where GET is not", function()
    for _, method in ipairs { "get", "head" } do
      for _, tag in ipairs { '"v1"', 'W/"v1"' } do
        local headers = { ["Accept-Encoding"] = "gzip", ["If-None-Match"] = tag }
        local res = client[method](client, "/", { headers = headers })
        assert.same({ 304, 'W/"v1"', "Accept-Encoding" }, { res.status, res.headers.etag, res.headers.vary }, method .. tag)
      end
    end
  end)
end)
