-- A traceback asked for each call by its level, and each asking counts from the innermost one: a stack overflow took minutes,
-- in which nothing could interrupt it.
local rille = require "rille"

local function fail_at(depth, of)
  if depth == 0 then error("at the bottom of " .. (of or "?")) end
  return 1 + fail_at(depth - 1, of)
end

local function least_cpu(f, ...)
  local best = math.huge
  for _ = 1, 3 do
    collectgarbage()
    local start = os.clock()
    pcall(f, ...)
    best = math.min(best, os.clock() - start)
  end
  return best
end

describe("an error raised in a deep recursion", function()
  it("costs what its depth does, not its square", function()
    local small, large = least_cpu(fail_at, 10000), least_cpu(fail_at, 80000)
    assert(large <= 24 * math.max(small, 0.0005), ("%.4f s for 10,000 calls, %.4f s for 80,000"):format(small, large))
  end)

  it("says how many calls its traceback leaves out, where these are not thousands", function()
    local _, err = rille.try(fail_at, 100, 100)
    local more = tonumber(err.traceback:match "%.%.%. %((%d+) more%)")
    assert(more >= 60 and more < 100, err.traceback)
    _, err = rille.try(fail_at, 5000, 5000)
    assert.matches("%.%.%. %(more than %d+ more%)", err.traceback)
  end)

  it("is a stack overflow in the end, which answers as any error does", function()
    local function endless() return 1 + endless() end
    local result, err = rille.try(endless)
    assert.is_nil(result)
    assert.matches("stack overflow", err.message)
  end)
end)
