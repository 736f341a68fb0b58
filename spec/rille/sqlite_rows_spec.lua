-- runtime/bind/data/{rows,row_json}.c, runtime/bind/core/json_text.c, on runtime/data/row_json.c and
-- runtime/base/json_keys.c: rows as tables, and rows as JSON without tables.
local rille = require "rille"
local scratch = require "spec.support.scratch"
local testing = require "rille.testing"

local SLOW = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 40000) "

describe("rows", function()
  local files, db
  setup(function() files = scratch.new() end)
  teardown(function() files:close() end)
  before_each(function()
    for _, tail in ipairs { "", "-wal", "-shm" } do os.remove(files:path("x.db" .. tail)) end
    db = rille.sqlite.open(files:path "x.db")
    db:exec "CREATE TABLE t(id INTEGER PRIMARY KEY, title, price)"
    db:batch { { "INSERT INTO t VALUES (1, ?, 2.5)", 'a "b"' }, { "INSERT INTO t VALUES (2, NULL, 3)" } }
  end)
  after_each(function() db:close() end)

  local function message(f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok)
    return tostring(err)
  end

  describe("as tables", function()
    it("keep the columns of the statement, also after the schema has changed", function()
      local sql = "SELECT * FROM t WHERE id = 1"
      assert.equal('{"id":1,"title":"a \\"b\\"","price":2.5}', rille.json_encode(db:one(sql)))
      db:exec "ALTER TABLE t RENAME COLUMN title TO name"
      assert.equal('{"id":1,"name":"a \\"b\\"","price":2.5}', rille.json_encode(db:one(sql)))
      db:exec "ALTER TABLE t DROP COLUMN price"
      assert.same({ id = 1, name = 'a "b"' }, db:one(sql))
      db:exec "ALTER TABLE t ADD COLUMN more DEFAULT 7"
      assert.equal('[{"id":1,"name":"a \\"b\\"","more":7}]', rille.json_encode(db:query(sql)))
    end)

    it("share what they know of their columns only with rows of the same statement", function()
      for i = 1, 300 do -- more than are kept
        assert.equal(('{"b%d":1,"a%d":2}'):format(i, i), rille.json_encode(db:one(("SELECT 1 AS b%d, 2 AS a%d"):format(i, i))))
        assert.equal('{"z":1,"y":2}', rille.json_encode(db:one "SELECT 1 AS z, 2 AS y"))
      end
    end)

    it("keep their columns whatever a program does with their metatable", function()
      local sql = "SELECT 1 AS a, 'x' AS b"
      for _ = 1, 2 do
        local shape = getmetatable(db:one(sql))
        for i, key in ipairs { -1, 3, 4 } do rawset(shape, key, ("\255"):rep(40 + i)) end
        rawset(shape, 1, nil)
        assert.same({ a = 1, b = "x" }, db:one(sql))
        assert.same({ { a = 1, b = "x" } }, db:query(sql))
        assert.equal('[{"a":1,"b":"x"}]', tostring(db:json(sql)))
      end
    end)

    it("have one metatable for all of a statement, which is not a program's to extend", function()
      local row = db:one "SELECT 1 AS a"
      assert.match("all rows of its statement", message(function() getmetatable(row).__index = { b = 2 } end))
      assert.is_nil(db:one "SELECT 1 AS a".b)
      assert.equal(2, setmetatable(row, { __index = { b = 2 } }).b)
      assert.is_nil(db:one "SELECT 1 AS a".b)
    end)

    it("come whole, however many they are", function()
      for _, count in ipairs { 1, 63, 64, 65, 255, 256, 257, 1000 } do
        local list = db:query("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ?) SELECT n FROM c", count)
        assert.equal(count, #list)
        for i, row in ipairs(list) do assert.equal(i, row.n) end
      end
    end)

    it("are JSON with what a program has added, taken away or nested", function()
      local row = db:one "SELECT price, id, title FROM t WHERE id = 1"
      row.extra, row.title = true, nil
      assert.equal('{"price":2.5,"id":1,"extra":true}', rille.json_encode(row))
      row.price = db:query "SELECT 1 AS y, 2 AS x UNION ALL SELECT 3, 4"
      assert.equal('{"price":[{"y":1,"x":2},{"y":3,"x":4}],"id":1,"extra":true}', rille.json_encode(row))
      row.extra, row.price = nil, db:one "SELECT 1 AS id, 2 AS a"
      assert.equal('{"price":{"id":1,"a":2},"id":1}', rille.json_encode(row))
      rawset(row, "raw", 1)
      assert.equal('{"price":{"id":1,"a":2},"id":1,"raw":1}', rille.json_encode(row))
      row.id, row.price, row.raw = nil, nil, nil
      assert.equal("{}", rille.json_encode(row))
    end)

    it("are JSON when one of a list has another shape", function()
      local list = db:query "SELECT title, id FROM t ORDER BY id"
      list[3], list[4] = { z = 1, a = 2 }, db:one "SELECT 1 AS id, 2 AS title"
      list[5] = db:one "SELECT title, id FROM t WHERE id = 1"
      assert.equal('[{"title":"a \\"b\\"","id":1},{"id":2},{"a":2,"z":1},{"id":1,"title":2},{"title":"a \\"b\\"","id":1}]',
        rille.json_encode(list))
    end)

    it("have names of every kind", function()
      local long = ("n"):rep(60)
      assert.equal('{"a\\"b":1,"' .. long .. '":2,"é":3,"":4}',
        rille.json_encode(db:one(('SELECT 1 AS "a""b", 2 AS %s, 3 AS "é", 4 AS ""'):format(long))))
      local wide, shown = {}, {}
      for i = 1, 40 do wide[i], shown[i] = ("%d AS c%d"):format(i, 41 - i), ('"c%d":%d'):format(41 - i, i) end
      assert.equal("{" .. table.concat(shown, ",") .. "}", rille.json_encode(db:one("SELECT " .. table.concat(wide, ", "))))
      assert.match("not UTF%-8", message(rille.json_encode, db:one('SELECT 1 AS "\xff"')))
    end)
  end)

  -- The same by each way a statement can go.
  local ways = {
    ["read at once"] = { run = function(f) return f(db) end, slow = "" },
    ["read by a thread"] = { run = function(f)
      local before = db:stats().thread_reads
      local result = f(db)
      assert.is_true(db:stats().thread_reads > before)
      return result
    end, slow = SLOW, also = " AND (SELECT count(*) FROM c) > 0" },
    ["read in a transaction"] = { run = function(f) return db:transaction(f) end, slow = "" },
    ["read from memory"] = { run = function(f)
      local memory <close> = rille.sqlite.open ":memory:"
      memory:exec [[CREATE TABLE t(id INTEGER PRIMARY KEY, title, price);
        INSERT INTO t VALUES (1, 'a "b"', 2.5), (2, NULL, 3)]]
      return f(memory)
    end, slow = "" },
  }
  for name, way in pairs(ways) do
    describe("as JSON text, " .. name .. ",", function()
      local function sql(text) return way.slow .. text:gsub("WHERE", "WHERE 1" .. (way.also or "") .. " AND") end

      it("are an array, or an object, with the columns in order and NULL as null", function()
        local all = way.run(function(d) return d:json(sql "SELECT title, id, price FROM t WHERE id < ? ORDER BY id", 9) end)
        assert.equal('[{"title":"a \\"b\\"","id":1,"price":2.5},{"title":null,"id":2,"price":3}]', tostring(all))
        local one = way.run(function(d) return d:json_one(sql "SELECT price, id FROM t WHERE id > 0 ORDER BY id DESC") end)
        assert.equal('{"price":3,"id":2}', tostring(one))
      end)

      it("are an empty array or nil where there are none", function()
        assert.equal("[]", tostring(way.run(function(d) return d:json(sql "SELECT id FROM t WHERE title = 'none'") end)))
        assert.is_nil(way.run(function(d) return d:json_one(sql "SELECT id FROM t WHERE title = 'none'") end))
      end)

      it("have numbers as they are", function()
        local numbers = "SELECT 9223372036854775807 AS a, -9223372036854775808 AS b, 0.1 AS c, 1e300 AS d, 5.0 AS e, id FROM t "
          .. "WHERE id = 1"
        assert.equal('{"a":9223372036854775807,"b":-9223372036854775808,"c":0.1,"d":1e+300,"e":5.0,"id":1}',
          tostring(way.run(function(d) return d:json_one(sql(numbers)) end)))
      end)

      it("are refused by the column where JSON has no such value", function()
        local refused = {
          ["SELECT id, x'00ff' AS picture FROM t WHERE id = 1"] = "column 'picture' is a blob.*hex%(picture%)",
          ["SELECT id, CAST(x'61ff' AS TEXT) AS word FROM t WHERE id = 1"] = "column 'word' is text that is not UTF%-8",
          ["SELECT id, -9e999 AS big FROM t WHERE id = 1"] = "column 'big' is infinite",
          ["SELECT id, title AS id FROM t WHERE id = 1"] = "two columns are named 'id'",
          ["SELECT id AS \"\xff\" FROM t WHERE id = 1"] = "name of a column is not UTF%-8",
        }
        for text, why in pairs(refused) do
          for _, method in ipairs { "json", "json_one" } do
            assert.match(why, message(way.run, function(d) return d[method](d, sql(text)) end))
          end
        end
        assert.equal('[{"id":1}]', tostring(way.run(function(d) return d:json(sql "SELECT id FROM t WHERE id = 1") end)))
      end)
    end)
  end

  it("as JSON text come from writes too", function()
    assert.equal('[{"id":3,"title":"c"},{"id":4,"title":null}]',
      tostring(db:json "INSERT INTO t(title) VALUES ('c'), (NULL) RETURNING id, title"))
    assert.equal('{"id":1}', tostring(db:json_one "UPDATE t SET price = 0 RETURNING id"))
    assert.equal(0, db:value "SELECT sum(price) FROM t", "all of them are written, not the first alone")
    assert.is_nil(db:json_one "DELETE FROM t WHERE id = 9 RETURNING id")
    assert.match("blob", message(db.json, db, "INSERT INTO t(title) VALUES (x'00') RETURNING title"))
  end)

  it("as JSON text are the same as those of tables, after the schema has changed too", function()
    local sql = "SELECT * FROM t WHERE id = 1"
    for _, change in ipairs { "SELECT 1", "ALTER TABLE t RENAME COLUMN title TO name", "ALTER TABLE t DROP COLUMN price" } do
      db:exec(change)
      assert.equal(rille.json_encode(db:query(sql)), tostring(db:json(sql)))
      assert.equal(rille.json_encode(db:one(sql)), tostring(db:json_one(sql)))
    end
  end)

  describe("JSON text", function()
    it("is sent as it is, and stands in a larger value as it is; a string stays a string", function()
      local app = rille.app()
      app:get("/text", function() return rille.json(db:json "SELECT id FROM t") end)
      app:get("/created", function() return rille.json(db:json_one "SELECT id FROM t WHERE id = 1", 201) end)
      app:get("/inside", function() return rille.json { rows = db:json "SELECT id FROM t", count = 2 } end)
      app:get("/string", function() return rille.json(tostring(db:json "SELECT id FROM t")) end)
      local client = testing.client(app)
      local res = client:get "/text"
      assert.equal('[{"id":1},{"id":2}]', res:text())
      assert.equal("application/json", res.headers["content-type"])
      res = client:get "/created"
      assert.equal('201 {"id":1}', res.status .. " " .. res:text())
      assert.equal('{"count":2,"rows":[{"id":1},{"id":2}]}', client:get("/inside"):text())
      assert.equal('"[{\\"id\\":1},{\\"id\\":2}]"', client:get("/string"):text())
    end)

    it("is a value of its own", function()
      local text = db:json "SELECT id FROM t"
      assert.equal("[1] " .. tostring(text), "[1] " .. text)
      assert.equal(#tostring(text), #text)
      assert.is_true(text == db:json "SELECT id FROM t")
      assert.is_false(text == db:json "SELECT title FROM t")
      assert.same({ { id = 1 }, { id = 2 } }, rille.json_decode(tostring(text)))
      assert.match("JSON text", message(function() return text.rows end))
    end)
  end)
end)
