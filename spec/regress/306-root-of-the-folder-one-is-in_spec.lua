-- `rille serve .` inside the app's folder has the folder above it for its root, and did not say so.
-- runtime/cli/main.c
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

describe("rille serve .", function()
  it("says where the root is", function()
    local files <close> = scratch.new()
    files:write("init.lua", [[
      local rille = require "rille"
      local app = rille.app()
      app:get("/", function() return "here" end)
      return app
    ]])
    local server <close> = served.start(files, { command = "serve ." })
    local text = ("the root is %s, the folder that holds APP ('.')"):format(files.directory:match "^(.*)/")
    assert.truthy(server:log():find(text, 1, true))
  end)
end)
