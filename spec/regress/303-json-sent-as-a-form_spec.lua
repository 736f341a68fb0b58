-- `curl -d '{"a": 1}'` says "form": rille.validate.body found a form with one strange field.
local rille = require "rille"
local testing = require "rille.testing"

describe("rille.validate.body", function()
  local app = rille.app()
  local schema = { title = "string", n = { type = "integer", optional = true } }
  app:post("/", function(req) return rille.json(req.state.body) end, { use = { rille.validate.body(schema) } })
  local form = "application/x-www-form-urlencoded"

  local function send(body, content_type)
    return testing.client(app):post("/", { body = body, headers = content_type and { ["Content-Type"] = content_type } or nil })
  end

  for _, body in ipairs { '{"title": "a", "n": 1}', ' \r\n\t{"title": "a", "n": 1}' } do
    it("takes JSON that says it is a form: " .. body:gsub("%c", "."), function()
      assert.equal('{"n":1,"title":"a"}', send(body, form):text())
    end)
  end

  it("takes the types of JSON as they are, not as a form's texts", function()
    assert.equal(422, send('{"title": "a", "n": "1"}', form).status)
  end)

  it("says what is wrong with such JSON", function()
    local res = send('{"title": "a"', form)
    assert.equal(400, res.status)
    assert.matches("bad JSON at line 1 column 14: it ends too early", res:text())
  end)

  it("takes forms, one with such a name too, which a form encodes", function()
    assert.equal('{"title":"{"}', send("title=%7B", form):text())
    assert.equal('{"title":"x"}', send("%7B=1&title=x", form):text())
    assert.equal('{"n":2,"title":"x"}', send("title=x&n=2", form):text())
  end)

  it("says as what a body came that is neither", function()
    local res = send("<a/>", "text/xml")
    assert.equal(400, res.status)
    assert.matches("the body came as text/xml: send JSON, with Content%-Type: application/json, or a form", res:text())
    assert.equal('{"title":"x"}', send('{"title":"x"}', "text/plain"):text())
    assert.equal('{"title":"x"}', send('{"title":"x"}'):text())
  end)

  it("says that there is no body", function()
    local res = testing.client(app):post("/", { headers = { Accept = "application/json" } })
    assert.equal(422, res.status)
    assert.matches("the body is empty", res:json().error.message)
  end)
end)
