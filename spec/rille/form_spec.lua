-- runtime/bind/http/form.c, runtime/bind/http/request_body.c, runtime/bind/http/spool.c
-- lua/rille/form.lua, lua/rille/part.lua, lua/rille/upload.lua
local multipart = require "spec.support.multipart"
local native = require "rille.native.core"
local rille = require "rille"
local testing = require "rille.testing"

local large = ("0123456789abcdef"):rep(20000) -- 320 000 bytes: on disk

local function client_of(handler, options)
  local app = rille.app { body_limit = 16 * 1024 ^ 2 }
  app:post("/", handler, options)
  return testing.client(app)
end

-- What a handler sees of its form, as JSON.
local function echo(req)
  local out = {}
  for name, value in pairs(req:form()) do
    if type(value) == "table" then
      value = { name = value.name, filename = value.filename, raw_filename = value.raw_filename, size = value.size,
        content_type = value.content_type, sha256 = rille.sha256(value:bytes()) }
    end
    out[name] = value
  end
  return rille.json(out)
end

local urlencoded = { ["Content-Type"] = "application/x-www-form-urlencoded" }

describe("an urlencoded form", function()
  local client
  before_each(function() client = client_of(echo) end)

  it("gives its fields as text", function()
    assert.same({ title = "Hello World", text = "a&b=c ü" }, client:post("/", { form = { title = "Hello World",
      text = "a&b=c ü" } }):json())
    assert.same({ a = "", b = "" }, client:post("/", { body = "a=&b", headers = urlencoded }):json())
  end)

  it("is empty without a body", function()
    assert.same({}, client:post("/"):json())
    assert.same({}, client:post("/", { body = "", headers = urlencoded }):json())
  end)

  it("is refused with 400 where it cannot be decoded", function()
    for _, body in ipairs { "a=%zz", "a=%", "a=%00", "%00=a", "a=%ff", "%c0%af=1" } do
      assert.equal(400, client:post("/", { body = body, headers = urlencoded }).status)
    end
  end)

  it("is refused with 413 beyond 1000 fields", function()
    assert.equal(200, client:post("/", { body = ("a=1&"):rep(1000), headers = urlencoded }).status)
    assert.equal(413, client:post("/", { body = ("a=1&"):rep(1001), headers = urlencoded }).status)
  end)

  it("may be Latin-1, and is refused with 415 in a charset nobody knows", function()
    local headers = { ["Content-Type"] = "application/x-www-form-urlencoded; charset=ISO-8859-1" }
    assert.same({ ["ü"] = "é" }, client:post("/", { body = "%fc=%e9", headers = headers }):json())
    headers["Content-Type"] = "application/x-www-form-urlencoded; charset=ebcdic"
    assert.equal(415, client:post("/", { body = "a=1", headers = headers }).status)
  end)

  it("takes names as they are: nothing nests", function()
    assert.same({ ["a[b][c]"] = "1" }, client:post("/", { form = { ["a[b][c]"] = "1" } }):json())
  end)

  it("leaves the body to be asked for again", function()
    client = client_of(function(req) return req:text() .. "|" .. req:form().a .. "|" .. req:bytes() end)
    assert.equal("a=1|1|a=1", client:post("/", { form = { a = "1" } }):text())
  end)
end)

describe("form_all and file", function()
  it("give all values of a name in order, and an empty list for none", function()
    local client = client_of(function(req) return rille.json { req:form().a, req:form_all "a", req:form_all "b" } end)
    assert.same({ "1", { "1", "2", "3" }, {} }, client:post("/", { body = "a=1&a=2&c=4&a=3", headers = urlencoded }):json())
  end)

  it("find the first file of a name among its values", function()
    local client = client_of(function(req)
      return rille.json { req:file "x" and req:file("x").filename or "none", req:file "y" == nil }
    end)
    local body, headers = multipart { { "x", "text" }, { "x", "1", filename = "one" }, { "x", "2", filename = "two" },
      { "y", "text" } }
    assert.same({ "one", true }, client:post("/", { body = body, headers = headers }):json())
  end)
end)

