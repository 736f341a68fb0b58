-- runtime/bind/client/transfer.c
local rille = require "rille"
local descriptors = require "spec.support.descriptors"
local fakes = require "spec.support.fake"

for _, scheme in ipairs(fakes.schemes) do describe("deadlines (" .. scheme .. ")", function()
  local fake
  setup(function() fake = fakes.start(scheme) end)
  teardown(function() fake:close() end)

  local function fails(path, opts)
    local started = rille.now()
    local _, err = rille.try(function() return fake:fetch(path, opts):bytes() end)
    return err, rille.now() - started
  end

  it("for all of it: no head in time, no whole body in time", function()
    local silent = fake:script { { sleep = 2 } }
    local err, took = fails(silent, { timeout = 0.1 })
    assert.same({ "timeout", 504, "total" }, { err.code, err.status, err.phase })
    assert.is_true(took < 1)
    local slow = fake:script { { send = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive." }, { sleep = 2 } }
    err = fails(slow, { timeout = { total = 0.1 } })
    assert.same({ "timeout", "total" }, { err.code, err.phase })
  end)

  it("for the time between two bytes", function()
    local steady = { { send = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" } }
    for _ = 1, 4 do
      table.insert(steady, { sleep = 0.06 })
      table.insert(steady, { send = "x" })
    end
    assert.equal("xxxx", fake:fetch(fake:script(steady), { timeout = { read = 0.15 } }):text())
    local stalls = fake:script { { send = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nx" }, { sleep = 2 } }
    local err, took = fails(stalls, { timeout = { read = 0.1 } })
    assert.same({ "timeout", "read" }, { err.code, err.phase })
    assert.is_true(took < 1)
    err = fails(fake:script { { sleep = 2 } }, { timeout = { read = 0.1, total = false } })
    assert.equal("read", err.phase)
  end)

  it("for the time between two bytes does not run while this side does not read", function()
    local large = fake:script { { send = "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n" },
      { send = ("x"):rep(65536), times = 64 } }
    local res = fake:fetch(large, { timeout = { read = 0.1 } })
    rille.sleep(0.3)
    assert.equal(4194304, #res:bytes())
  end)

  it("for connecting", function()
    -- A listener that accepts nothing, its queue full: further connections get no answer.
    local pipe = io.popen([[exec python3 -c '
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
held = [socket.create_connection(s.getsockname()) for _ in range(1)]
for _ in range(4):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); held.append(c)
print(s.getsockname()[1], flush=True)
import time; time.sleep(0.7)']])
    local url = "http://127.0.0.1:" .. pipe:read "l"
    local _, err = rille.try(rille.fetch, url, { timeout = { connect = 0.1 } })
    assert.same({ "timeout", 504, "connect" }, { err.code, err.status, err.phase })
    _, err = rille.try(rille.fetch, url, { timeout = 0.1 })
    assert.same({ "timeout", "total" }, { err.code, err.phase })
    pipe:close()
  end)

  it("cover waiting for a place in the pool, redirects and retries", function()
    local client <close> = fake:user { limit = 1 }
    local silent = fake:script { { sleep = 1 } }
    local busy = rille.spawn(function() return client:get(fake.url .. silent) end)
    rille.sleep(0.05)
    local _, err = rille.try(client.get, client, fake.url .. "/echo", { timeout = 0.1 })
    assert.same({ "timeout", "total" }, { err.code, err.phase })
    busy:cancel()
    local round = fake:script { { sleep = 0.06 }, { send = fakes.redirect(302, "?again") } }
    local started = rille.now()
    err = fails(round, { timeout = 0.2, follow = 100 })
    assert.equal("timeout", err.code)
    assert.is_true(rille.now() - started < 0.5)
  end)

  it("are inherited from rille.timeout", function()
    local silent = fake:script { { sleep = 2 } }
    local _, err = rille.try(rille.timeout, 0.1, fake.fetch, fake, silent)
    assert.equal("timeout", err.code)
    assert.is_nil(err.phase, "it is the scope's error")
    _, err = rille.try(rille.timeout, 5, fake.fetch, fake, silent, { timeout = 0.05 })
    assert.equal("total", err.phase)
  end)

  it("are none where that is said", function()
    for _, none in ipairs { false, math.huge } do
      assert.equal(200, fake:fetch("/echo", { timeout = none }).status)
    end
  end)
end) end

describe("failures to connect", function()
  it("are code connect, 502, and say what was tried", function()
    local _, err = rille.try(rille.fetch, "http://127.0.0.1:1/secret?token=x")
    assert.same({ "connect", 502, "GET" }, { err.code, err.status, err.method })
    assert.equal("GET http://127.0.0.1:1/secret: could not connect: Connection refused", tostring(err))
    _, err = rille.try(rille.fetch, "http://no.such.host.invalid/", { timeout = 10 })
    assert.equal("connect", err.code)
    assert.matches("could not be resolved", tostring(err))
    _, err = rille.try(rille.fetch, "http://x/", { unix = "/nowhere/at/all" })
    assert.equal("connect", err.code)
  end)
end)

for _, scheme in ipairs(fakes.schemes) do describe("cancellation (" .. scheme .. ")", function()
  local fake
  setup(function() fake = fakes.start(scheme) end)
  teardown(function() fake:close() end)

  local function large(fields, times)
    return { { send = "HTTP/1.1 200 OK\r\n" .. fields .. "\r\n\r\n" }, { send = ("x"):rep(65536), times = times } }
  end

  it("in every phase closes the transfer and leaves no descriptor", function()
    local client = fake:user { limit = 8 }
    local silent, body = fake:script { { sleep = 3 } }, fake:script(large("Content-Length: 67108864", 1024))
    local unread = fake:script { { stop_reading = true }, { sleep = 3 } }
    local phases = {
      resolving = function() client:get "http://no.such.host.invalid/" end,
      connecting = function() client:get "http://127.0.0.1:1/" end,
      ["waiting for the head"] = function() client:get(fake.url .. silent) end,
      ["in the body"] = function() client:get(fake.url .. body):bytes() end,
      ["between two chunks"] = function()
        for _ in client:get(fake.url .. body):chunks() do rille.sleep(3) end
      end,
      ["saving"] = function() client:get(fake.url .. body):save(os.tmpname()) end,
      ["sending"] = function() client:post(fake.url .. unread, { body = function() return ("x"):rep(65536) end }) end,
      ["making what is sent"] = function() client:post(fake.url .. silent, { body = function() rille.sleep(3) end }) end,
      ["sending a file"] = function()
        client:post(fake.url .. unread, { files = { a = { path = "/proc/self/exe" } } })
      end,
      ["tls"] = function() client:get(fake.https .. silent, { verify = false }) end,
    }
    client:get(fake.url .. "/echo")
    fake:fetch("/echo")
    rille.sleep(0.05)
    client:close()
    rille.sleep(0.05)
    local before = descriptors()
    client = fake:user { limit = 8 }
    for name, run in pairs(phases) do
      for _, delay in ipairs { 0, 0.001, 0.01, 0.05 } do
        local task = rille.spawn(run)
        rille.sleep(delay)
        task:cancel()
        rille.try(task.wait, task)
        assert.same({ running = 0, waiting = 0 }, client:stats(), name)
      end
    end
    client:close()
    collectgarbage()
    local left
    for _ = 1, 200 do -- a resolver's thread opens and closes its own, in its own time
      left = descriptors()
      if left <= before then break end
      rille.sleep(0.05)
    end
    assert.is_true(left <= before, left .. " descriptors, " .. before .. " before") -- fewer: something older was collected
  end)

  it("while waiting for a place leaves the queue", function()
    local client <close> = fake:user { limit = 1 }
    local silent = fake:script { { sleep = 3 } }
    local first = rille.spawn(function() client:get(fake.url .. silent) end)
    rille.sleep(0.02)
    local second = rille.spawn(function() client:get(fake.url .. silent) end)
    rille.sleep(0.02)
    assert.same({ running = 1, waiting = 1 }, client:stats())
    second:cancel()
    rille.try(second.wait, second)
    assert.same({ running = 1, waiting = 0 }, client:stats())
    first:cancel()
    rille.try(first.wait, first)
    assert.equal(200, client:get(fake.url .. "/echo").status)
  end)

  it("of a reader is seen by the server", function()
    local body = fake:script(large("Content-Length: 67108864", 1024))
    local open = fake:open()
    local client = fake:user()
    local task = rille.spawn(function()
      for _ in client:get(fake.url .. body):chunks() do rille.sleep(5) end
    end)
    rille.sleep(0.1)
    assert.equal(open + 1, fake:open())
    task:cancel()
    rille.sleep(0.1)
    assert.equal(open, fake:open())
    client:close()
  end)

  it("by garbage collection frees what nobody holds any more", function()
    local client <close> = fake:user()
    local body = fake:script(large("Content-Length: 67108864", 1024))
    client:get(fake.url .. body)
    assert.equal(1, client:stats().running)
    collectgarbage()
    collectgarbage()
    assert.equal(0, client:stats().running)
  end)

  it("is refused to a second task that waits for the same response", function()
    local silent = fake:script { { send = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" }, { sleep = 0.2 }, { send = "yes" } }
    local res = fake:fetch(silent)
    local first = rille.spawn(function() return res:text() end)
    rille.sleep(0.02)
    assert.has_error(function() res:text() end)
    assert.equal("yes", first:wait())
  end)
end) end
