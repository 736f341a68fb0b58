-- req.session[7] = … failed where req.session[1] = … worked, and the error named neither the key nor a line.
local rille = require "rille"
local testing = require "rille.testing"

local function app_with(store, write)
  local app = rille.app { secret = ("s"):rep(32) }
  app:use(rille.session { store = store })
  app:post("/", function(req) write(req.session) return "saved" end)
  app:get("/", function(req)
    local function copy(value)
      if type(value) ~= "table" then return ("%s:%s"):format(math.type(value) or type(value), tostring(value)) end
      local lines = {}
      for key, item in pairs(value) do lines[#lines + 1] = ("%s:%s=%s"):format(math.type(key) or type(key), key, copy(item)) end
      table.sort(lines)
      return "{" .. table.concat(lines, " ") .. "}"
    end
    return copy(req.session)
  end)
  return app
end

describe("a session", function()
  for _, store in ipairs { "cookie", "memory" } do
    for what, case in pairs {
      ["an integer"] = { function(s) s[7] = "x" end, "{integer:7=string:x}" },
      ["one"] = { function(s) s[1] = "x" end, "{integer:1=string:x}" },
      ["integers beside names"] = { function(s) s[1], s.user = "x", "ada" end, "{integer:1=string:x string:user=string:ada}" },
      ["a cart"] = { function(s) s.cart = { [7] = 2, [-12] = 1 } end,
        "{string:cart={integer:-12=integer:1 integer:7=integer:2}}" },
      ["lists"] = { function(s) s.l = { "a", { [3] = true } } end,
        "{string:l={integer:1=string:a integer:2={integer:3=boolean:true}}}" },
      ["names that look so"] = { function(s) s["7"], s["\1i7"], s["\1"], s[7] = 1, 2, 3, 4 end,
        "{integer:7=integer:4 string:\1=integer:3 string:\1i7=integer:2 string:7=integer:1}" },
    } do
      it(("keeps %s as a key (%s)"):format(what, store), function()
        local client = testing.client(app_with(store, case[1]))
        assert.equal(200, client:post("/").status)
        assert.equal(case[2], client:get("/"):text())
        assert.equal(200, client:post("/").status)
        assert.equal(case[2], client:get("/"):text())
      end)
    end
  end

  for place, write in pairs {
    ["req.session.f is a function"] = function(s) s.f = print end,
    ["req.session.cart[7].n is NaN or an infinity"] = function(s) s.cart = { [7] = { n = 0 / 0 } } end,
    ["req.session.x[2] is a string that is not UTF-8"] = function(s) s.x = { "a", "\xff" } end,
    ["req.session[1.5]: the keys"] = function(s) s[1.5] = 1 end,
    ["req.session[true]: the keys"] = function(s) s[true] = 1 end,
    ["t.t.t is nested too deeply"] = function(s) s.t = {} s.t.t = s.t end,
    ['req.session["a b"] is a coroutine'] = function(s) s["a b"] = coroutine.create(print) end,
  } do
    it("says where something is that it cannot hold, and in which handler: " .. place, function()
      local app, seen = app_with("memory", write), nil
      app:on_error(500, function(_, err) seen = err.message return "failed" end)
      assert.equal(500, testing.client(app):post("/").status)
      assert.matches(place, seen, 1, true)
      assert.matches("262-integer-keys-of-sessions_spec.lua:8: ", seen, 1, true)
    end)
  end
end)
