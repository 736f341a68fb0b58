local testing = require "rille.testing"

describe("NAME", function()
  it("says hello", function()
    local client = testing.client(require "app")
    assert.equal("Hello, NAME!", client:get("/"):text())
    assert.equal("Hello, Ada!", client:get("/?name=Ada"):text())
  end)
end)
