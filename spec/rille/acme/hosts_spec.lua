-- lua/rille/acme/hosts.lua
local hosts = require "rille.acme.hosts"

describe("names of a certificate", function()
  it("are host names in ASCII and lower case, each once", function()
    assert.same({ "a.example", "www.a.example", "xn--bcher-kva.example" },
      hosts.check { "A.Example", "www.a.example.", "a.example", "bücher.example" })
    assert.same({ "a.example", "b.example" }, hosts.split " a.example, b.example,")
  end)

  for name, why in pairs {
    ["*.a.example"] = "is a wildcard, which needs the challenge DNS%-01", ["127.0.0.1"] = "is an address",
    ["::1"] = "is an address",
    ["[::1]"] = "is an address", ["0x7f.1"] = "is an address", ["a.example:443"] = "without a scheme, a port or a path",
    ["https://a.example/"] = "without a scheme", ["a.example/x"] = "without a scheme", ["a_b.example"] = "'a_b' has letters",
    ["-a.example"] = "letters, digits and '%-' within", ["a..example"] = "is no host name", ["localhost"] = "has no dot",
    [("a"):rep(64) .. ".example"] = "longer than 63", ["me@a.example"] = "is no host name", ["a.example\0"] = "is no host name",
    ["a b.example"] = "is no host name",
  } do
    it(("refuse %q"):format(name), function()
      local done, message = pcall(hosts.check, { name })
      assert.is_false(done)
      assert.matches(why, message)
    end)
  end

  it("are at least one, and at most a hundred", function()
    assert.has_error(function() hosts.check {} end, "--acme: expected a host name such as example.org")
    local many = {}
    for i = 1, 101 do many[i] = ("n%d.example"):format(i) end
    assert.has_error(function() hosts.check(many) end, "--acme: at most 100 names in one certificate, got 101")
  end)
end)
