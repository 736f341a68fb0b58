-- A response with a file of app:static that a middleware replaced: the file was taken for one that native.file_open had opened
-- when it was collected, both being called "rille.file", and a zero was written into the cache behind it.
local rille = require "rille"
local testing = require "rille.testing"
local scratch = require "spec.support.scratch"

describe("a file of app:static", function()
  it("that a middleware puts aside is served whole the next time", function()
    local place <close> = scratch.new()
    place:write("a.txt", ("hello "):rep(100))
    local app = rille.app()
    local puts_aside = true
    app:use(function(req, next)
      local res = next(req)
      return puts_aside and rille.text "another" or res
    end)
    app:static("/files", place.directory)
    local client = testing.client(app)
    for _ = 1, 20 do
      puts_aside = true
      assert.equal("another", client:get("/files/a.txt"):text())
      collectgarbage()
      puts_aside = false
      assert.equal(("hello "):rep(100), client:get("/files/a.txt"):text())
    end
  end)
end)
