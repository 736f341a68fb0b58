-- What a process loads, and when: libraries that most programs do without come when something first needs them.
-- runtime/base/shared_object.c, runtime/client/libcurl.c, runtime/client/host.c, runtime/client/suffix.c
local processes = require "spec.support.process"
local rille = require "rille"
local scratches = require "spec.support.scratch"

local LATE = { "libcurl", "libssl", "libcrypto", "libidn2", "libpsl", "libunistring", "libedit", "libgd", "libstdc++" }
-- With sanitizers some are linked, for the leak checker.
local is_sanitized = os.execute 'grep -q __asan_init "$(readlink /proc/$PPID/exe)"'

local program = [[
local rille = require "rille"
local app = rille.app()
local client = rille.client { timeout = 5 }
app:get("/", function() return "hello" end)
app:get("/maps", function()
  local file <close> = io.open "/proc/self/maps"
  return file:read "a"
end)
app:get("/fetch", function(req)
  local ok, err = pcall(client.get, client, req.query.url, { proxy = req.query.proxy })
  if ok then err = {} end
  return rille.json { ok = ok, code = err.code, message = tostring(err) }
end)
return app
]]

describe("a server", function()
  local place
  before_each(function()
    place = scratches.new()
    place:write("app.lua", program)
  end)
  after_each(function() place:close() end)

  local function start(env, ...)
    return processes.start(place, { "serve", "app.lua", "--port", "0", ... }, { env = env })
  end

  local function get(process, path) return rille.client():get(process:url() .. path) end

  local function fetch(process, url, proxy)
    local asked = "/fetch?url=" .. rille.url_encode(url)
    if proxy then asked = asked .. "&proxy=" .. rille.url_encode(proxy) end
    return get(process, asked):json()
  end

  local function loaded(process)
    local maps, found = get(process, "/maps"):text(), {}
    for _, name in ipairs(LATE) do
      if maps:find("/" .. name .. "%f[^%w%+]") then found[#found + 1] = name end
    end
    return table.concat(found, " ")
  end

  it("that only answers loads none of them", function()
    local process <close> = start()
    assert.equal("hello", get(process, "/"):text())
    if not is_sanitized then assert.equal("", loaded(process)) end
  end)

  it("that asks a server by its address loads none either", function()
    local process <close> = start()
    assert.is_true(fetch(process, process:url() .. "/").ok)
    assert.is_true(fetch(process, process:url():gsub("127.0.0.1", "localhost") .. "/").ok)
    if not is_sanitized then assert.equal("", loaded(process)) end
  end)

  it("that asks one by its name loads what the system finds names by, and nothing of these", function()
    local process <close> = start()
    assert.equal("connect", fetch(process, "http://no.such.host.invalid/").code)
    if not is_sanitized then assert.equal("", loaded(process)) end
  end)

  it("loads OpenSSL for https://, and not libcurl", function()
    local process <close> = start()
    assert.equal("connect", fetch(process, "https://127.0.0.1:1/").code)
    assert.is_truthy(loaded(process):find("libssl", 1, true))
    if not is_sanitized then assert.equal("libssl libcrypto", loaded(process)) end
  end)

  it("loads libcurl for a proxy", function()
    local process <close> = start()
    assert.equal("connect", fetch(process, "http://127.0.0.1:1/", "http://127.0.0.1:1").code)
    assert.is_truthy(loaded(process):find("libcurl", 1, true))
  end)

  it("may load it on all workers at once", function()
    local process <close> = start(nil, "--threads", "4")
    local tasks, base = {}, process:url()
    for i = 1, 16 do
      tasks[i] = function()
        local client <close> = rille.client()
        return client:get(base .. "/fetch?url=" .. rille.url_encode "https://127.0.0.1:1/"):json().code
      end
    end
    for i, code in ipairs({ rille.all(table.unpack(tasks)) }) do assert.equal("connect", code, i) end
  end)

  it("says which package is missing, and goes on", function()
    if is_sanitized then return end
    place:write("libraries/libcurl.so.4", "") -- found first, and none
    place:write("libraries/libssl.so.3", "")
    local process <close> = start("LD_LIBRARY_PATH=libraries")
    local missing = {
      libcurl4 = { "this needs libcurl, which cannot be loaded (", fetch(process, "http://127.0.0.1:1/", "http://127.0.0.1:1") },
      libssl3 = { "this needs OpenSSL 3, which cannot be loaded (", fetch(process, "https://127.0.0.1:1/") },
    }
    for package, told in pairs(missing) do
      local words, answer = told[1], told[2]
      assert.equal("io", answer.code)
      assert.is_truthy(answer.message:find(words, 1, true), answer.message)
      assert.is_truthy(answer.message:find("apt-get install " .. package, 1, true), answer.message)
    end
    assert.equal("hello", get(process, "/"):text())
  end)
end)
