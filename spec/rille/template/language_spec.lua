-- lua/rille/template.lua, lua/rille/template/filters.lua, lua/rille/template/filters/list.lua,
-- lua/rille/template/filters/text.lua, lua/rille/template/filters/value.lua, lua/rille/template/globals.lua,
-- lua/rille/template/tests.lua, lua/rille/template/methods.lua, lua/rille/template/lookup.lua, lua/rille/template/inherit.lua,
-- lua/rille/template/record.lua, lua/rille/template/runtime.lua, lua/rille/template/failure.lua
--
-- What Jinja's own tests (corpus_spec.lua) do not say: Lua's values, escaping in corners, errors and limits.
-- runtime/bind/template/lexer.c, runtime/bind/template/page.c
-- runtime/bind/template/value.c
local rille = require "rille"

local function render(source, context, options) return rille.template.compile(source, options)(context) end

local function failure(source, context, options)
  local _, err = rille.try(render, source, context, options)
  assert(err, "no error was raised by " .. source)
  return err
end

describe("values of Lua", function()
  it("print as Lua people expect", function()
    assert.equal("true false none 3 3.0 0.1 1e+20", render("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ f }} {{ g }}",
      { a = true, b = false, c = rille.null, d = 3, e = 3.0, f = 0.1, g = 1e20 }))
  end)

  it("print lists and mappings in Jinja's notation", function()
    assert.equal("[1, 'a', [true]] {'a': 1, 'b': [none]}", render("{{ list }} {{ map }}",
      { list = { 1, "a", { true } }, map = { b = { rille.null }, a = 1 } }, { autoescape = false }))
  end)

  it("are lists from index 0, whatever list they are", function()
    assert.equal("a c b|x", render("{{ l[0] }} {{ l[-1] }} {{ l.1 }}|{{ rows[0].title }}",
      { l = { "a", "b", "c" }, rows = rille.array { { title = "x" } } }))
  end)

  it("are lists when they are empty and marked, mappings when they are not", function()
    assert.equal("[] {}", render("{{ a }} {{ b }}", { a = rille.array {}, b = {} }))
  end)

  it("are undefined when they are nil", function()
    assert.equal("yes ''", render("{{ 'yes' if x is undefined }} '{{ x }}'", {}))
    assert.equal("false", render("{{ x.y is defined }}", { x = {} }))
  end)

  it("keep a field in front of a method of the same name", function()
    assert.equal("5", render("{{ order.items }}", { order = { items = 5 } }))
    assert.equal("k=v", render("{% for k, v in order.items() %}{{ k }}={{ v }}{% endfor %}", { order = { k = "v" } }))
  end)

  it("of the program's own classes are asked in Lua's way, and keep what begins with an underscore to themselves", function()
    local Post = { _secret = "s" }
    Post.__index = Post
    function Post:url(what) return "/" .. self.id .. (what or "") end
    local post = setmetatable({ id = 3 }, Post)
    assert.equal("3 /3 /3/edit false", render("{{ p.id }} {{ p.url() }} {{ p.url('/edit') }} {{ p._secret is defined }}",
      { p = post }))
  end)

  it("that have __html are HTML already, those that have __tostring print that", function()
    local html = setmetatable({}, { __html = function() return "<i>" end })
    local plain = setmetatable({}, { __tostring = function() return "<b>" end })
    assert.equal("<i>&lt;b&gt;", render("{{ html }}{{ plain }}", { html = html, plain = plain }))
  end)

  it("never show an address", function()
    assert.equal("&lt;function&gt;&lt;thread&gt;", render("{{ f }}{{ co }}", { f = print, co = coroutine.create(print) }))
  end)

  it("are not changed by what a template does to lists of its own", function()
    local list = { 3, 1, 2 }
    assert.equal("[1, 2, 3][3, 1, 2]", render("{{ l | sort }}{{ l }}", { l = list }))
    assert.same({ 3, 1, 2 }, list)
  end)

  it("are given to a program's function as Lua's, with keyword arguments as a table behind them", function()
    local seen
    render("{{ f('a', 1, nothing, '<b>'|safe, x=2) }}", { f = function(...) seen = table.pack(...) end })
    assert.same({ n = 5, "a", 1, nil, "<b>", { x = 2 } }, seen)
  end)
end)

