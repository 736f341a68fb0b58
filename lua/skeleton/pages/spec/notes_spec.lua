local testing = require "rille.testing"

describe("notes", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:", secret = ("s"):rep(32) })
  end)

  it("are none at first", function()
    assert.matches("Nothing here yet", client:get("/"):text())
  end)

  it("are listed once they were added", function()
    local res = client:post("/", { form = { text = "Buy <milk>" }, follow = true })
    assert.equal(200, res.status)
    assert.matches("Buy &lt;milk&gt;", res:text(), 1, true)
  end)

  it("have a text", function()
    assert.equal(422, client:post("/", { form = { text = " " } }).status)
  end)
end)
