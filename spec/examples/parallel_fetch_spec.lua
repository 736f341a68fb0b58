local example = require "examples.parallel-fetch.main"
local rille = require "rille"
local testing = require "rille.testing"

describe("parallel fetch", function()
  local clock, client

  before_each(function()
    client = testing.client(example.slow_server())
    clock = testing.clock()
  end)

  -- What it returns, and the seconds that it took by the clock that stands still.
  local function measure(f, ...)
    local task = rille.spawn(function(...)
      local start = rille.now()
      local texts = f(client, example.paths(10), ...)
      return texts, rille.now() - start
    end, ...)
    clock:advance(60)
    local texts, seconds = task:wait()
    return texts, math.floor(seconds * 100 + 0.5) / 100
  end

  local pages = {}
  for i = 1, 10 do pages[i] = "page " .. i end

  it("takes ten seconds for ten pages one after another", function()
    local texts, seconds = measure(example.one_after_another)
    assert.same(pages, texts)
    assert.equal(10, seconds)
  end)

  it("takes one second for all of them at once, and gives them in order", function()
    local texts, seconds = measure(example.at_once)
    assert.same(pages, texts)
    assert.equal(1, seconds)
  end)

  it("takes two seconds with five at a time", function()
    local texts, seconds = measure(example.at_once, 5)
    assert.same(pages, texts)
    assert.equal(2, seconds)
  end)

  it("fails as a whole where one of them fails", function()
    local paths = { "/pages/1", "/nowhere" }
    local task = rille.spawn(function() return select(2, rille.try(example.at_once, client, paths)) end)
    clock:advance(60)
    assert.equal(404, task:wait().response.status)
  end)
end)
