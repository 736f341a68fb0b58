-- A part of a multipart body whose reading was broken off, by a deadline or by want of memory, gave what was left of it when it
-- was asked for again, as if that were all.
local rille = require "rille"
local testing = require "rille.testing"

local boundary = { ["Content-Type"] = "multipart/form-data; boundary=b" }
local head = '--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'

describe("a part whose reading was broken off", function()
  -- The second half of the part comes when `second` is set.
  local function read_twice(method, ...)
    local args = table.pack(...)
    local second = rille.event()
    local app = rille.app()
    app:post("/", function(req)
      local nexts, state = req:parts()
      local part = nexts(state)
      local _, err = rille.try(rille.timeout, 0.05, part[method], part, table.unpack(args, 1, args.n))
      assert.equal("timeout", err.code)
      second:set()
      local ok, again = pcall(part[method], part, table.unpack(args, 1, args.n))
      return tostring(ok) .. " " .. tostring(again)
    end)
    local sent = 0
    return testing.client(app):post("/", { headers = boundary, body = function()
      sent = sent + 1
      if sent == 1 then return head .. ("first"):rep(100) end
      if sent == 2 then second:wait() return "second\r\n--b--\r\n" end
    end }):text()
  end

  it("says so when it is asked for again", function()
    for _, call in ipairs { { "text" }, { "bytes" }, { "save", os.tmpname() } } do
      assert.matches("^false .*has failed before", read_twice(table.unpack(call)))
    end
  end)

  it("does not keep the next one from being read", function()
    local app = rille.app { body_limit = 1 << 22 }
    app:post("/", function(req)
      local seen = {}
      for part in req:parts() do
        if part.name == "large" then rille.try(part.text, part) else seen[#seen + 1] = part:text() end
      end
      return table.concat(seen)
    end)
    local body = {}
    for i, name in ipairs { "a", "large", "b" } do
      local content = name == "large" and ("x"):rep(1 << 20 | 1) or name
      body[i] = ('--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'):format(name, content)
    end
    assert.equal("ab", testing.client(app):post("/", { headers = boundary, body = table.concat(body) .. "--b--\r\n" }):text())
  end)
end)
