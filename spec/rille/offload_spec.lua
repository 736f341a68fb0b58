-- runtime/bind/core/offload_state.c, runtime/vm/copy.c, runtime/bind/core/offload.c
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

  -- ---- errors -----------------------------------------------------------------------------------------------------

  local function error_of(name, ...)
    local ok, err = pcall(rille.offload, "spec.support.offloaded", name, ...)
    assert.is_false(ok)
    return err
  end

  it("brings an error without what in it cannot be copied", function()
    for _, name in ipairs { "function", "userdata", "response", "thread", "nan", "cycle", "deep", "mixed" } do
      local err = error_of("raises_" .. name)
      assert.same({ "boom", "it went wrong", 409 }, { err.code, err.message, err.status }, name)
      assert.same({ 1, { deep = true } }, err.kept, name)
      assert.matches("spec/support/offloaded%.lua:%d+: in", err.traceback)
      assert.equal("it went wrong", tostring(err))
    end
    assert.is_nil(error_of("raises_function").field)
    assert.same({ "kept", n = 1, list = { true, [3] = false } }, error_of("raises_mixed").field)
    local cycle = error_of("raises_cycle").field
    assert.equal(cycle, cycle.itself)
    assert.equal("key", cycle[cycle])
    local depth, at = 0, error_of("raises_deep").field
    while at do depth, at = depth + 1, at.x end
    assert.is_true(depth > 100 and depth < 500)
  end)

  it("makes an error value of whatever else is raised", function()
    local err = error_of "raises_table"
    assert.same({ "mine", 1, 500, nil }, { err.code, err.n, err.status, err.f })
    err = error_of "raises_object"
    assert.same({ "mine", "an object" }, { err.code, err.message })
    assert.matches("inside", error_of("raises_broken_object").message)
    assert.equal("nil", error_of("raises_nil").message)
    assert.equal("response (404)", error_of("raises_bare_response").message)
    assert.matches("^function", error_of("raises_bare_function").message)
    assert.is_true(#error_of("raises_large").message > 3000000)
    err = error_of "raises_status"
    assert.same({ "status", 404 }, { err.code, err.response.status })
    assert.matches("cannot copy a function", error_of("fails_to_answer").message)
  end)

  -- ---- ends -------------------------------------------------------------------------------------------------------

  local MANY = 70 -- more than there are threads

  -- Starts many of one kind, cancels them, and finds the threads free again.
  local function comes_to_an_end(...)
    local tasks = {}
    for i = 1, MANY do tasks[i] = rille.spawn(rille.offload, "spec.support.offloaded", ...) end
    rille.sleep(0.05)
    for _, task in ipairs(tasks) do task:cancel() end
    for _, task in ipairs(tasks) do assert.equal("cancelled", select(2, rille.try(task.wait, task)).code) end
    assert.equal(3, (rille.offload("spec.support.offloaded", "add", 1, 2)))
  end

  it("ends at its next wait when it is cancelled", function()
    comes_to_an_end("sleeps", 1e6)
    comes_to_an_end "sleeps_with_hash"
  end)

  it("ends within its computation when it is cancelled", function()
    for _, name in ipairs { "for_ever", "for_ever_caught", "for_ever_in_strands", "for_ever_shielded", "for_ever_in_children" } do
      comes_to_an_end(name)
    end
  end)

  it("lets its __close run when it is cancelled", function()
    for _, computes in ipairs { false, true } do
      local path = os.tmpname()
      os.remove(path)
      local _, err = rille.try(rille.timeout, 0.1, rille.offload, "spec.support.offloaded", "cleans_up", path, computes)
      assert.equal("timeout", err.code)
      while not os.remove(path) do rille.sleep(0.01) end
    end
  end)

  it("leaves hashes, files and names their threads", function()
    local tasks = {}
    for i = 1, MANY do tasks[i] = rille.spawn(rille.offload, "spec.support.offloaded", "sleeps", 1e6) end
    assert.is_string(rille.password.hash "secret")
    local app = rille.app()
    app:get("/", function() return rille.file "spec/support/offloaded.lua" end)
    local server = require("rille.testing").server(app)
    assert.equal(200, rille.fetch((server.url:gsub("127%.0%.0%.1", "localhost"))).status)
    for _, task in ipairs(tasks) do task:cancel() end
    for _, task in ipairs(tasks) do rille.try(task.wait, task) end
  end)

  it("is refused with a code of its own where too many wait", function()
    local tasks = {}
    for i = 1, 1000 do
      tasks[i] = rille.spawn(rille.offload, "spec.support.offloaded", "sleeps", 1e6)
      rille.sleep(0)
      if tasks[i].status ~= "running" then break end
    end
    local busy = select(2, rille.try(tasks[#tasks].wait, tasks[#tasks]))
    assert.same({ "busy", 503 }, { busy.code, busy.status })
    for _, task in ipairs(tasks) do task:cancel() end
    assert.equal(3, (rille.offload("spec.support.offloaded", "add", 1, 2)))
  end)

  it("does not wait for itself inside of another", function()
    local bottom
    while not bottom do -- those of the test before may still be ending
      bottom = rille.try(rille.offload, "spec.support.offloaded", "nested", 2)
      rille.sleep(0)
    end
    assert.equal("bottom", bottom)
    local err = error_of("nested", 500)
    assert.same({ "busy", 503 }, { err.code, err.status })
  end)
end)
