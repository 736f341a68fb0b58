-- lua/rille/boot.lua, lua/rille/lint.lua
--
-- rille check says what is wrong and nothing else; an undefined variable is an error, with luacheck's settings of the project or
-- ours. rille routes names places in one way.
local processes = require "spec.support.process"
local scratch = require "spec.support.scratch"

local has_luacheck = os.execute "command -v luacheck > /dev/null 2>&1" == true

describe("rille check", function()
  local place
  before_each(function() place = scratch.new() end)
  after_each(function() place:close() end)

  local shell = "says() ( cd %s && %s \"$@\"; echo \"status $?\"; ); says"
  local function inside(folder, ...) return place:run(shell:format(folder, place.rille), ...) end
  local function says(...) return inside(".", ...) end
  local function app(body)
    return "local rille = require 'rille'\nlocal app = rille.app()\n" .. body .. "\nreturn app\n"
  end

  it("is one line for a fresh project, wherever it is asked from", function()
    for kind, counts in pairs { pages = "app: 6 routes, 2 templates", api = "app: 6 routes, 0 templates",
      minimal = "app.lua: 1 route, 0 templates" } do
      place:run(place.rille, "new", kind, table.unpack(kind == "pages" and {} or { "--" .. kind }))
      assert.equal(counts .. ", no errors\nstatus 0\n", inside(kind, "check"))
    end
    assert.equal("pages/app: 6 routes, 2 templates, no errors\nstatus 0\n", says("check", "pages/app"))
  end)

  it("says nothing of a program that computes while it loads", function()
    place:write("app.lua", app "local stop = os.clock() + 0.4 while os.clock() < stop do end")
    assert.equal("app.lua: 0 routes, 0 templates, no errors\nstatus 0\n", says "check")
    assert.is_nil(says("routes", "app.lua"):find "without waiting")
    place:write("app.lua", app "local stop = os.clock() + 0.15 while os.clock() < stop do end")
    local process <close> = processes.start(place, { "serve", "app.lua", "--port", "0" })
    process:url()
    assert.is_nil(process:log():find "without waiting")
  end)

  describe("with luacheck", function()
    if not has_luacheck then return pending "luacheck is not installed (on Debian: lua-check)" end

    it("fails for what nobody defines", function()
      for code, body in pairs {
        ["app.lua:3:32: accessing undefined variable 'pots' (W113)"] = "app:get('/', function() return pots.all() end)",
        ["app.lua:3:25: setting non-standard global variable 'count' (W111)"] =
          "app:get('/', function() count = 1 return '' end)",
        ["app.lua:3:32: accessing undefined field 'trimm' of global 'string' (W143)"] =
          "app:get('/', function() return string.trimm('') end)",
      } do
        place:write("app.lua", app(body))
        assert.equal(code .. "\nrille: luacheck finds 1 error\nstatus 1\n", says "check")
      end
    end)

    it("looks into what the program requires, and not into what it does not", function()
      place:write("app.lua", app "require 'models.posts'")
      place:write("models/posts.lua", "return { all = function() return nosuch end }")
      place:write("models/other.lua", "return { all = function() return nosuch end }")
      assert.equal("models/posts.lua:1:34: accessing undefined variable 'nosuch' (W113)\nrille: luacheck finds 1 error\n"
        .. "status 1\n", says "check")
    end)

    it("does not mind how anybody writes, and tells of a variable that is not used", function()
      place:write("app.lua", app("app:get('/', function(req) return '' end) -- " .. ("long "):rep(60) .. "\n \nlocal x = 1"))
      assert.equal("app.lua:5:7: unused variable 'x' (W211)\napp.lua: 1 route, 0 templates, no errors; luacheck has 1 warning\n"
        .. "status 0\n", says "check")
    end)

    it("goes by the project's own settings where it has any, in its root or above", function()
      place:write("demo/app.lua", app "app:get('/', function() return pots end)")
      place:write("demo/.luacheckrc", "globals = { 'pots' }")
      assert.matches("no errors\nstatus 0\n$", says("check", "demo/app.lua"))
      os.remove(place:path "demo/.luacheckrc")
      assert.matches("undefined variable 'pots'.*status 1\n$", says("check", "demo/app.lua"))
      place:write(".luacheckrc", "globals = { 'pots' }")
      assert.matches("no errors\nstatus 0\n$", says("check", "demo/app.lua"))
      place:write(".luacheckrc", "globals = {")
      assert.matches("rille: luacheck fails: .*status 1\n$", says("check", "demo/app.lua"))
    end)

    it("says so where there is none", function()
      place:write("app.lua", app "")
      local said = place:run("PATH=/nonexistent " .. place.rille, "check")
      assert.equal("app.lua: 0 routes, 0 templates, no errors; luacheck (Debian: lua-check) is not installed, so "
        .. "undefined variables were not checked\n", said)
    end)
  end)

  it("has a routes beside it that names files below the root, whoever loads them and from wherever", function()
    place:write("demo/app/init.lua", app "require 'app.more'(app)\napp:get('/', function() return '' end)")
    place:write("demo/app/more.lua", "return function(app) app:get('/more', function() return '' end) end")
    for _, said in ipairs { says("routes", "demo/app"), inside("demo", "routes") } do
      assert.matches("  app/init.lua:4\n", said, 1, true)
      assert.matches("  app/more.lua:1\n", said, 1, true)
      assert.is_nil(said:find(place.directory, 1, true))
    end
  end)

  it("says what the root is to who is inside of the app's folder", function()
    place:write("demo/app/init.lua", app "")
    place:write("demo/other.lua", app "")
    local root = place:run "pwd -P":match "%C+" .. "/demo"
    local note = ("the root is %s, the folder that holds APP ('.'): templates, static files, migrations, .env and require start "
      .. "there"):format(root)
    assert.matches("rille: " .. note, inside("demo/app", "check", "."), 1, true)
    assert.matches(("the root is %s, the folder that holds APP ('../other.lua')"):format(root),
      inside("demo/app", "routes", "../other.lua"), 1, true)
    for _, words in ipairs { { "check" }, { "check", "app" }, { "check", "other.lua" }, { "check", "./app/" } } do
      assert.is_nil(inside("demo", table.unpack(words)):find "the root is")
    end
    local process <close> = processes.start(place, { "-c", "cd demo/app && exec " .. place.rille .. " serve . --port 0" },
      { program = "sh" })
    process:url()
    assert.matches(" info  \"?the root is ", process:log())
    assert.matches("('.')", process:log(), 1, true)
  end)
end)
