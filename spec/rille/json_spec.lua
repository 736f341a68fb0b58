-- runtime/bind/core/json.c
-- runtime/bind/core/json_decode.c
local rille = require "rille"

local encode, decode = rille.json_encode, rille.json_decode

local function failure(text)
  local value, err = rille.try(decode, text)
  assert.is_nil(value, "decoded: " .. text)
  return err
end

describe("json_decode", function()
  for text, value in pairs {
    ["true"] = true, ["false"] = false, ["0"] = 0, ["-0"] = 0, ["12"] = 12, ["-7"] = -7, ["1.5"] = 1.5, ["1e3"] = 1000.0,
    ["-0.0"] = -0.0, ["1E-2"] = 0.01, ["9223372036854775807"] = math.maxinteger, ["-9223372036854775808"] = math.mininteger,
    ["9223372036854775808"] = 2.0 ^ 63, ["1e999"] = math.huge, ['""'] = "", ['"a\\u00e9\\n"'] = "aé\n",
    ['"\\ud83c\\udf19"'] = "🌙", ['"é"'] = "é", ['"\\u0000"'] = "\0", ['"\\/\\"\\\\\\b\\f\\r\\t"'] = "/\"\\\b\f\r\t",
    [" \t\r\n 1 \n"] = 1,
  } do
    it("reads " .. text:gsub("%c", " "), function()
      if value == math.huge then
        failure(text) -- no number that Lua could give back
        return
      end
      assert.equal(value, decode(text))
      assert.equal(math.type(value), math.type(decode(text)))
    end)
  end

  it("keeps integers and floats apart", function()
    assert.same({ "integer", "float", "float", "integer" }, { math.type(decode "1"), math.type(decode "1.0"),
      math.type(decode "1e0"), math.type(decode "9007199254740993") })
    assert.equal(9007199254740993, decode "9007199254740993")
  end)

  it("takes null in an object for an absent key, in a list for rille.null, alone for rille.null or nil", function()
    assert.same({ b = 1 }, decode '{"a":null,"b":1}')
    assert.same({ 1, rille.null, 3 }, decode "[1,null,3]")
    assert.equal("[1,null,3]", encode(decode "[1,null,3]"))
    assert.is_true(decode "null" == nil or decode "null" == rille.null)
  end)

  it("keeps lists lists and objects objects, empty ones too, through and back", function()
    for _, text in ipairs { "[]", "{}", "[[],{}]", '{"a":[]}', '[{"a":{}}]', "[[[]]]" } do
      assert.equal(text, encode(decode(text)))
    end
    assert.same({}, decode "[]")
    assert.same({}, decode "{}")
  end)

  it("lets the last of several equal keys win", function()
    assert.same({ a = 3 }, decode '{"a":1,"a":2,"a":3}')
    assert.same({}, decode '{"a":1,"a":null}')
  end)

  for text, what in pairs {
    [""] = "nothing", ["{"] = "an object cut off", ["[1,]"] = "a comma too many", ["[1 2]"] = "a comma missing",
    ['{"a"}'] = "no colon", ["{a:1}"] = "a key without quotes", ["'a'"] = "single quotes", ["01"] = "a leading zero",
    ["1."] = "a point and no digit", [".5"] = "no digit before the point", ["+1"] = "a plus", ["1 1"] = "two values",
    ["NaN"] = "NaN", ["Infinity"] = "Infinity", ["nul"] = "half a word", ['"\n"'] = "a raw newline in a string",
    ['"\\x"'] = "an unknown escape", ['"\\ud8"'] = "half an escape",
    ['"\xff"'] = "bytes that are no UTF-8", ['"\xc0\xaf"'] = "UTF-8 that is longer than it must be",
    ['"\xed\xa0\x80"'] = "a surrogate in UTF-8", ["1\xef\xbb\xbf"] = "a byte order mark at the end",
    ["\xef\xbb\xbf"] = "nothing but a byte order mark", ["[1]x"] = "something behind it",
    ["/* */1"] = "a comment", ['{"a":1,}'] = "a comma before the end", ["\0"] = "NUL",
  } do
    it("refuses " .. what, function()
      local err = failure(text)
      assert.same({ "json", 400 }, { err.code, err.status })
    end)
  end

  it("says what is wrong, and where", function()
    local err = failure '{\n  "a": 1,\n  "b": oops\n}'
    assert.matches("line 3", err.message)
    assert.matches("line 1", failure("[1,,2]").message)
  end)

  it("goes so deep and no deeper", function()
    local function nested(depth) return ("["):rep(depth) .. ("]"):rep(depth) end
    assert.equal(nested(100), encode(decode(nested(100))))
    local err = failure(nested(100000))
    assert.equal("json", err.code)
    assert.matches("deep", err.message)
    assert.equal("json", failure(('{"a":'):rep(100000)).code)
  end)

  it("reads strings only", function()
    assert.has_error(function() decode(nil) end)
    assert.has_error(function() decode {} end)
  end)
end)

