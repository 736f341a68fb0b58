-- A Lua file or a template that an editor saved with a byte order mark was a syntax error, and text in front of the page.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local testing = require "rille.testing"

describe("a byte order mark", function()
  local place
  before_each(function() place = scratch.new() end)
  after_each(function() place:close() end)

  it("is no part of a script, a module, or a program; nor is a first line for the shell", function()
    place:write("script.lua", "\xEF\xBB\xBF#!/usr/bin/env rille\nprint(require 'module', debug.getinfo(1, 'l').currentline)")
    place:write("module.lua", "\xEF\xBB\xBFreturn 'module'")
    assert.equal("module\t2\n", place:run(place.rille, "run", "script.lua"))
    place:write("app.lua", "\xEF\xBB\xBF#!/usr/bin/env rille\nreturn require 'rille'.app()")
    assert.matches("METHOD", place:run(place.rille, "routes", "app.lua"))
  end)

  it("is no part of a template", function()
    place:write("page.html", "\xEF\xBB\xBF<p>{{ 1 }}</p>")
    local app = rille.app { templates = place.directory }
    app:get("/", function() return rille.render "page.html" end)
    assert.equal("<p>1</p>", testing.client(app):get("/"):text())
  end)

  it("of another encoding is told of", function()
    place:write("script.lua", "\xFF\xFEp\0r\0")
    assert.matches("this file is UTF-16: save it as UTF-8", place:run(place.rille, "run", "script.lua"), 1, true)
  end)
end)