describe("escaping", function()
  it("is on for strings unless somebody says otherwise", function()
    assert.equal("&lt;&gt;&amp;&#34;&#39;", render("{{ x }}", { x = "<>&\"'" }))
    assert.equal("<>&", render("{{ x }}", { x = "<>&" }, { autoescape = false }))
  end)

  it("goes by the name's end for templates that have one", function()
    local templates = { ["a.html"] = "{{ x }}", ["a.txt"] = "{{ x }}", ["a.XML"] = "{{ x }}", ["a.html.txt"] = "{{ x }}" }
    local app = rille.app { templates = templates }
    for name, expected in pairs { ["a.html"] = "&lt;", ["a.txt"] = "<", ["a.XML"] = "&lt;", ["a.html.txt"] = "<" } do
      assert.equal(expected, app:render(name, { x = "<" }))
    end
  end)

  it("leaves markup alone, which survives being joined", function()
    local markup = rille.template.markup "<b>"
    assert.equal("<b>&lt;i&gt;", render("{{ m ~ x }}", { m = markup, x = "<i>" }))
    assert.equal("<b>&lt;", render("{{ x }}", { x = markup .. "<" }))
  end)

  it("happens once", function()
    assert.equal("&lt;", render("{{ x|e }}", { x = "<" }))
    assert.equal("&lt;", render("{{ x|escape|e }}", { x = "<" }))
    assert.equal("&amp;lt;", render("{{ x|e|forceescape }}", { x = "<" }))
  end)

  it("makes JSON safe in scripts and attributes", function()
    assert.equal([["\u003c/script\u003e\u0026\u0027"]], render("{{ x|tojson }}", { x = "</script>&'" }))
  end)

  it("refuses names of attributes that are none", function()
    assert.equal("template", failure("{{ x|xmlattr }}", { x = { ["a onclick"] = 1 } }).code)
  end)

  it("holds for every byte, in every length", function()
    for length = 0, 70 do
      local x = ("a"):rep(length) .. "<" .. ("b"):rep(length)
      assert.equal(rille.html_escape(x), render("{{ x }}", { x = x }))
    end
  end)
end)

describe("a syntax error", function()
  it("names template, line and column, and shows the line with a caret", function()
    local err = failure "one\n  {{ a b }}\n"
    assert.equal("syntax", err.code)
    assert.equal(500, err.status)
    assert.same({ 2, 8 }, { err.line, err.column })
    assert.equal("<template>:2:8: '}}' was expected, got 'b'\n      {{ a b }}\n           ^",
      err.message:gsub("the end of the expression", "'}}'"))
  end)

  it("names the file of another template", function()
    local err = failure("{% include 'a.html' %}", {}, { templates = { ["a.html"] = "\n{% if x %}" } })
    assert.matches("^a.html:2:%d+: the template ends here; 'elif' or 'else' or 'endif' was expected; "
      .. "the innermost tag to be closed is 'if' in line 2",
      err.message)
  end)

  it("counts columns behind letters of several bytes", function()
    assert.matches("\n    é{{ a b }}\n          ^", failure("é{{ a b }}").message)
  end)

  it("is raised for a filter or test that nobody knows", function()
    assert.matches("no filter named 'nope'", failure("{{ 1|nope }}").message)
    assert.matches("no test named 'nope'", failure("{{ 1 is nope }}").message)
  end)

  it("is raised when it compiles, not when it renders", function()
    assert.is_false(pcall(rille.template.compile, "{% for %}"))
  end)
end)

describe("an error while it renders", function()
  it("names the template's line", function()
    local err = failure("\n\n{{ a.b.c }}", { a = {} })
    assert.equal("undefined", err.code)
    assert.equal(3, err.line)
    assert.matches("^<template>:3: a mapping has no attribute 'b'", err.message)
  end)

  it("has a traceback of the templates' own lines, through blocks, macros and includes", function()
    local err = failure("{% extends 'base.html' %}\n{% block main %}\n{% include 'part.html' %}\n{% endblock %}", {},
      { templates = {
      ["base.html"] = "<html>\n\n{% block main %}{% endblock %}",
        ["part.html"] = "{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}",
    } })
    local trace = err.traceback
    local at = 1
    for _, place in ipairs { "part.html:2:", "part.html:4:", "<template>:3:", "base.html:3:" } do
      local found = trace:find(place, at, true)
      assert(found, place .. " is not where it should be in\n" .. trace)
      at = found
    end
  end)

  it("of a program's function shows the line that called it", function()
    local _, err = rille.try(render, "\n{{ f() }}", { f = function() error "no luck" end })
    assert.matches("no luck", tostring(err))
    assert.matches("<template>:2:", err.traceback, 1, true)
  end)

  it("passes error values of the program through as they are", function()
    local err = failure("{{ f() }}", { f = function() rille.abort(403, "not you") end })
    assert.same({ 403, "not you" }, { err.status, err.message })
  end)
end)

