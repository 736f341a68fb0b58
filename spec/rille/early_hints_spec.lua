-- runtime/bind/http/early_hints.c
local rille = require "rille"
local testing = require "rille.testing"

local function answer_of(handler)
  local app = rille.app()
  local failure
  app:get("/", function(req)
    failure = select(2, pcall(handler, req))
    return "hello"
  end)
  local res = testing.client(app):get "/"
  assert.equal("hello", res:text())
  return type(failure) == "table" and failure.message or failure
end

describe("req:early_hints", function()
  it("comes before the response, over a connection too", function()
    local app = rille.app()
    app:get("/", function(req)
      assert(req == req:early_hints { link = { "</a.css>; rel=preload; as=style", "</b.js>; rel=preload; as=script" } })
      req:early_hints { link = "</c.css>; rel=preload; as=style", ["x-more"] = "1" }
      return "hello"
    end)
    local server <close> = testing.server(app)
    local res = rille.client { timeout = 10 }:get(server.url .. "/")
    assert.equal(200, res.status)
    assert.equal("hello", res:text())
    assert.is_nil(res.headers.link)
  end)

  it("takes names and values that may stand in a head", function()
    assert.matches("link needs a string or a list of them, got a number",
      answer_of(function(req) req:early_hints { link = 3 } end))
    assert.matches("link needs a string or a list of them, got a table",
      answer_of(function(req) req:early_hints { link = { {} } } end))
    assert.matches("takes names and values", answer_of(function(req) req:early_hints { "</a.css>" } end))
    assert.matches("a name is letters", answer_of(function(req) req:early_hints { ["a b"] = "x" } end))
    assert.matches("control character", answer_of(function(req) req:early_hints { link = "a\r\nSet%-Cookie: b" } end))
    assert.matches("content%-length is set by the server",
      answer_of(function(req) req:early_hints { ["content-length"] = "1" } end))
    assert.matches("more than 64 fields", answer_of(function(req)
      local many = {}
      for i = 1, 65 do many[i] = "</a.css>" end
      req:early_hints { link = many }
    end))
    assert.matches("headers is a table, got nothing", answer_of(function(req) req:early_hints() end))
  end)

  it("raises once the response has begun", function()
    local failure
    local app = rille.app()
    app:get("/", function(req)
      return rille.stream("text/plain", function(out)
        out:write "a"
        failure = select(2, pcall(req.early_hints, req, { link = "</a.css>" }))
      end)
    end)
    assert.equal("a", testing.client(app):get("/"):text())
    assert.matches("the response has begun", tostring(failure))
  end)
end)
