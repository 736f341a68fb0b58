local rille = require "rille"

describe("offload", function()
  it("runs a function of a module in another state, plain values in and out", function()
    local a, b, c = rille.offload("spec.support.offloaded", "echo", 1, "two", { list = rille.array { 1, rille.null } })
    assert.equal(1, a)
    assert.equal("two", b)
    assert.same({ list = { 1, rille.null } }, c)
    assert.equal('{"list":[1,null]}', rille.json_encode(c))
  end)

  it("keeps integers, floats and the identity of tables", function()
    local shared = { "x" }
    local result = rille.offload("spec.support.offloaded", "echo", { shared, shared, 1, 1.0 })
    assert.equal(result[1], result[2])
    assert.equal("integer", math.type(result[3]))
    assert.equal("float", math.type(result[4]))
  end)

  it("does not hold the loop up, and several run at once", function()
    local before = rille.now()
    local turns, done = 0, false
    rille.all(
      function() rille.offload("spec.support.offloaded", "spin", 0.2) done = true end,
      function() rille.offload("spec.support.offloaded", "spin", 0.2) end,
      function() while not done do rille.sleep(0.005) turns = turns + 1 end end)
    assert.is_true(turns > 5, turns .. " turns in " .. rille.now() - before)
  end)

  it("may wait inside", function()
    assert.equal("slept", rille.offload("spec.support.offloaded", "sleeps", 0.01))
  end)

  it("brings errors back with their traceback", function()
    local _, err = rille.try(rille.offload, "spec.support.offloaded", "fails", "boom")
    assert.matches("boom", err.message)
    assert.matches("spec/support/offloaded%.lua:%d+: in", err.traceback)
    _, err = rille.try(rille.offload, "spec.support.offloaded", "aborts")
    assert.equal(418, err.status)
  end)

  it("refuses what cannot be copied, and names what is not there", function()
    assert.error_matches(function() rille.offload("spec.support.offloaded", "echo", print) end, "cannot copy a function")
    local _, err = rille.try(rille.offload, "spec.support.offloaded", "nothing")
    assert.matches("has no function 'nothing'", err.message)
    _, err = rille.try(rille.offload, "no.such.module", "f")
    assert.matches("module 'no%.such%.module' not found", err.message)
  end)

  it("abandons the result when it is cancelled", function()
    local task = rille.spawn(rille.offload, "spec.support.offloaded", "spin", 0.1)
    rille.sleep(0.01)
    task:cancel()
    assert.error_matches(function() task:wait() end, "cancelled")
  end)
end)
