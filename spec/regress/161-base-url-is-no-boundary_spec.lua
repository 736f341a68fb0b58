-- An absolute URL, "//host" or "/.." given to a client with a base_url sent its headers, an API key, to another server, or left
-- the path of base_url; a guarded client asked a unix socket. On real connections, because that is where it happened.
local rille = require "rille"
local fakes = require "spec.support.fake"

describe("a client with a base_url, or with a guard", function()
  local fake
  setup(function() fake = fakes.start() end)
  teardown(function() fake:close() end)

  it("sends its key to its own server, below its path, and nowhere else", function()
    local client <close> = rille.client { base_url = fake.url .. "/echo/api", headers = { ["X-Api-Key"] = "KEY" },
      auth = { bearer = "TOKEN" } }
    local stolen = fake:script(fakes.ok())
    for _, url in ipairs { fake.other .. stolen, fake.other:gsub("^http:", "") .. stolen, "/../.." .. stolen,
      "/%2e%2e/%2E%2e" .. stolen, "..\\..\\" .. stolen, "x/..%2f..%2f.." .. stolen } do
      local _, err = rille.try(client.get, client, url)
      assert.same({ "url", 400 }, { err and err.code, err and err.status }, url)
    end
    local redirect = fake:script(fakes.redirect(307, fake.other .. stolen))
    client:get(fake.url .. redirect)
    client:get(fake.other .. stolen, { absolute = true })
    local log = fake:log(stolen)
    assert.equal(2, #log)
    for _, request in ipairs(log) do
      assert.same({}, { request.headers["x-api-key"], request.headers.authorization })
    end
    local home = client:get("/a/../b?c=/../d"):json()
    assert.same({ "/echo/api/b?c=/../d", "KEY", "Bearer TOKEN" },
      { home.target, home.headers["x-api-key"], home.headers.authorization })
  end)

  it("asks no unix socket, which has no address to look at", function()
    local path = fake.directory .. "/unix"
    assert.equal(200, rille.fetch("http://x/echo", { unix = path }).status)
    for _, guard in ipairs { { deny_private = true }, { allow = { "x", "127.0.0.1" } } } do
      local client <close> = rille.client(guard)
      assert.error_matches(function() client:get("http://x/echo", { unix = path }) end, "unix socket")
      guard.unix = path
      assert.error_matches(function() rille.client(guard) end, "unix socket")
    end
  end)
end)
