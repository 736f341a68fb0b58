-- lua/rille/near.lua
local near = require "rille.near"

describe("the nearest name", function()
  it("differs in a letter that is missing, too many, changed or exchanged", function()
    local known = { "method", "headers", "timeout" }
    assert.equal("timeout", near("timout", known))
    assert.equal("timeout", near("timeoutt", known))
    assert.equal("headers", near("haeders", known))
    assert.equal("method", near("mathod", known))
    assert.equal("type", near("tpye", { "type" }))
  end)

  it("is the same word in another style", function()
    assert.equal("max_age", near("maxAge", { max_age = "number", path = "string" }))
    assert.equal("max_age", near("max-age", { max_age = "number", path = "string" }))
  end)

  it("completes a word of three letters or more, with the shortest name", function()
    assert.equal("base_url", near("base", { "base_url", "base_url_of_all" }))
    assert.is_nil(near("ba", { "base_url" }))
  end)

  it("is none where nothing is like it", function()
    assert.is_nil(near("colour", { "method", "path" }))
    assert.is_nil(near("", { "method" }))
    assert.is_nil(near(("x"):rep(200), { ("x"):rep(199) }))
  end)

  it("is the first in order where two are as near", function()
    assert.equal("basx", near("base", { "basx", "basy" }))
    assert.equal("basx", near("base", { "basy", "basx" }))
  end)
end)
