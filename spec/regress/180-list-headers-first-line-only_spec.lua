-- Of fields that are lists (RFC 9110 sections 5.3 and 5.6.1) only the first line counted where C read them: a client that
-- sent If-None-Match in two lines got the whole page again.
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

describe("a field that is a list", function()
  local client, place

  before_each(function()
    place = scratch.new()
    place:write("a.css", ("a { b: c }\n"):rep(100))
    place:write("a.css.gz", "gzip bytes")
    local app = rille.app()
    app:static("/s", place.directory)
    app:get("/", function() return rille.text "hello":etag "v1" end)
    app:get("/file", function() return rille.file(place.directory .. "/a.css") end)
    app:get("/accepts", function(req) return tostring(req:accepts("text/html", "application/json")) end)
    app:get("/compressed", function() return ("x"):rep(5000) end, { use = { rille.compress {} } })
    client = testing.client(app)
  end)

  after_each(function() place:close() end)

  it("is one list over its lines: If-None-Match, If-Match", function()
    for _, path in ipairs { "/", "/file", "/s/a.css" } do
      local tag = client:get(path).headers.etag
      assert.equal(304, client:get(path, { headers = { ["If-None-Match"] = { '"x"', tag } } }).status, path)
      assert.equal(304, client:get(path, { headers = { ["If-None-Match"] = { "", '"x", ' .. tag } } }).status, path)
      assert.equal(200, client:get(path, { headers = { ["If-None-Match"] = { '"x"', '"y"' } } }).status, path)
      assert.equal(200, client:get(path, { headers = { ["If-Match"] = { '"x"', tag } } }).status, path)
      assert.equal(412, client:get(path, { headers = { ["If-Match"] = { '"x"', '"y"' } } }).status, path)
    end
  end)

  it("is one list over its lines: Accept, Accept-Encoding", function()
    local headers = { Accept = { "text/html;q=0.1", "application/json" } }
    assert.equal("application/json", client:get("/accepts", { headers = headers }):text())
    for _, path in ipairs { "/s/a.css", "/compressed" } do
      local res = client:get(path, { headers = { ["Accept-Encoding"] = { "zstd", "gzip" } } })
      assert.equal("gzip", res.headers["content-encoding"], path)
      res = client:get(path, { headers = { ["Accept-Encoding"] = { "gzip;q=0", "br;q=0" } } })
      assert.is_nil(res.headers["content-encoding"], path)
    end
  end)

  it("is no Range: two of those are none, as one that is malformed", function()
    assert.equal(206, client:get("/s/a.css", { headers = { Range = "bytes=0-1" } }).status)
    assert.equal(200, client:get("/s/a.css", { headers = { Range = { "bytes=0-1", "bytes=4-5" } } }).status)
  end)
end)
