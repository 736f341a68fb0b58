-- The metamethods of res.headers, which the debug library shows, took whatever they were given for one. Other bounds nearby: a
-- name that is not there cost time by its length, and a list's last key was cut to 32 bits.
local rille = require "rille"

describe("what is called with anything", function()
  it("is the view of a response's headers", function()
    local meta = debug.getmetatable(rille.text("x").headers)
    for _, name in ipairs { "__index", "__newindex", "__pairs" } do
      for _, value in ipairs { {}, io.stdout, rille.text "x", "text", 1 } do
        local ok, message = pcall(meta[name], value, "a", "b")
        assert.is_false(ok)
        assert.matches("response_headers", message, 1, true)
      end
    end
  end)

  it("is a name of any length", function()
    local app = rille.app {}
    local message = select(2, pcall(function() return app[("aB"):rep(5e5)] end))
    assert.is_true(#message < 300)
    message = select(2, pcall(rille.text, setmetatable({}, { __name = ("x"):rep(1e6) })))
    assert.is_true(#message < 300)
  end)

  it("is a list with a far hole", function()
    local message = select(2, pcall(rille.json_encode, { [1] = 1, [2 ^ 53 | 0] = 2 }))
    assert.matches("2 items, the last at 9007199254740992", message, 1, true)
  end)
end)
