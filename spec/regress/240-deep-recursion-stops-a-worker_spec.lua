-- A traceback asked for each call by its level, and each asking counts from the innermost one: a stack overflow took minutes,
-- in which nothing could interrupt it.
local rille = require "rille"

local function fail_at(depth, of)
  if depth == 0 then error("at the bottom of " .. (of or "?")) end
  return 1 + fail_at(depth - 1, of)
end

local function least_cpu(f, ...)
  local best = math.huge
  for _ = 1, 2 do
    collectgarbage()
    local start = os.clock()
    pcall(f, ...)
    best = math.min(best, os.clock() - start)
  end
  return best
end

describe("an error raised in a deep recursion", function()
  it("costs little more than the recursion itself", function()
    local function return_at(depth) return depth == 0 and 1 or 1 + return_at(depth - 1) end
    local returning, raising = least_cpu(return_at, 40000), least_cpu(fail_at, 40000)
    assert(raising <= 25 * math.max(returning, 0.002), ("%.4f s returning, %.4f s raising"):format(returning, raising))
  end)

  it("says how many calls its traceback leaves out, where these are not thousands", function()
    local _, err = rille.try(fail_at, 100, 100)
    local more = tonumber(err.traceback:match "%.%.%. %((%d+) more%)")
    assert(more >= 60 and more < 100, err.traceback)
    _, err = rille.try(fail_at, 5000, 5000)
    assert.matches("%.%.%. %(more than %d+ more%)", err.traceback)
  end)
end)
