-- A failure whose message held an escape character, a NUL or bytes that are no UTF-8 made `rille test -o junit` write what no XML
-- reader takes.
local runner = require "rille.testing.runner"
local scratch = require "spec.support.scratch"

describe("rille test -o junit", function()
  it("writes XML whatever the messages hold", function()
    local place <close> = scratch.new()
    place:write("spec/a_spec.lua", [[
      it("name with \27[31mcolour\0", function() error("\27[1m\0 <&> \xFF\xC3( caf\u{E9} \u{FFFF}") end)
      it("an error value", function() require("rille").abort(404, "no \1 such") end)
      it("fails", function() assert.equal("\8", "\127") end)
    ]])
    place:run(place.rille, "test", "-o", "junit", "-Xoutput", "out.xml")
    local text = place:read "out.xml"
    local verdict = place:run("python3", "-c", [[
import xml.dom.minidom, sys
document = xml.dom.minidom.parse("out.xml")
print(len(document.getElementsByTagName("testcase")), document.documentElement.getAttribute("errors"))]])
    assert.equal("3 2\n", verdict, text)
    assert.matches("\\x1b[31mcolour\\x00", text, 1, true)
    assert.matches("\\x1b[1m\\x00 &lt;&amp;&gt; \\xff\\xc3( café \\xef\\xbf\\xbf", text, 1, true)
    assert.matches("no \\x01 such", text, 1, true)
  end)

  it("takes no longer for more of it", function()
    local text = ("\xFF\27a"):rep(100000)
    assert.equal(900000, #runner.xml_text(text))
  end)
end)