describe("what is undefined", function()
  it("prints nothing, counts as false, is empty, and raises with its name when more is asked of it", function()
    assert.equal("|no|", render("{{ x }}|{{ 'yes' if x else 'no' }}|{% for a in x %}{{ a }}{% endfor %}"))
    assert.matches("'x' is undefined", failure("{{ x.y }}").message)
    assert.matches("'x' is undefined", failure("{{ x + 1 }}").message)
    assert.matches("'x' is undefined", failure("{{ x() }}").message)
    assert.matches("a mapping has no attribute 'b'", failure("{{ a.b.c }}", { a = {} }).message)
    assert.matches("none has no attribute 'b'", failure("{{ a.b.c }}", { a = rille.null }).message)
  end)

  it("always raises in strict templates, but for what asks whether it is there", function()
    local strict = { strict = true }
    for _, source in ipairs { "{{ x }}", "{% if x %}{% endif %}", "{% for a in x %}{% endfor %}", "{{ a.b }}", "{{ x == 1 }}",
      "{{ not x }}",
      "{% if a.b %}{% endif %}", "{{ a.b|upper }}" } do
      assert.equal("undefined", failure(source, { a = {} }, strict).code, source)
    end
    assert.equal("false d d", render("{{ x is defined }} {{ x|default('d') }} {{ a.b|default('d') }}", { a = {} }, strict))
  end)
end)

describe("templates that use templates", function()
  it("raise not_found, with the name and the line", function()
    local err = failure("\n{% include 'nope.html' %}")
    assert.equal("not_found", err.code)
    assert.matches("^<template>:2: there is no template 'nope.html'", err.message)
    assert.equal("not_found", failure("{% extends 'nope.html' %}").code)
    assert.matches("none of the templates 'a', 'b'", failure("{% include ['a', 'b'] %}").message)
  end)

  it("end when they lead to themselves", function()
    local cases = {
      { ["a"] = "{% include 'a' %}" }, { ["a"] = "{% extends 'a' %}" }, { ["a"] = "{% import 'a' as a %}" },
      { ["a"] = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}" }, { ["a"] = "{% block b %}{{ self.b() }}{% endblock %}" },
      { ["a"] = "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}" }, { ["a"] = "{% include 'b' %}",
        ["b"] = "{% include 'a' %}" },
      { ["a"] = "{% macro m(x) %}{{ m(x=1) }}{% endmacro %}{{ m() }}" },
      { ["a"] = "{% macro m() %}{{ m()|upper }}{% endmacro %}{{ m() }}" },
    }
    for _, templates in ipairs(cases) do
      assert.matches("nested more than 200 deep", failure("{% include 'a' %}", {}, { templates = templates }).message)
    end
  end)
end)

