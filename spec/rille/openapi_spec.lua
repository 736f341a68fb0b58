local compile = require "rille.compile"
local openapi = require "rille.openapi"
local rille = require "rille"

local function handler() return "" end

local function document_of(app)
  local _, routes = compile.compile(app)
  return openapi.document(app, routes)
end

describe("openapi", function()
  it("lists routes with their typed parameters", function()
    local app = rille.app { name = "Blog" }
    app:get("/posts/{id:int}/{lang}", handler, { name = "post" })
    app:head("/posts", handler)
    local document = document_of(app)
    assert.equal("3.1.0", document.openapi)
    assert.equal("Blog", document.info.title)
    assert.same({ "/posts/{id}/{lang}" }, { next(document.paths), nil })
    local get = document.paths["/posts/{id}/{lang}"].get
    assert.equal("post", get.operationId)
    assert.same({
      { name = "id", ["in"] = "path", required = true, schema = { type = "integer" } },
      { name = "lang", ["in"] = "path", required = true, schema = { type = "string", minLength = 1 } },
    }, get.parameters)
    assert.is_nil(get.requestBody)
  end)

  it("takes bodies and queries from what rille.validate checks, wherever in the way that stands", function()
    local app, api = rille.app(), rille.app()
    api:use(rille.validate.query { page = { type = "integer", min = 1, default = 1 } })
    api:post("/posts", handler, { use = { rille.validate.body { title = { type = "string", min = 1 }, tags = { type = "list",
      items = "string", optional = true } } } })
    api:post("/pictures", handler, { use = { rille.validate.body { image = "file" } } })
    app:mount("/api", api)
    local paths = document_of(app).paths
    local post = paths["/api/posts"].post
    assert.same({ { name = "page", ["in"] = "query", schema = { type = "integer", minimum = 1, default = 1 } } }, post.parameters)
    local body = post.requestBody.content["application/json"].schema
    assert.same({ "title" }, body.required)
    assert.same({ type = "string", minLength = 1 }, body.properties.title)
    assert.same({ type = "array", items = { type = "string" } }, body.properties.tags)
    assert.truthy(post.responses["422"])
    assert.truthy(paths["/api/pictures"].post.requestBody.content["multipart/form-data"])
    assert.is_nil(paths["/api/pictures"].post.requestBody.content["application/json"])
  end)

  it("is written the same way each time, as JSON", function()
    local function text()
      local app = rille.app()
      app:any("/a", handler, { name = "a" })
      app:get("/b/{x:uuid}", handler)
      return openapi.text(document_of(app))
    end
    assert.equal(text(), text())
    local decoded = rille.json_decode(text())
    assert.equal("a", decoded.paths["/a"].get.operationId)
    assert.is_nil(decoded.paths["/a"].post.operationId)
    assert.equal("uuid", decoded.paths["/b/{x}"].get.parameters[1].schema.format)
    assert.matches('^{\n  "info": {\n    "title": "API"', text())
  end)
end)
