-- A preflight was refused without a word of which header; SameSite=None went out without Secure, and browsers dropped the cookie.
local rille = require "rille"
local testing = require "rille.testing"

describe("a preflight that is refused", function()
  local app = rille.app()
  app:use(rille.cors { origins = { "https://a.test" }, methods = { "GET" }, headers = { "x-token" } })

  local function ask(origin, method, headers)
    return testing.client(app):options("/", { headers = { Origin = origin, ["Access-Control-Request-Method"] = method,
      ["Access-Control-Request-Headers"] = headers } })
  end

  for name, case in pairs {
    ["the header content-type"] = { "https://a.test", "GET", "x-token, Content-Type" },
    ["the method PUT"] = { "https://a.test", "PUT" },
    ["the origin https://b.test"] = { "https://b.test", "GET" },
  } do
    it("names " .. name, function()
      local res = ask(table.unpack(case, 1, 3))
      assert.equal(403, res.status)
      assert.truthy(res:text():find(name .. " is not allowed from other origins", 1, true))
    end)
  end

  it("cuts what it names, and shows no control characters", function()
    local text = ask("https://a.test", "GET", ("x"):rep(5000)):text()
    assert.is_true(#text < 300)
  end)
end)

describe("SameSite=None", function()
  it("goes with Secure alone", function()
    local res = rille.text ""
    assert.error_matches(function() res:cookie("a", "b", { same_site = "none" }) end, "goes with secure = true")
    assert.error_matches(function() res:delete_cookie("a", { same_site = "None" }) end, "goes with secure = true")
    res:cookie("a", "b", { same_site = "none", secure = true })
    assert.matches("Secure; HttpOnly; SameSite=None$", res.headers["set-cookie"])
  end)

  it("makes the cookie of sessions a secure one", function()
    assert.error_matches(function() rille.session { same_site = "None", secure = false } end, "goes with secure = true")
    local app = rille.app { secret = ("s"):rep(32) }
    app:use(rille.session { same_site = "None" })
    app:get("/", function(req) req.session.a = 1 return "" end)
    assert.matches("Secure; HttpOnly; SameSite=None", testing.client(app):get("/").headers["set-cookie"])
  end)
end)
