-- JSON with a byte order mark was refused by req:json() and taken by res:json(); one half of a surrogate pair, which JavaScript
-- writes where it cuts a text, lost the whole document.
local rille = require "rille"
local testing = require "rille.testing"

local MARK, LOST = "\xEF\xBB\xBF", "\u{FFFD}"

describe("JSON", function()
  it("may begin with a byte order mark, whoever reads it", function()
    local app = rille.app {}
    app:post("/json", function(req) return rille.json(req:json()) end)
    app:post("/checked", function(req) return rille.json(req.state.body) end, { use = { rille.validate.body { a = "integer" } } })
    app:post("/text", function(req) return req:text() end)
    local client = testing.client(app)
    local headers = { ["content-type"] = "application/json" }
    local function post(path, body) return client:post(path, { body = body, headers = headers }) end
    for _, path in ipairs { "/json", "/checked", "/text" } do
      assert.equal('{"a":1}', post(path, MARK .. '{"a":1}'):text())
    end
    assert.same({ 1 }, rille.json_decode(MARK .. " [1]"))
    for _, bad in ipairs { MARK, MARK .. MARK .. "{}", " " .. MARK .. "{}", "{}" .. MARK, "\xEF\xBB{}" } do
      assert.equal(400, post("/json", bad).status)
    end
  end)

  for text, wanted in pairs {
    ['"a\\ud83d"'] = "a" .. LOST, ['"\\udc00b"'] = LOST .. "b", ['"\\ud83d\\u0041"'] = LOST .. "A",
    ['"\\ud83d\\ud83d\\ude00"'] = LOST .. "😀", ['"\\ude00\\ud83d"'] = LOST .. LOST, ['"\\ud83d\\n"'] = LOST .. "\n",
  } do
    it("reads " .. text .. " as what can be written", function() assert.equal(wanted, rille.json_decode(text)) end)
  end

  it("is not lost for half a pair", function()
    local doc = rille.json_decode '{"title":"cut \\ud83d","id":7}'
    assert.same({ title = "cut " .. LOST, id = 7 }, doc)
    assert.equal(7, rille.json_decode(rille.json_encode(doc)).id)
  end)
end)
