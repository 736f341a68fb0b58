-- runtime/bind/data/{list,params}.c, on runtime/data/placeholder.c: lists as parameters.
local rille = require "rille"
local scratch = require "spec.support.scratch"

describe("rille.list", function()
  local files, db
  setup(function()
    files = scratch.new()
    db = rille.sqlite.open(files:path "x.db")
    db:exec "CREATE TABLE t(id INTEGER PRIMARY KEY, v)"
    db:exec "INSERT INTO t(v) VALUES ('a'), ('b'), ('c'), ('d'), (x'6566')"
  end)
  teardown(function()
    db:close()
    files:close()
  end)

  local function ids(sql, ...)
    return db:value("SELECT group_concat(id, ' ') FROM (SELECT id FROM t WHERE " .. sql .. " ORDER BY id)", ...) or ""
  end
  local function message(f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok)
    return tostring(err)
  end

  it("stands for the values of IN", function()
    assert.equal("1 3", ids("id IN (?)", rille.list { 1, 3 }))
    assert.equal("2 4 5", ids("id NOT IN (?)", rille.list { 1, 3 }))
    assert.equal("2", ids("id IN (?)", rille.list { 2 }))
    assert.equal("1 2 4 5", ids("id in( ? )", rille.list { 1, 2, 4, 5, 9 }))
    assert.equal("1 5", ids("v IN (?)", rille.list { "a", rille.blob "ef", "none" }))
    assert.equal("1", ids("id IN (?)", rille.list { true, false, 2.5 }))
  end)

  it("may be empty: then IN is false, and NOT IN true, of NULL too", function()
    assert.equal("", ids("id IN (?)", rille.list {}))
    assert.equal("1 2 3 4 5", ids("id NOT IN (?)", rille.list {}))
    assert.equal("1 2 3 4 5", ids("NULL NOT IN (?)", rille.list {}))
  end)

  it("stands beside other values, and beside other lists, in their order", function()
    assert.equal("2", ids("v > ? AND id IN (?) AND v < ? AND id NOT IN (?)", "a", rille.list { 1, 2, 3 }, "d", rille.list { 3 }))
    assert.equal("3", ids("v > ? AND id IN (?) AND v < ?", { "a", rille.list { 3 }, "d" }))
    assert.equal("", ids("id IN (?) AND id > ?", rille.list {}, 1))
  end)

  it("stands for a name, as often as that comes", function()
    local given = { ids = rille.list { 1, 2, 3 }, least = "b", none = rille.list {}, unused = rille.list { 7 } }
    assert.equal("2 3", ids("id IN (:ids) AND v >= :least", given))
    assert.equal("1 2 3 4", ids("(id IN (:ids) OR id IN (@ids) OR v > :least) AND id NOT IN ($none) AND id < 5", given))
    assert.match("no value for the parameter :more", message(ids, "id IN (:ids) AND v = :more", given))
  end)

  it("goes by every way: at once, by a thread, in a transaction, from memory, in a batch, as JSON", function()
    local sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 40000) "
      .. "SELECT max(n) AS n FROM c WHERE n IN (?) OR n = ?"
    local before = db:stats().thread_reads
    assert.equal(39999, db:value(sql, rille.list { 7, 39999, 50000 }, 3))
    assert.is_true(db:stats().thread_reads > before)
    assert.equal('[{"id":2},{"id":4}]', tostring(db:json("SELECT id FROM t WHERE v IN (?)", rille.list { "b", "d" })))
    assert.equal(2, #db:transaction(function(tx)
      tx:exec("DELETE FROM t WHERE id IN (?)", rille.list { 1, 2, 3 })
      local left = tx:query "SELECT id FROM t"
      tx:batch { { "INSERT INTO t SELECT 1, ? WHERE 1 IN (?)", "a", rille.list { 1, 2 } },
        { "INSERT INTO t SELECT 2, :v WHERE 2 IN (:list)", { v = "b", list = rille.list { 2 } } } }
      tx:exec "INSERT INTO t VALUES (3, 'c')"
      return left
    end))
    assert.equal("1 2 3 4 5", ids "1")
    local memory <close> = rille.sqlite.open ":memory:"
    assert.equal(1, memory:value("SELECT 1 WHERE 5 IN (?)", rille.list { 4, 5 }))
    assert.equal(0, db:exec("UPDATE t SET v = 'x' WHERE id IN (?)", rille.list {}).changes)
  end)

  it("leaves question marks in texts, names and comments alone", function()
    local where = "v <> '?' AND v <> 'it''s ?' AND id IN (/* ? */ ? -- ?\n) /* IN (?) */ AND 'IN (?)' <> v"
    assert.equal("1", ids(where, rille.list { 1 }))
    assert.equal(2, db:value([[SELECT "a?" FROM (SELECT 2 AS "a?") WHERE [a?] IN (?)]], rille.list { 2 }))
  end)

  it("does not change with the table it was made from", function()
    local values = { 1, "b" }
    local list = rille.list(values)
    values[1], values[2], values[3] = nil, nil, 3
    collectgarbage()
    assert.equal("1", ids("id IN (?)", list))
    assert.equal("2", ids("v IN (?)", list))
    assert.equal(2, #list)
    assert.equal("list of 2 for IN (?)", tostring(list))
  end)

  it("makes few statements of lists of many lengths", function()
    local texts = {}
    for count = 1, 600 do
      local values = {}
      for i = 1, count do values[i] = 1000 + i end
      local _, err = pcall(db.value, db, "SELECT 1 WHERE 1 IN (?) AND no_such", rille.list(values))
      texts[tostring(err):match "column (%d+)"] = true -- it moves with each ? before it
    end
    local distinct = 0
    for _ in pairs(texts) do distinct = distinct + 1 end
    assert.equal(11, distinct)
  end)

  it("takes as many values as a statement has parameters, and says what to do with more", function()
    local values = {}
    for i = 1, 32766 do values[i] = i end
    assert.equal("1 2 3 4 5", ids("id IN (?)", rille.list(values)))
    values[32767] = 1
    assert.match("the lists make 32767 parameters, and a statement takes 32766.*json_each",
      message(ids, "id IN (?)", rille.list(values)))
    values = { table.unpack(values, 1, 20000) }
    assert.match("the lists make 40000 parameters",
      message(ids, "id IN (?) OR id IN (?)", rille.list(values), rille.list(values)))
  end)

  it("is refused where it cannot stand", function()
    local list = rille.list { 1, 2 }
    for _, sql in ipairs { "id = ?", "id IN (?, 3)", "id IN (3, ?)", "id = max(?)", "id IN ((?))", "? IN (1)" } do
      assert.match("a rille.list stands for the values of IN %(%?%), alone in its parentheses", message(ids, sql, list))
    end
    assert.match("batch: item 2: a rille.list stands", message(db.batch, db, { { "SELECT 1" }, { "SELECT ?", list } }))
    assert.match("plain %?, not %?1", message(ids, "id IN (?1)", list))
    assert.match("plain %?, not :id", message(ids, "id IN (?) AND id = :id", list, 1))
    assert.match(":names, not %?", message(ids, "id IN (:ids) AND id = ?", { ids = list }))
    assert.match("has 2 parameters, 1 value was given", message(ids, "id IN (?) AND id = ?", list))
    assert.match("has 1 parameter, 2 values were given", message(ids, "id IN (?)", list, 3))
    assert.match("cannot encode a userdata", message(rille.json_encode, list))
  end)

  it("refuses values that IN cannot have", function()
    assert.match("item 2 is rille.null: a list for IN %(%?%) holds no NULL", message(rille.list, { 1, rille.null }))
    assert.match("a table with holes or names", message(rille.list, { 1, nil, 3 }))
    assert.match("a table with holes or names", message(rille.list, { id = 1 }))
    assert.match("item 1 is a list", message(rille.list, { { 1 } }))
    assert.match("item 1 is a rille.list", message(rille.list, { rille.list { 1 } }))
    assert.match("item 2 is not a number %(NaN%)", message(rille.list, { 1, 0 / 0 }))
    assert.match("item 1 is a function", message(rille.list, { print }))
    assert.match("table", message(rille.list, 1))
  end)
end)
