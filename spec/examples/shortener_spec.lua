-- Its own specs, as `rille test` runs them in examples/shortener.
require "spec.support.at_home"(_ENV, "examples/shortener")

describe("examples/shortener", function()
  it("is small", function()
    local pipe <close> = assert(io.popen "cat examples/shortener/app/*.lua | wc -l")
    assert.is_true(pipe:read "n" <= 80)
  end)
end)
