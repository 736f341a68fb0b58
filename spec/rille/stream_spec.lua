-- runtime/bind/http/out.c
local rille = require "rille"
local native = require "rille.native.http"
local testing = require "rille.testing"

local function app_with(f)
  local app = rille.app()
  app:get("/", function() return rille.stream("text/plain", f) end)
  return app
end

-- The exchange itself: what a client sees on the wire.
local function exchange(app, minor)
  local client = testing.client(app)
  local ex = native.exchange(client.running.compiled, ("GET / HTTP/1.%d\r\nHost: x\r\n\r\n"):format(minor or 1), false)
  finally(function() ex:close() end)
  return ex
end

local function read_all(ex)
  local pieces = {}
  for piece in ex.read, ex do pieces[#pieces + 1] = piece end
  return table.concat(pieces)
end

describe("a streamed response", function()
  it("is what was written, in order", function()
    local client = testing.client(app_with(function(out)
      for i = 1, 5 do out:write(i .. "\n") rille.sleep(0) end
    end))
    assert.equal("1\n2\n3\n4\n5\n", client:get("/"):text())
  end)

  it("waits for the client that reads slowly", function()
    local written = 0
    local client = testing.client(app_with(function(out)
      for _ = 1, 64 do out:write(("x"):rep(65536)) written = written + 1 end
    end))
    local res = client:get "/"
    for _ = 1, 10 do rille.sleep(0) end
    assert.is_true(written < 10, "the writer ran ahead of its client: " .. written .. " pieces")
    assert.equal(64 * 65536, #res:text())
    assert.equal(64, written)
  end)

  it("is broken off, not ended, when its function fails", function()
    local client = testing.client(app_with(function(out)
      out:write "half"
      rille.sleep(0)
      error "no more"
    end))
    local res = client:get "/"
    local ok, err = pcall(res.text, res)
    assert.is_false(ok)
    assert.matches("broke the response off", tostring(err))
  end)

  it("ends its function when the client leaves", function()
    local closed
    local client = testing.client(app_with(function(out)
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      while true do out:write(("x"):rep(65536)) end
    end))
    local res = client:get "/"
    res:close()
    for _ = 1, 10 do rille.sleep(0) end
    assert.is_true(closed)
  end)

  it("is written by the task of its request only", function()
    local failure
    local client = testing.client(app_with(function(out)
      out:write "a"
      local task = rille.spawn(function() out:write "b" end)
      failure = select(2, pcall(task.wait, task))
    end))
    assert.equal("a", client:get("/"):text())
    assert.matches("written by the task of its request only", tostring(failure))
  end)
end)

describe("trailers", function()
  local function with_trailer()
    return app_with(function(out)
      out:write "body"
      out:trailer("X-Sum", "841a2d"):trailer("X-Count", "1")
    end)
  end

  it("follow a chunked body", function()
    local ex = exchange(with_trailer())
    ex:head()
    assert.equal("body", read_all(ex))
    assert.same({ "X-Sum", "841a2d", "X-Count", "1" }, ex:trailers())
  end)

  it("are dropped for HTTP/1.0, which has none", function()
    local ex = exchange(with_trailer(), 0)
    ex:head()
    assert.equal("body", read_all(ex))
    assert.same({}, ex:trailers())
  end)

  it("cannot change what the head said, or split the message", function()
    for _, bad in ipairs { { "Content-Length", "3" }, { "transfer-encoding", "x" }, { "Set-Cookie", "a=b" },
      { "X-A", "b\r\nX-B: c" }, { "X A", "b" }, { "", "b" } } do
      local failure
      local ex = exchange(app_with(function(out) failure = select(2, pcall(out.trailer, out, bad[1], bad[2])) end))
      ex:head()
      assert.equal("", read_all(ex))
      assert.matches("trailer", tostring(failure))
      assert.same({}, ex:trailers())
    end
  end)

  it("are counted", function()
    local failure
    local ex = exchange(app_with(function(out)
      for i = 1, 32 do out:trailer("X-" .. i, "") end
      failure = select(2, pcall(out.trailer, out, "X-33", ""))
    end))
    ex:head()
    read_all(ex)
    assert.matches("more than 32 trailers", tostring(failure))
    assert.equal(64, #ex:trailers())
  end)
end)
