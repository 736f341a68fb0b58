-- A template with 50,000 filters one after the other was compiled for 18 seconds, for each was put around the text of all before
-- it; and Lua's compiler refused the outcome. Other chains were refused as they were read.
local rille = require "rille"

describe("a chain of filters", function()
  it("is refused where it is too long, as it is read", function()
    local message = select(2, pcall(rille.template.compile, "{{ x" .. ("|upper"):rep(50000) .. " }}"))
    assert.matches("nested too deeply", tostring(message), 1, true)
    assert.matches("nested too deeply", tostring(select(2, pcall(rille.template.compile,
      "{% filter upper" .. ("|lower"):rep(50000) .. " %}a{% endfilter %}"))), 1, true)
  end)

  it("works while it is none that anybody reads", function()
    assert.equal("A", rille.template.compile("{{ x" .. ("|lower"):rep(60) .. "|upper }}") { x = "a" })
    assert.equal("A", rille.template.compile("{{ x" .. ("|default('b')"):rep(30) .. "|upper }}") { x = "a" })
  end)
end)
