-- runtime/bind/client/pool.c
local rille = require "rille"
local fakes = require "spec.support.fake"

describe("the guard", function()
  local fake
  setup(function() fake = fakes.start() end)
  teardown(function() fake:close() end)

  local function code_of(client, url)
    local res, err = rille.try(client.get, client, url, { timeout = 2 })
    return res and res.status or err.code, err
  end

  it("refuses what is not public, in every disguise", function()
    local client <close> = rille.client { deny_private = true }
    local port = ":" .. fake.ports.http
    for _, host in ipairs {
      "127.0.0.1", "127.8.9.10", "localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
      "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
      "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:db8::1]", "2130706433", "127.1", "0x7f.1", "0177.0.0.1", "127.0.0.1.",
      "%31%32%37.0.0.1",
    } do
      local code, err = code_of(client, "http://" .. host .. port .. "/echo")
      assert.equal("denied", code, host)
      assert.equal(403, err.status)
    end
  end)

  it("refuses numeric forms of public addresses too: others read them differently", function()
    local client <close> = rille.client { deny_private = true }
    assert.equal("denied", code_of(client, "http://134744072/"))
    assert.equal("denied", code_of(client, "http://8.8.2056/"))
  end)

  it("makes no connection to what it refuses", function()
    local client <close> = rille.client { deny_private = true }
    local open = fake:open()
    local path = fake:script(fakes.ok())
    code_of(client, fake.url .. path)
    assert.equal(0, #fake:log(path))
    assert.equal(open, fake:open())
  end)

  it("lets through what is allowed: address, network, name, port", function()
    local function status(allow, url)
      local client <close> = rille.client { deny_private = true, allow = allow }
      return (code_of(client, url .. "/echo"))
    end
    local localhost = "http://localhost:" .. fake.ports.http
    assert.equal(200, status({ "127.0.0.1" }, fake.url))
    assert.equal(200, status({ "127.0.0.0/8" }, fake.url))
    assert.equal(200, status({ "127.0.0.1:" .. fake.ports.http }, fake.url))
    assert.equal("denied", status({ "127.0.0.1:" .. fake.ports.http }, fake.other))
    assert.equal("denied", status({ "10.0.0.0/8", "::1" }, fake.url))
    assert.equal(200, status({ "localhost" }, localhost))
    assert.equal("denied", status({ "localhost" }, fake.url))
    assert.equal("denied", status({ "*.localhost" }, localhost))
    assert.equal("denied", status({ "127.0.0.1" }, "http://2130706433:" .. fake.ports.http))
  end)

  it("without deny_private is a list of all that may be reached", function()
    local client <close> = rille.client { allow = { "127.0.0.1:" .. fake.ports.http } }
    assert.equal(200, code_of(client, fake.url .. "/echo"))
    assert.equal("denied", code_of(client, fake.other .. "/echo"))
  end)

  it("watches redirects", function()
    local client <close> = rille.client { deny_private = true, allow = { "127.0.0.1:" .. fake.ports.http } }
    local secret = fake:script(fakes.ok "secret")
    for _, location in ipairs {
      fake.other .. secret, "http://[::1]:" .. fake.ports.http .. secret, "http://169.254.169.254/latest",
      "http://localhost:" .. fake.ports.other .. secret, "http://2130706433:" .. fake.ports.http .. secret } do
      local path = fake:script(fakes.redirect(302, location))
      assert.equal("denied", code_of(client, fake.url .. path), location)
    end
    assert.equal(0, #fake:log(secret))
    local inside = fake:script(fakes.redirect(302, "?2"), fakes.ok "fine")
    assert.equal(200, code_of(client, fake.url .. inside))
  end)

  it("cannot see behind a proxy, and says so", function()
    assert.has_error(function() rille.client { deny_private = true, proxy = "http://127.0.0.1:1" } end)
    local client <close> = rille.client { deny_private = true }
    assert.has_error(function() client:get("http://example.com/", { proxy = "http://127.0.0.1:1" }) end)
  end)

  it("allows nothing by an empty list, and takes nothing else for a list", function()
    local client <close> = rille.client { allow = {} }
    assert.equal("denied", code_of(client, fake.url .. "/echo"))
    assert.has_error(function() rille.client { allow = { host = "127.0.0.1" } } end,
      "allow: a list of hosts, addresses and networks")
  end)

  it("sees a host behind two slashes only", function()
    local client <close> = rille.client { allow = { "127.0.0.1" } }
    local path = fake:script(fakes.redirect(302, "///127.1:" .. fake.ports.http .. "/echo"))
    for _, url in ipairs { "http:///127.1:" .. fake.ports.http .. "/echo", "http:///echo", fake.url .. path } do
      local _, err = code_of(client, url)
      assert.matches("it has no host", tostring(err), url)
    end
  end)

  it("names an entry that it cannot read", function()
    for _, entry in ipairs { "", "10.0.0.0/33", "exa mple", "host:0", "host:99999", "[::1", "*." } do
      local client <close> = rille.client { allow = { entry } }
      local ok, message = pcall(client.get, client, fake.url)
      assert.is_false(ok, entry)
      assert.matches("allow: ", tostring(message))
    end
  end)
end)
