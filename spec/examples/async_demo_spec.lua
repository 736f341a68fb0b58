local demo = require "examples.async-demo.main"
local rille = require "rille"
local testing = require "rille.testing"

describe("the async demo", function()
  local clock

  before_each(function() clock = testing.clock() end)

  -- What it returns, and the seconds that it took by the clock that stands still.
  local function measure(f)
    local task = rille.spawn(demo.measure, f, demo.naps)
    clock:advance(60)
    local slept, seconds = task:wait()
    return slept, math.floor(seconds * 100 + 0.5) / 100
  end

  it("takes the sum of the sleeps one after another", function()
    local slept, seconds = measure(demo.one_after_another)
    assert.same({ 1, 2, 3 }, slept)
    assert.equal(6, seconds)
  end)

  it("takes the longest of them at once", function()
    local slept, seconds = measure(demo.at_once)
    assert.same({ 1, 2, 3 }, slept)
    assert.equal(3, seconds)
  end)
end)
