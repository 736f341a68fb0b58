-- runtime/bind/core/directory.c
-- lua/rille/template/loader.lua, lua/rille/template/environment.lua
local rille = require "rille"

local function shell(command) assert(os.execute(command)) end

local function directory()
  local path = os.tmpname()
  os.remove(path)
  shell("mkdir -p '" .. path .. "/sub'")
  finally(function() shell("rm -r '" .. path .. "'") end)
  return path
end

local function put(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function app_of(path, options)
  options = options or {}
  options.templates = path
  return rille.app(options)
end

local function code_of(app, name)
  local _, err = rille.try(app.render, app, name)
  return err and err.code
end

describe("templates in a directory", function()
  it("are found by their path in it", function()
    local path = directory()
    put(path .. "/a.html", "a {% include 'sub/b.html' %}")
    put(path .. "/sub/b.html", "b")
    assert.equal("a b", app_of(path):render "a.html")
  end)

  it("never lead out of it", function()
    local path = directory()
    put(path .. "/a.html", "a")
    local app = app_of(path .. "/sub")
    for _, name in ipairs { "../a.html", "sub/../../a.html", "/etc/passwd", "..\\a.html", "a.html\0", "", ".", "/" } do
      assert.equal("not_found", code_of(app, name), name)
    end
    assert.equal("not_found", code_of(app_of(path), "sub"))
  end)

  it("are looked for in one directory after the other", function()
    local first, second = directory(), directory()
    put(first .. "/a.html", "first")
    put(second .. "/a.html", "second")
    put(second .. "/b.html", "b")
    local app = app_of { first, second }
    assert.equal("first", app:render "a.html")
    assert.equal("b", app:render "b.html")
  end)

  it("are compiled once", function()
    local path = directory()
    put(path .. "/a.html", "old")
    local app = app_of(path)
    assert.equal("old", app:render "a.html")
    put(path .. "/a.html", "new one")
    assert.equal("old", app:render "a.html")
  end)

  it("are compiled again in development when they, or what they extend and include, have changed", function()
    local path = directory()
    put(path .. "/base.html", "base {% block b %}{% endblock %}{% include 'part.html' %}")
    put(path .. "/a.html", "{% extends 'base.html' %}{% block b %}a{% endblock %}")
    put(path .. "/part.html", " part")
    local app = app_of(path, { debug = true })
    assert.equal("base a part", app:render "a.html")
    put(path .. "/base.html", "another {% block b %}{% endblock %}{% include 'part.html' %}")
    put(path .. "/part.html", " and part")
    assert.equal("another a and part", app:render "a.html")
    os.remove(path .. "/a.html")
    assert.equal("not_found", code_of(app, "a.html"))
    put(path .. "/a.html", "back")
    assert.equal("back", app:render "a.html")
  end)

  it("are called by their file in errors", function()
    local path = directory()
    put(path .. "/a.html", "\n{{ 1 +}}")
    local _, err = rille.try(function() return app_of(path):render "a.html" end)
    assert.equal(path .. "/a.html:2:7", err.message:match "^[^\n]-:%d+:%d+")
    assert.equal("a.html", err.template)
  end)
end)

describe("rille check", function()
  -- Exit status and what is printed.
  local function check(files)
    local path = directory()
    for name, text in pairs(files) do
      shell("mkdir -p '" .. path .. "/" .. (name:match "^(.*)/" or "") .. "'")
      put(path .. "/" .. name, text)
    end
    local command = "binary=$(readlink /proc/$PPID/exe) && cd '%s' && \"$binary\" check app.lua 2>&1; echo \"status $?\""
    local pipe = io.popen(command:format(path))
    local text = pipe:read "a"
    pipe:close()
    return text:match "status (%d+)", text
  end

  local APP = "local app = require('rille').app() return app"

  it("counts the templates that it has compiled", function()
    local status, text = check { ["app.lua"] = APP, ["templates/a.html"] = "{{ a }}", ["templates/sub/b.html"] = "b",
      ["templates/.hidden"] = "{% if %}", ["templates/a.html~"] = "{% if %}" }
    assert.equal("0", status)
    assert.matches("2 templates, no errors", text)
  end)

  it("tells all errors, each with its file and line", function()
    local status, text = check { ["app.lua"] = APP, ["templates/a.html"] = "\n{% if %}",
      ["templates/sub/b.html"] = "\n\n{{ x|nope }}",
      ["templates/good.html"] = "" }
    assert.equal("1", status)
    assert.matches("templates/a.html:2:7: ", text)
    assert.matches("templates/sub/b.html:3:%d+: there is no filter named 'nope'", text)
    assert.matches("2 of 3 templates cannot be compiled", text)
  end)

  it("knows the filters of the app, and those of mounted apps", function()
    local status = check { ["templates/a.html"] = "{{ 1|mine }}", ["templates/b.html"] = "{{ 1|theirs }}", ["app.lua"] = [[
      local rille = require "rille"
      local app, sub = rille.app(), rille.app()
      app:filter("mine", tostring)
      sub:filter("theirs", tostring)
      app:mount("/sub", sub)
      return app]] }
    assert.equal("0", status)
  end)

  it("is content without templates", function()
    assert.equal("0", (check { ["app.lua"] = APP }))
  end)
end)
