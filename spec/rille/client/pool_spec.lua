-- runtime/bind/client/pool.c
local rille = require "rille"
local fakes = require "spec.support.fake"

for _, scheme in ipairs(fakes.schemes) do describe("the pool (" .. scheme .. ")", function()
  local fake
  setup(function() fake = fakes.start(scheme) end)
  teardown(function() fake:close() end)

  it("keeps connections and uses them again", function()
    local client <close> = fake:user { base_url = fake.url }
    local first = client:get("/echo"):json().connection
    for _ = 1, 20 do assert.equal(first, client:get("/echo"):json().connection) end
  end)

  it("sends each request to its own URL on a connection that it uses again", function()
    local client <close> = fake:user { limit = 1 }
    local function target(path) return client:get(fake.url .. path):json().target end
    for _, path in ipairs { "/echo/a", "/echo/a", "/echo/b?x=1", "/echo/a", "/echo/c/../d", "/echo/c/../d", "/echo/a?" } do
      assert.equal(path:gsub("c/%.%./", ""), target(path))
    end
    local connection = client:get(fake.url .. "/echo"):json().connection
    for _, url in ipairs { "http://127.0.0.1:99999999/", "http://[fe80::1%25nowhere]:1/" } do
      assert.is_false(pcall(client.get, client, url), url)
      assert.equal("/echo/a", target "/echo/a")
    end
    assert.equal(connection, client:get(fake.url .. "/echo"):json().connection)
    assert.equal("/echo/a", client:post(fake.url .. "/echo/a", { body = "x" }):json().target)
  end)

  it("takes nothing for an answer that came before it was asked for", function()
    local stray = fakes.raw("408 Request Timeout", "stray")
    for _, between in ipairs { 0, 0.02 } do
      local client <close> = fake:user {}
      local path = fake:script { { send = fakes.ok "good" }, { sleep = between }, { send = stray } }
      for _, method in ipairs { "GET", "POST", "GET", "GET" } do
        local res = client:request(fake.url .. path, { method = method })
        assert.same({ 200, "good" }, { res.status, res:text() })
        os.execute "sleep 0.05" -- the loop does not come round
      end
    end
  end)

  it("has connections of its own, closed with it", function()
    local a, b = fake:user { base_url = fake.url }, fake:user { base_url = fake.url }
    assert.are_not.equal(a:get("/echo"):json().connection, b:get("/echo"):json().connection)
    rille.sleep(0.05) -- those of the test before are gone
    local open = fake:open()
    a:close()
    for _ = 1, 100 do
      if fake:open() == open - 1 then break end
      rille.sleep(0.01)
    end
    assert.equal(open - 1, fake:open())
    b:close()
  end)

  it("answers 1,000 requests at once, 100 of them at a time, in the order in which they came", function()
    local client <close> = fake:user { base_url = fake.url, timeout = 60 }
    local path = fake:script { { sleep = 0.01 }, { send = fakes.ok "hi" } }
    local function get(url) return client:get(url):text() end
    local asked, came, number = {}, 0, {}
    for i = 1, 1000 do asked[i] = path .. "/" .. i end
    if scheme == "https" then rille.map(table.move(asked, 1, 100, 1, {}), get) end -- a handshake takes as long as many answers
    local before, most = #fake:log(path), 0
    local watch = rille.spawn(function()
      while true do
        most = math.max(most, client:stats().running)
        rille.sleep(0.002)
      end
    end)
    local done = rille.map(asked, function(url)
      came = came + 1
      number[url] = came
      return get(url)
    end)
    watch:cancel()
    for i = 1, 1000 do assert.equal("hi", done[i]) end
    assert.equal(100, most)
    -- Fair: nobody is sent long after those that came later.
    for position, request in ipairs { table.unpack(fake:log(path), before + 1) } do
      local which = number[request.target]
      assert.is_true(math.abs(position - which) <= 200, ("request %d was sent as number %d"):format(which, position))
    end
    local connections = {}
    for _, request in ipairs(fake:log(path)) do connections[request.connection] = true end
    local count = 0
    for _ in pairs(connections) do count = count + 1 end
    assert.is_true(count <= 110, count .. " connections for a limit of 100")
  end)

  it("limits one host without holding up another", function()
    local client <close> = fake:user { limit_per_host = 2, timeout = 20 }
    local slow = fake:script { { sleep = 0.3 }, { send = fakes.ok() } }
    local tasks = {}
    for i = 1, 4 do tasks[i] = rille.spawn(function() return client:get(fake.url .. slow):text() end) end
    rille.sleep(0.05)
    assert.same({ running = 2, waiting = 2 }, client:stats())
    local before = rille.now()
    assert.equal(200, client:get(fake.other .. "/echo").status)
    assert.is_true(rille.now() - before < 0.2)
    for i = 1, 4 do tasks[i]:wait() end
  end)

  it("sends what may be sent twice again, once and silently, where a kept connection is dead", function()
    local client <close> = fake:user { base_url = fake.url }
    -- The first answer keeps the connection; at the second request the server closes it without a word.
    local function script() return fake:script(fakes.ok "one", { { close = true } }, fakes.ok "three") end
    for _, method in ipairs { "GET", "PUT", "DELETE", "OPTIONS" } do
      local path = script()
      client:get(path):text()
      local opts = { method = method, body = method == "PUT" and "x" or nil }
      assert.equal("three", client:request(path, opts):text(), method)
      assert.equal(3, #fake:log(path))
    end
    for _, opts in ipairs { { method = "POST", body = "x" }, { method = "PATCH" }, { method = "POST" } } do
      local path = script()
      client:get(path):text()
      local _, err = rille.try(client.request, client, path, opts)
      assert.equal("reset", err.code)
      assert.equal(2, #fake:log(path), "not sent again")
    end
    local path = script()
    client:get(path):text()
    local res = client:post(path, { body = "x", headers = { ["Idempotency-Key"] = "k" } })
    assert.equal("three", res:text())
  end)

  it("does not send again on a fresh connection, nor twice", function()
    local path = fake:script { { close = true } }
    local client <close> = fake:user { base_url = fake.url }
    local _, err = rille.try(client.get, client, path)
    assert.equal("reset", err.code)
    assert.equal(1, #fake:log(path))
    path = fake:script(fakes.ok "one", { { close = true } })
    client:get(path):text()
    _, err = rille.try(client.get, client, path)
    assert.equal("reset", err.code)
    assert.equal(3, #fake:log(path))
  end)

  it("does not use a connection that has been idle too long", function()
    local path = fake:script(fakes.ok("bye", { "Connection: close" }))
    local client <close> = fake:user { base_url = fake.url }
    local first, second = client:get(path), client:get(path)
    assert.same({ "bye", "bye" }, { first:text(), second:text() })
    local log = fake:log(path)
    assert.are_not.equal(log[1].connection, log[2].connection)
  end)

  it("notices that the server has closed while it was idle", function()
    local path = fake:script { { send = fakes.ok "one" }, { sleep = 0.02 }, { close = true } }
    local client <close> = fake:user { base_url = fake.url }
    assert.equal("one", client:get(path):text())
    rille.sleep(0.1)
    local res = client:post(path, { body = "not sent twice" })
    assert.equal("one", res:text())
    assert.equal(2, #fake:log(path))
  end)
end) end
