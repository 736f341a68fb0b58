-- runtime/bind/client/transfer.c
local rille = require "rille"
local fakes = require "spec.support.fake"

-- What Python prints, asked once for each program.
local python = setmetatable({}, { __index = function(printed, code)
  local pipe = io.popen("/usr/bin/python3 -c '" .. code .. "'")
  printed[code] = pipe:read "a"
  pipe:close()
  return printed[code]
end })

for _, scheme in ipairs(fakes.schemes) do describe("bodies that come (" .. scheme .. ")", function()
  local fake
  setup(function() fake = fakes.start(scheme) end)
  teardown(function() fake:close() end)

  local function head(fields) return { send = "HTTP/1.1 200 OK\r\n" .. fields .. "\r\n\r\n" } end

  local function fails(steps, opts)
    local res = fake:fetch(fake:script(steps), opts)
    local _, err = rille.try(res.bytes, res)
    return err
  end

  -- A body that Python has made: an expression of bytes.
  local function made(expression, coding)
    local text = python["import base64,gzip,zlib,sys; sys.stdout.write(base64.b64encode(" .. expression .. ").decode())"]
    local size = #text // 4 * 3 - (text:match "=*$"):len()
    return { head("Content-Length: " .. size .. "\r\nContent-Encoding: " .. coding), { base64 = text } }
  end

  it("are decoded: gzip, deflate with and without its wrapper, several members", function()
    local function text(steps) return fake:fetch(fake:script(steps)):text() end
    assert.equal("hello", text(made('gzip.compress(b"hello")', "gzip")))
    assert.equal("hello", text(made('gzip.compress(b"hello")', "X-GZip")))
    assert.equal("hello", text(made('zlib.compress(b"hello")', "deflate")))
    assert.equal("hello", text(made('zlib.compress(b"hello")[2:-4]', "deflate")))
    assert.equal("hello, world", text(made('gzip.compress(b"hello")+gzip.compress(b", world")', "gzip")))
    assert.equal("hello", text(made('gzip.compress(b"hello")+b"junk"', "gzip")))
    assert.equal("hello", text(made('b"hello"', "identity")))
    assert.equal("", text(made('b""', "gzip")))
    assert.equal(300000, #text(made('gzip.compress(b"abc"*100000)', "gzip")))
  end)

  it("are left as they are where that was asked for", function()
    local path = fake:script(made('gzip.compress(b"hello")', "gzip"))
    local res = fake:fetch(path, { decompress = false })
    assert.equal("\x1f\x8b", res:bytes():sub(1, 2))
    assert.is_nil(fake:log(path)[1].headers["accept-encoding"])
  end)

  it("that are compressed badly, or cut, or by a coding unknown, are errors", function()
    assert.equal("protocol", fails(made('b"this is not gzip at all"', "gzip")).code)
    assert.equal("protocol", fails(made('gzip.compress(b"hello"*1000)[:-12]', "gzip")).code)
    assert.equal("protocol", fails(made('b"\\xff\\xff\\xff\\xff"', "br")).code)
    local _, err = rille.try(fake.fetch, fake, fake:script(made('b"x"', "compress")))
    assert.equal("protocol", err.code)
  end)

  it("behind a head that is too large are not waited for", function()
    local line = { send = ("x"):rep(70000), times = 2 }
    local blank = { send = "X-B: " .. (" "):rep(65000) .. "v\r\n", times = 100 }
    for _, lines in ipairs { line, blank } do
      local _, err = rille.try(fake.fetch, fake, fake:script { { send = "HTTP/1.1 200 OK\r\nX-A: " }, lines, { sleep = 5 } })
      assert.same({ "too_large", 502 }, { err.code, err.status })
    end
  end)

  it("whose framing is said in a folded line are refused", function()
    for _, fields in ipairs { "Transfer-Encoding:\r\n chunked", "Content-Length: 1\r\n 0" } do
      local _, err = rille.try(fake.fetch, fake, fake:script { head(fields), { send = "5\r\nhello\r\n0\r\n\r\n" } })
      assert.equal("protocol", err.code, fields)
    end
    assert.equal("a b", fake:fetch(fake:script { head "X-A: a\r\n b\r\nContent-Length: 0" }).headers["x-a"])
  end)

  it("are none after 101, which is an answer to who has asked for it, and to nobody else", function()
    local answer = { { send = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" }, { sleep = 5 } }
    local res = fake:fetch(fake:script(answer), { timeout = 3, headers = { Upgrade = "x", Connection = "upgrade" } })
    assert.same({ 101, "" }, { res.status, res:text() })
    local _, err = rille.try(fake.fetch, fake, fake:script(answer), { timeout = 3 })
    assert.same({ "protocol", 502 }, { err and err.code, err and err.status })
    assert.matches("the server switched protocols without being asked", err.message)
  end)

  it("that become far larger than what was sent are refused, in constant memory", function()
    local bomb = made('gzip.compress(b"\\0"*(1<<26))', "gzip") -- 64 MiB of zeros in 65 KiB
    collectgarbage()
    local before = collectgarbage "count"
    local err = fails(bomb)
    assert.same({ "too_large", 502 }, { err.code, err.status })
    local res, size = fake:fetch(fake:script(bomb)), 0
    local _, failure = rille.try(function()
      for chunk in res:chunks() do size = size + #chunk end
    end)
    assert.equal("too_large", failure.code)
    assert.is_true(size < 16 * 1024 ^ 2, "of 64 MiB came " .. size)
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 16 * 1024)
    local members = made('gzip.compress(b"")*2000', "gzip")
    assert.equal("too_large", fails(members).code)
  end)

  it("have a limit where one is set, encoded or not", function()
    local path = fake:script(fakes.ok(("x"):rep(1001)))
    local _, err = rille.try(function() fake:fetch(path, { body_limit = 1000 }):text() end)
    assert.same({ "too_large", 502 }, { err.code, err.status })
    assert.equal(1001, #fake:fetch(path, { body_limit = 1001 }):text())
    local packed = fake:script(made('gzip.compress(b"abc"*1000)', "gzip"))
    _, err = rille.try(function() fake:fetch(packed, { body_limit = 2999 }):text() end)
    assert.equal("too_large", err.code)
    assert.equal(3000, #fake:fetch(packed, { body_limit = 3000 }):text())
  end)

  it("that end too early, or by a reset, are errors behind what has come", function()
    for _, ending in ipairs { { close = true }, { reset = true } } do
      local path = fake:script { head "Content-Length: 10", { send = "five." }, { sleep = 0.05 }, ending }
      local res, got = fake:fetch(path), ""
      local _, err = rille.try(function()
        for chunk in res:chunks() do got = got .. chunk end
      end)
      assert.same({ "reset", 502, "five." }, { err.code, err.status, got })
    end
  end)

  it("whose chunks are broken are errors", function()
    for _, chunks in ipairs { "zz\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "fffffffffffffffffff\r\nx" } do
      local err = fails { head "Transfer-Encoding: chunked", { send = chunks }, { sleep = 0.1 }, { close = true } }
      assert.equal("protocol", err.code, chunks)
    end
    local err = fails { head "Transfer-Encoding: chunked", { send = "5\r\nhello\r\n" }, { close = true } }
    assert.is_true(err.code == "reset" or err.code == "protocol", err.code)
  end)

  it("may be chunked, end with the connection, have trailers", function()
    local function text(steps) return fake:fetch(fake:script(steps)):text() end
    assert.equal("hello, world", text { head "Transfer-Encoding: chunked", { send = "5\r\nhello\r\n" }, { sleep = 0.02 },
      { send = "7;ext=1\r\n, world\r\n0\r\nX-Sum: 1\r\n\r\n" } })
    assert.equal("to the end", text { head "Connection: close", { send = "to the end" }, { close = true } })
  end)

  it("whose head is malformed or too large are errors", function()
    local function refused(bytes)
      local _, err = rille.try(fake.fetch, fake, fake:script { { send = bytes }, { close = true } })
      return err.code
    end
    assert.equal("protocol", refused "HTTP/1.1 200 OK\r\nX-A: a\1b\r\nContent-Length: 0\r\n\r\n")
    assert.equal("protocol", refused "HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n")
    assert.equal("protocol", refused "hello, this is no HTTP\r\n\r\n")
    assert.equal("protocol", refused "HTTP/1.1 20x OK\r\n\r\n")
    assert.equal("too_large", refused("HTTP/1.1 200 OK\r\n" .. ("X-Long: " .. ("a"):rep(1000) .. "\r\n"):rep(200) .. "\r\n"))
    assert.equal("too_large", refused("HTTP/1.1 200 OK\r\n" .. ("a: b\r\n"):rep(600) .. "\r\n"))
  end)

  it("come after so many interim responses and no more", function()
    local function after(count)
      local interims = ("HTTP/1.1 102 Processing\r\n\r\n"):rep(count)
      local res, err = rille.try(fake.fetch, fake, fake:script(interims .. fakes.ok "then"), { timeout = 5 })
      return res and res:text() or err.code
    end
    assert.equal("then", after(64))
    assert.equal("protocol", after(65))
    assert.equal("protocol", after(2000))
  end)

  it("whose status line is not one are errors, and one that is may say little", function()
    local function status(line)
      local res, err = rille.try(fake.fetch, fake, fake:script(line .. "\r\nContent-Length: 2\r\n\r\nhi"), { timeout = 5 })
      if res then assert.equal("hi", res:text()) end
      return res and res.status or err.code
    end
    for _, line in ipairs { "HTTP/1.1 200 O\rK", "HTTP/1.1 200 OK\r", "HTTP/1.1 200 \1", "HTTP/1.1 200 O\0K", "HTTP/1.1 200 \127",
      "HTTP/1.1 200OK", "HTTP/1.1 2000", "HTTP/1.1 20", "HTTP/1.1 020 OK", "HTTP/2.0x 200 OK" } do
      assert.equal("protocol", status(line), line)
    end
    for _, line in ipairs { "HTTP/1.1 200 OK", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 Schön \t" } do
      assert.equal(200, status(line), line)
    end
    assert.equal(200, status "HTTP/1.2 200 OK")
    assert.equal(299, status "HTTP/1.1 299 Own")
  end)

  it("may have blanks of both kinds around what frames them, and empty elements of a list", function()
    for _, fields in ipairs { "Transfer-Encoding:\tchunked\t", "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked , ,",
      "Transfer-Encoding: ,\r\nTransfer-Encoding: chunked" } do
      assert.equal("hello", fake:fetch(fake:script { head(fields), { send = "5\r\nhello\r\n0\r\n\r\n" } }):text(), fields)
    end
    for _, fields in ipairs { "Content-Length:\t5\t", "Content-Length: 5, 5" } do
      assert.equal("hello", fake:fetch(fake:script { head(fields), { send = "hello" } }):text(), fields)
    end
    for _, fields in ipairs { "Transfer-Encoding: ,", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked;a=b",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Content-Length: 5,", "Content-Length: ,5",
      "Content-Length: 5;", "Content-Length: +5", "Content-Length: 0x5" } do
      local _, err = rille.try(function()
        return fake:fetch(fake:script { head(fields), { send = "5\r\nhello\r\n0\r\n\r\n" }, { close = true } }):text()
      end)
      assert.equal("protocol", err and err.code, fields)
    end
  end)

  -- What a server sends beyond its answer is never the answer to the next request (response splitting).
  it("are never what was left over from the one before", function()
    local client <close> = fake:user { limit = 1 }
    for _, first in ipairs { fakes.ok "a" .. fakes.ok "evil", "HTTP/1.1 204 No\r\nContent-Length: 40\r\n\r\n" .. fakes.ok "evil",
      "HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\n" .. fakes.ok "evil",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" .. fakes.ok "evil",
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" .. fakes.ok "evil",
      { { send = fakes.ok "a" }, { sleep = 0.05 }, { send = fakes.ok "evil" } } } do
      local path = fake:script(first, fakes.ok "good")
      client:get(fake.url .. path):text()
      if type(first) == "table" then rille.sleep(0.15) end
      assert.equal("good", client:get(fake.url .. path):text())
    end
    local path = fake:script(fakes.ok "a" .. fakes.ok "evil", fakes.ok "good")
    client:head(fake.url .. path)
    assert.equal("good", client:get(fake.url .. path):text(), "nor the body of an answer to HEAD")
  end)

  it("that can be framed in two ways are refused", function()
    for _, fields in ipairs { "Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6",
      "Content-Length: 5, 6", "Transfer-Encoding: gzip, chunked", "Content-Length: x" } do
      for _, bytes in ipairs { "hello", "5\r\nhello\r\n0\r\n\r\n" } do
        local _, err = rille.try(fake.fetch, fake, fake:script { head(fields), { send = bytes } })
        assert.equal("protocol", err and err.code, fields)
      end
    end
    assert.equal("hello", fake:fetch(fake:script { head "Content-Length: 5\r\nContent-Length: 5", { send = "hello" } }):text())
  end)

  it("join a folded header", function()
    local path = fake:script(fakes.ok("", { "X-Long: one\r\n  two" }))
    assert.equal("one two", fake:fetch(path).headers["x-long"])
  end)

  it("are not read faster than somebody reads them", function()
    local path = fake:script { head "Content-Length: 67108864", { send = ("z"):rep(65536), times = 1024 } }
    local res = fake:fetch(path)
    rille.sleep(0.3)
    local sent, size = fake:log(path)[1].sent, 0
    for chunk in res:chunks() do
      size = size + #chunk
      if size < 200000 then rille.sleep(0.01) end
    end
    assert.equal(67108864, size)
    assert.is_true(sent < 33554432, sent .. " bytes were read before anybody asked for them")
  end)

  it("up to 64 KiB come off the wire without being read, and leave the connection for others", function()
    local client <close> = fake:user { limit = 1 }
    local path = fake:script(fakes.ok(("s"):rep(65536)))
    local first = client:get(fake.url .. path)
    local second = client:get(fake.url .. path)
    assert.equal(65536, #second:text())
    assert.equal(65536, #first:text(), "and can be read later")
    local log = fake:log(path)
    assert.equal(log[1].connection, log[2].connection)
  end)

  it("of every size around the limits leave the connection fit for the next", function()
    local client <close> = fake:user { limit = 1, timeout = 5 }
    for _, size in ipairs { 1, 65535, 65536, 65537, 100000, 131072, 131073, 262144, 262145, 400000 } do
      for _, fields in ipairs { "Content-Length: " .. size, "Transfer-Encoding: chunked" } do
        local chunked = fields:find "chunked"
        local path = fake:script { { send = "HTTP/1.1 200 OK\r\n" .. fields .. "\r\n\r\n"
          .. (chunked and ("%x\r\n"):format(size) or "") .. ("s"):rep(size) .. (chunked and "\r\n0\r\n\r\n" or "") } }
        assert.equal(size, #client:get(fake.url .. path):bytes())
        local res = client:get(fake.url .. path)
        if size > 65536 then rille.sleep(0.01) end
        assert.equal(size, #res:text())
      end
    end
  end)

  it("that nobody reads are told of at the end of a test", function()
    local native = require "rille.native.client"
    local path = fake:script { head "Content-Length: 10000000", { send = ("s"):rep(100000), times = 100 } }
    local res = fake:fetch(path)
    assert.same({ fake.url .. path }, native.client_take_unread())
    local _, err = rille.try(res.bytes, res)
    assert.equal("closed", err.code)
    fake:fetch(fake:script(fakes.ok "short"))
    assert.same({}, native.client_take_unread())
  end)

  it("longer than that hold their place until they are read or closed", function()
    local client <close> = fake:user { limit = 1, timeout = 5 }
    local path = fake:script { head "Content-Length: 10000000", { send = ("s"):rep(100000), times = 100 } }
    local first = client:get(fake.url .. path)
    local ok, err = rille.try(rille.timeout, 0.2, client.get, client, fake.url .. path)
    assert.same({ nil, "timeout" }, { ok, err.code })
    first:close()
    assert.equal(10000000, #client:get(fake.url .. path):text())
  end)
end) end

for _, scheme in ipairs(fakes.schemes) do describe("bodies that go (" .. scheme .. ")", function()
  local fake
  setup(function() fake = fakes.start(scheme) end)
  teardown(function() fake:close() end)

  it("come from an iterator, which may wait and fail", function()
    local n = 0
    local got = fake:fetch("/echo", { method = "POST", body = function()
      n = n + 1
      rille.sleep(0.01)
      return n <= 3 and "piece " .. n .. ";" or nil
    end }):json()
    assert.same({ "piece 1;piece 2;piece 3;", "chunked" }, { got.body, got.headers["transfer-encoding"] })
    local path = fake:script(fakes.ok())
    local _, err = rille.try(fake.fetch, fake, path, { method = "POST", body = function() error({ own = true }) end })
    assert.is_true(err.cause.own)
    _, err = rille.try(fake.fetch, fake, path, { method = "POST", body = function() return 7 end })
    assert.matches("gives strings", tostring(err))
    assert.equal(0, #fake:log(path), "what failed was never a request")
  end)

  it("have the length that their header says", function()
    local n = 0
    local got = fake:fetch("/echo", { method = "PUT", headers = { ["Content-Length"] = 10 }, body = function()
      n = n + 1
      return n <= 2 and "12345" or nil
    end }):json()
    assert.same({ "1234512345", "10" }, { got.body, got.headers["content-length"] })
    assert.is_nil(got.headers["transfer-encoding"])
  end)

  it("of several parts are checked before they are sent", function()
    for what, opts in pairs {
      ["option 'path' is a string"] = { files = { a = { path = 5 } } },
      ["the body of 'a' is a string or an iterator, got a number"] = { files = { a = { filename = "x", body = 5 } } },
      ["unknown option 'filname', did you mean 'filename'"] = { files = { a = { filname = "x", body = "c" } } },
      ["the body of 'b' is a string or an iterator"] = { multipart = { { name = "b", body = 5 } } },
      ["the iterator gives strings, got a number"] = { files = { a = { filename = "x", body = function() return 5 end } } },
    } do
      opts.method = "POST"
      assert.error_matches(function() fake:fetch("/echo", opts) end, what)
    end
  end)

  it("have their own length, whatever a hook says", function()
    local client <close> = fake:user {}
    client:use(function(req, send)
      req.headers["Content-Length"] = "3"
      return send(req)
    end)
    local got = client:post(fake.url .. "/echo", { body = "abcdefgh" }):json()
    assert.same({ "abcdefgh", "8" }, { got.body, got.headers["content-length"] })
    assert.is_nil(client:get(fake.url .. "/echo"):json().headers["content-length"])
  end)

  it("of another length than their header says are errors, and the request is none", function()
    for pieces, how in pairs { [1] = "shorter", [3] = "longer" } do
      local n, path = 0, fake:script(fakes.ok())
      local _, err = rille.try(fake.fetch, fake, path, { method = "PUT", headers = { ["Content-Length"] = 10 }, body = function()
        n = n + 1
        return n <= pieces and "12345" or nil
      end })
      assert.same({ "invalid", 500 }, { err.code, err.status })
      assert.matches("the body is " .. how .. " than its Content%-Length, 10 bytes", tostring(err))
      assert.is_true(#fake:log(path) == 0 or how == "longer")
    end
  end)

  local function body_of(count, size, wait)
    local made = { count = 0 }
    return made, function()
      if made.count == count then return nil end
      made.count = made.count + 1
      if wait then rille.sleep(wait) end
      return ("x"):rep(size)
    end
  end

  it("are sent to their end where the answer begins before that", function()
    for _, headers in ipairs { {}, { ["Content-Length"] = 400000 } } do
      local path = fake:script { { stop_reading = true }, { send = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" },
        { read = true }, { send = "done" } }
      local _, body = body_of(20, 20000, 0.005)
      local res = fake:fetch(path, { method = "POST", headers = headers, body = body })
      assert.same({ 200, "done" }, { res.status, res:text() })
      assert.equal(400000, fake:log(path)[1].size)
    end
  end)

  it("are cut off, not ended, where the answer is a refusal", function()
    for _, headers in ipairs { {}, { ["Content-Length"] = 64000 } } do
      local path = fake:script { { stop_reading = true }, { send = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!" },
        { read = true } }
      local made, body = body_of(64, 1000, 0.01)
      local res = fake:fetch(path, { method = "POST", headers = headers, body = body })
      assert.same({ 413, "no!" }, { res.status, res:text() })
      assert.is_true(made.count < 64)
      rille.sleep(0.05)
      assert.equal(0, fake:log(path)[1].size, "never was a whole request")
    end
  end)

  it("end with a whole refusal that is larger than what is read ahead", function()
    for _, size in ipairs { 80000, 82000, 90000, 140000, 300000 } do
      local refusal = { send = fakes.raw("400 Bad Request", ("e"):rep(size)) }
      local path = fake:script { { stop_reading = true }, refusal, { sleep = 30 } }
      local _, endless = body_of(-1, 1000, 0.001)
      local res = fake:fetch(path, { method = "POST", body = endless, timeout = 8 })
      assert.same({ 400, size }, { res.status, #res:text() })
    end
  end)

  it("end with the whole of an answer", function()
    local path = fake:script { { stop_reading = true }, { send = fakes.ok "early" }, { sleep = 30 }, { close = true } }
    local _, endless = body_of(-1, 65536)
    for _, body in ipairs { endless, ("x"):rep(1000):rep(50000) } do
      local res = fake:fetch(path, { method = "POST", body = body, timeout = 8 })
      assert.same({ 200, "early" }, { res.status, res:text() })
    end
  end)

  it("and an answer that wait for each other are timed out", function()
    local path = fake:script { { stop_reading = true }, { send = "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n" },
      { send = ("z"):rep(65536), times = 1024 } }
    local _, endless = body_of(-1, 65536)
    local _, err = rille.try(fake.fetch, fake, path, { method = "POST", body = endless, timeout = { read = 0.3, total = 5 } })
    assert.same({ "timeout", "read" }, { err.code, err.phase })
  end)

  it("stop where the answer is there before they are sent", function()
    local path = fake:script { { stop_reading = true }, { send = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!" },
      { sleep = 0.5 }, { close = true } }
    local pieces = 0
    local res = fake:fetch(path, { method = "POST", body = function()
      pieces = pieces + 1
      return pieces < 10000 and ("x"):rep(65536) or nil
    end })
    assert.same({ 413, "no!" }, { res.status, res:text() })
    assert.is_true(pieces < 2000, pieces .. " pieces were made")
  end)

  it("are given up for the answer that a server gave before it reset the connection", function()
    local refusal = { send = "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!" }
    local path = fake:script { { stop_reading = true }, { sleep = 0.05 }, refusal, { reset = true } }
    local n = 0
    local res = fake:fetch(path, { method = "POST", body = function()
      n = n + 1
      if n == 2 then
        rille.sleep(0.01)
        os.execute "sleep 0.1" -- answer and reset are there together when the loop goes on
        rille.sleep(0.05)
      end
      return "x"
    end })
    assert.same({ 413, "no!", 2 }, { res.status, res:text(), n })
    path = fake:script { { stop_reading = true }, refusal, { reset = true } }
    for _ = 1, 20 do
      res = fake:fetch(path, { method = "POST", body = ("x"):rep(1 << 20) })
      assert.same({ 413, "no!" }, { res.status, res:text() })
    end
  end)

  it("of fields and files are multipart, files streamed from disk", function()
    local name = os.tmpname()
    local file = io.open(name, "w")
    file:write(("0123456789"):rep(100000))
    file:close()
    local got = fake:fetch("/echo", { method = "POST", form = { title = "T", tag = { "a", "b" } },
      files = { big = { path = name, filename = 'q"uote.png' },
        small = { { filename = "x.txt", body = "one" }, { filename = "y", content_type = "a/b", body = "two" } } } }):json()
    os.remove(name)
    local boundary = got.headers["content-type"]:match "^multipart/form%-data; boundary=(.+)$"
    assert.equal(tostring(got.size), got.headers["content-length"])
    assert.is_true(got.size > 1000000)
    assert.matches('^%-%-' .. boundary:gsub("%p", "%%%0") .. '\r\nContent%-Disposition: form%-data; name="tag"\r\n\r\na\r\n',
      got.body)
    assert.matches('name="big"; filename="q%%22uote.png"\r\nContent%-Type: image/png\r\n\r\n0123456789', got.body)
  end)

  it("as multipart keep the order of a list", function()
    local got = fake:fetch("/echo", { method = "POST", multipart = {
      { name = "z", body = "last name first" }, { name = "a", filename = "a.json", body = "{}" } } }):json()
    assert.matches('name="z"\r\n\r\nlast name first\r\n.*'
      .. 'name="a"; filename="a.json"\r\nContent%-Type: application/json\r\n\r\n{}',
      got.body)
    got = fake:fetch("/echo", { method = "POST", multipart = { x = 1, f = { filename = "f", body = "b" } } }):json()
    assert.matches('name="x"\r\n\r\n1\r\n.*name="f"; filename="f"', got.body)
    got = fake:fetch("/echo", { method = "POST", form = { x = 1 }, multipart = true }):json()
    assert.matches("^multipart/", got.headers["content-type"])
  end)

  it("of 200 MB leave memory as it was", function()
    local piece, left = ("u"):rep(1 << 20), 200
    collectgarbage()
    local before, most = collectgarbage "count", 0
    local got = fake:fetch("/echo", { method = "POST", timeout = 120, body = function()
      most = math.max(most, collectgarbage "count")
      left = left - 1
      return left >= 0 and piece or nil
    end }):json()
    assert.equal(200 << 20, got.size)
    assert.is_true(most - before < 16 * 1024, "memory grew by " .. (most - before) .. " KiB")
  end)

  it("wait for a server that reads slowly", function()
    local path = fake:script { { stop_reading = true }, { sleep = 0.3 }, { send = fakes.ok "late" }, { sleep = 0.5 },
      { close = true } }
    local sent = 0
    local task = rille.spawn(function()
      return fake:fetch(path, { method = "POST", body = function()
        sent = sent + 1
        return sent < 500 and ("x"):rep(1 << 20) or nil
      end })
    end)
    rille.sleep(0.2)
    assert.is_true(sent < 100, "backpressure: " .. sent .. " MiB were taken")
    task:wait()
  end)
end) end
