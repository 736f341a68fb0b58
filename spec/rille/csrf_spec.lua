local multipart = require "spec.support.multipart"
local rille = require "rille"
local testing = require "rille.testing"

local function app_with(options, session_options)
  local app = rille.app()
  if session_options ~= false then app:use(rille.session(session_options or {})) end
  app:use(rille.csrf(options or {}))
  app:get("/form", function(req) return req:csrf_token() or "none" end)
  app:get("/field", function(req) return req:csrf_field() end)
  app:get("/login", function(req) req:renew_session(); req.session.user = "ada"; return "in" end)
  app:any("/", function(req) return "done by " .. req.method end)
  app:post("/api", function(req) return rille.json(req:json()) end)
  return app
end

-- The client of testing says same-origin unless told otherwise; "" is a browser that says nothing.
local silent = { ["Sec-Fetch-Site"] = "" }
local function with(headers)
  for name, value in pairs(silent) do headers[name] = headers[name] or value end
  return headers
end

describe("csrf by what the browser says", function()
  local client
  before_each(function()
    client = testing.client(app_with())
    client:get "/login"
  end)

  for site, status in pairs { ["same-origin"] = 200, none = 200, ["same-site"] = 403, ["cross-site"] = 403, nonsense = 403 } do
    it("answers POST with Sec-Fetch-Site: " .. site .. " by " .. status, function()
      assert.equal(status, client:post("/", { headers = { ["Sec-Fetch-Site"] = site } }).status)
    end)
  end

  for origin, status in pairs {
    ["http://127.0.0.1"] = 200, ["http://127.0.0.1:80"] = 200, ["HTTP://127.0.0.1"] = 200, ["null"] = 403,
    ["http://evil.example"] = 403, ["http://127.0.0.1:8080"] = 403, ["http://127.0.0.1.evil.example"] = 403,
    ["http://127.0.0.1/"] = 403, ["http://evil.example#127.0.0.1"] = 403, ["127.0.0.1"] = 403,
  } do
    it("answers POST with Origin: " .. origin .. " by " .. status, function()
      assert.equal(status, client:post("/", { headers = with { Origin = origin } }).status)
    end)
  end

  it("guards every method that is not safe", function()
    for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
      assert.equal(403, client:request("/", { method = method, headers = { ["Sec-Fetch-Site"] = "cross-site" } }).status)
    end
    for _, method in ipairs { "GET", "HEAD", "OPTIONS" } do
      assert.equal(200, client:request("/", { method = method, headers = { ["Sec-Fetch-Site"] = "cross-site" } }).status)
    end
  end)

  it("lets origins pass that are trusted", function()
    client = testing.client(app_with { trusted = { "https://admin.example.com" } })
    local headers = { ["Sec-Fetch-Site"] = "cross-site", Origin = "https://admin.example.com" }
    assert.equal(200, client:post("/", { headers = headers }).status)
    headers.Origin = "https://other.example.com"
    assert.equal(403, client:post("/", { headers = headers }).status)
    assert.has_error(function() rille.csrf { trusted = { "admin.example.com" } } end)
  end)
end)

describe("csrf of a client that says nothing", function()
  local app, client
  before_each(function()
    app = app_with()
    client = testing.client(app)
  end)

  it("lets it pass without a session cookie", function()
    assert.equal(200, client:post("/", { headers = silent }).status)
    assert.equal(200, client:post("/api", { headers = silent, json = { a = 1 } }).status)
  end)

  it("wants the token of its form with one", function()
    local token = client:get("/form"):text()
    assert.equal(403, client:post("/", { headers = silent }).status)
    assert.equal(403, client:post("/", { headers = silent, form = { title = "x" } }).status)
    assert.equal(403, client:post("/", { headers = silent, form = { csrf_token = "x" } }).status)
    assert.equal(200, client:post("/", { headers = silent, form = { csrf_token = token } }).status)
    assert.equal(200, client:post("/", { headers = silent, form = { csrf_token = token } }).status)
    assert.equal(200, client:post("/", { headers = with { ["X-CSRF-Token"] = token } }).status)
    local body, headers = multipart { { "title", "x" }, { "csrf_token", token } }
    assert.equal(200, client:post("/", { headers = with(headers), body = body }).status)
    body, headers = multipart { { "csrf_token", token, filename = "x" } }
    assert.equal(403, client:post("/", { headers = with(headers), body = body }).status)
  end)

  it("gives another text each time, and every one of them is good", function()
    local one, two = client:get("/form"):text(), client:get("/form"):text()
    assert.not_equal(one, two)
    for _, token in ipairs { one, two } do
      assert.equal(200, client:post("/", { headers = silent, form = { csrf_token = token } }).status)
    end
  end)

  it("refuses the token of another session, and of the one before a login", function()
    local token = client:get("/form"):text()
    local other = testing.client(app)
    other:get "/form"
    assert.equal(403, other:post("/", { headers = silent, form = { csrf_token = token } }).status)
    client:get "/login"
    assert.equal(403, client:post("/", { headers = silent, form = { csrf_token = token } }).status)
    token = client:get("/form"):text()
    assert.equal(200, client:post("/", { headers = silent, form = { csrf_token = token } }).status)
  end)

  it("refuses a session cookie that is worth nothing", function()
    assert.equal(403, client:post("/", { headers = with { Cookie = "rille=x" } }).status)
  end)

  it("leaves the form to the handler", function()
    app = app_with()
    app:post("/title", function(req) return req:form().title .. " " .. (req:text():find "title" and "text" or "") end)
    client = testing.client(app)
    local token = client:get("/form"):text()
    assert.equal("x text", client:post("/title", { headers = silent, form = { csrf_token = token, title = "x" } }):text())
  end)
end)

describe("the field of a form", function()
  it("is a hidden input, and makes a session where there was none", function()
    local client = testing.client(app_with())
    local response = client:get "/field"
    assert.matches('^<input type="hidden" name="csrf_token" value="[%w_-]+">$', response:text())
    assert.truthy(response.headers["set-cookie"])
    assert.is_nil(client:get("/field").headers["set-cookie"])
  end)

  it("is empty without sessions, and names what is missing without csrf", function()
    local app, said = rille.app(), {}
    app:use(rille.session {})
    app:get("/field", function(req)
      said[1] = tostring(select(2, pcall(req.csrf_field, req)))
      said[2] = tostring(select(2, pcall(req.csrf_token, req)))
      return ""
    end)
    testing.client(app):get "/field"
    assert.matches("csrf_field%(%) needs .*app:use%(rille.csrf{}%)", said[1])
    assert.matches("csrf_token%(%) needs .*app:use%(rille.csrf{}%)", said[2])
    assert.equal("", testing.client(app_with({}, false)):get("/field"):text())
  end)

  it("is there wherever the two stand, and with every store", function()
    local app = rille.app()
    app:use(rille.csrf {})
    app:use(rille.session { store = "memory" })
    app:get("/form", function(req) return req:csrf_token() end)
    app:post("/", function() return "done" end)
    local client = testing.client(app)
    local token = client:get("/form"):text()
    assert.equal(403, client:post("/", { headers = silent }).status)
    assert.equal(200, client:post("/", { headers = silent, form = { csrf_token = token } }).status)
  end)

  it("is there on the page of an error", function()
    local app = app_with()
    app:on_error(404, function(req) return req:csrf_field() end)
    assert.matches("csrf_token", testing.client(app):get("/missing"):text())
  end)
end)
