-- lua/rille/validate/init.lua, lua/rille/validate/schema.lua
local multipart = require "spec.support.multipart"
local rille = require "rille"
local testing = require "rille.testing"

-- What a schema says about a value: what it gives, or the failures by path.
local function result(schema, value)
  local checked, err = rille.try(rille.validate(schema), value)
  if not err then return checked end
  assert.equal(422, err.status)
  assert.equal("invalid", err.code)
  return nil, err.failures
end

local function failures(schema, value) return (select(2, result(schema, value))) end

describe("validate", function()
  it("gives what the schema names, with defaults, and drops the rest", function()
    local check = rille.validate { title = "string", status = { type = "string", default = "draft" },
      tags = { type = "list", items = "string", default = {} } }
    assert.same({ title = "x", status = "draft", tags = {} }, check { title = "x", admin = true })
    assert.same({ title = "x", status = "public", tags = { "a" } }, check { title = "x", status = "public", tags = { "a" } })
    assert.equal("[]", rille.json_encode(rille.validate { tags = { type = "list", default = rille.array {} } } {}.tags))
  end)

  it("does not share a default between two values", function()
    local check = rille.validate { list = { type = "list", default = {} } }
    check({}).list[1] = "x"
    assert.same({}, check({}).list)
  end)

  it("names every failure by its path, all at once", function()
    local schema = { title = { type = "string", min = 1 }, age = "integer", author = { name = "string", email = "string" },
      tags = { type = "list", items = { name = "string" } } }
    local _, err = rille.try(rille.validate(schema),
      { title = "", age = "x", author = { name = 1 }, tags = { { name = "a" }, {}, 3 } })
    assert.same({
      title = "must have at least 1 character", age = "must be a whole number", ["author.name"] = "must be a string",
      ["author.email"] = "is required", ["tags[2].name"] = "is required", ["tags[3]"] = "must be an object",
    }, err.failures)
    assert.equal("age must be a whole number; author.email is required; author.name must be a string; "
      .. "tags[2].name is required; tags[3] must be an object; title must have at least 1 character", err.message)
  end)

  it("knows the types", function()
    local good = {
      { "string", "x" }, { "string", "" }, { "integer", 7 }, { "integer", 7.0 }, { "number", 1.5 }, { "number", 1 },
      { "boolean", false }, { "list", {} }, { "list", { 1, "x" } }, { "object", {} }, { "object", { a = 1 } }, { "any", "x" },
      { "any", {} }, { "array", { 1 } }, { "int", 1 }, { "float", 1.5 },
    }
    for _, case in ipairs(good) do assert.is_nil(failures({ v = case[1] }, { v = case[2] }), case[1]) end
    local bad = {
      { "string", 1 }, { "string", "\xff" }, { "string", true }, { "integer", 1.5 }, { "integer", "1" }, { "number", "1" },
      { "number", 0 / 0 }, { "number", 1 / 0 }, { "boolean", 0 }, { "boolean", "true" }, { "list", { a = 1 } }, { "list", "x" },
      { "list", { 1, nil, 3 } }, { "object", { 1 } }, { "object", "x" },
    }
    for _, case in ipairs(bad) do assert.truthy(failures({ v = case[1] }, { v = case[2] }).v, case[1]) end
  end)

  it("counts characters, not bytes, and items", function()
    assert.is_nil(failures({ v = { type = "string", max = 3 } }, { v = "äöü" }))
    assert.same({ v = "must have at most 3 characters" }, failures({ v = { type = "string", max = 3 } }, { v = "äöüß" }))
    assert.same({ v = "must have at least 2 items" }, failures({ v = { type = "list", min = 2 } }, { v = { 1 } }))
    assert.same({ v = "must be at least 1" }, failures({ v = { type = "integer", min = 1 } }, { v = 0 }))
    assert.same({ v = "must be at most 1.5" }, failures({ v = { type = "number", max = 1.5 } }, { v = 1.6 }))
  end)

  it("checks patterns, formats and enums", function()
    assert.same({ v = "does not have the right form" }, failures({ v = { type = "string", pattern = "^%u+$" } }, { v = "a" }))
    assert.same({ v = "must be one of a, b" }, failures({ v = { enum = { "a", "b" } } }, { v = "c" }))
    local formats = {
      email = { "a@b.de", "a.b+c@d-e.example.org", false, "a", "a@b", "@b.de", "a@b..de", "a b@c.de", "a@b.de\n" },
      uuid = { "123e4567-e89b-12d3-a456-426614174000", false, "123e4567e89b12d3a456426614174000", "x" },
      uri = { "https://example.com/x?y#z", "mailto://x", "file:///x", "HTTP://[::1]:8080", "https://a:b@c.example/%20", false,
        "example.com", "https://a b", "javascript:", "https:///x", "http://[::1", "https://a%b/", "https://a.example:99999" },
      date = { "2024-02-29", "2023-12-31", false, "2023-02-29", "2023-13-01", "2023-1-1", "2023-00-10", "1900-02-29" },
      ["date-time"] = { "2024-02-29T12:00:00Z", "2024-02-29T23:59:60.123+05:30", false, "2024-02-29", "2024-02-29T24:00:00Z",
        "2024-02-29T12:00:00" },
      slug = { "a-slug-2", false, "A", "-a", "a-", "a--b", "" },
    }
    for format, values in pairs(formats) do
      local good = true
      for _, value in ipairs(values) do
        if value == false then good = false else
          local failed = failures({ v = { type = "string", format = format } }, { v = value })
          assert.equal(good, failed == nil, format .. ": " .. value)
        end
      end
    end
  end)

  it("takes fields for required unless they are optional or have a default", function()
    local schema = { a = "string", b = { type = "string", optional = true }, c = { type = "string", required = false },
      d = { type = "string", default = "d" } }
    assert.same({ a = "is required" }, failures(schema, {}))
    assert.same({ a = "x", d = "d" }, (result(schema, { a = "x" })))
    assert.same({ a = "is required" }, failures(schema, { a = rille.null }))
  end)

  it("drops, refuses or keeps what it does not know", function()
    local fields = { a = "string" }
    assert.same({ a = "x" }, (result({ type = "object", fields = fields }, { a = "x", b = 1 })))
    assert.same({ a = "x", b = 1 }, (result({ type = "object", fields = fields, unknown = "keep" }, { a = "x", b = 1 })))
    assert.same({ b = "is not known here" }, failures({ type = "object", fields = fields, unknown = "refuse" },
      { a = "x", b = 1 }))
    assert.same({ n = { x = 1 } }, (result({ n = { type = "object", values = "integer" } }, { n = { x = 1 } })))
    assert.same({ ["n.y"] = "must be a whole number" },
      failures({ n = { type = "object", values = "integer" } }, { n = { x = 1, y = "z" } }))
  end)

  it("takes the words of JSON Schema too", function()
    local schema = {
      type = "object", required = { "title" }, additionalProperties = false,
      properties = { title = { type = "string", minLength = 1, maxLength = 5 },
        tags = { type = "array", items = { type = "string" }, maxItems = 2 },
        age = { type = "integer", minimum = 0, maximum = 150 } },
    }
    assert.same({ title = "x" }, (result(schema, { title = "x" })))
    assert.same({ title = "is required", tags = "must have at most 2 items", age = "must be at most 150",
      x = "is not known here" },
      failures(schema, { tags = { "a", "b", "c" }, age = 151, x = 1 }))
  end)

  it("checks a value that is no object", function()
    assert.same({ 1, 2 }, (result({ type = "list", items = "integer" }, { 1, 2 })))
    assert.same({ [""] = "must be a string" }, failures("string", 7))
    assert.same({ [""] = "is required" }, failures("string", nil))
    assert.same({ [""] = "must be an object" }, failures({ a = "string" }, "x"))
  end)

  it("tells of a hundred failures and no more", function()
    local list = {}
    for i = 1, 10000 do list[i] = "x" end
    local count = 0
    for _ in pairs(failures({ type = "list", items = "integer" }, list)) do count = count + 1 end
    assert.equal(100, count)
  end)

  it("says what is wrong with a schema at the program's line", function()
    local function fails(schema, message)
      local ok, err = pcall(rille.validate, schema)
      assert.is_false(ok)
      assert.matches("validate_spec.lua:%d+: validate: " .. message, err)
    end
    fails({ a = { type = "strin" } }, "a.type: there is no type") -- a field called "type", of type "strin"
    fails({ a = "strin" }, "a: there is no type 'strin', did you mean 'string'")
    fails({ a = { type = "string", mn = 1 } }, "a: unknown option 'mn'")
    fails({ a = { type = "string", items = "string" } }, "a: items does not go with a string")
    fails({ a = { type = "string", pattern = "[" } }, "a: the pattern is not valid")
    fails({ a = { type = "string", format = "x" } }, "a: there is no format 'x'")
    fails({ a = { type = "integer", min = 2, max = 1 } }, "a: min is more than max")
    fails({ type = "object", properties = {}, required = { "x" } }, "'x' is required")
    fails(7, "a type's name or a table")
    local loop = { type = "object", fields = {} }
    loop.fields.again = loop
    fails(loop, "again: the schema contains itself")
  end)
end)

