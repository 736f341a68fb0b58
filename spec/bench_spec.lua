-- script/bench says what it measured: units, tables, comparisons of answers; and bench/load.c counts what servers do to it.
local processes = require "spec.support.process"
local rille = require "rille"
local scratch_new = require("spec.support.scratch").new
local testing = require "rille.testing"

local root = io.popen("pwd"):read()

local function python(expression)
  local scratch <close> = scratch_new()
  return (scratch:run("python3", "-c", ([[
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "%s/script")
from measure import arena, cases, figures, goals, load, report
try:
    print(%s)
except ValueError as error:
    print("error:", error)
]]):format(root, expression)):gsub("\n$", ""))
end

describe("script/bench", function()
  it("writes three digits and a unit", function()
    assert.equal("0.53 µs|6.41 µs|95.6 µs|124 µs|1.00 ms|2.35 ms|1.20 s",
      python [["|".join(figures.human(v, "us") for v in (0.531, 6.41, 95.6, 123.9, 999.9, 2350, 1200000))]])
    assert.equal("459 B|1.06 KiB|16.7 MiB|1.16 MiB",
      python [["|".join(figures.human(v, "bytes") for v in (459, 1085, 17511219, 1216348))]])
    assert.equal("12.5 ms|1.48 s|73.2|13,310|0.85 ×|", python [["|".join(figures.human(v, u) for v, u in
      ((12.5, "ms"), (1480, "ms"), (73.2, "per_second"), (13310.4, "per_second"), (0.848, "times"), (None, "us")))]])
  end)

  it("makes a table, the cheapest first, with the cost of each as a multiple of ours", function()
    assert.equal([[
|  | CPU per request | times rille | requests/s |
|---|---:|---:|---:|
| floor | 5.00 µs | 0.50 × | 200 |
| **rille** | **10.0 µs** | **1.00 ×** | **100** |
| other | 25.0 µs | 2.50 × | 40.0 |]], python [[figures.as_markdown({"kind": "http", "rate": 24, "rows": [
      {"peer": "other", "cpu_us": 25, "per_second": 40}, {"peer": "rille", "cpu_us": 10, "per_second": 100},
      {"peer": "floor", "cpu_us": 5, "per_second": 200}]})]])
  end)

  it("says which goals are met, and nothing of what was not measured", function()
    local lines = python [[goals.as_markdown({"hello": {"rows": [{"peer": "rille", "cpu_us": 6},
      {"peer": "epoll floor", "cpu_us": 5},
      {"peer": "nginx + Lua", "cpu_us": 8}]}})]]
    assert.matches("bare epoll loop | 1.20 × | ≤ 1.13 × | **not met** |", lines, 1, true)
    assert.matches("nginx with Lua | 0.75 × | ≤ 0.85 × | met |", lines, 1, true)
    assert.matches("`rille version` |  | ≤ 8 ms |  |", lines, 1, true)
  end)

  it("takes no answer for another", function()
    assert.equal("[True, False, True, False, True, True, False, True, False]", python [==[[
      cases.same(b"hello", b"hello"), cases.same(b"hello\n", b"hello"),
      cases.same(b'{"b": [1], "a": 2}', {"a": 2, "b": [1]}), cases.same(b'{"a": 2, "b": []}', {"a": 2, "b": [1]}),
      cases.same(b'[]', []), cases.same(b'{"id": 7}', {"id": int}), cases.same(b'{"id": "7"}', {"id": int}),
      cases.same(b"<p>\n 1</p>", "<p>1</p>"), cases.same(b"<p>2</p>", "<p>1</p>")]]==])
  end)

  it("refuses a run in which requests were refused or cut off", function()
    assert.equal("error: 3 answers were not 2xx", python [[load.read(0, '{"refused": 3, "failed": 0, "requests": 9}')]])
    assert.equal("error: 2 requests were cut off", python [[load.read(0, '{"refused": 0, "failed": 2, "requests": 9}')]])
    assert.equal("error: the load ended with an error", python [[load.read(1, "")]])
    assert.equal("9", python [[load.read(0, '{"refused": 0, "failed": 0, "requests": 9}').get("requests")]])
  end)

  it("has a page for what bench/results holds", function()
    assert.equal("0", python "report.write(check=True)")
  end)

  it("has the charts of what bench/results holds", function()
    local scratch <close> = scratch_new()
    local charts = rille.json_decode(python [[__import__("json").dumps(
      {name: [report.path_of(case) for case in there] for name, there in report.charted(report.load()).items()})]])
    for name, results in pairs(charts) do
      scratch:run(scratch.rille, "run", root .. "/bench/chart.lua", scratch:path "chart.svg", table.unpack(results))
      local file <close> = assert(io.open("bench/images/" .. name .. ".svg", "rb"))
      assert.equal(file:read "a", scratch:read "chart.svg", name .. ": run script/bench report")
    end
  end)
end)

