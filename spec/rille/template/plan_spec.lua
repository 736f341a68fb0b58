-- lua/rille/template/plan.lua, lua/rille/template/compile/plan.lua, lua/rille/template/compile/straight.lua
-- runtime/bind/template/plan.c, runtime/bind/template/walk.c, runtime/bind/template/render.c
--
-- Plans mean what generated Lua means: the same text, the same error in the same line. Every spec of templates whose results a
-- plan could change runs here once more without plans; and templates made at random are rendered both ways.
local compiler = require "rille.template.compiler"
local Environment = require "rille.template.environment"
local parser = require "rille.template.parser"
local rille = require "rille"

local SEED = tonumber(os.getenv "RILLE_FUZZ_SEED" or "") or 1

local function code(source, options)
  local origin = { chunk = "t" }
  return compiler.compile(parser.parse(source, origin, {}), origin, Environment.new(options or {}), true).root
end

-- Renders in one way: the text, or the error's code, message and line.
local function outcome(source, context, options, no_plans)
  local env = Environment.new {
    sources = { options.templates or {} }, strict = options.strict, filters = options.filters, limit = options.limit,
    autoescape = options.autoescape ~= false, no_plans = no_plans,
  }
  local text, err = rille.try(function() return env:render(env:compile(source, "t", "<t>"), context()) end)
  return text or ("%s: %s (line %s)"):format(err.code, err.message or tostring(err), err.line)
end

local function check(source, context, options)
  options = options or {}
  local with, without = outcome(source, context, options, false), outcome(source, context, options, true)
  assert(with == without, ("%s\n--- renders with plans as\n%s\n--- and without as\n%s"):format(source, with, without))
  return with
end

-- ---- which parts are plans ------------------------------------------------------------------------------------------

describe("a plan", function()
  it("is made of loops and of fields that are printed", function()
    assert.matches("K%[%d+%]%(c, o, l0_y%)", code "{% for x in y %}{{ x.a }}{{ x.b }}{% endfor %}")
    assert.matches("K%[%d+%]%(c, o, l0_x%)", code "{{ x.a }}{{ x.b }}{{ x.c }}")
  end)

  it("is not made where it saves little", function()
    assert.not_matches("K%[%d+%]%(c", code "{{ x.a }}{{ x.b }}")
    assert.not_matches("K%[%d+%]%(c", code "{% for x in y %}text{% endfor %}")
  end)

  it("is not made of what sets variables, captures or may call a macro", function()
    for _, body in ipairs { "{% set z = 1 %}", "{% set z %}{% endset %}", "{% include 'a' %}",
      "{% filter upper %}{% endfilter %}",
      "{{ x() }}", "{{ self.a() }}", "{{ f(loop) }}", "{% break %}" } do
      assert.not_matches("K%[%d+%]%(c", (code("{% for x in y %}" .. "{{ x.a }}{{ x.b }}" .. body .. "{% endfor %}")))
    end
  end)

  it("is several where one would be too large", function()
    local pieces = {}
    for i = 1, 300 do pieces[i] = ("{{ x.f%d }}"):format(i) end
    local source = "{% for x in y %}" .. table.concat(pieces) .. "{% endfor %}"
    assert.not_matches("K%[%d+%]%(c", (code(source)))
    check(source, function() return { y = { { f1 = "a", f300 = "b" } } } end)
  end)
end)

-- ---- the same specs without plans -----------------------------------------------------------------------------------

for _, name in ipairs { "language", "text", "value", "macro", "lookup", "corpus" } do
  local chunk = assert(loadfile(("spec/rille/template/%s_spec.lua"):format(name), "t", _ENV))
  describe("without plans", function()
    setup(function() Environment.no_plans = true end)
    teardown(function() Environment.no_plans = nil end)
    chunk()
  end)
end

-- ---- both ways ------------------------------------------------------------------------------------------------------

local function object(fields, meta)
  meta = meta or {}
  meta.__index = meta.__index or { hidden = 1, name = "of the class" }
  return setmetatable(fields, meta)
