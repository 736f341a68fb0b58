-- Encoders wrote into one buffer of the state and held it across allocations of Lua's, in which a finalizer may run and use it
-- too: sessions were saved with somebody else's value. And the keys of a table that a finalizer empties were read after that.
-- runtime/bind/core/json.c
local native = require "rille.native.core"
local native_template = require "rille.native.template"
local native_http = require "rille.native.http"
local rille = require "rille"

describe("what is encoded while finalizers run", function()
  before_each(function() collectgarbage "generational" end)
  after_each(function() collectgarbage "incremental" end)

  local function litter(f)
    for _ = 1, 20 do setmetatable({}, { __gc = f }) end
  end

  local function interfere()
    native.json_encode { other = "SOMEBODY ELSE" }
    native.json_canonical { other = "SOMEBODY ELSE" }
    native_template.quoted "SOMEBODY ELSE"
    native.url_encode(12345)
    native.base64url_encode "SOMEBODY ELSE"
  end

  local data = {}
  for i = 1, 40 do data["k" .. i] = { a = i, b = { c = i } } end

  local encoders = {
    json_canonical = function() return native.json_canonical(data) end,
    json_encode = function() return native.json_encode(native.array { data.k1, data.k2, { 1, 2 } }) end,
    html_escape = function() return native.html_escape(1234567890123) end, -- a number is made a string: an allocation
    url_encode = function() return native.url_encode(1234567890123) end,
    compress = function() return native_http.compress(("text"):rep(100), "gzip") end,
    template = function()
      return rille.template.compile("{{ a }} {{ 'x\\n' }} {% for i in [1, 2.5, 0x10] %}{{ i }}{% endfor %}") { a = 1 }
    end,
  }

  for name, encode in pairs(encoders) do
    it("is right: " .. name, function()
      local wanted = encode()
      for _ = 1, 300 do
        litter(interfere)
        assert.equal(wanted, encode())
      end
    end)
  end

  it("is a text or an error where they change what is encoded", function()
    for round = 1, 200 do
      local changing = {}
      for i = 1, 50 do changing[("a long key that is a string of its own, number %d of round %d"):format(i, round)] = { i } end
      litter(function() for key in pairs(changing) do changing[key] = nil end collectgarbage() end)
      local ok, text = pcall(native.json_canonical, changing)
      if ok then rille.json_decode(text) end
    end
  end)
end)