describe("validate of a form", function()
  local function client_of(schema)
    local app = rille.app()
    local check = rille.validate(schema)
    app:post("/", function(req) return rille.json(check(req:form())) end)
    return testing.client(app)
  end

  it("reads numbers and booleans, and takes all values for a list", function()
    local client = client_of { age = "integer", score = "number", news = "boolean", never = "boolean", name = "string",
      tags = { type = "list", items = "integer" } }
    local body = "age=+42&score=1.5e1&news=on&name=7&tags=1&tags=2&csrf_token=x"
    assert.same({ age = 42, score = 15.0, news = true, never = false, name = "7", tags = { 1, 2 } },
      client:post("/", { body = body, headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } }):json())
  end)

  it("refuses text that is none of those", function()
    local client = client_of { type = "object", unknown = "refuse",
      fields = { age = "integer", score = "number", news = "boolean" } }
    local response = client:post("/", { form = { age = "0x10", score = "nan", news = "maybe", csrf_token = "x", more = "y" },
      headers = { Accept = "application/json" } })
    assert.equal(422, response.status)
    assert.same({ age = "must be a whole number", score = "must be a number", news = "must be true or false",
      more = "is not known here" }, response:json().error.failures)
  end)

  it("takes an input that was left empty for absent, but not an empty text", function()
    local client = client_of { age = { type = "integer", optional = true }, name = "string" }
    assert.same({ name = "" }, client:post("/", { form = { age = "", name = "" } }):json())
  end)

  it("checks files by size and type", function()
    local app = rille.app { body_limit = 1e6 // 1 | 0 }
    local check = rille.validate { image = { type = "file", max = 10, types = { "image/png", "image/jpeg" } } }
    app:post("/", function(req) return tostring(check(req:form()).image.size) end)
    local client = testing.client(app)
    local function post(bytes, kind)
      local body, headers = multipart { { "image", bytes, filename = "x", type = kind } }
      headers.Accept = "application/json"
      return client:post("/", { body = body, headers = headers })
    end
    assert.equal("3", post("PNG", "image/png"):text())
    assert.same({ image = "must have at most 10 bytes" }, post(("x"):rep(11), "image/png"):json().error.failures)
    assert.same({ image = "must be of type image/png, image/jpeg" }, post("x", "text/html"):json().error.failures)
    assert.same({ image = "must be a file" }, client:post("/", { form = { image = "x" },
      headers = { Accept = "application/json" } }):json().error.failures)
  end)
end)

