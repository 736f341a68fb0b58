local failure = require "rille.dev.failure"
local hint = require "rille.dev.hint"
local native = require "rille.native.core"
local scratch = require "spec.support.scratch"

-- A file of the project whose text is given; the line at fault is marked with "--!".
local function about(message, source, more)
  local name = ("hint-%d.tmp.lua"):format(math.random(1 << 40))
  local path = native.root .. "/spec/" .. name
  local file = assert(io.open(path, "w"))
  file:write(source or "")
  file:close()
  local line, marked = 0, nil
  for text in ((source or "") .. "\n"):gmatch "(.-)\n" do
    line = line + 1
    if text:find("--!", 1, true) then marked = line end
  end
  local what = { message = message, file = source and "spec/" .. name, line = marked, frames = {} }
  if more and more.locals then
    what.frames[1] = { file = what.file, line = marked, from = 1, locals = more.locals, upvalues = {} }
  end
  local text = hint.of(what, more or {})
  os.remove(path)
  return text
end

local function says(expected, ...)
  local text = about(...)
  assert(text and text:find(expected, 1, true), ("expected '%s' in: %s"):format(expected, tostring(text)))
end

local indexed = "attempt to index a nil value (local 'row')"

describe("a hint", function()
  it("knows where a local that is nil came from", function()
    for source, expected in pairs {
      ['local row = db:one("SELECT 1")\nreturn row.id --!'] = "`if not row then rille.abort(404) end`",
      ['local row = db:one "SELECT 1"\n\nif row.id then --!'] = "comes from db:one",
      ['local row\nrow = tx:one [[SELECT 1]]\nreturn row.id --!'] = "comes from db:one",
      ['local row, more = db:value("SELECT 1"), 2\nreturn row.id --!'] = "db:value",
      ['local row = io.open("x")\nreturn row:read() --!'] = "assert(io.open(…))",
      ['local row = os.getenv "X"\nreturn row.x --!'] = "`.env`",
      ['local row, err = rille.try(f)\nreturn row.x --!'] = "second value",
      ['local row = req.session.user\nreturn row.x --!'] = "a user logged in",
      ['local row = text:match "x"\nreturn row.x --!'] = "comes from a pattern",
      ['function f(x) local row = tonumber(x) return row.x end --!'] = "tonumber",
    } do says(expected, indexed, source) end
  end)

  it("tells what is called from what is read", function()
    says("`res.status = 404`", "attempt to call a number value (method 'status')", "return res:status(404) --!")
    says("`req.query.NAME`", "attempt to call a table value (field 'query')", "return req.query('a') --!")
    says("req.headers", "attempt to call a rille.request_headers value (field 'headers')", "return req.headers('a') --!")
    says("`req:json().NAME`", "attempt to index a function value (field 'json')", "return req.json.a --!")
  end)

  it("takes the assignment that is nearest, and none of another function", function()
    says("db:value", indexed, "local row = db:one('x')\nlocal row = db:value('x')\nreturn row.x --!")
    assert.is_nil(about(indexed, "local row = nothing\nreturn row.x --!"))
    assert.is_nil(about(indexed, "local other_row = db:one('x')\nreturn row.x --!"))
    assert.is_nil(about(indexed, "if row == db:one('x') then end\nif row ~= db:one('x') then end\nreturn row.x --!"))
  end)

  it("knows where a field that is nil came from", function()
    says("from the query", "attempt to index a nil value (field 'page')", "return req.query.page.x --!")
    says("from the session", "attempt to index a nil value (field 'user')", "return req.session.user.name --!")
    says("the form", "attempt to concatenate a nil value (field 'title')", 'return "a" .. req:form().title --!')
  end)

  it("names the field that is meant", function()
    local locals = { { "row", '{ id = 7, note = "x = 1", title = "tea" }' } }
    says("`row` has no `titel`, but `title`.", "attempt to concatenate a nil value (field 'titel')", 'return "" .. row.titel --!',
      { locals = locals })
    says("it has id, note, title. A column that is NULL is an absent field",
      "attempt to concatenate a nil value (field 'summary')",
      'for _, row in ipairs(db:query "SELECT") do\nreturn "" .. row.summary end --!', { locals = locals })
    local text = about("attempt to index a nil value (field 'summary')", "return row.summary.x --!", { locals = locals })
    assert.equal("`row` has no `summary`; it has id, note, title.", text)
  end)

  it("knows loops, numbers that are texts, modules that return nothing", function()
    says("ipairs(posts)", "attempt to call a table value", "for _, post in posts do end --!")
    says("`posts` is nil", "bad argument #1 to 'for iterator' (table expected, got nil)",
      "for _, post in ipairs(posts) do end --!")
    says("{id:int}", "attempt to compare number with string", "return 1 < x --!")
    says("`return M`", "attempt to index a boolean value (local 'posts')", 'local posts = require "app.posts"\nposts.x() --!')
  end)

  it("finds the response that is made and not returned", function()
    local message = "the handler of GET / returned nothing: return a string or a response"
    says("Line 3 makes a response and does not return it: `return rille.html(…)`.", message,
      "app:get('/', function() --!\n  if x then return 'y' end\n  rille.html('x')\nend)")
    says("A handler says `return`", message, "app:get('/', function() --!\nend)")
    says("return handler(req)", "a middleware around GET / returned nothing")
  end)

  it("names the column, the table, the word, the template that is nearest", function()
    local known = { columns = function() return { "id", "name", "email" } end,
      tables = function() return { "people", "posts" } end,
      templates = function() return { "front.html", "list.html" } end }
    says("There is no column 'nmae'; there is 'name'.", "no such column: nmae, in: SELECT nmae", nil, known)
    says("there is 'email'", "no such column: p.emial, in: SELECT", nil, known)
    says("there is 'name'", "table people has no column named nam, in: x", nil, known)
    says("there is 'people'", "no such table: peple, in: SELECT", nil, known)
    says("The tables are people, posts.", "no such table: accounts, in: SELECT", nil, known)
    says("db:migrate", "no such table: people, in: SELECT", nil, { tables = function() return {} end })
    says("Is 'FORM' meant to be FROM?", 'near "FORM": syntax error, in: SELECT 1 FORM x', nil, known)
    says("There is a template 'front.html'.", "there is no template 'fornt.html'", nil, known)
    says("err.violation", "UNIQUE constraint failed: people.email, in: x")
    assert.is_nil(about("no such column: zzzzzzzzz, in: SELECT", nil, known))
    assert.is_nil(about("no such column: nmae, in: SELECT", nil, { columns = function() error "closed" end }))
  end)

  it("names the module that is nearest, or what rille has instead", function()
    says("'spec.support.scratch'", "module 'spec.support.scrath' not found")
    says("rille.json_decode", "module 'cjson' not found")
    says("rille.fetch", "module 'socket.http' not found")
    says("some/where/far.lua", "module 'some.where.far' not found")
  end)

  it("is none where nothing is known, whatever the message is", function()
    local place <close> = scratch.new()
    assert.is_nil(hint.of({ message = "x", file = place:path "x", line = 1, frames = {} }, {}))
    for _, message in ipairs { "", "x", ("attempt to "):rep(300), ("("):rep(3900), ("%"):rep(100),
      "attempt to index a nil value (local '%w')",
      "module '../../etc/passwd' not found", ("a"):rep(1000000), "attempt to index a nil value (field '[')" } do
      local text = about(message, "return 1 --!")
      assert.is_true(text == nil or #text < 300)
      assert.is_true(failure.describe(message).hint == nil or #failure.describe(message).hint < 300)
    end
  end)
end)