describe("a multipart form", function()
  local client
  before_each(function() client = client_of(echo) end)

  it("gives text as strings and files as files, small and large", function()
    local body, headers = multipart { { "title", "Hi" }, { "small", "PNG", filename = "a.png", type = "image/png" },
      { "large", large, filename = "b" } }
    assert.same({
      title = "Hi",
      small = { name = "small", filename = "a.png", raw_filename = "a.png", size = 3, content_type = "image/png",
        sha256 = rille.sha256 "PNG" },
      large = { name = "large", filename = "b", raw_filename = "b", size = #large,
        content_type = "application/octet-stream", sha256 = rille.sha256(large) },
    }, client:post("/", { body = body, headers = headers }):json())
  end)

  it("gives names that are safe in a path beside those that were sent", function()
    for sent, safe in pairs { ["../../etc/passwd"] = "passwd", ["C:\\x\\y.txt"] = "y.txt", [".."] = "file",
      [".htaccess"] = "htaccess" } do
      local body, headers = multipart { { "f", "x", filename = sent } }
      local file = client:post("/", { body = body, headers = headers }):json().f
      assert.equal(safe, file.filename)
      assert.equal(sent, file.raw_filename)
    end
  end)

  it("takes a file input that was left empty for absent, an empty file not", function()
    local body, headers = multipart { { "none", "", filename = "", type = "application/octet-stream" },
      { "empty", "", filename = "e.txt" } }
    local fields = client:post("/", { body = body, headers = headers }):json()
    assert.is_nil(fields.none)
    assert.equal(0, fields.empty.size)
  end)

  it("is read the same however the body arrives", function()
    local body, headers = multipart { { "title", "Hi\r\n--x" }, { "f", large:sub(1, 70000), filename = "f" } }
    local whole = client:post("/", { body = body, headers = headers }):json()
    for _, size in ipairs { 1009, 16384, 65536 } do
      local at = 1
      local pieces = client:post("/", { headers = headers, body = function()
        local piece = body:sub(at, at + size - 1)
        at = at + size
        return piece ~= "" and piece or nil
      end }):json()
      assert.same(whole, pieces)
    end
  end)

  -- Each file of its own would cost a descriptor, and a body may hold a thousand.
  it("holds one descriptor, however many files are in it", function()
    local parts, sums, names = {}, {}, {}
    for i = 1, 60 do
      local content = (tostring(i) .. "x"):rep(({ 10, 20000, 30000, 70000 })[i % 4 + 1])
      parts[i] = { "f" .. i, content, filename = "f" .. i }
      sums["f" .. i] = rille.sha256(content)
      names[i] = "f" .. i
    end
    local body, headers = multipart(parts)
    local counting = client_of(function(req)
      local before = #native.list_directory "/proc/self/fd"
      local form = req:form()
      local seen = { descriptors = #native.list_directory "/proc/self/fd" - before, sums = {} }
      rille.map(names, function(name) seen.sums[name] = rille.sha256(form[name]:bytes()) end, { limit = 10 })
      return rille.json(seen)
    end)
    for _ = 1, 2 do
      local seen = counting:post("/", { body = body, headers = headers }):json()
      assert.same(sums, seen.sums)
      assert.is_true(seen.descriptors <= 1, seen.descriptors)
    end
  end)

  it("decodes text by the charset of the part or of _charset_", function()
    local body, headers = multipart { { "a", "\xe9", type = "text/plain; charset=iso-8859-1" }, { "_charset_", "latin1" },
      { "b", "\xfc" } }
    local fields = client:post("/", { body = body, headers = headers }):json()
    assert.equal("é", fields.a)
    assert.equal("ü", fields.b)
  end)

  it("is refused with 400 where it is malformed", function()
    local good, headers = multipart { { "a", "x" } }
    local bad = {
      good:sub(1, -6), good:sub(1, 60), "nothing", "", good:gsub("form%-data", "attachment"), good:gsub("name=", "nome="),
      (multipart { { "a", "\xff" } }), (multipart { { "\xff", "x" } }), (multipart { { "a", "\0" } }),
      (multipart { { "a", "x", head = "no colon" } }), (multipart { { "a", "x", head = "X: " .. ("y"):rep(9000) } }),
    }
    for i, body in ipairs(bad) do
      assert.equal(400, client:post("/", { body = body, headers = headers }).status, "body " .. i)
    end
    for _, content_type in ipairs { "multipart/form-data", "multipart/form-data; boundary=" .. ("x"):rep(71) } do
      assert.equal(400, client:post("/", { body = good, headers = { ["Content-Type"] = content_type } }).status)
    end
  end)

  it("is refused with 413 where it has too many parts or too much text", function()
    local parts = {}
    for i = 1, 1001 do parts[i] = { "a", "" } end
    local body, headers = multipart(parts)
    assert.equal(413, client:post("/", { body = body, headers = headers }).status)
    body, headers = multipart { { "a", ("x"):rep(600000) }, { "b", ("x"):rep(600000) } }
    assert.equal(413, client:post("/", { body = body, headers = headers }).status)
    body, headers = multipart { { "a", large, filename = "a" } }
    assert.equal(413, client_of(echo, { body_limit = 1000 }):post("/", { body = body, headers = headers }).status)
  end)

  it("is refused with 415 in an encoding that is history, and compressed", function()
    local body, headers = multipart { { "a", "eA==", head = "Content-Transfer-Encoding: base64" } }
    assert.equal(415, client:post("/", { body = body, headers = headers }).status)
    body, headers = multipart { { "a", "x" } }
    headers["Content-Encoding"] = "gzip"
    assert.equal(415, client:post("/", { body = body, headers = headers }).status)
  end)

  it("is refused with 415 where the body is something else", function()
    assert.equal(415, client:post("/", { json = { a = 1 } }).status)
    assert.equal(415, client:post("/", { body = "a=1", headers = { ["Content-Type"] = "text/plain" } }).status)
    assert.equal(415, client:post("/", { body = "a=1" }).status)
  end)
end)

describe("a file", function()
  local directory
  before_each(function()
    directory = os.tmpname()
    os.remove(directory)
    os.execute("mkdir " .. directory)
  end)
  after_each(function() os.execute("rm -r " .. directory) end)

  local function content(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local bytes = file:read "a"
    file:close()
    return bytes
  end

  local function listing() return (io.popen("ls -A " .. directory):read "a") end

  it("is saved whole, and replaces what was there", function()
    local path = directory .. "/x.bin"
    local client = client_of(function(req) return tostring(req:file "f":save(path)) end)
    for _, bytes in ipairs { large, "small", "" } do
      local body, headers = multipart { { "f", bytes, filename = "x" } }
      assert.equal(tostring(#bytes), client:post("/", { body = body, headers = headers }):text())
      assert.equal(bytes, content(path))
    end
    assert.equal("x.bin\n", listing())
  end)

  it("is read piece by piece", function()
    local client = client_of(function(req)
      local count, size = 0, 0
      for piece in req:file "f":chunks() do count, size = count + 1, size + #piece end
      return rille.json { count > 1, size }
    end)
    local body, headers = multipart { { "f", large, filename = "x" } }
    assert.same({ true, #large }, client:post("/", { body = body, headers = headers }):json())
  end)

  it("is gone when its request has ended", function()
    local kept
    local client = client_of(function(req) kept = req:file "f"; return "" end)
    local body, headers = multipart { { "f", large, filename = "x" } }
    client:post("/", { body = body, headers = headers }):bytes()
    assert.has_error(function() kept:bytes() end,
      "this file has been closed: an upload is gone at the end of its request")
  end)

  it("that cannot be saved is a 500 that leaves nothing behind", function()
    local client = client_of(function(req) req:file "f":save(directory .. "/none/x"); return "" end)
    local body, headers = multipart { { "f", large, filename = "x" } }
    assert.equal(500, client:post("/", { body = body, headers = headers }).status)
    assert.equal("", listing())
  end)
end)

describe("req:parts", function()
  it("gives the parts as they arrive", function()
    local client = client_of(function(req)
      local seen = rille.array {}
      for part in req:parts() do
        local text
        if part.filename then
          text = 0
          for piece in part:chunks() do text = text + #piece end
        end
        seen[#seen + 1] = { part.name, part.filename or "-", part.headers["CONTENT-TYPE"] or "-", text or part:text() }
      end
      return rille.json(seen)
    end)
    local body, headers = multipart { { "a", "1" }, { "f", large, filename = "../f", type = "text/css" }, { "b", "" } }
    assert.same({ { "a", "-", "-", "1" }, { "f", "f", "text/css", #large }, { "b", "-", "-", "" } },
      client:post("/", { body = body, headers = headers }):json())
  end)

  it("skips what is not read, and a part that is over says so", function()
    local first
    local client = client_of(function(req)
      local names = {}
      for part in req:parts() do
        first = first or part
        names[#names + 1] = part.name
      end
      assert.has_error(function() first:text() end, "this part has ended: read a part before you ask for the next one")
      return table.concat(names, " ")
    end)
    local body, headers = multipart { { "a", large, filename = "a" }, { "b", large, filename = "b" }, { "c", "" } }
    assert.equal("a b c", client:post("/", { body = body, headers = headers }):text())
  end)

  it("saves a part as it arrives, and nothing where the body ends too early", function()
    local path = os.tmpname()
    os.remove(path)
    local client = client_of(function(req)
      for part in req:parts() do return tostring(part:save(path)) end -- luacheck: ignore 512
    end)
    local body, headers = multipart { { "f", large, filename = "f" } }
    assert.equal(400, client:post("/", { body = body:sub(1, -1000), headers = headers }).status)
    assert.is_nil(io.open(path))
    assert.equal(tostring(#large), client:post("/", { body = body, headers = headers }):text())
    assert.equal(rille.sha256(large), rille.sha256(io.open(path, "rb"):read "a"))
    os.remove(path)
  end)

  it("gives the parts of a form that somebody has read before", function()
    local client = client_of(function(req)
      req:form()
      local seen = rille.array {}
      for part in req:parts() do seen[#seen + 1] = { part.name, part.filename or "-", part:text() } end
      return rille.json(seen)
    end)
    local body, headers = multipart { { "a", "1" }, { "f", "x", filename = "f" }, { "a", "2" } }
    assert.same({ { "a", "-", "1" }, { "f", "f", "x" }, { "a", "-", "2" } },
      client:post("/", { body = body, headers = headers }):json())
  end)

  it("takes any multipart, and nothing else", function()
    local client = client_of(function(req)
      local count = 0
      for _ in req:parts() do count = count + 1 end
      return tostring(count)
    end)
    local mixed = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--"
    assert.equal("2", client:post("/", { body = mixed, headers = { ["Content-Type"] = "multipart/mixed; boundary=b" } }):text())
    assert.equal(415, client:post("/", { form = { a = "1" } }).status)
  end)

  it("lets a handler sleep while the body arrives", function()
    local client = client_of(function(req)
      local slept = 0
      for part in req:parts() do
        for _ in part:chunks() do
          local start = rille.now()
          rille.sleep(0.05)
          slept = slept + (rille.now() - start >= 0.03 and 0 or 1)
        end
      end
      return tostring(slept)
    end)
    local body, headers = multipart { { "f", large, filename = "f" } }
    assert.equal("0", client:post("/", { body = body, headers = headers }):text())
  end)
end)
