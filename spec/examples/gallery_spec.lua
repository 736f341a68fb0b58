-- Its own specs, as `rille test` runs them in examples/gallery.
require "spec.support.at_home"(_ENV, "examples/gallery")

describe("examples/gallery", function()
  it("is small", function()
    local pipe <close> = assert(io.popen "cat examples/gallery/app/*.lua | wc -l")
    assert.is_true(pipe:read "n" <= 130)
  end)
end)
