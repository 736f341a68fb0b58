-- The error page of `rille dev` left with the app's own headers: where rille.security_headers was installed, which is in every
-- new project, its Content-Security-Policy kept the page's style out. Pages of development have headers of their own.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local program = [[
local rille = require "rille"
local app = rille.app { secret = "32 bytes or more are in this secret" }
app:use(rille.trust_proxy { "127.0.0.0/8" })
app:use(rille.security_headers { csp = { ["default-src"] = "'none'" } })
app:use(rille.session())
app:on_response(function(req, res)
  res:header("X-Own", "1"):header("Content-Security-Policy", "sandbox"):header("Clear-Site-Data", "*")
  res:header("Content-Type", "application/octet-stream")
  if req.path == "/hook" then error "the hook failed" end
  if res.status == 500 then res.body = "replaced" end
end)
app:get("/", function() return rille.html "<p>page</p>" end)
app:get("/fails", function(req) req.session.seen = 1; error "the handler failed" end)
app:get("/hook", function() return "x" end)
app:get("/away", function() rille.abort(503, "away", { headers = { ["Retry-After"] = "7" } }) end)
app:get("/retry", function() rille.abort(429, "busy", { headers = { ["Retry-After"] = "1" } }) end)
return app
]]

describe("an error page of rille dev", function()
  local place, client

  before_each(function()
    place = scratch.new()
    place:write("app.lua", program)
    client = rille.client { timeout = 20, cookies = false }
  end)

  after_each(function()
    client:close()
    place:close()
  end)

  it("has the status and the headers of its error", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    for _, kind in ipairs { "text/html", "text/plain", "application/json" } do
      local res = client:get(server.url .. "/away", { headers = { Accept = kind } })
      assert.same({ 503, "7" }, { res.status, res.headers["retry-after"] })
      if kind == "application/json" then assert.equal(503, res:json().error.status) end
    end
  end)

  local function assert_own(res, kind)
    local policy = res.headers["content-security-policy"]
    assert.matches("^default%-src 'none'; ", policy)
    assert.not_matches("sandbox", policy)
    assert.equal("no-store", res.headers["cache-control"])
    assert.equal("nosniff", res.headers["x-content-type-options"])
    assert.equal("DENY", res.headers["x-frame-options"])
    assert.equal("same-origin", res.headers["cross-origin-resource-policy"])
    assert.equal(kind, res.headers["content-type"]:match "^[^;]+")
    for _, name in ipairs { "x-own", "strict-transport-security", "clear-site-data", "cross-origin-opener-policy" } do
      assert.is_nil(res.headers[name], name)
    end
  end

  it("has headers of its own, whatever the app says", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    for _, kind in ipairs { "text/html", "text/plain", "application/json" } do
      local res = client:get(server.url .. "/fails", { headers = { Accept = kind, ["X-Forwarded-Proto"] = "https" } })
      assert.equal(500, res.status)
      assert_own(res, kind)
      local text = res:text()
      assert.matches("the handler failed", text, 1, true)
      if kind == "text/html" then
        local nonce = res.headers["content-security-policy"]:match "style%-src 'nonce%-([%w_-]+)'"
        assert.matches(('<style nonce="%s">'):format(nonce), text, 1, true)
        assert.equal(1, select(2, text:gsub("/_rille/live.js", "")))
      end
      assert.is_truthy(res.headers["set-cookie"], "the session is saved, errors included")
    end
  end)

  it("has them where the hooks themselves fail", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    local res = client:get(server.url .. "/hook", { headers = { Accept = "text/html" } })
    assert.equal(500, res.status)
    assert_own(res, "text/html")
    assert.matches("the hook failed", res:text(), 1, true)
  end)

  it("leaves the app's answers as they are", function()
    local server <close> = served.start(place, { command = "dev app.lua" })
    local res = client:get(server.url .. "/", { headers = { Accept = "text/html" } })
    assert.equal("sandbox", res.headers["content-security-policy"])
    assert.equal("1", res.headers["x-own"])
    res = client:get(server.url .. "/retry", { headers = { Accept = "text/html" } })
    assert.same({ 429, "1", "sandbox" }, { res.status, res.headers["retry-after"], res.headers["content-security-policy"] })
  end)

  it("has them where the program does not load", function()
    place:write("app.lua", "local a = = 1")
    local server <close> = served.start(place, { command = "dev app.lua" })
    for _, kind in ipairs { "text/html", "text/plain", "application/json" } do
      assert_own(client:get(server.url .. "/", { headers = { Accept = kind } }), kind)
    end
  end)

  it("does not exist in rille serve", function()
    local server <close> = served.start(place, { command = "serve app.lua" })
    local res = client:get(server.url .. "/fails", { headers = { Accept = "text/html" } })
    assert.equal("sandbox", res.headers["content-security-policy"])
    assert.equal("replaced", res:text())
  end)
end)
