-- A traceback asked for each call by its level, and each asking counts from the innermost one: a stack overflow took minutes,
-- in which nothing could interrupt it.
local rille = require "rille"

local function fail_at(depth)
  if depth == 0 then error "at the bottom" end
  return 1 + fail_at(depth - 1)
end

local function least_cpu(f, ...)
  local best = math.huge
  for _ = 1, 4 do
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

  it("says how many calls its traceback leaves out", function()
    local _, err = rille.try(fail_at, 5000)
    local deep = tonumber(err.traceback:match "%((%d+) more%)")
    _, err = rille.try(fail_at, 100)
    local shallow = tonumber(err.traceback:match "%((%d+) more%)")
    assert(deep - shallow >= 4900 and deep - shallow < 4950, ("%d and %d"):format(deep, shallow)) -- with those of C
  end)

  it("is a stack overflow in the end, which answers as any error does", function()
    local function endless() return 1 + endless() end
    local result, err = rille.try(endless)
    assert.is_nil(result)
    assert.matches("stack overflow", err.message)
  end)
end)
