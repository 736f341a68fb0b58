-- Errors of clock:advance named a function that nobody has called, at a line of the library; so did a lock entered twice by
-- with(), and a path that is none.
local rille = require "rille"
local testing = require "rille.testing"

local here = "263%-names%-in%-errors%-of%-time%-and%-locks_spec.lua:%d+: "

-- luassert takes places off the front of what it compares.
local function assert_raises(pattern, f)
  local ok, message = pcall(f)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

describe("an error", function()
  it("names clock:advance, at the program's line", function()
    local clock = testing.clock()
    assert_raises(here .. "clock:advance: time does not go back", function() clock:advance(-1) end)
    assert_raises(here .. "clock:advance: time does not go back", function() clock:advance(0 / 0) end)
    assert_raises(here .. "clock:advance: a number of seconds was expected, got a nil", function() clock:advance() end)
    assert_raises(here .. "clock:advance: a number", function() clock:advance "x" end)
  end)

  it("of a lock that is entered twice stands where it was entered", function()
    local lock = rille.lock()
    assert_raises(here .. "this task holds the lock already", function() lock:with(function() lock:with(print) end) end)
    assert.equal(1, lock:with(function() return 1 end))
  end)

  it("of a path that is none stands where the file is saved", function()
    local app, seen = rille.app {}, {}
    app:post("/", function(req)
      local file = req:form().file
      for i, path in ipairs { "", "a\0b", "/dev/null" } do seen[i] = select(2, rille.try(file.save, file, path)).message end
      return "ok"
    end)
    testing.client(app):post("/", { files = { file = { filename = "a", body = "x" } } })
    assert.matches(here .. "file:save: a path was expected, got an empty one", seen[1])
    assert.matches(here .. "file:save: a path was expected, got one with a NUL", seen[2])
    assert.matches("cannot write /dev/null: it is a device", seen[3], 1, true)
  end)
end)

describe("url_for", function()
  it("makes no way through folders, takes null for absent, and names a number that is too large", function()
    local app = rille.app {}
    app:get("/n/{n}", function() return "" end, { name = "n" })
    app:get("/p/{p:path}", function() return "" end, { name = "p" })
    app:get("/i/{i:int}", function() return "" end, { name = "i" })
    for _, bad in ipairs { ".", ".." } do
      assert.error_matches(function() app:url_for("n", { n = bad }) end, "parameter 'n' is '" .. bad:gsub("%.", "%%."))
    end
    for _, bad in ipairs { "../x", "a/..", "a/./b" } do
      assert.is_false(pcall(app.url_for, app, "p", { p = bad }), bad)
    end
    assert.equal("/p/a/..b/c.", app:url_for("p", { p = "a/..b/c." }))
    assert.equal("/n/x?a=1", app:url_for("n", { n = "x" }, { a = 1, b = rille.null }))
    assert.error_matches(function() app:url_for("i", { i = 1e300 }) end, "takes 'i' as {i:int}, which '1e%+300' is not")
  end)
end)
