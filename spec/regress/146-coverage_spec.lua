-- `rille test -c` listed busted and the specs and none of the code under test: a debug hook belongs to one thread, and every task
-- has a thread of its own. What stands for LuaCov here does as it does: one hook, set once.
local scratch = require "spec.support.scratch"

describe("rille test -c", function()
  it("counts the lines of tests, requests, spawned tasks, and of what stalls", function()
    local place <close> = scratch.new()
    place:write("lua_modules/luacov/runner.lua", [[
      local hits = {}
      local runner = { configuration = { exclude = {} } }
      local function write()
        local lines = {}
        for line in pairs(hits) do lines[#lines + 1] = line end
        table.sort(lines)
        local file = io.open("hits", "w")
        file:write(table.concat(lines, "\n"), "\n")
        file:close()
      end
      return setmetatable(runner, { __call = function()
        debug.sethook(function(_, line)
          local source = debug.getinfo(2, "S").source
          local at = source:find "app%.lua$" and source .. ":" .. line
          if at and not hits[at] then hits[at] = true write() end
        end, "l")
      end })]])
    place:write("app.lua", [[
local rille = require "rille"
local app = rille.app()
app:get("/", function()
  local task = rille.spawn(function()
    return "hello"
  end)
  local till = os.clock() + 0.3
  while os.clock() < till do end
  rille.sleep(0)
  return task:wait()
end)
app:get("/never", function()
  return "never"
end)
return app]])
    place:write("spec/a_spec.lua", [[
      it("asks", function()
        assert.equal("hello", require("rille.testing").client(require "app"):get("/"):text())
      end)]])
    local output = place:run(place.rille, "test", "-c")
    local hits = place:read "hits" or output
    for _, line in ipairs { 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 15 } do
      assert.matches(("@./app.lua:%d\n"):format(line), hits, 1, true)
    end
    assert.not_matches("app.lua:13\n", hits, 1, true)
  end)
end)