end

-- A context of everything that templates may meet, new each time because iterators end.
local function context()
  local count = 0
  return {
    s = "a<b> & 'c'", empty = "", long = ("x\"y"):rep(400), utf = "éàü", n = 7, f = 2.5, whole = 3.0, yes = true, no = false,
    none = rille.null, html = rille.template.markup "<b>bold</b>", fn = function()
      count = count + 1
      return count < 30 and "from <fn>" or nil
    end,
    list = { "a", "B<", 3, false, { "x", "y" } }, marked = rille.array { { id = 1, name = "ann", items = { 1, 2 } } },
    nothing = {},
    rows = { { id = 1, name = "<ann>", ok = true, tags = { "t1", "t2" }, deep = { er = { est = "z" } } },
      { id = 2, name = "bob", ok = false, tags = {} }, { id = 3, tags = rille.null, deep = { er = 5 } },
      object({ id = 4, name = rille.template.markup "<i>" }) },
    pairs = { { 1, "one" }, { 2, "two" } }, map = { k = "v", items = "of the map", _private = "seen" },
    obj = object({ id = 5, _private = "not seen" }), holes = { 1, nil, 3 },
    called = object({}, { __call = function() count = count + 1 return count < 4 and { id = count } or nil end }),
    counted = setmetatable({}, { __len = function() return 2 end, __index = function(_, i) return { id = i } end }),
    indexed = setmetatable({ { id = 1 } }, { __index = function(_, i) return i == 2 and { id = "by __index" } or nil end }),
    iterate = function() count = count + 1 return count < 4 and { id = count, name = "n" .. count } or nil end,
  }
end

describe("both ways give the same", function()
  local values = { "s", "empty", "utf", "n", "f", "whole", "yes", "no", "none", "html", "fn", "list", "nothing", "map", "obj",
    "missing", "rows", "marked", "counted" }

  local forms = { "{{ V }}", "{{ V.name }}", "{{ V.name.x }}", "{{ V|upper }}", "{{ V|first }}", "{{ V|lower|e }}",
    "{{ V|safe }}", "{{ V.id|e }}", "{% if V %}y{% else %}n{% endif %}", "{% if not V.name %}y{% endif %}", "{{ V.items }}",
    "{% if V == 7 %}y{% endif %}", "{% if V != 'a' %}y{% endif %}", "{% if V.id == 5 or V.id == '5' %}y{% endif %}",
    "{% if V and V.id %}y{% elif V %}z{% endif %}", "{{ V._private }}", "{% for x in V %}{{ x }}{% else %}e{% endfor %}" }

  for _, form in ipairs(forms) do
    it("for values of every kind in " .. form, function()
      for _, name in ipairs(values) do
        local source = "{% for i in [1, 2] %}\n{{ i }}{{ i }}\n" .. form:gsub("V", name) .. "\n{% endfor %}"
        for _, strict in ipairs { false, true } do
          check(source, context, { strict = strict })
          check(source, context, { strict = strict, autoescape = false })
        end
      end
    end)
  end

  local bodies = { "{{ x.id }}\n{{ x.name }}", "{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ x.id }}",
    "{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{% if not loop.last %}, {% endif %}",
    "{{ x }}{{ s }}{{ loop.cycle('odd', 'even') }}", "{{ loop.previtem.id }}{{ x.id }}{{ x.id }}",
    "{% for y in x.tags %}{{ loop.index }}{{ y }}{{ x.id }}{% else %}none{% endfor %}" }

  for _, name in ipairs { "rows", "marked", "nothing", "holes", "called", "counted", "indexed", "iterate", "map", "s", "missing",
    "none", "n", "obj", "list", "fn", "rows.x", "map.items", "pairs" } do
    it("for loops over " .. name, function()
      for _, text in ipairs(bodies) do
        check(("{%% for x in %s %%}\n%s\n{%% else %%}{{ s }} was empty{%% endfor %%}"):format(name, text), context)
        check(("{%% for x in %s %%}\n%s\n{%% else %%}empty{%% endfor %%}"):format(name, text), context, { strict = true })
      end
      check(("{%% for a, b in %s %%}{{ a }}{{ b }}{{ s }}{%% endfor %%}"):format(name), context)
    end)
  end

  it("inside of macros, blocks, captures and other loops", function()
    local body = "{% for x in rows %}{{ x.id }}{{ x.name }}{{ loop.index }}{{ n }}{% endfor %}"
    for _, source in ipairs {
      "{% macro m(rows, n=2) %}" .. body .. "{% endmacro %}{{ m(rows) }}{{ m(list, 3) }}",
      "{% block b %}" .. body .. "{% endblock %}",
      "{% set t %}" .. body .. "{% endset %}{{ t }}{{ t|length }}", "{% filter upper %}" .. body .. "{% endfilter %}",
      "{% for n in list recursive %}" .. body .. "{% endfor %}",
      "{% for n in [1, 2] %}{% set z = n %}" .. body .. "{{ z }}{% endfor %}",
      "{% with n = 5 %}" .. body .. "{% endwith %}", "{% autoescape false %}" .. body .. "{% endautoescape %}",
      "{% autoescape n %}" .. body .. "{% endautoescape %}",
      "{% for y in rows %}{% for y in rows %}{{ y.id }}{{ y.id }}{% endfor %}{% endfor %}",
      "{% for n in [1] %}{% for x in [1] %}{% set q = x %}{{ loop.index }}" .. body .. "{% endfor %}{% endfor %}",
    } do check(source, context) end
  end)
end)