describe("validate as middleware", function()
  local client
  before_each(function()
    local app = rille.app()
    local schema = { title = { type = "string", min = 1 } }
    app:post("/body", function(req) return req.state.body.title end, { use = { rille.validate.body(schema) } })
    app:get("/query", function(req) return rille.json(req.state.query) end, { use = { rille.validate.query {
      page = { type = "integer", min = 1, default = 1 }, tag = { type = "list", items = "string", optional = true } } } })
    client = testing.client(app)
  end)

  it("checks a body of JSON or a form", function()
    assert.equal("x", client:post("/body", { json = { title = "x" } }):text())
    assert.equal("x", client:post("/body", { form = { title = "x" } }):text())
    assert.equal(422, client:post("/body", { json = { title = "" } }).status)
    assert.equal(400, client:post("/body", { body = "{", headers = { ["Content-Type"] = "application/json" } }).status)
  end)

  it("takes JSON that is called a form, as curl -d sends it", function()
    local function send(body)
      return client:post("/body", { body = body, headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } })
    end
    assert.equal("x", send('{"title": "x"}'):text())
    assert.equal("x", send(' \r\n\t{"title": "x"}'):text())
    assert.equal("422: the value must be an object\n", send("[1]"):text())
    assert.matches("^400: bad JSON", send('{"title": "x"'):text())
    assert.equal("{", send("title=%7B"):text())
    assert.equal(" {}", send("title=+{}"):text())
    assert.equal(422, send("%7B%22title%22%3A1%7D").status)
    assert.equal(422, send(" ").status)
    assert.equal(422, send("").status)
  end)

  it("answers in the client's format", function()
    local response = client:post("/body", { json = {} })
    assert.same({ error = { status = 422, code = "invalid", message = "title is required",
      failures = { title = "is required" } } }, response:json())
    assert.equal("422: title is required\n", client:post("/body", { form = { x = "y" } }):text())
    assert.equal("422: title is required\n", client:post("/body", { json = {}, headers = { Accept = "text/plain" } }):text())
  end)

  it("checks a query", function()
    assert.same({ page = 1 }, client:get("/query"):json())
    assert.same({ page = 3, tag = { "a", "b" } }, client:get("/query?page=3&tag=a&tag=b&x=y"):json())
    assert.equal(422, client:get("/query?page=0").status)
    assert.equal(422, client:get("/query?page=x").status)
  end)
end)
