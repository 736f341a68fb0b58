local rille = require "rille"
local scratch = require "spec.support.scratch"

describe("require", function()
  local files, path
  before_each(function()
    files, path = scratch.new(), package.path
    package.path = files.directory .. "/?.lua;" .. path
  end)
  after_each(function()
    for name in pairs(package.loaded) do
      if name:find "^rq_" then package.loaded[name] = nil end
    end
    package.path = path
    files:close()
  end)

  it("may wait while it loads", function()
    files:write("rq_a.lua", [[require("rille").sleep(0) return { name = ..., file = select(2, ...) }]])
    local module, extra = require "rq_a"
    assert.same({ "rq_a", files:path "rq_a.lua", files:path "rq_a.lua" }, { module.name, module.file, extra })
  end)

  it("may wait in a module that a module needs, and in what that calls through a metamethod", function()
    files:write("rq_a.lua", [[return require "rq_b" + 1]])
    files:write("rq_b.lua", [[
      local rille = require "rille"
      return setmetatable({}, { __index = function(_, key) rille.sleep(0) return key end }).x == "x" and 41]])
    assert.equal(42, require "rq_a")
  end)

  it("loads once, however many tasks ask for it meanwhile", function()
    _G.rq_count = 0
    files:write("rq_a.lua", [[rq_count = rq_count + 1 require("rille").sleep(0.01) return { rq_count }]])
    local list = rille.map({ 1, 2, 3, 4 }, function() return (require "rq_a") end)
    assert.equal(1, _G.rq_count)
    for i = 2, 4 do assert.equal(list[1], list[i]) end
    _G.rq_count = nil
  end)

  it("tells every task of an error, and tries again the next time", function()
    files:write("rq_a.lua", [[require("rille").sleep(0) error "broken"]])
    local failed = rille.map({ 1, 2 }, function() return not pcall(require, "rq_a") end)
    assert.same({ true, true }, failed)
    files:write("rq_a.lua", "return 1")
    assert.equal(1, require "rq_a")
  end)

  it("lets another task load it where the one that loads is cancelled", function()
    files:write("rq_a.lua", [[require("rille").sleep(0.02) return "loaded"]])
    local first = rille.spawn(require, "rq_a")
    rille.sleep(0)
    local second = rille.spawn(function() return (require "rq_a") end)
    rille.sleep(0)
    first:cancel()
    assert.equal("loaded", second:wait())
  end)

  it("names the circle where modules need each other", function()
    files:write("rq_a.lua", [[return require "rq_b"]])
    files:write("rq_b.lua", [[return require "rq_c"]])
    files:write("rq_c.lua", [[return require "rq_b"]])
    local _, err = pcall(require, "rq_a")
    assert.matches("module 'rq_b' requires itself: rq_b -> rq_c -> rq_b", tostring(err), 1, true)
  end)

  it("names the places it has looked in", function()
    local _, err = pcall(require, "rq_none")
    assert.matches("module 'rq_none' not found:", err, 1, true)
    assert.matches(files:path "rq_none.lua", err, 1, true)
    assert.is_false(pcall(require, nil))
  end)

  it("loads what Lua's own searcher loads, and says what that says", function() -- runtime/vm/searcher.c
    files:write("rq_marked.lua", "\xEF\xBB\xBF#!/usr/bin/env rille\nreturn debug.getinfo(1, 'l').currentline, ...")
    files:write("rq_only_a_comment.lua", "#")
    files:write("rq_compiled.lua", string.dump(function() return "from bytes" end))
    files:write("rq_broken.lua", "return =")
    files:write("rq_deep/down/init.lua", "return {...}")
    files:write("rq_folder.lua/x", "")
    package.path = package.path .. ";" .. files.directory .. "/?/init.lua"
    assert.equal(2, require "rq_marked")
    assert.equal(true, require "rq_only_a_comment")
    assert.equal("from bytes", require "rq_compiled")
    assert.same({ "rq_deep.down", files.directory .. "/rq_deep/down/init.lua" }, require "rq_deep.down")
    for name, message in pairs { rq_broken = "rq_broken.lua:1: unexpected symbol",
      rq_folder = "cannot read .*rq_folder.lua: Is a directory" } do
      local ok, err = pcall(require, name)
      assert.is_false(ok)
      assert.matches("error loading module '" .. name .. "' from file '.*" .. name .. ".lua':\n\t.*" .. message, tostring(err))
    end
    local searcher = package.searchers[3]
    package.path = "./no/?.lua;/no/?/init.lua"
    assert.equal("no file './no/a/b.lua'\n\tno file '/no/a/b/init.lua'", (searcher "a.b"))
    assert.equal(select(2, package.searchpath("a.b", package.path)), (searcher "a.b"))
    package.path = nil
    assert.matches("'package.path' must be a string", select(2, pcall(searcher, "a")))
  end)

  it("keeps what the module returns, what it leaves in package.loaded, or true", function()
    files:write("rq_a.lua", "return false")
    files:write("rq_b.lua", "package.loaded[...] = 'own'")
    files:write("rq_c.lua", "")
    assert.same({ false, "own", true }, { (require "rq_a"), (require "rq_b"), (require "rq_c") })
    package.preload.rq_d = function(name, extra) return name .. extra end
    assert.equal("rq_d:preload:", (require "rq_d"))
    package.preload.rq_d = nil
  end)

  it("finds the root, lua_modules and C modules of the distribution, in that order", function()
    files:write("app/init.lua", [[
      local rille = require "rille"
      io.stderr:write(package.path:match "^[^;]*;[^;]*", "\n", require "app.here", require "there", require "both", "\n")
      return rille.app()]])
    files:write("app/here.lua", "return 'here '")
    files:write("lua_modules/there.lua", "return 'there '")
    files:write("lua_modules/both.lua", "return 'modules'")
    files:write("both.lua", "return 'root'")
    local output = files:run(files.rille, "check")
    local root = files.directory
    assert.matches(root .. "/?.lua;" .. root .. "/?/init.lua", output, 1, true)
    assert.matches("here there root", output, 1, true)
  end)
end)
