-- A stream whose length is known, and an answer to HEAD that makes no body, could not say it: "header Content-Length is set by
-- the server itself".
local rille = require "rille"
local testing = require "rille.testing"

local app = rille.app {}

local function stream(length, text)
  return rille.stream("text/plain", function(out) out:write(text) end):header("Content-Length", length)
end

app:get("/right", function() return stream(5, "12345") end)
app:get("/more", function() return stream(5, "1234567") end)
app:get("/less", function() return stream(5, "123") end)
app:get("/pieces", function()
  return rille.stream("text/plain", function(out)
    for _ = 1, 40 do out:write(("x"):rep(10000)) end
  end):header("Content-Length", 4e5)
end)
app:head("/backup", function() return rille.empty(200):header("Content-Length", 123456) end)
app:get("/backup", function() return "the whole" end)
app:get("/wrong", function() return rille.text("abc"):header("Content-Length", 4) end)
app:get("/same", function() return rille.text("abc"):header("Content-Length", "3") end)
app:get("/other", function()
  local res = rille.text("abc"):header("Content-Length", 3)
  res.body = "another"
  return res
end)
app:get("/compressed", function() return stream(5, "12345") end, { use = { rille.compress { min = 1 } } })
app:get("/tag", function() return stream(5, "12345"):etag "v" end)

local function lengths(ask)
  local function length(path, options) return ask("get", path, options).headers["content-length"] end
  assert.equal("12345", ask("get", "/right"):text())
  assert.equal("5", length "/right")
  assert.equal("5", ask("head", "/right").headers["content-length"])
  local pieces = ask("get", "/pieces")
  assert.equal("400000", pieces.headers["content-length"])
  assert.equal(400000, #pieces:bytes())
  assert.equal("123456", ask("head", "/backup").headers["content-length"])
  assert.equal("9", length "/backup")
  assert.equal(500, ask("get", "/wrong").status)
  assert.equal("abc", ask("get", "/same"):text())
  assert.equal("another", ask("get", "/other"):text())
  local compressed = ask("get", "/compressed", { headers = { ["accept-encoding"] = "gzip" }, decompress = false })
  assert.equal("gzip", compressed.headers["content-encoding"])
  assert.is_nil(compressed.headers["content-length"])
  assert.equal(304, ask("get", "/tag", { headers = { ["if-none-match"] = '"v"' } }).status)
  assert.equal("0", length("/tag", { headers = { ["if-match"] = '"w"' } }))
end

describe("a length that a response says", function()
  it("is sent, and is the body's", function()
    local server = testing.server(app)
    local client = rille.client { base_url = server.url }
    lengths(function(method, path, options) return client[method](client, path, options) end)
    for _, path in ipairs { "/more", "/less" } do
      local res = client:get(path)
      assert.is_nil((rille.try(res.bytes, res)))
      res:close()
    end
  end)

  it("is the same for testing.client", function()
    local client = testing.client(app)
    lengths(function(method, path, options)
      options = options and { headers = options.headers }
      return client[method](client, path, options)
    end)
    for _, path in ipairs { "/more", "/less" } do
      assert.is_false(pcall(function() return client:get(path):bytes() end))
    end
  end)

  it("can be read, replaced and removed, and is nothing but a number of bytes", function()
    local res = stream(9, "12345")
    assert.equal("9", res.headers["content-length"])
    assert.equal("5", res:add_header("content-length", 5).headers["Content-Length"])
    assert.is_nil(res:header("Content-Length", nil).headers["content-length"])
    for _, bad in ipairs { "-1", "+5", "", "1 2", "0x10", 1.5, 2 ^ 63, "5\r\nX: y" } do
      assert.error_matches(function() res:header("Content-Length", bad) end, "Content%-Length")
    end
    local file = rille.file "spec/browser/package.json"
    assert.error_matches(function() file:header("Content-Length", 3) end, "by the server itself")
    assert.error_matches(function() res:header("Transfer-Encoding", "chunked") end, "by the server itself")
  end)
end)
