-- A hook that a handler set with debug.sethook stayed on its thread, which the next request was given.
local scratch = require "spec.support.scratch"

it("a hook that a task has set is not another task's", function()
  local files <close> = scratch.new()
  files:write("main.lua", [[
    local rille = require "rille"
    rille.spawn(function() debug.sethook(function() end, "c") end):wait()
    local hooked = 0
    for _ = 1, 50 do
      rille.spawn(function() if debug.gethook() then hooked = hooked + 1 end end):wait()
    end
    print(hooked .. " of 50")
  ]])
  assert.equal("0 of 50\n", (files:run(files.rille, "run", "main.lua")))
end)
