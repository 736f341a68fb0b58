-- The function of a group that catches its child's error, and fails by itself then: its own error appeared nowhere.
local scratch = require "spec.support.scratch"

describe("a group whose child and function both fail", function()
  it("raises the child's error and logs the other", function()
    local place <close> = scratch.new()
    place:write("main.lua", [[
      local rille = require "rille"
      print(pcall(rille.group, function(group)
        group:spawn(function() error("of the child", 0) end)
        pcall(rille.sleep, 1)
        error("of the function", 0)
      end))
      print(pcall(rille.group, function(group)
        group:spawn(function() error("alone", 0) end)
        rille.sleep(1)
      end))]])
    local output = place:run(place.rille, "run", "main.lua")
    assert.matches("false\tof the child\n", output, 1, true)
    assert.matches("false\talone\n", output, 1, true)
    assert.equal(1, select(2, output:gsub("the function of a group failed, and its group failed by another error", "")))
    assert.equal(1, select(2, output:gsub('error="of the function"', "")))
  end)
end)

describe("tasks that all wait", function()
  it("fail their test alone, and end a program in spite of a shield", function()
    local place <close> = scratch.new()
    place:write("spec/a_spec.lua", [[
      local rille = require "rille"
      it("waits", function() rille.channel():receive() end)
      it("does not", function() assert.equal(1, 1) end)]])
    local output = place:run(place.rille, "test", "spec")
    assert.matches("1 success / 0 failures / 1 error", output, 1, true)
    assert.matches("all tasks are waiting", output, 1, true)
    place:write("main.lua", [[local rille = require "rille" rille.shield(function() rille.channel():receive() end)]])
    output = place:run(place.rille, "run", "main.lua")
    assert.matches("all tasks are waiting", output, 1, true)
  end)
end)
