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

local function count(text, words)
  return select(2, text:gsub(words:gsub("%W", "%%%0"), ""))
end

local request = {
  method = "GET", target = "/x?<script>", headers = { { "cookie", "<i>" } }, params = { { "id", "7" } },
  sql = { { sql = "SELECT '<'", from = 1, to = 1.0025, at = "app/x.lua:1" } }, logs = { { level = "info", message = "a<b" } },
}

describe("the error page", function()
  it("escapes whatever it shows", function()
    local html = page.html(sample(), { kind = "GET /x failed", generation = 3, request = request })
    for _, raw in ipairs { "<b>index", "/x?<script>", "<i>", "SELECT '<'", "a<b", "a.b < 1" } do
      assert.is_nil(html:find(raw, 1, true), raw)
    end
    assert.matches("attempt to &lt;b&gt;index&lt;/b&gt;", html, 1, true)
  end)

  it("marks the line, links the frames of the program and follows the generation it was made in", function()
    local html = page.html(sample(), { kind = "GET /x failed", generation = 3, request = request })
    assert.matches('<span class="row at"><span class="no">2</span>', html, 1, true)
    assert.matches('<p class="frame"><a href="/_rille/source?file=app%2Fx.lua&amp;line=2#at">', html, 1, true)
    assert.matches('src="/_rille/live.js?v=3"></script>', html, 1, true)
    assert.matches("2.50 ms", html, 1, true)
  end)

  it("has source and locals for each frame of the program, the one at fault open", function()
    local failure = sample()
    failure.frames = {
      { text = "app/x.lua:2: in f", file = "app/x.lua", line = 2, own = true, name = "f", excerpt = failure.excerpt,
        locals = { { "a", "nil" }, { "<b>", "\"<i>\"" } }, upvalues = { { "limit", "7" } } },
      { text = "app/y.lua:9: in function <app/y.lua:5>", file = "app/y.lua", line = 9, own = true, from = 5,
        excerpt = { first = 8, lines = { "local y = <x>", "f(y)" } }, locals = {} },
      { text = "[C]: in ?", own = false },
    }
    local html = page.html(failure, { kind = "x", generation = 1 })
    assert.equal(1, count(html, '<details class="frame own" open>'))
    assert.equal(1, count(html, '<details class="frame own">'))
    assert.matches("<b>f()</b>", html, 1, true)
    assert.matches("<b>function of line 5</b>", html, 1, true)
    assert.matches("local y = &lt;x&gt;", html, 1, true)
    assert.matches("<tr><th>&lt;b&gt;</th><td>&#34;&lt;i&gt;&#34;</td></tr>", html, 1, true)
    assert.matches("<th>limit</th><td>7</td>", html, 1, true)
    assert.matches("\nlocals:\n  a = nil\n", page.text(failure))
  end)

  it("shows the place in a statement of SQL as it stands, and as text", function()
    local failure = sample()
    failure.sql = { place = "in line 2, column 3", excerpt = "  a < b\n    ^" }
    local html = page.html(failure, { kind = "x", generation = 1 })
    assert.matches('<p>The statement, in line 2, column 3:</p><pre class="statement">  a &lt; b\n    ^</pre>', html, 1, true)
    assert.matches("^attempt to <b>index</b>, in line 2, column 3:\n  a < b\n    %^\nat app/x.lua:2\n", page.text(failure))
  end)

  it("says what a hint says, with its code as code", function()
    local failure = sample()
    failure.hint = "Write `if x < 1 then return end` before it."
    assert.matches("<b>Hint</b> Write <code>if x &lt; 1 then return end</code> before it.",
      page.html(failure, { kind = "x", generation = 1 }), 1, true)
    assert.matches("\nhint: Write `if x < 1", page.text(failure), 1, true)
    assert.equal(failure.hint, page.json(failure).error.hint)
  end)

  it("folds headers, hides what is marked as hidden, and leaves both out of what is copied", function()
    local sent = setmetatable({ headers = { { "accept", "text/html" }, { "cookie", "sid=<1>", true } } }, { __index = request })
    local html = page.html(sample(), { kind = "x", generation = 1, request = sent })
    assert.matches('<details class="fold"><summary>Headers <small>2</small></summary>', html, 1, true)
    assert.matches('<td><details class="secret"><summary>hidden</summary>sid=&lt;1&gt;</details></td>', html, 1, true)
    assert.not_matches("sid=", page.text(sample(), sent))
    assert.not_matches("sid=", rille.json_encode(page.json(sample(), sent)))
  end)

  it("has a policy that lets in its own style and script alone", function()
    local html, policy = page.html(sample(), { kind = "x", generation = 1 })
    local nonce = policy:match "script%-src 'nonce%-([%w_-]+)'"
    assert.equal(22, #nonce)
    assert.equal(count(html, "<script"), count(html, ('<script nonce="%s" src="/_rille/'):format(nonce)))
    assert.matches(('<style nonce="%s">'):format(nonce), html, 1, true)
    assert.matches("^default%-src 'none'; ", policy)
    assert.not_matches("unsafe", policy)
    assert.not_equal(policy, (select(2, page.html(sample(), { kind = "x", generation = 1 }))))
    assert.is_nil(html:find "%son%a+=", "no handler in an attribute")
  end)

  it("leaves a request's method as it was sent", function()
    local html = page.html(sample(), { kind = "GET /Notes/aB failed", generation = 1 })
    assert.matches("GET /Notes/aB failed", html, 1, true)
    assert.is_nil(html:find "text%-transform")
  end)

  it("needs nothing from elsewhere", function()
    local html = page.html(sample(), { kind = "x", generation = 1 })
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
    assert.matches(rille.html_escape(line), page.html(sample(), { kind = "x", generation = 1, request = logged }), 1, true)
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