local statements = {
  "{{ x.id }}", "{{ x.name }}", "{{ x }}", "{{ s }}", "{{ x.name|upper }}", "{{ x.deep.er.est }}", "text\n",
  "{{ x.name|first|lower }}",
  "{{ fn() }}", "{{ x.tags|length }}", "{{ x.id + 1 }}", "{{ html }}", "{{ missing }}", "{{ loop.index }}", "{{ 'a' if x.ok }}",
  "\n",
  "{{ x.name or s }}", "{{ n }}", "{{ x['id'] }}", "{{ s|replace('a', 'b') }}", "{{ x.name|wrap }}", "{{ f }}",
}
local conditions = { "x.ok", "not x.ok", "x.name == 'bob'", "x.id != 2", "x.ok and s", "x.tags or no", "x.deep.er", "loop.first",
  "n == 7",
  "not (x.ok or no) and yes", "x.id > 1", "x is defined", "fn()" }
local lists = { "rows", "rows", "list", "x.tags", "iterate", "marked", "missing", "[1, 2]", "pairs", "counted" }

local random -- function(list) -> one of its items

local function body(depth)
  local parts = {}
  for i = 1, math.random(6) do
    local roll = depth > 0 and math.random(8) or 8
    if roll == 1 then
      parts[i] = ("{%% for x in %s %%}%s{%% else %%}%s{%% endfor %%}"):format(random(lists), body(depth - 1), body(0))
    elseif roll == 2 then
      parts[i] = ("{%% if %s %%}%s{%% elif %s %%}%s{%% else %%}%s{%% endif %%}"):format(random(conditions), body(depth - 1),
        random(conditions), body(0), body(0))
    else
      parts[i] = random(statements)
    end
  end
  return table.concat(parts, "\n") -- of errors in one line, generated Lua may raise the last
end

