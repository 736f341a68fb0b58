local rille = require "rille"

describe("hello", function()
  it("greets by name, and the world where there is none", function()
    local hello = require "hello"
    assert.equal("Hello, Ada! This is rille " .. rille.version .. ".", hello.greeting "Ada")
    assert.matches("^Hello, world!", hello.greeting())
  end)
end)