describe("json_encode", function()
  for text, value in pairs {
    ["true"] = true, ["false"] = false, ["null"] = rille.null, ["1"] = 1, ["-9223372036854775808"] = math.mininteger,
    ["0.1"] = 0.1, ["1e+300"] = false, ["[1,2,3]"] = { 1, 2, 3 }, ['{"a":1}'] = { a = 1 }, ["{}"] = {},
    ["[]"] = rille.array {}, ['["a"]'] = rille.array { "a" }, ['"a\\"\\\\\\n"'] = "a\"\\\n", ['"é🌙"'] = "é🌙",
    ['"\\u0000\\u001f"'] = "\0\31", ['[[],{}]'] = { rille.array {}, {} },
  } do
    if text ~= "1e+300" then it("writes " .. text, function() assert.equal(text, encode(value)) end) end
  end

  it("writes the shortest number that reads back as the same, floats as floats", function()
    for _, x in ipairs { 0.1, 1 / 3, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 123456789.123, 2.0 ^ 53, 1e15 } do
      local text = encode(x)
      assert.equal(x, decode(text))
      local digits = text:match("^[%d.]+"):gsub("%.", ""):gsub("^0+", ""):gsub("0+$", "")
      local enough = 1
      while tonumber(("%." .. enough .. "g"):format(x)) ~= x do enough = enough + 1 end
      assert.is_true(#digits <= enough, text)
    end
    assert.equal("0.30000000000000004", encode(0.1 + 0.2))
    assert.equal("float", math.type(decode(encode(1.0))))
    assert.equal("integer", math.type(decode(encode(1))))
  end)

  it("refuses NaN and infinities, and says where they stand", function()
    for _, x in ipairs { 0 / 0, math.huge, -math.huge } do
      local ok, err = pcall(encode, { a = { x } })
      assert.is_false(ok)
      assert.matches("a", tostring(err))
    end
  end)

  it("refuses what JSON cannot say: functions, userdata, mixed keys, cycles, bytes that are no UTF-8", function()
    local cycle = {}
    cycle.self = cycle
    for name, value in pairs { ["function"] = print, mixed = { 1, a = 2 }, boolean_key = { [true] = 1 }, cycle = cycle,
      bytes = "\xff", key = { ["\xff"] = 1 }, coroutine = coroutine.create(print) } do
      assert.is_false(pcall(encode, value), name)
    end
  end)

  it("writes what __tostring or holes cannot spoil: a list with a hole is refused or an object, never cut", function()
    local ok, text = pcall(encode, { 1, nil, 3 })
    if ok then assert.equal(3, select(2, text:gsub("%d+", ""))) end
  end)

  it("writes each item of a list once, in whatever order they come", function()
    local function nest(depth) return depth == 0 and 1 or { nest(depth - 1), [3] = 0, [2] = 0 } end -- 1, 3, 2
    assert.equal(("["):rep(60) .. "1" .. (",0,0]"):rep(60), encode(nest(60)))
    local ok, message = pcall(encode, { 1, [4] = 0, [2] = 0 })
    assert.is_false(ok)
    assert.matches("a list with a hole as JSON: 3 items, the last at 4", message, 1, true)
  end)

  it("gives back what it was given", function()
    local value = { name = "Ada", tags = { "a", "b" }, nested = { { id = 1, ok = true, score = 0.5 } }, none = rille.array {} }
    assert.same(value, decode(encode(value)))
  end)
end)

-- What the encoder and the decoder remember of one value must not show in the next.
describe("JSON of values that are alike, and not quite", function()
  it("writes the members that each object has, in the order of their keys", function()
    local list, wanted = {}, {}
    for i = 1, 60 do
      list[i], wanted[i] = { id = i, name = "n" }, ('{"id":%d,"name":"n"}'):format(i)
      if i % 7 == 0 then list[i].extra, wanted[i] = true, ('{"extra":true,"id":%d,"name":"n"}'):format(i) end
      if i % 11 == 0 then list[i], wanted[i] = { name = "n" }, '{"name":"n"}' end
      if i % 13 == 0 then list[i], wanted[i] = { id = i, other = 1 }, ('{"id":%d,"other":1}'):format(i) end
    end
    for _ = 1, 3 do assert.equal("[" .. table.concat(wanted, ",") .. "]", encode(list)) end
  end)

  it("writes objects inside objects that have the same keys", function()
    local function nested(depth) return depth == 0 and 0 or { a = nested(depth - 1), b = depth, c = nested(depth - 1) } end
    local function text(depth)
      return depth == 0 and "0" or ('{"a":%s,"b":%d,"c":%s}'):format(text(depth - 1), depth, text(depth - 1))
    end
    for _ = 1, 4 do assert.equal(text(6), encode(nested(6))) end
    local other = { a = { b = { a = { x = 1 } } }, b = 2 }
    for _ = 1, 4 do assert.equal('{"a":{"b":{"a":{"x":1}}},"b":2}', encode(other)) end
  end)

  it("writes keys that need escapes, are long or are many, each time", function()
    local long = ("k"):rep(200)
    for count = 1, 60 do
      local value, wanted = {}, {}
      for i = 1, count do
        local key = ("%s\"%02d"):format(count % 3 == 0 and long or "k", i)
        value[key], wanted[i] = i, ('"%s\\"%02d":%d'):format(count % 3 == 0 and long or "k", i, i)
      end
      for _ = 1, 4 do assert.equal("{" .. table.concat(wanted, ",") .. "}", encode(value)) end
    end
  end)

  it("keeps no key of a table that is gone", function()
    for round = 1, 200 do
      local value = { ["key" .. round] = 1, ["other" .. round] = { ["deep" .. round] = true } }
      local wanted = ('{"key%d":1,"other%d":{"deep%d":true}}'):format(round, round, round)
      for _ = 1, 3 do assert.equal(wanted, encode(value)) end
      if round % 20 == 0 then collectgarbage() end
    end
  end)

  it("raises for a key that is no string after objects without one", function()
    for _ = 1, 5 do encode { { a = 1, b = 2 }, { a = 1, b = 2 } } end
    assert.is_false(pcall(encode, { { a = 1, b = 2 }, { a = 1, b = 2 }, { a = 1, b = 2, [true] = 3 } }))
    assert.equal('[{"a":1,"b":2}]', encode { { a = 1, b = 2 } })
  end)

  it("reads the keys that each object has", function()
    for _ = 1, 3 do
      assert.same({ { id = 1, name = "a" }, { id = 2, name = "b" }, { ida = 3, name = "c" }, { i = 4 }, {},
        { name = "d", id = 5 } },
        decode '[{"id":1,"name":"a"},{"id" : 2 ,\n"name":"b"},{"ida":3,"name":"c"},{"i":4},{},{"name":"d","id":5}]')
    end
    assert.same({ { ab = 1 }, { ab = 2 }, { ["a\"b"] = 3 }, { ["a\"b"] = 4 } },
      decode '[{"ab":1},{"a\\u0062":2},{"a\\"b":3},{"a\\"b":4}]')
    assert.same({ { id = 2 }, { id = 3 } }, decode '[{"id":1,"id":2},{"id":1,"id":3}]')
  end)

  it("reads short strings that come again, and those that only look like them", function()
    local pieces, seed = { "a", "b", "ab", "ba", "é", "\0", "aaaa", "abab", "12345678" }, 7
    local function pick(n)
      seed = (seed * 1103515245 + 12345) % 2 ^ 31
      return seed // 65536 % n + 1
    end
    for _ = 1, 60 do
      local list = {}
      for i = 1, 200 do
        local parts = {}
        for k = 1, pick(5) do parts[k] = pieces[pick(#pieces)] end
        list[i] = pick(9) == 1 and "" or table.concat(parts)
      end
      assert.same(list, decode(encode(list)))
      if pick(6) == 1 then collectgarbage() end
    end
    for len = 0, 20 do -- each place counts
      local plain = ("x"):rep(len)
      for place = 1, len do
        local other = plain:sub(1, place - 1) .. "y" .. plain:sub(place + 1)
        for _ = 1, 8 do assert.same({ plain, other }, decode(encode { plain, other })) end
      end
    end
  end)

  it("reads short strings while finalizers read others", function()
    local function again(n) return setmetatable({}, { __gc = function()
      for i = 1, 40 do decode(('["s%d","s%d"]'):format(i + n, i + n)) end
      if n < 40 then again(n + 1) end
    end }) end
    again(0)
    for i = 1, 300 do
      local list = {}
      for k = 1, 60 do list[k] = "s" .. (i + k) % 90 end
      local text = encode(list)
      for _ = 1, 3 do assert.same(list, decode(text)) end
      collectgarbage "step"
    end
  end)

  it("reads integers of every length, and what only begins like one", function()
    for digits = 1, 21 do
      for _, sign in ipairs { "", "-" } do
        local text = sign .. ("9"):rep(digits)
        local value = digits < 19 and math.tointeger(text) or tonumber(text .. ".0")
        for _, after in ipairs { "", " ", "\n" } do
          assert.equal(value, decode(text .. after))
          assert.equal(math.type(value), math.type(decode(text .. after)))
        end
        assert.same({ value, 1 }, decode("[" .. text .. ",1]"))
        assert.equal(tonumber(text .. ".5"), decode(text .. ".5"))
        assert.equal(tonumber(text .. "e1"), decode(text .. "E1"))
        for _, wrong in ipairs { "x", "-", ".", "e", ".e1", "0x" } do failure(text .. wrong) end
        failure(sign .. "0" .. ("9"):rep(digits))
      end
    end
    failure "-"
    failure "[-]"
  end)

  it("refuses what is wrong after a key that it expects", function()
    for text, column in pairs {
      ['[{"id":1},{"id" 2}]'] = 17, ['[{"id":1},{"id"'] = 16, ['[{"id":1},{"id":}]'] = 17,
      ['[{"id":1},{"id'] = 15,
      ['[{"id":1}{"id":1}]'] = 10, ['[{"id":1,"id"}]'] = 14,
      ['[{"id":1 "id":1}]'] = 10, ['[{"id":1},,{"id":1}]'] = 11,
    } do
      assert.matches("line 1 column " .. column .. ":", failure(text).message, 1, true)
    end
  end)

  it("reads strings with escapes at every place of a block", function()
    for place = 500, 530 do
      local plain = ("x"):rep(place)
      for escape, char in pairs { ["\\n"] = "\n", ["\\u00e9"] = "é", ["\\ud83c\\udf19"] = "🌙", ["é"] = "é", ['\\"'] = '"' } do
        assert.equal("\n" .. plain .. char .. plain, decode('"\\n' .. plain .. escape .. plain .. '"'))
      end
      failure('"\\n' .. plain .. "\\u12")
      failure('"\\n' .. plain)
      failure('"\\n' .. plain .. '\xff"')
    end
  end)
end)

describe("rille.array", function()
  it("is the same table, marked as a list", function()
    local t = {}
    assert.equal(t, rille.array(t))
    assert.same({}, t)
    assert.equal("[]", encode(t))
    t[1] = "x"
    assert.equal('["x"]', encode(t))
  end)
end)
