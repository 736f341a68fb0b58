-- The deadline of an `it` never came where the test did not wait, and the run stood still.
-- runtime/vm/task/heartbeat.c
local scratch = require "spec.support.scratch"

describe("a test that computes for ever", function()
  local files, output
  setup(function()
    files = scratch.new()
    files:write("loops_spec.lua", [[
local rille = require "rille"
local testing = require "rille.testing"
local function forever()
  while true do end
end
it("01 in a loop", forever)
it("02 in pcall", function() while true do pcall(forever) end end)
it("03 in pcalls", function() while true do pcall(function() while true do pcall(forever) end end) end end)
it("04 in a match", function() string.find(("a"):rep(60), ("a-"):rep(30) .. "b") end)
it("05 in coroutines", function() while true do pcall(coroutine.wrap(forever)) end end)
it("06 in a child", function() rille.spawn(forever):wait() end)
it("07 in a handler", function()
  local app = rille.app()
  app:get("/", forever)
  testing.client(app):get "/"
end)
it("08 in a comparator", function() table.sort({ 3, 2, 1 }, forever) end)
it("09 in __close", function() local x <close> = setmetatable({}, { __close = forever }) end)
it("10 in xpcall", function() while true do xpcall(forever, function(e) return e end) end end)
describe("with hooks", function()
  before_each(function() while true do pcall(forever) end end)
  it("11 in before_each", function() end)
end)
it("12 and one that does not", function() rille.sleep(0.001) end)
]])
    output = files:run("RILLE_TEST_DEADLINE=0.3 timeout -s KILL 100 " .. files.rille, "test", "loops_spec.lua", "-o", "TAP")
  end)
  teardown(function() files:close() end)

  local lines = { 4, 7, 8, 9, 10, 11, 15, 4, 4, 19, 21 }
  for i, line in ipairs(lines) do
    it(("fails with its line, and the next one runs: %02d"):format(i), function()
      local number = ("%02d "):format(i)
      if i == 11 then number = "before_each" end
      local detail = output:match("\nnot ok %d+ %- [^\n]*" .. number .. "[^\n]*\n(.-)\nn?o?t? ?ok ") or
        output:match("^not ok %d+ %- [^\n]*" .. number .. "[^\n]*\n(.-)\nn?o?t? ?ok ")
      assert.is_string(detail, output)
      assert.matches("the test took longer than 0.3 s: it computes and does not wait", detail, 1, true)
      if i ~= 7 then assert.matches("loops_spec.lua:" .. line .. ": ", detail, 1, true) end
      assert.matches("loops_spec.lua:%d+: in ", detail) -- the log has where it was
    end)
  end

  it("does not disturb one that does not", function() assert.matches("\nok %d+ %- 12 and one that does not", output) end)
end)
