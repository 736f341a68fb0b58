-- lua/rille/list.lua, lua/rille/vary.lua
local is_list = require("rille.list").is_list
local rille = require "rille"
local vary = require "rille.vary"

describe("a list", function()
  it("has the keys 1 to n", function()
    assert.is_true(is_list {})
    assert.is_true(is_list { 1, 2, 3 })
    assert.is_false(is_list { 1, 2, x = 3 })
    assert.is_false(is_list { [1] = "a", [3] = "c" })
    assert.is_false(is_list { [1.5] = true })
  end)
end)

describe("Vary", function()
  it("has each name once, whatever its case, and nothing after a star", function()
    local res = rille.text "x"
    vary(res, "Cookie")
    vary(res, "Accept-Encoding")
    vary(res, "cookie")
    vary(res, "Accept")
    assert.equal("Cookie, Accept-Encoding, Accept", res.headers.vary)
    res:header("Vary", "*")
    vary(res, "Origin")
    assert.equal("*", res.headers.vary)
  end)
end)
