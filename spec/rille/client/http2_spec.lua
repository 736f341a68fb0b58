-- runtime/client/carrier/curl.c, runtime/client/engine.c
local rille = require "rille"
local fakes = require "spec.support.fake"

local function is_installed(program) return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true end

describe("HTTP/2", function()
  local fake, url, client
  setup(function()
    fake = fakes.start()
    url = fake:http2()
    client = rille.client { ca = fake.ca, base_url = url, timeout = 20, http2 = true }
  end)
  teardown(function()
    client:close()
    fake:close()
  end)

  -- A spec that needs the server of http2_server.py.
  local function told(name, run)
    it(name, function()
      if not url then return pending "/usr/bin/python3 has no h2 (on Debian: apt install python3-h2)" end
      run()
    end)
  end

  -- What the server has of the last request for that path.
  local function seen(path)
    local entry
    for _, one in ipairs(client:get("/_log"):json()) do
      if one.path == path then entry = one end
    end
    return entry
  end

  -- 60 KB, more than the server waits for before it answers, and gently: its answer is to come in the midst of it.
  local SIZE, PIECE = 60000, 2000
  local bodies = {
    streamed = function()
      local left = SIZE
      return { body = function()
        if left == 0 then return nil end
        left = left - PIECE
        rille.sleep(0.002)
        return ("x"):rep(PIECE)
      end }
    end,
    ["of known length"] = function(self)
      local opts = self.streamed()
      opts.headers = { ["Content-Length"] = tostring(SIZE) }
      return opts
    end,
    whole = function() return { body = ("x"):rep(SIZE) } end,
  }

  it("is spoken where the program asks for it and the server offers it", function()
    if not is_installed "nghttpd" then return pending "nghttpd is not installed (nghttp2-server)" end
    local d = fake.directory
    local port = 20000 + math.random(20000)
    local page = io.open(d .. "/page.txt", "w")
    page:write(("h2 "):rep(50000))
    page:close()
    local command = "exec nghttpd -d %s --no-content-length %d %s/server.key %s/server.pem >/dev/null 2>&1 & echo $!"
    local server = io.popen(command:format(d, port, d, d))
    local pid = server:read "l"
    local user <close> = rille.client { ca = fake.ca, base_url = "https://localhost:" .. port, http2 = true }
    local res
    for _ = 1, 50 do
      res = rille.try(user.get, user, "/page.txt")
      if res then break end
      rille.sleep(0.05)
    end
    assert.same({ 200, "2", 150000 }, { res.status, res.version, #res:text() })
    local list = {}
    for i = 1, 50 do list[i] = i end
    local sizes = rille.map(list, function() return #user:get("/page.txt"):text() end)
    for _, size in ipairs(sizes) do assert.equal(150000, size) end
    local open = user:get "/page.txt"
    open:close()
    assert.equal(404, user:get("/none").status)
    os.execute("kill " .. pid)
    server:close()
  end)

  told("carries one request after another on one connection", function()
    for _ = 1, 3 do assert.equal("answer", client:get("/200/whole"):text()) end
    local first = seen("/200/whole").connection
    assert.equal("answer", client:get("/200/whole"):text())
    assert.equal(first, seen("/200/whole").connection)
  end)

  for kind in pairs(bodies) do
    describe("with a body that is " .. kind, function()
      for _, status in ipairs { 200, 413 } do
        for how, text in pairs { whole = "answer", length = "answer", empty = "", late = "answer", stop = "answer" } do
          told(("takes an answer in the midst of it: %d, %s"):format(status, how), function()
            local path = ("/%d/%s/%s"):format(status, how, kind:gsub(" ", "-"))
            local res = client:post(path, bodies[kind](bodies))
            assert.same({ status, "2", text }, { res.status, res.version, res:text() })
            local entry = seen(path)
            assert.is_true(entry.size == SIZE or not entry.ended, entry.size .. " bytes passed for the whole")
            assert.is_true(entry.size >= 20000)
            assert.equal("answer", client:get("/200/whole"):text()) -- and the next one is not disturbed
          end)
        end
      end

      told("is sent whole where the server waits for it", function()
        local path = "/200/full/" .. kind:gsub(" ", "-")
        assert.equal("answer", client:post(path, bodies[kind](bodies)):text())
        local entry = seen(path)
        assert.same({ SIZE, true }, { entry.size, entry.ended })
      end)

      told("fails where the server resets the stream with an error", function()
        local path = "/200/reset/" .. kind:gsub(" ", "-")
        local _, err = rille.try(function() return client:post(path, bodies[kind](bodies)):text() end)
        assert.equal("protocol", err.code)
        assert.matches("INTERNAL_ERROR", err.message)
      end)
    end)
  end

  told("lets who reads slowly hold up a large answer while the body goes on", function()
    local res = client:post("/200/large", bodies:whole())
    local size, pieces = 0, 0
    for piece in res:chunks() do
      size, pieces = size + #piece, pieces + 1
      if pieces % 20 == 0 then rille.sleep(0.001) end
    end
    assert.equal(8 << 20, size)
    assert.same({ SIZE, true }, { seen("/200/large").size, seen("/200/large").ended })
  end)

  told("waits no longer than it may for a server that takes no more of the body, and says nothing", function()
    local opts = { body = ("x"):rep(1 << 20), timeout = { read = 0.2 } }
    local _, err = rille.try(function() return client:post("/200/deaf", opts):text() end)
    assert.same({ "timeout", "read" }, { err.code, err.phase })
    assert.equal("answer", client:post("/200/full", bodies:whole()):text()) -- on a connection whose window is open
    assert.is_true(seen("/200/full").connection ~= seen("/200/deaf").connection)
  end)

  told("says what happened where a reset comes so close behind the answer that libcurl loses it", function()
    local _, err = rille.try(function() return client:post("/200/lost", bodies:streamed()):text() end)
    assert.equal("reset", err.code)
    assert.matches("the server closed the stream before it was sent all", err.message)
  end)

  told("asks again where the server refuses a stream before it has looked at it", function()
    assert.equal("answer", client:get("/refused/" .. math.random(1 << 40)):text())
    assert.equal("answer", client:put("/refused/" .. math.random(1 << 40), { body = "again" }):text())
  end)

  told("takes heads up to the same size as HTTP/1.1", function()
    local res = client:get "/200/fields"
    assert.equal(("v"):rep(100), res.headers["x-499"])
  end)

  told("sends what may be sent twice again where a kept connection turns out to be dead", function()
    for _, how in ipairs { "abort", "away" } do
      for _ = 1, 4 do assert.equal("answer", client:get("/first/" .. how):text()) end
    end
    client:get "/first/abort"
    local _, err = rille.try(client.post, client, "/first/abort", { body = "once" })
    assert.is_true(err ~= nil)
  end)

  told("dials anew where the server has said goodbye", function()
    for _ = 1, 3 do
      assert.equal("answer", client:get("/200/goodbye"):text())
      assert.equal("answer", client:post("/200/full", { body = "not idempotent" }):text())
    end
  end)

  told("serves the next one after a request was given up", function()
    local task = rille.spawn(client.post, client, "/200/late", bodies:streamed())
    rille.sleep(0.02)
    task:cancel()
    rille.try(task.wait, task)
    assert.same({ running = 0, waiting = 0 }, client:stats())
    assert.equal("answer", client:get("/200/whole"):text())
  end)

  told("does not take less than a length says, nor two lengths", function()
    for _, how in ipairs { "short", "broken" } do
      local _, err = rille.try(function() return client:get("/200/" .. how):text() end)
      assert.is_true(err ~= nil, how)
      assert.is_true(err.code == "protocol" or err.code == "reset", how .. ": " .. tostring(err.code))
    end
  end)
end)
