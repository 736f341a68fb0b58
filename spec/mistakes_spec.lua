-- Mistakes are met with help: each says what it is, where (the program's line), and how it is written.
local mistakes = require "spec.support.mistakes"
local rille = require "rille"
local testing = require "rille.testing"

local function new_app()
  return rille.app { secret = ("s"):rep(32), templates = { ["index.html"] = "x" } }
end

-- Compiles a line of a program; its names are those of the list.
local function compile(code, names)
  return assert(load(code, "@app.lua", "t", setmetatable(names, { __index = _G })))
end

local function names_for(app)
  return { rille = rille, testing = testing, app = app, h = function() return "h" end }
end

local function is_told(entry, err)
  local wanted = entry.place == false and entry[2] or "app.lua:1: " .. entry[2]
  assert.equal(wanted, tostring(err))
end

describe("a mistake while a program loads:", function()
  for _, entry in ipairs(mistakes.loading) do
    it(entry[1], function()
      local app = new_app()
      local names = names_for(app)
      local db <close> = rille.sqlite.open ":memory:"
      local client <close> = rille.client {}
      names.db, names.client = db, client
      if entry.before then compile(entry.before, names)() end
      local ok, err = pcall(compile(entry[1], names))
      assert.is_false(ok)
      is_told(entry, err)
    end)
  end
end)

describe("a mistake while a request is handled:", function()
  for _, entry in ipairs(mistakes.handling) do
    it(entry[1], function()
      local app, failure = new_app(), nil
      local handler = compile(("app:get('/', function(req) local res = rille.text 'x' %s end)"):format(entry[1]), names_for(app))
      handler()
      app:on_error("*", function(_, err)
        failure = err
        return "failed"
      end)
      testing.client(app):get "/"
      is_told(entry, failure)
    end)
  end
end)

describe("a mistake of who asks:", function()
  for _, entry in ipairs(mistakes.asking) do
    it(entry.what, function()
      local app = new_app()
      compile(entry.app, names_for(app))()
      local request, given = entry[1], {}
      for name, value in pairs(request) do given[name] = value end
      given.path, given.method = nil, request.method
      assert.equal(entry[2], testing.client(app):request(request.path, given):text())
    end)
  end
end)

describe("docs/mistakes.md", function()
  it("shows them all", function()
    local file <close> = assert(io.open("docs/mistakes.md", "rb"))
    assert.equal(mistakes.markdown(), file:read "a")
    assert.is_true(#mistakes.loading + #mistakes.handling + #mistakes.asking >= 60)
  end)
end)
