local rille = require "rille"
local testing = require "rille.testing"

describe("breakfast", function()
  local breakfast, clock

  before_each(function()
    breakfast = require "breakfast"
    clock = testing.clock()
  end)

  -- What f returns, and how long it took on the clock of the test.
  local function measure(f, ...)
    local start, stop = rille.now(), nil
    local task = rille.spawn(function(...)
      local result = f(...)
      stop = rille.now()
      return result
    end, ...)
    clock:advance(120)
    return task:wait(), math.floor(stop - start + 0.5)
  end

  it("takes the sum of the times one by one", function()
    local list, seconds = measure(breakfast.one_by_one)
    assert.same({ "coffee", "toast" }, list)
    assert.equal(3, seconds)
  end)

  it("takes the longest time at once", function()
    local list, seconds = measure(breakfast.at_once)
    assert.same({ "coffee", "toast" }, list)
    assert.equal(2, seconds)
  end)

  it("has as many eggs at once as there are pans", function()
    local list, seconds = measure(breakfast.eggs)
    assert.same({ "egg 1", "egg 2", "egg 3", "egg 4" }, list)
    assert.equal(2, seconds)
  end)

  it("is given up if it takes too long", function()
    assert.same({ "no breakfast: timeout" }, (measure(breakfast.hurry, 1)))
    assert.same({ "coffee", "toast" }, (measure(breakfast.hurry, 10)))
  end)
end)
