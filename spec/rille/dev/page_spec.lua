local rille = require "rille"
local page = require "rille.dev.page"

local function sample()
  return {
    message = "attempt to <b>index</b>", whole = "app/x.lua:2: attempt to <b>index</b>", code = "error", id = "1f",
    file = "app/x.lua", line = 2, excerpt = { first = 1, lines = { "local a", "return a.b < 1" } },
    frames = { { text = "app/x.lua:2: in function <app/x.lua:1>", file = "app/x.lua", line = 2, own = true },
      { text = "[C]: in ?", own = false } },
  }
end

local request = {
  method = "GET", target = "/x?<script>", headers = { { "cookie", "<i>" } }, params = { { "id", "7" } },
  sql = { { sql = "SELECT '<'", from = 1, to = 1.0025, at = "app/x.lua:1" } }, logs = { { level = "info", message = "a<b" } },
}

describe("the error page", function()
  it("escapes whatever it shows", function()
    local html = page.html(sample(), { kind = "GET /x failed", edition = 3, request = request })
    for _, raw in ipairs { "<b>index", "/x?<script>", "<i>", "SELECT '<'", "a<b", "a.b < 1" } do
      assert.is_nil(html:find(raw, 1, true), raw)
    end
    assert.matches("attempt to &lt;b&gt;index&lt;/b&gt;", html, 1, true)
  end)

  it("marks the line, links the frames of the program and follows the edition it was made in", function()
    local html = page.html(sample(), { kind = "GET /x failed", edition = 3, request = request })
    assert.matches('<span class="row at"><span class="no">2</span>', html, 1, true)
    assert.matches('<li class="own"><a href="/_rille/source?file=app%2Fx.lua&amp;line=2">', html, 1, true)
    assert.matches('<script src="/_rille/live.js?v=3"></script>', html, 1, true)
    assert.matches("2.50 ms", html, 1, true)
  end)

  it("needs nothing from elsewhere", function()
    local html = page.html(sample(), { kind = "x", edition = 1 })
    assert.is_nil(html:find "https?://")
  end)

  it("is text for curl", function()
    local text = page.text(sample(), request)
    assert.matches("^attempt to <b>index</b>\nat app/x.lua:2\n", text)
    assert.matches(">    2 | return a.b < 1", text, 1, true)
    assert.matches("GET /x?<script>", text, 1, true)
    assert.matches("2.50 ms  SELECT '<'", text, 1, true)
  end)

  it("shows the fields of log lines, in every form", function()
    local logged = setmetatable({ logs = { { level = "warn", message = "slow", fields = {
      { "path", "/a b" }, { "size", "12" }, { "trace", "one\ntwo" } } } } }, { __index = request })
    local line = "warn  slow path=\"/a b\" size=12\n  trace:\n    one\n    two"
    assert.matches(line, page.text(sample(), logged), 1, true)
    assert.matches(rille.html_escape(line), page.html(sample(), { kind = "x", edition = 1, request = logged }), 1, true)
    assert.same({ "size", "12" }, page.json(sample(), logged).error.logs[1].fields[2])
  end)

  it("is data for API clients", function()
    local err = page.json(sample(), request).error
    assert.equal(500, err.status)
    assert.equal("app/x.lua", err.file)
    assert.equal(2, err.line)
    assert.equal(2, #err.traceback)
  end)
end)