describe("limits", function()
  it("bound what a page holds", function()
    local err = failure("{% for i in range(1000) %}{{ 'x' * 1000 }}{% endfor %}", {}, { limit = 100000 })
    assert.equal("too_large", err.code)
    assert.equal(500, err.status)
  end)

  it("bound what a template can make of little", function()
    for _, source in ipairs { "{{ range(1000000000) }}", "{{ 'x' * 10000000000 }}", "{{ [0] * 10000000000 }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ 'x'|center(10000000000) }}", "{{ lipsum(n=1000000000) }}", "{{ 'x'|indent(10000000000) }}",
      "{{ '{:10000000000}'.format(1) }}",
      "{{ 'x'.ljust(10000000000) }}", "{{ [1]|batch(10000000000, 0)|list }}", "{{ [1]|slice(10000000000)|list }}" } do
      assert.equal("template", failure(source).code, source)
    end
  end)

  it("bound how deep an expression and its tags are", function()
    assert.equal("syntax", failure("{{ " .. ("("):rep(10000) .. "1" .. (")"):rep(10000) .. " }}").code)
    assert.equal("syntax", failure("{{ " .. ("-"):rep(10000) .. "1 }}").code)
    assert.equal("syntax", failure("{{ x" .. (".a"):rep(10000) .. " }}").code)
    assert.equal("syntax", failure(("{% if 1 %}"):rep(10000) .. ("{% endif %}"):rep(10000)).code)
    assert.equal("syntax", failure("{{ " .. ("1 if "):rep(1000) .. "1 }}").code)
  end)

  it("let a template of 10,000 lines pass, whatever is in them", function()
    local lines = {}
    for i = 1, 10000 do
      lines[i] = ("<p>{{ a%d }} {%% if b %%}{{ b.c|upper }}{%% endif %%}{%% set v%d = %d %%}"):format(i % 500, i % 300, i)
    end
    local text = render(table.concat(lines, "\n"), { a1 = "A" })
    local _, count = text:gsub("<p>", "")
    assert.equal(10000, count)
    assert.matches("<p>A", text)
  end)

  it("let many of anything pass", function()
    local function many(n, piece, separator)
      local list = {}
      for i = 1, n do list[i] = piece:format(i) end
      return table.concat(list, separator or "")
    end
    assert.equal(many(300, "%d", ", "), (render("{{ [" .. many(300, "%d", ",") .. "] }}"):sub(2, -2)))
    assert.equal("300", render("{{ {" .. many(300, "'k%d': 1", ",") .. "}|length }}"))
    assert.equal(many(300, "%d"), render("{{ " .. many(300, "%d", " ~ ") .. " }}"))
    assert.equal(("x"):rep(300), render(many(300, "{%% block b%d %%}x{%% endblock %%}")))
    assert.equal("300", render(many(300, "{%% macro m%d() %%}%%%%{%% endmacro %%}"):gsub("%%%%", "") .. many(300,
      "{%% set s%d = 1 %%}") .. "{{ s1 + 299 }}"))
    assert.equal("1", render("{% macro m(" .. many(150, "p%d", ",") .. ") %}{{ p1 }}{% endmacro %}{{ m(1) }}"))
    assert.equal("1", render(many(150, "{%% set v%d = 1 %%}") .. many(6, "{%% for x%d in [1] if v1 %%}") .. "{{ v150 }}"
      .. many(6, "{%% endfor %%}")))
  end)
end)

