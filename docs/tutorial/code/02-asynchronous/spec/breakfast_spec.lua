local rille = require "rille"
local testing = require "rille.testing"

describe("breakfast", function()
  local breakfast, clock

  before_each(function()
    breakfast = require "breakfast"
    clock = testing.clock()
  end)

  -- How long f takes on the clock of the test, and what it returns.
  local function measure(f, ...)
    local start, stop = rille.now(), nil
    local task = rille.spawn(function(...)
      local result = f(...)
      stop = rille.now()
      return result
    end, ...)
    clock:advance(60)
    return task:wait(), math.floor(stop - start + 0.5)
  end

  it("takes the sum of the times one by one, and the longest at once", function()
    local list, seconds = measure(breakfast.one_by_one)
    assert.same({ "coffee", "toast" }, list)
    assert.equal(5, seconds)
    list, seconds = measure(breakfast.at_once)
    assert.same({ "coffee", "toast" }, list)
    assert.equal(3, seconds)
  end)

  it("fries as many eggs at once as there are pans", function()
    local list, seconds = measure(breakfast.fry_all, { "one", "two", "three", "four", "five" }, 2)
    assert.same({ "fried one", "fried two", "fried three", "fried four", "fried five" }, list)
    assert.equal(3, seconds)
  end)

  it("is given up when it takes too long", function()
    assert.equal("no breakfast: timeout", (measure(breakfast.hurry, 1)))
    assert.equal("coffee and toast", (measure(breakfast.hurry, 10)))
  end)
end)
