-- lua/rille/template/compiler.lua, lua/rille/template/code.lua, lua/rille/template/symbols.lua
-- lua/rille/template/compile/expression.lua, lua/rille/template/compile/operators.lua, lua/rille/template/compile/call.lua,
-- lua/rille/template/compile/filter.lua, lua/rille/template/compile/output.lua, lua/rille/template/compile/statements.lua,
-- lua/rille/template/compile/loop.lua, lua/rille/template/compile/macro.lua, lua/rille/template/compile/inherit.lua
--
-- The Lua that templates become, without plans (plan_spec.lua). What it does is in language_spec.lua.
local Code = require "rille.template.code"
local compiler = require "rille.template.compiler"
local Environment = require "rille.template.environment"
local parser = require "rille.template.parser"
local Symbols = require "rille.template.symbols"

local function compile(source, options)
  local origin = { chunk = "t" }
  return compiler.compile(parser.parse(source, origin, {}), origin, Environment.new(options or { no_plans = true }), true)
end

-- The statements of the template's function.
local function code(source, options)
  local root = compile(source, options).root
  return (root:match "local V, S = c%.vars, c%.state (.*) end$")
end

describe("what is printed", function()
  it("is one call for neighbours in a line, and text alone is one call of text", function()
    assert.equal('text(o, "ab")', code "ab")
    assert.equal(1, select(2, code "a{{ x }}b{{ y }}c":gsub("put%(o", "")))
    assert.equal(2, select(2, code "a{{ x }}\n{{ y }}":gsub("put%(o", "")))
  end)

  it("is folded where it is constant, and escaped then", function()
    assert.equal('text(o, "1&lt;a")', code "{{ 1 }}{{ '<' }}a")
  end)

  it("is chosen within the call where an if prints nothing but text", function()
    assert.matches('truth%(.-%) and "a" or "b"', code "{% if x %}a{% else %}b{% endif %}")
    assert.matches("^local .* if truth", code "{% if x %}a{% else %}{{ y }}{% endif %}")
  end)

  it("stands in its own line of the code", function()
    local root = compile("\n\n{{ x }}\n{% if y %}\n{{ z }}{% endif %}").root
    local lines = {}
    for line in (root .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    assert.matches('l0_x', lines[3])
    assert.matches("if truth", lines[4])
    assert.matches("l0_z", lines[5])
  end)
end)

describe("a loop", function()
  it("without `loop` is Lua's own", function()
    local text = code "{% for x in y %}{{ x }}{% endfor %}"
    assert.matches("for i%d+ = 1, n%d+ do", text)
    assert.not_matches("new_loop", text)
  end)

  it("that asks for loop.index alone counts", function()
    local text = code "{% for x in y %}{{ loop.index }}{% endfor %}"
    assert.not_matches("new_loop", text)
    assert.not_matches("all_items", text)
  end)

  it("that asks for loop.last looks at all items first", function()
    assert.matches("all_items", code "{% for x in y %}{{ loop.last }}{% endfor %}")
  end)

  it("whose `loop` is passed on has an object", function()
    assert.matches("new_loop", code "{% for x in y %}{{ f(loop) }}{% endfor %}")
    assert.matches("new_loop", code "{% for x in y %}{{ loop.changed(x) }}{% endfor %}")
  end)

  it("that is too long for a jump of Lua's is a while loop", function()
    assert.matches("while ", code("{% for x in y %}" .. ("{{ x }}"):rep(2000) .. "{% endfor %}"), 1, true)
  end)

  it("has a label for continue only where there is one", function()
    assert.not_matches("::", code "{% for x in y %}{% break %}{% endfor %}", 1, true)
    assert.matches("goto continue(%d+) .*::continue%1::", code "{% for x in y %}{% continue %}{% endfor %}")
  end)
end)

describe("operators", function()
  it("of numbers are Lua's, others the runtime's", function()
    assert.matches("(1 + 2)", code "{{ 1 + 2 }}", 1, true)
    assert.matches("add(1, ", code "{{ 1 + x }}", 1, true)
    assert.matches("mul((1 * 2), 3)", code "{{ 1 * 2 * 3 }}", 1, true) -- a product may leave 64 bits
    assert.matches("(1 < 2)", code "{{ 1 < 2 }}", 1, true)
  end)

  it("in a condition need no value", function()
    assert.matches("if (truth(", code "{% if a and b %}{{ x }}{% endif %}", 1, true)
    assert.not_matches("falsy", code "{% if a and b %}{{ x }}{% endif %}", 1, true)
    assert.matches("falsy", code "{{ a and b }}", 1, true)
  end)

  it("in a chain evaluate what may not be reached in a function", function()
    local text = code "{{ a < f() < g() }}"
    assert.matches('compare_all', text)
    assert.equal(1, select(2, text:gsub("function%(%)", "")))
  end)
end)

describe("names", function()
  it("are looked up once, and are locals then", function()
    local text = code "{{ x }}{{ x }}"
    assert.equal(1, select(2, text:gsub('V%["x"%]', "")))
  end)

  it("that are set at the top are exported, unless they begin with an underscore", function()
    local compiled = compile "{% set a = 1 %}{% set _b = 2 %}{% with c = 3 %}{% endwith %}"
    assert.same({ a = true }, compiled.exports)
    assert.is_false(compiled.only_prints)
    assert.is_true(compile("{{ x }}").only_prints)
  end)

  it("beyond Lua's limit of locals are fields of a table", function()
    local parts = {}
    for i = 1, 100 do parts[i] = ("{%% set v%d = %d %%}{{ v%d }}"):format(i, i, i) end
    local text = code(table.concat(parts))
    assert.matches("local s%d+ = {}", text)
    assert.is_truthy(load(text))
  end)

  it("of filters and tests that there are none of are errors, but in a branch that may never run", function()
    assert.is_false(pcall(compile, "{{ x|nothing }}"))
    assert.is_true(pcall(compile, "{% if x %}{{ x|nothing }}{% endif %}"))
    assert.is_false(pcall(compile, "{{ x is nothing }}"))
    assert.is_true(pcall(compile, "{% if x is nothing %}{% endif %}"))
  end)
end)

describe("a macro", function()
  it("counts how deep calls are only where it calls anything", function()
    assert.not_matches("S.depth", code "{% macro m() %}x{% endmacro %}", 1, true)
    assert.matches("S.depth", code "{% macro m() %}{{ m() }}{% endmacro %}", 1, true)
  end)

  it("is called through a site, which remembers how", function()
    local text = code "{% macro m(a) %}{% endmacro %}{{ m(1) }}"
    assert.matches("site%(c, true, \"1\"", text)
    assert.not_matches("put_call", text)
    assert.matches("put_call", code "{% macro m(a) %}{% endmacro %}{{ m(*x) }}", 1, true)
  end)
end)

describe("code under construction", function()
  it("goes down to a line and never up", function()
    local unit = Code.new(2, {})
    unit:write "a "
    unit:sync(4)
    unit:write "b "
    unit:sync(3)
    assert.equal("", unit:breaks(4))
    assert.equal("\n", unit:breaks(5))
    assert.equal("\nlocal R, K = ... a \n\nb ", unit:source())
  end)

  it("names the runtime's functions it uses, each once", function()
    local unit = Code.new(1, {})
    assert.equal("put", unit:use "put")
    unit:use "put"
    unit:use "attr"
    assert.equal("local R, K = ... local put, attr = R.put, R.attr ", unit:source())
  end)

  it("caches a limited number of things, one for each key", function()
    local unit = Code.new(1, {})
    assert.equal(unit:cache("a", 2), unit:cache("a", 2))
    for i = 1, 15 do assert.equal(2, #unit:cache("k" .. i, 2)) end
    assert.is_nil(unit:cache("one too many", 2))
    assert.is_truthy(unit:cache("a", 2))
  end)
end)

describe("symbols", function()
  local function analyzed(source)
    local symbols = Symbols.new()
    symbols:analyze { t = "Unit", body = parser.parse(source, { chunk = "t" }, {}).body }
    return symbols
  end

  it("of what is read come from the context", function()
    local symbols = analyzed "{{ x }}"
    assert.equal("context", symbols:find("x").load)
    assert.is_true(symbols:is_constant "x")
    assert.is_nil(symbols:find "y")
  end)

  it("of what some branches store may come from there too", function()
    local symbols = analyzed "{% if a %}{% set x = 1 %}{% endif %}{{ x }}"
    assert.equal("context", symbols:find("x").load)
    assert.is_false(symbols:is_constant "x")
  end)

  it("of what is stored before it is read start with nothing", function()
    assert.equal("nothing", analyzed("{% set x = 1 %}{{ x }}"):find("x").load)
  end)

  it("of an inner frame see the outer ones'", function()
    local outer = analyzed "{% set x = 1 %}"
    local inner = Symbols.new(outer)
    assert.equal(outer:find "x", inner:find "x")
    assert.equal("param", inner:declare("x").load)
    assert.not_equal(outer:find "x", inner:find "x")
  end)
end)
