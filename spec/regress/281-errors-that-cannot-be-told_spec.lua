-- runtime/vm/error.c
local rille = require "rille"

-- Where the __tostring of an error value failed, the task ended abnormally, and who waited for it was told "out of memory".
for name, tostring_of in pairs {
  raises = function() error "no words" end,
  waits = function() rille.sleep(0) end,
  ["returns none"] = function() return {} end,
} do
  describe("an error whose __tostring " .. name, function()
    local untold = setmetatable({ is = "untold" }, { __tostring = tostring_of })
    local function fail() error(untold) end

    it("arrives where it is waited for", function()
      local task = rille.spawn(fail)
      local ok, err = pcall(task.wait, task)
      assert.is_false(ok)
      assert.is_true(rawequal(untold, err))
      assert.equal("failed", task.status)
    end)

    it("ends its group", function()
      local ok, err = pcall(rille.all, fail, function() rille.sleep(60) end)
      assert.is_false(ok)
      assert.is_true(rawequal(untold, err))
    end)

    it("is returned by rille.try", function()
      local value, err = rille.try(fail)
      assert.is_nil(value)
      assert.is_true(rawequal(untold, err.cause))
      assert.matches("an error value %(a table%) whose __tostring fails", err.message)
    end)

    it("that replaces another leaves the group", function()
      local ok = pcall(rille.group, function(group)
        group:spawn(fail)
        local held <close> = setmetatable({}, { __close = function() error "another" end }) -- luacheck: ignore 211
        rille.sleep(60)
      end)
      assert.is_false(ok)
      collectgarbage()
      rille.sleep(0)
    end)
  end)
end
