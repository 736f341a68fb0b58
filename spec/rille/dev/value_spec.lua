local rille = require "rille"
local value = require "rille.dev.value"

local function raises() error "this is the program's code, and must not run" end

describe("a value on a page of development", function()
  for text, given in pairs {
    ["7"] = 7, ["1.5"] = 1.5, ["true"] = true, ['"tea"'] = "tea",
    ['"a\\n\\"b\\"\\\\ \\x00"'] = 'a\n"b"\\ \0', ['"\\xff\\xfe"'] = "\255\254",
    ["{}"] = {}, ["{ 1, 2, size = 3 }"] = { 1, 2, size = 3 }, ["{ [7] = 2, [\"a b\"] = 1 }"] = { ["a b"] = 1, [7] = 2 },
    ["rille.null"] = rille.null, ["{ { { {…} } } }"] = { { { { 1 } } } },
  } do
    it("reads " .. text, function() assert.equal(text, value.text(given)) end)
  end

  it("may be nil, a function, a coroutine, an error value, a database", function()
    assert.equal("nil", value.text(nil))
    assert.matches("^function spec/rille/dev/value_spec.lua:%d+$", value.text(function() end))
    assert.equal("function of C", value.text(print))
    assert.equal("coroutine", value.text(coroutine.create(function() end)))
    assert.equal('error "not_found" "no such note"', value.text(rille.error(404, "no such note")))
    local db <close> = rille.sqlite.open ":memory:"
    assert.equal("rille.database", value.text(db))
  end)

  it("runs no code of the program's", function()
    local meta = { __tostring = raises, __index = raises, __pairs = raises, __len = raises, __name = "account", __eq = raises,
      __lt = raises, __concat = raises, __gc = raises }
    assert.equal("account { name = \"ada\" }", value.text(setmetatable({ name = "ada" }, meta)))
    assert.equal("{ account {} }", value.text { setmetatable({}, meta) })
    assert.equal("{ [{…}] = 1 }", value.text { [setmetatable({}, meta)] = 1 })
    assert.equal("{}", value.text(setmetatable({}, { __name = setmetatable({}, meta) })))
    meta.__gc = nil
  end)

  it("is short, whatever it is", function()
    local loop = {}
    loop.loop, loop[1] = loop, loop
    local wide, keys, long = {}, {}, ("ä"):rep(1000000)
    for i = 1, 100000 do wide[i], keys["k" .. i] = long, long end
    local deep = {}
    for _ = 1, 10000 do deep = { deep, deep } end
    for _, given in ipairs { loop, wide, keys, long, deep, { wide, keys, { wide, keys } }, { [long] = long } } do
      local text = value.text(given)
      assert.is_true(#text < 3000, #text)
      assert.is_truthy(utf8.len(text))
    end
    assert.matches("… %(2000000 bytes%)$", value.text(long))
    assert.matches("… 99%d%d%d more }$", value.text(wide))
  end)

  it("is not shown where its name, or the name of a field, is a secret's", function()
    for _, name in ipairs { "password", "new_password", "api_key", "apiKey", "API-Key", "token", "csrf_token", "Authorization",
      "cookies",
      "secret", "client_secret", "pwd", "private_key" } do
      for _, given in ipairs { "hunter22", 1234, { "hunter22" } } do
        assert.equal("••••••", value.text(given, name), name)
        assert.is_nil(value.text({ { [name] = given } }):find("hunter22", 1, true), name)
        assert.is_nil(value.text({ { [name] = given } }):find("1234", 1, true), name)
      end
      assert.equal("nil", value.text(nil, name))
    end
    for _, name in ipairs { "passes", "author", "key", "name", "side" } do
      assert.equal('"tea"', value.text("tea", name), name)
    end
  end)
end)
