local rille = require "rille"
local testing = require "rille.testing"

describe("metrics", function()
  it("count requests, by status and time, on a real server", function()
    local app = rille.app()
    app:get("/", function() return "12345" end)
    app:get("/fails", function() rille.abort(503) end)
    app:get("/metrics", rille.metrics)
    local server = testing.server(app)
    local function value(name)
      local res = rille.fetch(server.url .. "/metrics")
      assert.equal("text/plain; version=0.0.4; charset=utf-8", res.headers["Content-Type"])
      return tonumber(res:text():match("\n" .. name:gsub("%p", "%%%0") .. " ([%d.e+-]+)\n"))
    end
    local good, bad = 'rille_requests_total{class="2xx"}', 'rille_requests_total{class="5xx"}'
    local count = "rille_request_seconds_count"
    local before_good, before_bad, before_count = value(good), value(bad), value(count)
    local before_bytes = value "rille_sent_bytes_total"
    for _ = 1, 3 do rille.fetch(server.url):text() end
    rille.fetch(server.url .. "/fails"):text()
    assert.equal(before_bad + 1, value(bad))
    assert.is_true(value(good) >= before_good + 3)
    assert.is_true(value(count) > before_count + 4)
    assert.is_true(value "rille_sent_bytes_total" > before_bytes + 15)
    assert.equal(value(count), value 'rille_request_seconds_bucket{le="+Inf"}' - 1) -- the request between the two
    assert.is_true(value "rille_connections" >= 1)
    assert.is_true(value "process_resident_memory_bytes" > 1e6)
    assert.is_true(value "process_open_fds" > 3)
    assert.is_true(math.abs(value "process_start_time_seconds" - os.time()) < 3600)
  end)
end)

describe("healthz", function()
  local function answer(checks)
    local app = rille.app()
    app:get("/healthz", rille.healthz(checks))
    local res = testing.client(app):get "/healthz"
    return res.status, res:json()
  end

  it("is well where nothing is to be checked, and where every check is content", function()
    assert.same({ 200, { status = "ok" } }, { answer() })
    local checks = { database = function() return 1 end, disk = function() end }
    assert.same({ 200, { status = "ok", checks = { database = "ok", disk = "ok" } } }, { answer(checks) })
  end)

  it("names what fails, and keeps the reason to itself", function()
    local status, body = answer { good = function() end, raises = function() error "a secret" end,
      refuses = function() return false end }
    assert.equal(503, status)
    assert.same({ status = "failed", checks = { good = "ok", raises = "failed", refuses = "failed" } }, body)
  end)

  it("does not wait for a check that hangs", function()
    local clock = testing.clock()
    local result
    local task = rille.spawn(function() result = { answer { hangs = function() rille.sleep(3600) end } } end)
    clock:advance(5.1)
    task:wait()
    assert.same({ 503, { status = "failed", checks = { hangs = "failed" } } }, result)
  end)

  it("takes a table of functions", function()
    assert.has_error(function() rille.healthz { database = 1 } end)
    assert.has_error(function() rille.healthz "x" end)
  end)
end)
