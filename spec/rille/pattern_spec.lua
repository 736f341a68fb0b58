-- runtime/vm/strings.c
local rille = require "rille"
local native = require "rille.native.core"
local patterns = require "spec.support.patterns"
local testing = require "rille.testing"

local stock = native.stock_strings()

-- More by hand: RILLE_PATTERN_CASES=1000000. Each case has a seed of its own, which a difference names.
local cases = math.tointeger(tonumber(os.getenv "RILLE_PATTERN_CASES" or 10000))
local seed = math.tointeger(tonumber(os.getenv "RILLE_PATTERN_SEED" or os.time() * 1000))
local CHUNK = 5000

describe("patterns of our own", function()
  for first = seed, seed + cases - 1, CHUNK do
    it(("agree with Lua's, seed %d"):format(first), function()
      for case = first, math.min(first + CHUNK, seed + cases) - 1 do
        local difference = patterns.compare(case, string, stock)
        if difference then error(difference, 0) end
        if case % 500 == 0 then rille.sleep(0) end
      end
    end)
  end

  it("are drawn of all kinds", function()
    local seen = {}
    for case = 1, 3000 do
      local _, result = patterns.compare(case, string, stock)
      local what = result[2] == nil and "nil" or "values"
      if not result[1] then what = tostring(result[2]):gsub("%d", "N"):gsub("^.*: ", "") end
      seen[what] = true
    end
    for _, what in ipairs { "nil", "values", "invalid capture index %N", "invalid pattern capture", "unfinished capture",
      "malformed pattern (missing ']')", "malformed pattern (ends with '%')", "malformed pattern (missing arguments to '%b')",
      "missing '[' after '%f' in pattern", "invalid use of '%' in replacement string", "invalid replacement value (a table)",
      "pattern too complex", "too many captures" } do
      assert.is_true(seen[what], what)
    end
  end)

  describe("take the arguments that Lua's take", function()
    -- Called as a field, so that messages name it.
    local function call(library, name, ...)
      local values = table.pack(library[name](...))
      if name == "gmatch" then
        local found = {}
        for a, b in values[1] do found[#found + 1] = tostring(a) .. "|" .. tostring(b) end
        return table.concat(found, "/")
      end
      return table.unpack(values, 1, values.n)
    end

    local lists = {
      {}, { nil }, { {} }, { true, "a" }, { "a" }, { "a", nil }, { "a", {} }, { 12, 1 }, { 1.5, "%." },
      { "a", "a", {} }, { "aba", "a", "2" },
      { "aba", "a", "x" }, { "aba", "a", 1.5 }, { "aba", "a", 2.0 }, { "aba", "a", -1 }, { "aba", "a", -100 },
      { "aba", "a", 100 }, { "aba", "a", 0 }, { "aba", "a", math.mininteger }, { "aba", "a", math.maxinteger },
      { "aba", "", 4 }, { "aba", "", 5 },
      { "a.b", ".", 1, true }, { "a.b", ".", 2, true }, { "a.b", "", 4, true }, { "a.b", "", 5, true }, { "a.b", "b", -1, true },
      { "a.b", ".", 1, false }, { "a.b", ".", 1, nil }, { "aba", "a", "x", 1 }, { "aba", "a", "x", 0 }, { "aba", "a", "x", -1 },
      { "aba", "a", "x", "1" }, { "aba", "a", "x", {} }, { "aba", "a", nil }, { "aba", "a", true },
      { "aba", "a", tostring }, { "aba", "a", 5, 2 },
      { "aba", "a", coroutine.create(print) }, { "abc", "%w", "%%%0" }, { "abc", "", "-" }, { "", "", "-" }, { "", "^", "-" },
      { "hello", "l", { l = 1 } }, { "x^y", "^x" }, { "x^y", "^y" }, { "a)", "a)" }, { ("x"):rep(300000) .. "y", "^x*y$" },
      { ("a"):rep(5000), "a", "b" }, { ("ab"):rep(3000), "b" }, { ("ab"):rep(3000) .. "c", ("ab"):rep(999) .. "c", 1, true },
      { ("a"):rep(5000) .. "b", ("a"):rep(300) .. "b" }, { "\0a\0", "\0", "%0%0" }, { "a\0b", "a\0", 1, true },
    }
    for _, name in ipairs { "find", "match", "gmatch", "gsub" } do
      it("in string." .. name, function()
        for i, list in ipairs(lists) do
          local n = 0
          for k in pairs(list) do n = math.max(n, k) end
          local ours = table.pack(pcall(call, string, name, table.unpack(list, 1, n)))
          local theirs = table.pack(pcall(call, stock, name, table.unpack(list, 1, n)))
          assert.same(theirs, ours, "list " .. i)
        end
      end)
    end
  end)

  it("are what methods of strings find", function()
    assert.equal(string.find, ("x").find)
    assert.equal("b=1", ("a=1, b=1"):match "b=%d")
  end)

  it("return the very string where nothing was replaced", function()
    local text = ("x"):rep(100)
    assert.equal(text, (text:gsub("y", "z")))
    assert.equal(text, (text:gsub("x", {})))
  end)

  it("can be used inside their own callbacks", function()
    local text = ("a,b;c,d"):gsub("[^;]+", function(part)
      return (part:gsub("%a", function(letter) return letter:rep(2):gsub("^.", string.upper) end))
    end)
    assert.equal("Aa,Bb;Cc,Dd", text)
  end)

  it("say where one cannot wait", function()
    local ok, message = pcall(string.gsub, "a", "a", function() rille.sleep(0.01) end)
    assert.is_false(ok)
    assert.matches("cannot wait for sleep inside a string.gsub callback, spec/rille/pattern_spec.lua:", message, 1, true)
  end)
end)

describe("what runs for long in C", function()
  local hostile = ("a"):rep(60)
  local slow = ("a-"):rep(20) .. "b"
  local endless = {
    ["string.find"] = function() return hostile:find(slow) end,
    ["string.match"] = function() return hostile:match("^(" .. slow .. ")") end,
    ["string.gmatch"] = function() for _ in hostile:gmatch(slow) do error "found" end end,
    ["string.gsub"] = function() return hostile:gsub(slow, "") end,
    ["string.find, many places"] = function() return ("a"):rep(1 << 22):find "a*b" end,
    ["a balance that is none"] = function() return ("("):rep(1 << 22):find "%b()" end,
    ["a long set"] = function() return ("a"):rep(1 << 20):find("^[" .. ("b"):rep(1 << 20) .. "a]*$") end,
    ["table.move"] = function() return table.move({}, 1, 1 << 60, 2, {}) end,
  }

  for name, run in pairs(endless) do
    it("is ended by the app's cpu_limit: " .. name, function()
      local app = rille.app { cpu_limit = 0.15 }
      app:get("/", run)
      app:get("/quick", function() return "quick" end)
      local client = testing.client(app)
      assert.equal(503, client:get("/").status)
      assert.equal("quick", client:get("/quick"):text())
    end)

    it("is ended by a deadline: " .. name, function()
      local ok, err = pcall(rille.timeout, 0.1, run)
      assert.is_false(ok)
      assert.equal("timeout", err.code)
    end)
  end

  it("is ended by the timeout of a route, and answered with 504", function()
    local app = rille.app()
    app:get("/", endless["string.match"], { timeout = 0.1 })
    assert.equal(504, testing.client(app):get("/").status)
  end)

  it("is shown in the log, with the line of the program", function()
    native.take_log()
    pcall(rille.timeout, 0.3, endless["string.find"])
    assert.matches("a task has run for %d+ ms without waiting.*spec/rille/pattern_spec%.lua:%d+", native.take_log())
  end)

  it("is not ended by a deadline that a shield hides", function()
    assert.has_error(function()
      rille.timeout(0.05, rille.shield, function()
        pcall(rille.timeout, 0.2, endless["string.find"])
        error("reached", 0)
      end)
    end, "reached")
  end)

  it("keeps its cancellation until the next wait where a finalizer swallows the error", function()
    local ran
    local ok, err = pcall(rille.timeout, 0.005, function()
      setmetatable({}, { __gc = function()
        ran = true
        return ("a"):rep(28):find(("a-"):rep(6) .. "b") -- some millions of steps, and an end
      end })
      collectgarbage()
      rille.sleep(0)
    end)
    assert.is_true(ran)
    assert.is_false(ok)
    assert.equal("timeout", err.code)
  end)
end)

describe("string.rep and table.move of our own", function()
  local function same(name, library, ...)
    local list = { ... }
    local stock_function = library == "string" and stock[name]
    local ours = table.pack(pcall(string[name], table.unpack(list)))
    local theirs = table.pack(pcall(stock_function, table.unpack(list)))
    assert.same(theirs, ours)
  end

  it("repeat as Lua's does", function()
    for _, text in ipairs { "", "a", "abc", ("x"):rep(1000) } do
      for _, count in ipairs { -1, 0, 1, 2, 3, 7, 64, 1000 } do
        for _, separator in ipairs { "", ",", "--", ("-"):rep(100) } do same("rep", "string", text, count, separator) end
        same("rep", "string", text, count)
      end
    end
    same("rep", "string", "ab", math.maxinteger)
    same("rep", "string", "ab", 1 << 61, "cd")
    assert.equal((("ab"):rep(1 << 25)):sub(-6), "ababab")
    assert.equal(1 << 26, #("ab"):rep(1 << 25))
  end)

  it("repeat what is longer than what they copy at once, and a separator in between", function()
    local text, separator = ("a"):rep(17 << 20), ("b"):rep(3 << 20)
    local whole = text:rep(3, separator)
    assert.is_true(whole == text .. separator .. text .. separator .. text)
  end)

  it("repeat nothing at once, however often", function() assert.equal("", (""):rep(math.maxinteger)) end)

  it("move as the manual says", function()
    assert.same({ 1, 1, 2, 3 }, table.move({ 1, 2, 3 }, 1, 3, 2))
    assert.same({ 2, 3, 3 }, table.move({ 1, 2, 3 }, 2, 3, 1))
    assert.same({ 1, 2, 3 }, table.move({ 1, 2, 3 }, 1, 3, 1))
    assert.same({ 5, 2, 3 }, table.move({ 2, 3 }, 1, 2, 2, { 5 }))
    assert.same({ 9 }, table.move({ 1, 2 }, 2, 1, 5, { 9 }))
    assert.same({ [-1] = "a", [3] = "a" }, table.move({ [-1] = "a" }, -1, -1, 3))
    local reads = {}
    local proxy = setmetatable({}, { __index = function(_, i) reads[#reads + 1] = i return i * 10 end })
    assert.same({ 30, 40 }, table.move(proxy, 3, 4, 1, {}))
    assert.same({ 3, 4 }, reads)
  end)

  it("refuse what cannot be moved", function()
    assert.error_matches(function() table.move({}, math.mininteger, 0, 1) end, "too many elements to move")
    assert.error_matches(function() table.move({}, 1, 2, math.maxinteger) end, "destination wrap around")
    assert.error_matches(function() table.move(1, 1, 2, 3) end, "table expected, got number")
    assert.error_matches(function() table.move({}, 1, 2, 3, "x") end, "table expected, got string")
  end)
end)