describe("numbers", function()
  it("that leave 64 bits are floats, wherever they come from", function()
    local cases = {
      ["'99999999999999999999'|int"] = "1e+20", ["'-99999999999999999999'|int"] = "-1e+20",
        ["'9223372036854775807'|int"] = "9223372036854775807",
      ["'9223372036854775808'|int"] = "9.223372036854775808e+18", ["'ffffffffffffffff'|int(0, 16)"] = "1.8446744073709552e+19",
      ["'0x7fffffffffffffff'|int(0, 16)"] = "9223372036854775807", ["'zz' * 9"] = nil, ["('z' * 13)|int(0, 36)"] = "1.7e+20",
      ["0xffffffffffffffffff"] = "4.7e+21", ["0x7fffffffffffffff"] = "9223372036854775807", ["99999999999999999999"] = "1e+20",
      ["-(-9223372036854775807 - 1)"] = "9.2e+18", ["(-9223372036854775807 - 1)|abs"] = "9.2e+18",
      ["(-9223372036854775807 - 1) // -1"] = "9.2e+18", ["2000000000 * 2000000000 * 2000000000"] = "8e+27",
      ["4000000000|abs * 4000000000|abs"] = "1.6e+19", ["9223372036854775807 + 1"] = "9.2e+18", ["1e400|int(5)"] = "5",
        ["'1e400'|int(5)"] = "5",
    }
    for expression, expected in pairs(cases) do
      local text = render("{{ " .. expression .. " }}")
      local digits = expected:match "^(%d%.%d)e" or expected
      assert.equal(expected:match "e[+]%d+$" or expected, text:match "e[+]%d+$" or text, expression)
      assert.is_truthy(text:find(digits, 1, true) or tonumber(text) == tonumber(expected), expression .. ": " .. text)
    end
  end)

  it("are read as Python reads them", function()
    assert.equal("1234 0 0 12.5 -3 0 0 1234.5",
      render("{{ '1_2_3_4'|int }} {{ '1__2'|int }} {{ '_1'|int }} {{ ' 12.5 '|float }} {{ '-3'|int }} "
      .. "{{ '0x10'|int }} {{ '--1'|int }} {{ '1_2_3_4.5'|float }}"))
  end)

  it("are formatted as Python does, however wide", function()
    local cases = {
      ["'%200d' % 5"] = (" "):rep(199) .. "5", ["'%-----5d|' % 5"] = "5    |", ["'%x' % -255"] = "-ff",
        ["'%#x %#o' % (255, 8)"] = "0xff 0o10",
      ["'%+.3d' % 5"] = "+005", ["'%d' % 1e20"] = "100000000000000000000", ["'%05d' % -5"] = "-0005",
        ["'%*d' % (-5, 1)"] = "1    ",
      ["'{:b}'.format(-5)"] = "-101", ["'{:#x}'.format(255)"] = "0xff", ["'{:+,}'.format(1234567)"] = "+1,234,567",
        ["'{:=+6}'.format(5)"] = "+    5",
      ["'{:^6}'.format(5)"] = "  5   ", ["'{:<05}'.format(5)"] = "50000", ["'{:200}'.format(5)"] = (" "):rep(199) .. "5",
        ["'{:.1%}'.format(0.255)"] = "25.5%",
    }
    for expression, expected in pairs(cases) do assert.equal(expected, render("{{ " .. expression .. " }}"), expression) end
    for _, expression in ipairs { "'%y' % 1", "'%' % 1", "'{'.format(1)", "'{:q}'.format(1)", "'{:=5}'.format('a')",
      "'%x' % 1e20", "'%(a' % 1",
      "'%1001d' % 1", "'%.100f' % 1", "'{:1001}'.format(1)", "'%d' % (1e308 * 10)" } do
      assert.equal("template", failure("{{ " .. expression .. " }}").code, expression)
    end
  end)
end)

describe("as Jinja has it", function()
  local function same(expected, source, context)
    assert.equal(expected, render(source, context, { autoescape = false }), source)
  end

  it("a list that lacks the attribute it is sorted by stays as it is", function()
    same("[{'a': 2}, {'a': 1}]", "{{ [{'a': 2}, {'a': 1}]|sort(attribute='b') }}")
    same("[{'a': 2}, {'a': 1}]", "{{ [{'a': 2}, {'a': 1}]|sort(attribute='b,c') }}")
    assert.equal("undefined", failure("{{ [{'a': 2}, {'b': 1}]|sort(attribute='b') }}").code)
    assert.equal("undefined", failure("{{ [{}, {}]|sort(attribute='b') }}", {}, { strict = true }).code)
  end)

  it("map, select and reject of what counts as false are empty", function()
    for _, v in ipairs { "none", "0", "false", "''", "x", "[]" } do
      local source = "{{ %s|map('upper')|list }}{{ %s|select|list }}{{ %s|reject|list }}"
        .. "{{ %s|selectattr('a')|list }}{{ %s|rejectattr('a')|list }}"
      same("[][][][][]", (source:gsub("%%s", v)))
    end
    assert.equal("template", failure("{{ 1|map('upper') }}").code)
    assert.equal("template", failure("{{ none|list }}").code)
  end)

  it("what follows a comparison that does not hold is not evaluated", function()
    same("false false 2 true",
      "{{ 3 < 2 < none|length }} {{ 3 < 2 < 1 / 0 }} {{ 1 if 3 < 2 < x.y.z else 2 }} {{ 1 < 2 < [1, 2, 3]|length }}")
    same("0 1",
      "{% set ns = namespace(n=0) %}{% macro m() %}{% set ns.n = ns.n + 1 %}9{% endmacro %}"
      .. "{% if 2 < 1 < m()|int %}{% endif %}{{ ns.n }}"
      .. "{% if 0 < 1 < m()|int %} {{ ns.n }}{% endif %}")
  end)

  it("a list that is short is not truncated", function()
    same("[1, 2] {'a': 1} (1, 2)", "{{ [1, 2]|truncate }} {{ {'a': 1}|truncate }} {{ (1, 2)|truncate }}")
    assert.equal("template", failure("{{ range(300)|truncate(10) }}").code)
    assert.equal("template", failure("{{ 5|truncate }}").code)
  end)

  it("a sum puts no texts together", function()
    same("6 [1, 2, 3] (1, 2) 3.5",
      "{{ [1, 2, 3]|sum }} {{ [[1], [2, 3]]|sum(start=[]) }} {{ [(1,), (2,)]|sum(start=()) }} {{ [1, 2.5]|sum }}")
    assert.matches("join puts texts together", failure("{{ ['a']|sum(start='') }}").message)
    assert.equal("template", failure("{{ ['a']|sum }}").code)
    assert.equal("template", failure("{{ [[1], 2]|sum(start=[]) }}").code)
  end)

  it("split keeps the end of what it does not split, and from the right the beginning", function()
    same("a|b  |", "{{ 'a b  '.split(none, 1)|join('|') }}|")
    same("  a|b", "{{ '  a b '.rsplit(none, 1)|join('|') }}")
    same("a|aa", "{{ 'a-a--aa'.rsplit('-', 1)[1] and 'a-aa'.rsplit('-', 1)|join('|') }}")
    same("a-|a", "{{ 'a---a'.rsplit('--', 1)|join('|') }}")
  end)
end)