function random(list) return list[math.random(#list)] end

describe("templates made at random", function()
  it("render the same both ways", function()
    math.randomseed(SEED)
    local rendered = 0
    for i = 1, 300 do
      local source = ("{%% for x in %s %%}%s{%% endfor %%}"):format(random(lists), body(3))
      local filters = { wrap = function(v) return "[" .. tostring(v) .. "]" end }
      local text = check(source, context, { strict = i % 5 == 0, filters = filters })
      if not text:find "^%w+: " then rendered = rendered + 1 end
      if i % 20 == 0 then rille.sleep(0) end
    end
    assert.is_true(rendered > 60, "too few of them render at all: " .. rendered)
  end)
end)

-- ---- what leaves may do ---------------------------------------------------------------------------------------------

describe("a leaf", function()
  local rows = "{% for x in rows %}{{ x.id }}{{ x.name }};{% endfor %}"

  it("may wait, and the plan goes on where it was", function()
    local function slow(v) return setmetatable({}, { __index = function(_, key) rille.sleep(0) return key .. v end }) end
    local render = rille.template.compile(rows
      .. "{% for x in more %}{{ x.id }}{{ loop.index }}{% if x.ok %}!{% endif %}{% endfor %}")
    local n = 0
    assert.equal("id1name1;2b;id3name3;101!202!", render { rows = { slow(1), { id = 2, name = "b" }, slow(3) }, more = function()
      n = n + 1
      rille.sleep(0)
      return n < 3 and { id = n * 10, ok = slow(n) } or nil
    end })
  end)

  it("may change the list that is walked", function()
    for _, change in ipairs { function(t) t[3] = nil end, function(t) for i = 1, 9 do t[i] = nil end end,
      function(t) t[3] = "new" t[4] = "never seen" end, function(t)
        setmetatable(t, { __index = function() return "by a metatable" end })
        t[3] = nil
      end } do
      local function with_change()
        local t = { 1, {}, 3 }
        setmetatable(t[2], { __index = function(_, key) change(t) return key end })
        return { t = t }
      end
      check("{% for x in t %}{{ loop.index }}{{ x.a }}{{ x }}{% else %}none{% endfor %}", with_change)
      check("{% for x in t %}{% if x.a %}{{ loop.index }}{{ t }}{% endif %}{% endfor %}", with_change)
    end
  end)

  it("runs finalizers at any time, which may change the list too", function()
    local t = {}
    for i = 1, 200 do t[i] = setmetatable({ id = i }, { __index = function() return ("x"):rep(1000) .. i end }) end
    local ends = 0
    local function make_garbage()
      setmetatable({}, { __gc = function()
        ends = ends + 1
        for i = 1, 200 do t[i] = { id = "changed" } end
      end })
    end
    local text = rille.template.compile "{% for x in t %}{{ x.id }}{{ x.name|upper }}{{ garbage() }}{% endfor %}" {
      t = t, garbage = function()
        make_garbage()
        if ends == 0 then collectgarbage() end
      end }
    assert.is_true(ends > 0)
    assert.matches("^1X+1changed", text)
  end)

  it("names the line of its cell in errors, and the traceback names it", function()
    local source = "a\n{% for x in t %}\n{{ x.a }}\n{{ x.b }}\n{{ x.c.d }}\n{% endfor %}"
    local _, err = rille.try(rille.template.compile(source), { t = { {} } })
    assert.equal(5, err.line)
    assert.matches("<template>:5: ", err.message, 1, true)
    _, err = rille.try(rille.template.compile "{% for x in t %}\n\n{{ x.a }}{{ x.b }}{{ x.c }}{{ f(x) }}{% endfor %}",
      { t = { {} }, f = function() error "here" end })
    assert.matches("<template>:3:", err.traceback, 1, true)
  end)

  it("names its line where the plan after it is of a later one", function()
    local later = "\n\n{% for x in t %}{{ x.a }}{{ x.b }}{{ x.c }}{% endfor %}"
    local cells = "{{ x.a }}{{ x.b }}{{ x.c.d }}"
    local too_large = {}
    for i = 1, 300 do too_large[i] = ("{{ x.f%d }}"):format(i) end
    for _, part in ipairs { "{% set z = 1 %}" .. cells, "{% if f(1) %}" .. cells .. "{% endif %}",
      table.concat(too_large) .. "{% if x %}" .. cells .. "{% endif %}" } do
      local text = check("{% for x in t %}\n" .. part .. "\n{% endfor %}" .. later, function()
        return { t = { { a = 1 } }, f = function() return true end }
      end)
      assert.matches("line 2", text)
    end
  end)

  it("cannot print to a page that has been rendered", function()
    local keep
    rille.template.compile "{% macro m() %}{% for x in t %}{{ x.a }}{{ x.b }}{% endfor %}{% endmacro %}{{ keep(m) }}" {
      t = { {} }, keep = function(m) keep = m end }
    assert.is_truthy(keep)
    assert.has_error(function() rille.template.compile "{{ m() }}" { m = keep } end)
  end)
end)

-- ---- limits ---------------------------------------------------------------------------------------------------------

describe("a plan that runs for long", function()
  local source = "{% for x in t %}{% for y in t %}{% if y.a %}{{ y.b }}{{ y.c }}{% endif %}{% endfor %}{% endfor %}"
  local large = {}
  for i = 1, 20000 do large[i] = {} end

  it("is ended by the deadline of its task", function()
    local render = rille.template.compile(source)
    local _, err = rille.try(rille.timeout, 0.2, function() return render { t = large } end)
    assert.equal("timeout", err.code)
  end)

  it("is cancelled where a cell waits", function()
    local render, went_on = rille.template.compile "{% for x in t %}{{ x.a }}{{ x.b }}{{ wait() }}{% endfor %}", false
    local task = rille.spawn(function()
      render { t = { {}, {} }, wait = function() rille.sleep(3600) end }
      went_on = true
    end)
    rille.sleep(0)
    task:cancel()
    rille.try(task.wait, task)
    assert.is_false(went_on)
  end)

  it("keeps to the limit of its page", function()
    local render = rille.template.compile("{% for x in t %}{{ x.a }}{{ x.b }}text{% endfor %}", { limit = 1024 })
    local _, err = rille.try(render, { t = large })
    assert.equal("too_large", err.code)
  end)
end)

describe("rows of a query", function()
  it("are plain mappings to a plan", function()
    local db <close> = rille.sqlite.open ":memory:"
    db:exec "CREATE TABLE t (id INTEGER, name TEXT, items TEXT)"
    db:exec "INSERT INTO t VALUES (1, '<a>', NULL), (2, NULL, 'x')"
    local function with_rows() return { rows = db:query "SELECT * FROM t ORDER BY id" } end
    local source = "{% for x in rows %}{{ x.id }}{{ x.name }}{{ x.missing }}{{ x.items }}"
      .. "{% if x.name %}!{% endif %}{{ x }};{% endfor %}"
    assert.matches("^1&lt;a&gt;.*;2", check(source, with_rows))
    check(source, with_rows, { strict = true })
  end)
end)

describe("native plan()", function()
  it("refuses what does not hang together", function()
    local R = require("rille.template.runtime").lenient
    local function spec(steps, cells, fields)
      local made = { steps = steps, cells = cells, keys = {}, text = "t", slots = 1, count = #steps // 5,
        cell_count = fields or 0 }
      return function() return R.plan(made, { print }) end
    end
    assert.has_error(spec({ "text", 0, 0, 2, 0 }, {}))
    assert.has_error(spec({ "field", 0, 0, 0, 0 }, {}))
    assert.has_error(spec({ "go", 0, 0, 9, 0 }, {}))
    assert.has_error(spec({ "get", 7, 0, 0, 0 }, { "print", 1, 1, 0, 0, 0, 0 }, 1))
    assert.has_error(spec({ "leaf", 0, 0, 0, 0 }, { "print", 2, 1, 0, 0, 0, 0 }, 1))
    assert.has_error(spec({ "leaf", 0, 0, 0, 0 }, { "items", 1, 1, 0, 0, 0, 0 }, 1))
    assert.has_error(spec({ "nonsense", 0, 0, 0, 0 }, {}))
    assert.is_function(spec({ "text", 0, 0, 1, 0 }, {})())
  end)
end)
