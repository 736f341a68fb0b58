-- runtime/vm/task/coroutine.c
local rille = require "rille"

-- A coroutine that yielded inside rille.timeout left its task in a scope that was freed with the coroutine.
describe("a coroutine that would yield out of a scope", function()
  for name, scope in pairs {
    timeout = function(f) return rille.timeout(60, f) end,
    shield = rille.shield,
    group = rille.group,
  } do
    it("is told so: " .. name, function()
      local ok, message = coroutine.wrap(function()
        return pcall(scope, function() coroutine.yield "left" end)
      end)()
      assert.is_false(ok)
      assert.matches("attempt to yield out of rille%.timeout, rille%.shield or a group", message)
      collectgarbage()
      rille.sleep(0)
    end)
  end

  it("may yield before, between and after them, and to a coroutine inside", function()
    local co = coroutine.wrap(function()
      coroutine.yield(1)
      local inner = rille.timeout(60, function()
        return coroutine.wrap(function() coroutine.yield(2) end)()
      end)
      coroutine.yield(inner)
      pcall(rille.timeout, 60, error, "failed")
      coroutine.yield(3)
    end)
    assert.same({ 1, 2, 3 }, { co(), co(), co() })
  end)

  it("may be inside of one that its resumer has entered", function()
    local co = coroutine.wrap(function()
      coroutine.yield(1)
      coroutine.yield(2)
    end)
    assert.equal(1, rille.timeout(60, co))
    assert.equal(2, rille.shield(co))
  end)
end)

it("a __close that yields does not keep the cancellation for itself", function()
  local co = coroutine.wrap(function()
    local held <close> = setmetatable({}, { __close = function() coroutine.yield "from __close" end }) -- luacheck: ignore 211
    rille.sleep(60)
  end)
  local got
  local ok, err = pcall(rille.timeout, 0, function()
    got = co()
    rille.sleep(60)
  end)
  assert.equal("from __close", got)
  assert.is_false(ok)
  assert.equal("timeout", err.code)
end)
