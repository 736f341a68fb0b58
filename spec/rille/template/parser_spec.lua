-- lua/rille/template/parser.lua, lua/rille/template/parse/expression.lua, lua/rille/template/parse/postfix.lua,
-- lua/rille/template/parse/tags.lua, lua/rille/template/parse/body.lua, lua/rille/template/parse/depth.lua
-- lua/rille/template/lexer.lua, lua/rille/template/ast.lua
local ast = require "rille.template.ast"
local parser = require "rille.template.parser"

local function parse(source) return parser.parse(source, { chunk = "t" }, {}) end

-- An expression's tree as text: (add 1 (mul 2 3)).
local show
local writers = {
  Const = function(n) return n.none and "none" or type(n.value) == "string" and ("'%s'"):format(n.value) or tostring(n.value) end,
  Name = function(n) return n.name end,
  Binary = function(n) return ("(%s %s %s)"):format(n.op, show(n.left), show(n.right)) end,
  Unary = function(n) return ("(%s %s)"):format(n.op, show(n.node)) end,
  Not = function(n) return ("(not %s)"):format(show(n.node)) end,
  And = function(n) return ("(and %s %s)"):format(show(n.left), show(n.right)) end,
  Or = function(n) return ("(or %s %s)"):format(show(n.left), show(n.right)) end,
  Cond = function(n) return ("(if %s %s %s)"):format(show(n.test), show(n.yes), n.no and show(n.no) or "-") end,
  Concat = function(n) return "(~ " .. show(n.nodes) .. ")" end,
  Compare = function(n)
    local out = show(n.expr)
    for _, row in ipairs(n.operands) do out = out .. " " .. row[1] .. " " .. show(row[2]) end
    return "(" .. out .. ")"
  end,
  Getattr = function(n) return show(n.node) .. "." .. n.attr end,
  Getitem = function(n) return show(n.node) .. "[" .. show(n.arg) .. "]" end,
  Slice = function(n) return ("%s:%s:%s"):format(show(n.start), show(n.stop), show(n.step)) end,
  Filter = function(n) return ("%s|%s"):format(show(n.node), n.name) .. (n.args[1] and "(" .. show(n.args) .. ")" or "") end,
  Test = function(n) return ("(is %s %s%s)"):format(show(n.node), n.name, n.args[1] and " " .. show(n.args) or "") end,
  Call = function(n)
    local out = { n.args[1] and show(n.args) or nil }
    for _, row in ipairs(n.kwargs) do out[#out + 1] = row[1] .. "=" .. show(row[2]) end
    if n.dyn_args then out[#out + 1] = "*" .. show(n.dyn_args) end
    if n.dyn_kwargs then out[#out + 1] = "**" .. show(n.dyn_kwargs) end
    return show(n.node) .. "(" .. table.concat(out, " ") .. ")"
  end,
  Tuple = function(n) return "(tuple " .. show(n.items) .. ")" end,
  List = function(n) return "[" .. show(n.items) .. "]" end,
}

function show(node)
  if not node then return "" end
  if node.t then return writers[node.t](node) end
  local out = {}
  for i, item in ipairs(node) do out[i] = show(item) end
  return table.concat(out, " ")
end

local function expression(source) return show(parse("{{ " .. source .. " }}").body[1].nodes[1]) end

local function message_of(source)
  local ok, err = pcall(parse, source)
  assert.is_false(ok, "no error in " .. source)
  return tostring(err)
end

describe("expressions", function()
  local cases = {
    { "1 + 2 * 3", "(add 1 (mul 2 3))" }, { "(1 + 2) * 3", "(mul (add 1 2) 3)" }, { "1 - 2 - 3", "(sub (sub 1 2) 3)" },
    { "2 ** 3 ** 2", "(pow (pow 2 3) 2)" }, { "-x ** 2", "(pow (neg x) 2)" }, { "- - x", "(neg (neg x))" },
    { "a ~ b ~ c", "(~ a b c)" }, { "(a ~ b) ~ c", "(~ (~ a b) c)" }, { "1 ~ 2 + 3", "(add (~ 1 2) 3)" },
    { "not a and b or c", "(or (and (not a) b) c)" }, { "not a == b", "(not (a eq b))" }, { "a < b <= c", "(a lt b le c)" },
    { "a in b", "(a in b)" }, { "a not in b", "(a notin b)" }, { "a if b else c", "(if b a c)" }, { "a if b", "(if b a -)" },
    { "a.b[1].c", "a.b[1].c" }, { "a.0", "a[0]" }, { "a[1:2]", "a[1:2:]" }, { "a[::2]", "a[::2]" },
    { "a[1, 2]", "a[(tuple 1 2)]" },
    { "f(1, x=2, *a, **k)", "f(1 x=2 *a **k)" }, { "f(1, *a)", "f(1 *a)" }, { "f(a)(b).c", "f(a)(b).c" },
    { "a|upper|trim", "a|upper|trim" }, { "-a|abs", "(neg a)|abs" }, { "a|default('x')", "a|default('x')" },
    { "a is defined", "(is a defined)" }, { "a is not defined", "(not (is a defined))" },
    { "a is divisibleby 3", "(is a divisibleby 3)" },
    { "a is eq 1 and b", "(and (is a eq 1) b)" }, { "'a' 'b'", "'ab'" }, { "()", "(tuple )" }, { "1,", "(tuple 1)" },
    { "[1, [2,],]", "[1 [2]]" }, { "true", "true" }, { "None", "none" }, { "1_000", "1000" },
  }
  for _, case in ipairs(cases) do
    it("reads " .. case[1], function() assert.equal(case[2], expression(case[1])) end)
  end

  it("with arguments in another order are refused", function()
    for _, call in ipairs { "f(x=1, 2)", "f(*a, 1)", "f(**k, 1)", "f(**k, *a)", "f(*a, *b)" } do
      assert.matches("not in the order", message_of("{{ " .. call .. " }}"), 1, true)
    end
  end)

  it("nested too deeply are refused, and nothing less is", function()
    assert.is_true(pcall(parse, "{{ " .. ("("):rep(40) .. "1" .. (")"):rep(40) .. " }}"))
    for _, source in ipairs { ("("):rep(100) .. "1" .. (")"):rep(100), ("-"):rep(100) .. "1", "a" .. ("|upper"):rep(100),
      "a" .. (".b"):rep(100), "1" .. (" + 1"):rep(100) } do
      assert.matches("too deeply", message_of("{{ " .. source .. " }}"))
    end
  end)
end)

describe("tags", function()
  local function first(source) return parse(source).body[1] end

  it("for: its parts", function()
    local node = first "{% for a, b in x if a recursive %}1{% else %}2{% endfor %}"
    assert.equal("For", node.t)
    assert.equal("(tuple a b)", show(node.target))
    assert.equal("x", show(node.iter))
    assert.equal("a", show(node.test))
    assert.is_true(node.recursive)
    assert.equal("1", node.body[1].nodes[1].text)
    assert.equal("2", node.else_[1].nodes[1].text)
  end)

  it("if: branches in order, each with its line", function()
    local node = first "{% if a %}1\n{% elif b %}2{% else %}3{% endif %}"
    assert.equal("If", node.t)
    assert.equal("b", show(node.elifs[1].test))
    assert.equal(2, node.elifs[1].line)
    assert.equal("3", node.else_[1].nodes[1].text)
  end)

  it("neighbours that print are one statement", function()
    local tree = parse "a{{ b }}c{% set d = 1 %}e"
    assert.equal(3, #tree.body)
    assert.equal(3, #tree.body[1].nodes)
  end)

  it("blocks are collected by name and in order", function()
    local tree = parse "{% block a %}{% block b scoped %}{% endblock b %}{% endblock %}"
    assert.equal("b", tree.blocks[1].name)
    assert.equal("a", tree.blocks[2].name)
    assert.is_true(tree.blocks.b.scoped)
  end)

  it("notes what is likely a macro, or a module of them", function()
    local tree = parse "{% macro m() %}{% endmacro %}{% import 'x' as x %}{% from 'y' import f as g %}"
    assert.same({ caller = "macro", m = "macro", x = "module", g = "macro" }, tree.macros)
  end)

  it("that are wrong say what was expected, and which tag is open", function()
    local wrong = {
      { "{% for x in y %}\n{% endif %}", "unknown tag 'endif'" }, { "{% if a %}", "the template ends here" },
      { "{% if a %}{% for x in y %}", "the innermost tag to be closed is 'for' in line 1" },
      { "{% break %}", "stands in no loop" },
      { "{% for x in y %}{% block b %}{% break %}{% endblock %}{% endfor %}", "stands in no loop" },
      { "{% set a.b.c = 1 %}", "was expected" }, { "{% set 1 = 2 %}", "cannot be assigned to" },
      { "{% block a %}{% endblock %}{% block a %}{% endblock %}", "a block 'a' already, in line 1" },
      { "{% macro m(a, a) %}{% endmacro %}", "a parameter 'a' already" },
      { "{% macro m(a=1, b) %}{% endmacro %}", "without a default" }, { "{% from 'x' import _a %}", "start with an underline" },
      { "{% call x %}{% endcall %}", "a call was expected" }, { "{% block a required %}x{% endblock %}", "nothing but space" },
      { "{% 1 %}", "a tag's name was expected" },
      { ("{% if a %}"):rep(60), "nested too deeply" },
    }
    for _, case in ipairs(wrong) do assert.matches(case[2], message_of(case[1]), 1, true) end
  end)
end)

describe("trees", function()
  it("are searched with all that is below a node", function()
    local node = parse "{% if a %}{{ b.c|upper }}{% endif %}".body[1]
    assert.is_true(ast.any(node, function(n) return n.t == "Filter" end))
    assert.is_false(ast.any(node, function(n) return n.t == "Call" end))
    local names = {}
    ast.each(node, "Name", function(n) names[#names + 1] = n.name end)
    assert.same({ "a", "b" }, names)
  end)
end)
