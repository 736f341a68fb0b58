-- docs/sqlite.md: its schemas and functions do what the page says, for full-text search and for JSON.
local rille = require "rille"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- The schema and the functions that a section of the page has.
local function section(title, names)
  local text = read("docs/sqlite.md"):match("\n## " .. title .. "\n(.-)\n## [^#]")
  local schema = assert(text, title):match "\n```sql\n(.-)\n```"
  local code = text:match "\n```lua\n(local function .-)\n```"
  local list = {}
  for i, name in ipairs(names) do list[i] = name .. " = " .. name end
  local functions = assert(load(code .. "\nreturn {" .. table.concat(list, ", ") .. "}", "=docs", "t", { rille = rille }))()
  local db = rille.sqlite.open ":memory:"
  db:exec(schema)
  return db, functions
end

describe("the page of SQLite", function()
  it("has an index of words that follows its table, ranks titles first and shows the place", function()
    local db, page = section("Full%-text search", { "search" })
    db:exec("INSERT INTO articles (title, body) VALUES (?, ?), (?, ?), (?, ?)", "Tea", "Nothing here is about coffee or a café.",
      "Coffee", "How to roast it.", "Water", "Plain.")
    local found = page.search(db, "coffee")
    assert.same({ 2, 1 }, { found[1].id, found[2].id })
    assert.equal("Nothing here is about <coffee> or a café.", found[2].part)
    assert.equal(1, page.search(db, "cafe")[1].id)
    assert.same({}, page.search(db, "milk"))
    assert.same({}, page.search(db, '"'))
    db:exec "UPDATE articles SET body = 'With milk.' WHERE id = 3; DELETE FROM articles WHERE id = 1"
    assert.equal(3, page.search(db, "milk")[1].id)
    assert.equal(1, #page.search(db, "coffee"))
    assert.same({}, page.search(db, "cafe"))
    db:exec "INSERT INTO articles_index (articles_index) VALUES ('integrity-check')"
    db:close()
  end)

  it("has JSON in a column: checked, asked by an index, changed in place", function()
    local db, page = section("JSON in SQL", { "add", "of_kind", "with_tag", "rename" })
    local id = page.add(db, { kind = "paid", by = { name = "ada" }, tags = { "new", "eu" } })
    page.add(db, { kind = "sent", by = { name = "bob" }, tags = { "eu" } })
    assert.same({ { id = id, name = "ada" } }, page.of_kind(db, "paid"))
    assert.equal(2, #page.with_tag(db, "eu"))
    assert.same({ { id = id } }, page.with_tag(db, "new"))
    assert.equal(1, page.rename(db, id, "eve"))
    assert.equal("eve", page.of_kind(db, "paid")[1].name)
    assert.equal('[{"id":1},{"id":2}]', db:value "SELECT json_group_array(json_object('id', id)) FROM events")
    assert.matches("USING INDEX events_by_kind",
      db:one "EXPLAIN QUERY PLAN SELECT id FROM events WHERE data ->> 'kind' = 'paid'".detail)
    local _, err = rille.try(db.exec, db, "INSERT INTO events (data) VALUES (?)", "{")
    assert.same({ "check", "23514" }, { err.violation, err.sqlstate })
    db:close()
  end)
end)
