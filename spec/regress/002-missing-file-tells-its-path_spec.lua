-- The 404 of rille.file told the client where on the server's disk the file would have been.
local rille = require "rille"
local testing = require "rille.testing"

describe("rille.file", function()
  it("tells the program where a missing file would be, and the client nothing", function()
    local _, err = rille.try(rille.file, "secret/place.txt")
    assert.equal("not_found", err.code)
    assert.matches("/secret/place%.txt$", err.path)
    local app = rille.app()
    app:get("/", function() return rille.file "secret/place.txt" end)
    for _, kind in ipairs { "text/plain", "text/html", "application/json" } do
      local res = testing.client(app):get("/", { headers = { Accept = kind } })
      assert.equal(404, res.status)
      assert.is_nil(res:text():find("secret", 1, true), kind)
    end
  end)
end)
