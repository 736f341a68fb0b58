-- A cookie's value that a client has chosen could bring attributes of its own: the class of what it may hold ended early.
local rille = require "rille"
local testing = require "rille.testing"

describe("a cookie made of what a client has sent", function()
  it("is refused where it would set attributes", function()
    local app = rille.app()
    app:get("/", function(req) return rille.text "x":cookie("theme", req.query.t) end)
    local client = testing.client(app)
    local res = client:get("/?t=dark%3B+Domain%3Dexample.com%3B+Max-Age%3D99999")
    assert.equal(500, res.status)
    assert.is_nil(res.headers["set-cookie"])
    assert.equal("theme=dark; Path=/; HttpOnly; SameSite=Lax", client:get("/?t=dark").headers["set-cookie"])
  end)
end)
