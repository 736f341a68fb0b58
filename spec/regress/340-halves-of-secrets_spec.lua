-- Pages of development showed parts of secrets: of one with a quote in it, of one that is longer than another that it begins
-- with, of one where a long text was cut, of what stood as a key; and names of any length. Hiding many took time with the square
-- of their number, and an error that is its own cause, or that carries a value whose __tostring raises, had no page.
local failure = require "rille.dev.failure"
local given = require("rille.secret").given
local rille = require "rille"
local secrets = require "rille.dev.secrets"
local value = require "rille.dev.value"

local quoted, short, long = 'quote"back\\slash', "hidden-one", "hidden-one-and-more"

describe("a secret on a page of development", function()
  local count = #given

  before_each(function() secrets.learn { quoted, short, long, "hidden-é-é" } end)

  after_each(function()
    for i = #given, count + 1, -1 do given[i] = nil end
  end)

  local function assert_shown(expected, text) assert.equal(expected:gsub("MASK", secrets.MASK), text) end

  it("is hidden whole, whatever stands in it", function()
    assert_shown('"a MASK b"', value.text("a " .. quoted .. " b"))
    assert_shown('"MASK MASK"', value.text(long .. " " .. short))
    assert_shown('"MASK\\xff"', value.text "hidden-é-é\xff")
    assert_shown("MASK?", secrets.visible "hidden-é-é\xff")
  end)

  it("is hidden where a text is cut", function()
    for at = 280, 300 do
      assert.is_nil(value.text(("x"):rep(at) .. long .. ("y"):rep(400)):find("hidd", 1, true), at)
    end
    for at = 1980, 2000 do
      assert.is_nil(secrets.visible(("x"):rep(at) .. long .. ("y"):rep(400)):find("hidd", 1, true), at)
    end
  end)

  it("is hidden as a key and as the name of a kind", function()
    secrets.learn { "plainword" }
    assert_shown("{ MASK = 1 }", value.text { plainword = 1 })
    assert_shown("MASK {}", value.text(setmetatable({}, { __name = "plainword" })))
    assert_shown("{ [" .. '"' .. ("x"):rep(120) .. 'password"] = MASK }', value.text { [("x"):rep(120) .. "password"] = "a" })
  end)

  it("is hidden in a line of source, however it is quoted", function()
    assert_shown('password = "MASK", x = 1', secrets.hide_source [[password = "a\"b\\", x = 1]])
    assert_shown("password = [==[MASK]==] x", secrets.hide_source "password = [==[a]] ]==] x")
    assert_shown("token = 'MASK", secrets.hide_source "token = 'it goes on")
    assert_shown('t["token"] = "MASK", "b"', secrets.hide_source 't["token"] = "a", "b"')
    assert_shown("postgres://ada:MASK@host/x", secrets.hide "postgres://ada:p@ss@host/x")
  end)
end)

describe("a value on a page of development", function()
  it("is short, whatever its names are", function()
    assert.is_true(#value.text { [("k"):rep(1e6)] = 1 } < 400)
    assert.is_true(#value.text(setmetatable({}, { __name = ("N"):rep(1e6) })) < 400)
    assert.is_true(utf8.len(value.text(setmetatable({}, { __name = "\xff" }))) ~= nil)
  end)

  it("is an error that is its own cause, or carries anything", function()
    local err = rille.error(500, "first")
    err.cause = err
    assert.equal("first", failure.describe(err).message)
    local evil = setmetatable({}, { __tostring = function() error "no" end, __index = function() error "no" end })
    for _, field in ipairs { "message", "traceback", "code", "status" } do
      local other = rille.error(500, "second")
      other[field] = evil
      local page = failure.describe(other)
      assert.equal(field == "message" and "a table" or "second", page.message)
      assert.is_string(rille.json_encode { page.message, page.code, page.status })
    end
  end)
end)
