describe("hello", function()
  it("greets by name", function()
    local hello = require "hello"
    assert.equal("Hello, Ada!", hello.greeting "Ada")
  end)

  it("greets the world if there is no name", function()
    local hello = require "hello"
    assert.equal("Hello, world!", hello.greeting())
  end)
end)
