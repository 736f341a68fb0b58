local rille = require "rille"

describe("app:keep", function()
  it("returns the table as it is where no code ran before", function()
    local visits = { count = 1 }
    assert.equal(visits, rille.app():keep("visits", visits))
    assert.same({ count = 1 }, visits)
  end)

  it("wants a name and a table", function()
    assert.has_error(function() rille.app():keep({}, {}) end)
    assert.has_error(function() rille.app():keep("visits", 1) end)
  end)
end)
