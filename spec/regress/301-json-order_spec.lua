-- Objects of JSON came in another order at each start, and so did headers that a table names.
local rille = require "rille"
local testing = require "rille.testing"

local function shuffled(count)
  local names, object = {}, {}
  for i = 1, count do names[i] = ("%s%d"):format(("k"):rep(i % 5), i) end
  for _, name in ipairs(names) do object[name] = 1 end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = ('"%s":1'):format(name) end
  return object, "{" .. table.concat(names, ",") .. "}"
end

describe("an object as JSON", function()
  for _, count in ipairs { 1, 2, 5, 23, 24, 25, 26, 100 } do
    it(("has its %d names in the order of their bytes"):format(count), function()
      local object, text = shuffled(count)
      assert.equal(text, rille.json_encode(object))
      assert.equal(('[%s,{"a":%s}]'):format(text, text), rille.json_encode { object, { a = object } })
    end)
  end

  it("compares bytes, and a shorter name comes first", function()
    assert.equal('{"":0,"A":1,"Z":2,"a":3,"aa":4,"\195\169":5}',
      rille.json_encode { [""] = 0, Z = 2, A = 1, aa = 4, a = 3, ["\195\169"] = 5 })
    assert.equal('{"a":1,"a\\u0000":2,"a\\u0000b":3}', rille.json_encode { a = 1, ["a\0"] = 2, ["a\0b"] = 3 })
  end)

  it("says what a key is that is no name, wherever it stands", function()
    for _, object in ipairs { { a = 1, [1.5] = 2 }, { a = 1, [true] = 2 } } do
      assert.error_matches(function() rille.json_encode(object) end, "cannot encode a table as JSON")
    end
  end)

  it("nests as deep as ever", function()
    local deep = {}
    for _ = 1, 126 do deep = { b = 1, a = deep } end
    assert.equal(126, select(2, rille.json_encode(deep):gsub('"b":1', "")))
    assert.error_matches(function() rille.json_encode { { { deep } } } end, "nested deeper")
  end)
end)

describe("a row of a query as JSON", function()
  local db

  before_each(function() db = rille.sqlite.open ":memory:" end)
  after_each(function() db:close() end)

  local statement = "SELECT 3 AS id, 'x' AS title, NULL AS none, 1 AS a"
  local text = '{"id":3,"title":"x","a":1}'

  it("has its columns in the order of the query, by whatever way it comes", function()
    assert.equal("[" .. text .. "]", rille.json_encode(db:query(statement)))
    assert.equal(text, rille.json_encode(db:one(statement)))
    for row in db:rows(statement) do assert.equal(text, rille.json_encode(row)) end
    db:exec "CREATE TABLE t(title TEXT, id INTEGER, a TEXT)"
    assert.equal('{"title":"x","id":1,"a":"y"}', rille.json_encode(db:one "INSERT INTO t VALUES ('x', 1, 'y') RETURNING *"))
    db:transaction(function(tx) assert.equal(text, rille.json_encode(tx:one(statement))) end)
  end)

  it("has what was added behind them, sorted, and not what was taken away", function()
    local row = db:one(statement)
    row.b, row.Z, row.title, row.id = 1, 2, nil, "new"
    assert.equal('{"id":"new","a":1,"Z":2,"b":1}', rille.json_encode(row))
  end)

  it("keeps its order among others and inside of others", function()
    local other = db:one "SELECT 1 AS z, 2 AS y"
    local row = db:one(statement)
    row.other = other
    assert.equal(('[{"b":1,"c":2},%s,{"z":1,"y":2},{"b":1,"c":2}]'):format(text:gsub("}$", ',"other":{"z":1,"y":2}}')),
      rille.json_encode { { c = 2, b = 1 }, row, other, { c = 2, b = 1 } })
  end)

  for _, count in ipairs { 23, 24, 25, 60, 300 } do
    it(("has %d columns in their order"):format(count), function()
      local columns, wanted = {}, {}
      for i = 1, count do
        local name = ("c%d_%s"):format((i * 7919) % 1000 + 1000 * i, ("x"):rep(i % 60))
        columns[i], wanted[i] = ("%d AS %s"):format(i, name), ('"%s":%d'):format(name, i)
      end
      local row = db:one("SELECT " .. table.concat(columns, ", "))
      assert.equal("{" .. table.concat(wanted, ",") .. "}", rille.json_encode(row))
      row.zz = 1
      assert.equal("{" .. table.concat(wanted, ",") .. ',"zz":1}', rille.json_encode(row))
    end)
  end

  it("has its columns in their order where there are many, and most of them are NULL", function()
    local columns, wanted = {}, {}
    for i = 1, 40 do
      local name = ("c%02d"):format(40 - i)
      columns[i] = (i % 3 == 0 and i or "NULL") .. " AS " .. name
      if i % 3 == 0 then wanted[#wanted + 1] = ('"%s":%d'):format(name, i) end
    end
    local row = db:one("SELECT " .. table.concat(columns, ", "))
    assert.equal("{" .. table.concat(wanted, ",") .. "}", rille.json_encode(row))
  end)

  it("is a plain table in all else: for pairs, assertions, templates and sessions", function()
    local row = db:one "SELECT 1 AS b, 2 AS _a"
    assert.same({ b = 1, _a = 2 }, row)
    assert.is_nil(row.none)
    local render = rille.template.compile("{{ row.b }}{{ row._a }}{{ row is mapping }}{{ row|length }}{{ row|list }}"
      .. "{{ rows|length }}")
    assert.equal("12true2[&#39;_a&#39;, &#39;b&#39;]1", render { row = row, rows = db:query "SELECT 1 AS b" })
    assert.equal("2", rille.template.compile "{{ _a }}" (row))
    local app = rille.app { secret = ("s"):rep(32) }
    app:use(rille.session { store = "memory" })
    app:get("/", function(req)
      req.session.user = req.session.user or db:one "SELECT 1 AS id, 2 AS a"
      return ""
    end)
    local client <close> = testing.client(app)
    assert.truthy(client:get("/").headers["set-cookie"])
    assert.is_nil(client:get("/").headers["set-cookie"], "nothing was changed")
  end)
end)

describe("headers that a table names", function()
  it("are sent in the order of their names", function()
    local fake, headers, sent = testing.mock(), {}, {}
    fake:on("GET", "http://a.test/", {})
    for i = 1, 9 do headers["X-" .. i] = tostring(i) end
    rille.fetch("http://a.test/", { headers = headers })
    local list = fake.calls[1].headers
    for i = 1, #list, 2 do
      if list[i]:find "^X%-" then sent[#sent + 1] = list[i] end
    end
    assert.same({ "X-1", "X-2", "X-3", "X-4", "X-5", "X-6", "X-7", "X-8", "X-9" }, sent)
  end)
end)
