-- lua/rille/locate.lua, lua/rille/locate/suggest.lua, lua/rille/paths.lua
local locate = require "rille.locate"
local native = require "rille.native.core"
local paths = require "rille.paths"
local Scratch = require "spec.support.scratch"

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  return message
end

describe("APP", function()
  local scratch
  before_each(function() scratch = Scratch.new() end)
  after_each(function() os.execute("rm -rf " .. scratch.directory) end)

  it("is a Lua file, or a folder with init.lua", function()
    local file = scratch:write("blog.lua", "")
    scratch:write("shop/init.lua", "")
    assert.equal(file, locate.app(file))
    assert.equal(scratch:path "shop/init.lua", locate.app(scratch:path "shop"))
    assert.equal(scratch:path "shop/init.lua", locate.app(scratch:path "shop/"))
  end)

  it("that is a folder without init.lua says so, or names the app inside", function()
    scratch:write("plain/readme", "")
    assert.matches("is a folder without init.lua", message_of(locate.app, scratch:path "plain"), 1, true)
    scratch:write("blog/app/init.lua", "")
    assert.matches("did you mean '" .. scratch:path "blog/app" .. "', the app of that project?",
      message_of(locate.app, scratch:path "blog"), 1, true)
  end)

  it("that is not there suggests a file that is", function()
    scratch:write("blog.lua", "")
    assert.matches("did you mean '" .. scratch:path "blog.lua'", message_of(locate.app, scratch:path "blog"), 1, true)
    assert.matches("did you mean '" .. scratch:path "blog.lua'", message_of(locate.app, scratch:path "bolg.lua"), 1, true)
    assert.not_matches("did you mean", message_of(locate.app, scratch:path "weather"), 1, true)
  end)

  it("that is a number is a port", function()
    assert.matches("did you mean --port 8080?", message_of(locate.app, "8080"), 1, true)
  end)
end)

describe("the file of rille run", function()
  local scratch
  before_each(function() scratch = Scratch.new() end)
  after_each(function() os.execute("rm -rf " .. scratch.directory) end)

  it("is no folder: an app is served", function()
    local file = scratch:write("task.lua", "")
    assert.equal(file, locate.script(file))
    scratch:write("shop/init.lua", "")
    assert.matches("run needs a Lua file: an app is served, by rille serve " .. scratch:path "shop",
      message_of(locate.script, scratch:path "shop"), 1, true)
  end)

  it("that is not there is named", function()
    assert.matches("no file '" .. scratch:path "none.lua'", message_of(locate.script, scratch:path "none.lua"), 1, true)
  end)
end)

describe("paths", function()
  it("are joined with one slash", function()
    assert.equal("a/b", paths.join("a", "b"))
    assert.equal("a/b", paths.join("a//", "b"))
    assert.equal("b", paths.join(".", "b"))
  end)

  it("are shown from the working directory", function()
    local here = native.working_directory()
    assert.equal(".", paths.relative(here))
    assert.equal("app/x.lua", paths.relative(here .. "/app/x.lua"))
    assert.equal("..", paths.relative((here:match "^(.*)/")))
    assert.equal("/nowhere/x.lua", paths.relative "/nowhere/x.lua")
    assert.equal(here .. "x/y.lua", paths.relative(here .. "x/y.lua"))
  end)

  it("lose the root in every place of a text", function()
    local root = native.root
    assert.equal("app.lua:3: in function <app.lua:1>",
      paths.without_root(("%s/app.lua:3: in function <%s/app.lua:1>"):format(root, root)))
    assert.equal("nothing of ours", paths.without_root "nothing of ours")
  end)
end)