describe("bench/load.c", function()
  local scratch, load_binary, server

  local function requests(...)
    local text = {}
    for i, request in ipairs { ... } do text[i] = ("%d\n%s"):format(#request, request) end
    return scratch:write("requests", table.concat(text))
  end

  local function get(path, headers) return ("GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n"):format(path, headers or "") end

  local function load(path, ...)
    local process <close> = processes.start(scratch, { server.url:match "%d+$", path, ... }, { program = load_binary })
    assert.equal(0, process:wait(), process:log())
    return rille.json_decode(process:output())
  end

  setup(function()
    scratch = scratch_new()
    load_binary = scratch:path "load"
    assert(os.execute(("cc -O1 -o '%s' bench/load.c"):format(load_binary)))
  end)

  teardown(function() scratch:close() end)

  before_each(function()
    local app, count = rille.app(), 0
    app:get("/", function()
      count = count + 1
      return tostring(count)
    end)
    app:get("/count", function() return tostring(count) end)
    app:get("/chunks", function()
      return rille.stream("text/plain", function(out)
        out:write(("x"):rep(1000))
        out:write "y"
      end)
    end)
    app:get("/large", function() return ("x"):rep(1000000) end)
    app:get("/slow", function()
      rille.sleep(0.05)
      return ""
    end)
    server = testing.server(app)
  end)

  local function asked() return tonumber(rille.fetch(server.url .. "/count"):text()) end

  it("counts answers, one by one, pipelined, and each on a connection of its own", function()
    local path = requests(get "/")
    for _, options in ipairs { {}, { "--pipeline", "16" } } do
      local before = asked()
      local seen = load(path, "--seconds", "0.2", "--connections", "4", table.unpack(options))
      assert.equal(asked() - before, seen.all)
      assert.is_true(seen.requests > 0 and seen.all - seen.requests <= 64, ("%d of %d"):format(seen.requests, seen.all))
      assert.same({ 0, 0, 0 }, { seen.refused, seen.failed, seen.reconnects })
    end
    local seen = load(requests(get("/", "Connection: close\r\n")), "--seconds", "0.2", "--connections", "4", "--close")
    assert.is_true(seen.requests > 0 and seen.all - seen.requests <= 4)
    assert.same({ 0, 0, 0 }, { seen.refused, seen.failed, seen.reconnects })
  end)

  it("reads chunked and long bodies to their end", function()
    local seen = load(requests(get "/chunks", get "/large"), "--seconds", "0.3", "--connections", "2")
    assert.is_true(seen.requests > 1)
    assert.same({ 0, 0, 0 }, { seen.refused, seen.failed, seen.reconnects })
  end)

  it("counts what is refused and what is cut off", function()
    local seen = load(requests(get "/nowhere"), "--seconds", "0.1", "--connections", "1")
    assert.is_true(seen.refused >= seen.requests and seen.requests > 0)
    seen = load(requests "nonsense\r\n\r\n", "--seconds", "0.1", "--connections", "1")
    assert.is_true(seen.refused + seen.failed > 0)
  end)

  it("counts the time that a request waits for its turn at a fixed rate", function()
    -- One connection answers at most 20 a second; 100 are due. At the end the oldest has waited for most of a second, although
    -- no answer took longer than a twentieth.
    local seen = load(requests(get "/slow"), "--seconds", "1", "--connections", "1", "--rate", "100")
    assert.is_true(seen.requests <= 20)
    assert.is_true(seen.p99_us > 500000, ("p99 is %.0f us"):format(seen.p99_us))
  end)
end)
