-- An optional boolean that a query did not say was false, an empty list of integers a 422, the default {} of a list an object,
-- +25:00 an offset of time, and nobody could tell null from absent.
local rille = require "rille"
local testing = require "rille.testing"

local function query(schema, target)
  local app = rille.app {}
  app:get("/", function(req) return rille.json(req.state.query) end, { use = { rille.validate.query(schema) } })
  local res = testing.client(app):get("/" .. target)
  return res.status == 200 and res:text() or tostring(res.status)
end

local function body(schema, options)
  local app = rille.app {}
  app:patch("/", function(req)
    local seen = {}
    for name, value in pairs(req.state.body) do seen[name] = value == rille.null and "null" or value end
    return rille.json(seen)
  end, { use = { rille.validate.body(schema) } })
  local res = testing.client(app):patch("/", options)
  return res.status == 200 and res:json() or res.status
end

describe("a query", function()
  local flag = { on = { type = "boolean", optional = true } }

  it("says nothing of a boolean that it does not name", function()
    assert.equal("{}", query(flag, ""))
    assert.equal("{}", query(flag, "?on="))
    assert.equal('{"on":false}', query(flag, "?on=no"))
    assert.equal('{"on":true}', query(flag, "?on=1"))
    assert.equal("422", query({ on = "boolean" }, ""))
    assert.equal('{"on":true}', query({ on = { type = "boolean", default = true } }, ""))
  end)

  it("has no items where inputs were left empty", function()
    local ids = { ids = { type = "list", items = "integer", optional = true } }
    assert.equal("{}", query(ids, "?ids="))
    assert.equal("{}", query(ids, "?ids=&ids="))
    assert.equal('{"ids":[3]}', query(ids, "?ids=&ids=3"))
    assert.equal("422", query(ids, "?ids=x"))
    assert.equal("422", query({ ids = { type = "list", items = "integer" } }, "?ids="))
    assert.equal('{"ids":[1]}', query({ ids = { type = "list", items = "integer", default = { 1 } } }, "?ids="))
    assert.equal('{"tags":["","a"]}', query({ tags = { type = "list", items = "string" } }, "?tags=&tags=a"))
  end)
end)

describe("a form", function()
  it("has false for a box that was not ticked, and no items for inputs that were left empty", function()
    local schema = { on = { type = "boolean", optional = true }, ids = { type = "list", items = "integer", optional = true } }
    assert.same({ on = false }, body(schema, { form = { ids = "" } }))
    assert.same({ on = true, ids = { 3 } }, body(schema, { form = { on = "on", ids = { "", "3" } } }))
  end)
end)

describe("a default", function()
  it("is a list where the schema says so, empty or not, however deep", function()
    local list = { type = "list", items = "string", default = {} }
    assert.equal('{"t":[]}', rille.json_encode(rille.validate { t = list } {}))
    local deep = { type = "object", fields = { t = list }, default = { t = {} } }
    assert.equal('{"o":{"t":[]}}', rille.json_encode(rille.validate { o = deep } {}))
    local lists = { type = "list", items = { type = "list" }, default = { {}, {} } }
    assert.equal('{"l":[[],[]]}', rille.json_encode(rille.validate { l = lists } {}))
    assert.equal('{"o":{}}', rille.json_encode(rille.validate { o = { type = "object", default = {} } } {}))
  end)
end)

describe("null", function()
  local schema = { title = { type = "string", nullable = true, optional = true }, n = { type = "integer", optional = true } }

  it("can be told from absent where a field is nullable", function()
    assert.same({}, body(schema, { json = {} }))
    assert.same({ title = "null" }, body(schema, { body = '{"title":null}' }))
    assert.same({ title = "x" }, body(schema, { body = '{"title":"x","n":null}' }))
    assert.equal(422, body(schema, { body = '{"title":3}' }))
    local check = rille.validate(schema)
    assert.equal(rille.null, check({ title = rille.null }).title)
    assert.is_nil(check({}).title)
  end)

  it("is nullable in JSON Schema's words, in lists, in enums, and required is required", function()
    assert.same({ rille.null, 1 }, rille.validate { type = "list", items = { type = { "integer", "null" } } } { rille.null, 1 })
    local check = rille.validate { a = { enum = { "x", rille.null } } }
    assert.equal(rille.null, check({ a = rille.null }).a)
    local err = select(2, rille.try(check, {}))
    assert.same({ a = "is required" }, err.failures)
    err = select(2, rille.try(rille.validate { a = "string" }, { a = rille.null }))
    assert.same({ a = "is required" }, err.failures)
    assert.error_matches(function() rille.validate { type = { "string", "integer" } } end, "holds one type, and 'null'")
  end)

  it("is kept by json_decode and by req:json where that is asked for", function()
    assert.equal(rille.null, rille.json_decode('{"a":null}', { null = true }).a)
    assert.is_nil(rille.json_decode('{"a":null}').a)
    assert.error_matches(function() rille.json_decode("{}", { nulls = true }) end, "unknown option 'nulls'")
    assert.same({ a = 1 }, rille.json_decode(('{"a":X}'):gsub("X", "1")))
  end)
end)

describe("the format date-time", function()
  for text, fits in pairs {
    ["2023-01-01T00:00:00Z"] = true, ["2023-01-01t00:00:00.123z"] = true, ["2023-01-01 00:00:00+23:59"] = true,
    ["2023-01-01T00:00:00-00:00"] = true, ["2023-12-31T23:59:60Z"] = true, ["2023-01-01T00:00:00+25:00"] = false,
    ["2023-01-01T00:00:00+24:00"] = false, ["2023-01-01T00:00:00+01:60"] = false, ["2023-01-01T00:00:00+1:00"] = false,
    ["2023-01-01T00:00:00+0100"] = false, ["2023-01-01T00:00:00"] = false, ["2023-01-01T00:00:00.Z"] = false,
    ["2023-01-01T00:00:00123Z"] = false, ["2023-01-01T00:00:00Z+01:00"] = false, ["2023-02-29T00:00:00Z"] = false,
    ["2023-01-01T24:00:00Z"] = false,
  } do
    it((fits and "takes " or "refuses ") .. text, function()
      local check = rille.validate { at = { type = "string", format = "date-time" } }
      assert.equal(fits, (pcall(check, { at = text })))
    end)
  end
end)
