-- runtime/bind/http/app.c
local rille = require "rille"
local native = require "rille.native.http"

describe("limits of an app", function()
  it("has the documented names, each with a range", function()
    local names = {}
    for name, range in pairs(native.limits()) do
      names[#names + 1] = name
      assert.is_true(range[1] <= range[2], name)
    end
    table.sort(names)
    assert.same({
      "body_grace", "body_rate", "connections", "control_frames", "header_line", "header_timeout", "headers", "headers_size",
      "keep_alive", "linger_size", "linger_timeout", "pipelined", "request_line", "requests_per_connection", "resets", "streams",
      "tls_handshake_rate", "tls_handshake_timeout", "tls_handshakes", "write_timeout",
    }, names)
  end)

  it("refuses a name it does not know, and says which was meant", function()
    local ok, message = pcall(rille.app, { limits = { header_timout = 3 } })
    assert.is_false(ok)
    assert.matches("limits_spec.lua:%d+: app: limits: unknown option 'header_timout', did you mean 'header_timeout'%?", message)
  end)

  it("refuses a value that cannot be", function()
    for _, value in ipairs { 0, -1, 0 / 0, 1e9 } do
      local ok, message = pcall(rille.app, { limits = { keep_alive = value } })
      assert.is_false(ok)
      assert.matches("app: limits: keep_alive is a number from 0.001 to 86400", message, 1, true)
    end
    assert.has_error(function() rille.app { limits = { headers = "many" } } end)
  end)

  it("takes what fits", function()
    assert.is_table(rille.app { limits = { headers = 10, header_timeout = 0.5, body_rate = 0 } })
  end)
end)
