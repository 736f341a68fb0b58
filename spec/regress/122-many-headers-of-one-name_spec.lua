-- Joining the lines of one header pushed them all on a stack that had room for few; from the fifty-first on they were left out.
local rille = require "rille"

describe("res.headers", function()
  it("joins a thousand lines", function()
    local res, values = rille.text "x", {}
    for i = 1, 1000 do
      values[i] = "c" .. i .. "=1; Path=/; HttpOnly; SameSite=Lax"
      res:cookie("c" .. i, "1")
    end
    assert.equal(table.concat(values, ", "), res.headers["set-cookie"])
  end)
end)
