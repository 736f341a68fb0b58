-- What came in goes out again: iterators of a request are functions without a state of their own, so that `body =` takes them.
-- runtime/bind/http/request_body.c, runtime/bind/http/spool.c
local rille = require "rille"
local testing = require "rille.testing"

describe("a body that goes out", function()
  it("may be what a request brings: its body, a file, a part", function()
    local upstream = rille.app()
    upstream:post("/", function(req)
      local file = req.content_type == "multipart/form-data" and req:file "f"
      return file and file.filename .. ":" .. file:bytes() or req:text()
    end)
    local server = testing.server(upstream)
    local app = rille.app()
    app:post("/body", function(req) return rille.fetch(server.url, { method = "POST", body = req:chunks() }):text() end)
    app:post("/file", function(req)
      return rille.fetch(server.url, { method = "POST", files = { f = req:file "f" } }):text()
    end)
    app:post("/bytes", function(req)
      return rille.fetch(server.url, { method = "POST", body = req:file("f"):chunks() }):text()
    end)
    app:post("/part", function(req)
      local next_part, state = req:parts()
      return rille.fetch(server.url, { method = "POST", body = next_part(state):chunks() }):text()
    end)
    local client, large = testing.client(app), ("x"):rep(300000)
    assert.equal(large, client:post("/body", { body = large }):text())
    for _, bytes in ipairs { "small", large } do
      local upload = { files = { f = { filename = "a.txt", body = bytes } } }
      assert.equal("a.txt:" .. bytes, client:post("/file", upload):text())
      assert.equal(bytes, client:post("/bytes", upload):text())
      assert.equal(bytes, client:post("/part", upload):text())
    end
  end)
end)