describe("the line of source in a message", function()
  it("is cut around the place, at whole characters", function()
    local err = failure(("é"):rep(3000) .. "{{ a ! }}" .. ("ö"):rep(3000))
    assert.is_true(#err.message < 600, #err.message)
    assert.is_truthy(utf8.len(err.message))
    local line, mark = err.message:match "\n    (.-)\n( +)%^$"
    assert.matches("^…[\x80-\xFF]+{{ a ! }}[\x80-\xFF]+…$", line)
    assert.equal("!", line:sub(utf8.offset(line, #mark - 4 + 1)):sub(1, 1))
  end)
end)

describe("rille.template.compile", function()
  it("checks what it is given", function()
    assert.error_matches(function() rille.template.compile(1) end, "a template's source was expected, got a number")
    assert.error_matches(function() rille.template.compile("", { autoescap = true }) end,
      "unknown option 'autoescap', did you mean 'autoescape'")
    assert.error_matches(function() rille.template.compile "" "x" end, "a template's context is a table, got a string")
  end)

  it("takes filters, tests and globals", function()
    assert.equal("<1> true g", render("{{ 1|wrap }} {{ 1 is one }} {{ g }}", {}, { autoescape = false,
      filters = { wrap = function(v) return "<" .. v .. ">" end }, tests = { one = function(v) return v == 1 end },
        globals = { g = "g" } }))
  end)

  it("makes functions that can run at the same time", function()
    local page = rille.template.compile "{% set x = id %}{{ wait() }}{{ x }}"
    local function one(id) return page { id = id, wait = function() rille.sleep(0) return "" end } end
    local a, b = rille.all(function() return one(1) end, function() return one(2) end)
    assert.same({ "1", "2" }, { a, b })
  end)
end)

describe("the text of a template", function()
  it("is printed as it is, whatever its bytes are", function()
    local bytes = {}
    for c = 0, 255 do bytes[#bytes + 1] = c ~= 13 and string.char(c) .. "0" or nil end
    local text = table.concat(bytes)
    assert.equal(text .. "|" .. text, render("{% raw %}" .. text .. "{% endraw %}|{{ t }}", { t = text }, { autoescape = false }))
  end)

  it("has brackets and strings that end, or says where they begin", function()
    local cases = {
      ["a\n{{ (1] }}"] = ":2:6: unexpected ']', expected ')'", ["{{ 1) }}"] = ":1:5: unexpected ')'",
      ["{{ 'a\\' }}"] = ":1:4: this string is not closed", ["{{ 'a\\u12' }}"] = ":1:4: a \\x, \\u or \\U escape",
      ["{{ a \1 }}"] = ":1:6: unexpected character '\1'", ["{% raw %}{% endraw"] = ":1:1: this raw block is not closed",
      ["a {# b"] = ":1:3: this comment is not closed", ["\n{{ a"] = ":2:1: this tag is not closed: '}}' is missing",
    }
    for source, message in pairs(cases) do
      assert.is_truthy(failure(source).message:find(message, 1, true), failure(source).message)
    end
  end)
end)
