-- lua/rille/template/macro.lua, lua/rille/template/call.lua
--
-- Calls of macros: what stands for what in a call, whatever way the call takes.
-- runtime/bind/template/page.c
local rille = require "rille"

local function render(source, context, options) return rille.template.compile(source, options)(context) end

local function failure(source, context, options)
  local _, err = rille.try(render, source, context, options)
  assert(err, "no error was raised by " .. source)
  return err
end

local DEFINE = "{% macro m(a, b='B', d='D') %}[{{ a }}{{ b }}{{ d }}]{% endmacro %}"

describe("arguments of a macro", function()
  it("go by place, by name, and by both, in any order", function()
    assert.equal("[1BD][12D][123]", render(DEFINE .. "{{ m(1) }}{{ m(1, 2) }}{{ m(1, 2, 3) }}"))
    assert.equal("[12D][1B3][123]", render(DEFINE .. "{{ m(1, b=2) }}{{ m(1, d=3) }}{{ m(1, d=3, b=2) }}"))
    assert.equal("[123][B3][BD]", render(DEFINE .. "{{ m(d=3, a=1, b=2) }}{{ m(d=3) }}{{ m() }}"))
    assert.equal("[falseBD]", render(DEFINE .. "{{ m(a=false) }}"))
  end)

  it("are evaluated once and in their order", function()
    local seen = {}
    local function note(v)
      seen[#seen + 1] = v
      return v
    end
    assert.equal("[132]", render(DEFINE .. "{{ m(f(1), d=f(2), b=f(3)) }}", { f = note }))
    assert.same({ 1, 2, 3 }, seen)
  end)

  it("must fit", function()
    assert.matches("the macro 'm' takes 3 arguments at most, got 4", failure(DEFINE .. "{{ m(1, 2, 3, 4) }}").message)
    assert.matches("the macro 'm' takes no argument 'x'", failure(DEFINE .. "{{ m(1, x=2) }}").message)
    assert.matches("the macro 'm' takes no argument 'a'", failure(DEFINE .. "{{ m(1, a=2) }}").message)
    local body = failure(DEFINE .. "\n{% call m(1) %}x{% endcall %}")
    assert.matches("the macro 'm' is called with a body, but does not call caller", body.message)
    assert.equal(2, body.line)
  end)

  it("may be more than are named", function()
    local more = "{% macro v(a) %}{{ a }}{{ varargs|join }}{{ kwargs.k }}{% endmacro %}"
    assert.equal("1 12 1k 12k", render(more .. "{{ v(1) }} {{ v(1, 2) }} {{ v(1, k='k') }} {{ v(1, 2, k='k') }}"))
  end)
end)

describe("a call", function()
  it("calls what its name means at the time", function()
    local two = "{% macro a(x) %}a{{ x }}{% endmacro %}{% macro b(y, x=0) %}b{{ x }}{% endmacro %}"
    assert.equal("a1b1f1a1", render(two .. "{% macro g(caller=none) %}{{ caller(x=1) }}{% endmacro %}"
      .. "{{ g(a) }}{{ g(b) }}{{ g(f) }}{{ g(a) }}", { f = function(options) return "f" .. options.x end }))
  end)

  it("of what is no macro fails where it stands", function()
    local err = failure("{% macro m(caller=none) %}\n{{ caller(1) }}{% endmacro %}\n{{ m(5) }}")
    assert.matches("cannot be called", err.message)
    assert.equal(2, err.line)
    assert.equal("undefined", failure("{{ m() }}{% macro m() %}{% endmacro %}").code)
  end)

  it("takes a macro from a module, and what else a module answers to", function()
    local templates = { f = DEFINE .. "{% set text = 't' %}" }
    assert.equal("[1B2]", render("{% import 'f' as f %}{{ f.m(1, d=2) }}", {}, { templates = templates }))
    assert.equal("[1BD]", render("{% from 'f' import m as n %}{{ n(1) }}", {}, { templates = templates }))
    assert.equal("undefined", failure("{% import 'f' as f %}{{ f.q() }}", {}, { templates = templates }).code)
    assert.equal("X", render("{% import 'f' as f %}{% set f = 'x' %}{{ f.upper() }}", {}, { templates = templates }))
  end)

  it("in a page that waits calls the macro of its own page", function()
    local source = "{% macro m(x) %}{{ name }}{{ x }}{% endmacro %}{% for i in [1, 2] %}{{ m(wait(i)) }}{% endfor %}"
    local template = rille.template.compile(source)
    local function wait(v)
      rille.sleep(0.001)
      return v
    end
    local tasks = {}
    for i, name in ipairs { "a", "b" } do
      tasks[i] = rille.spawn(function() return template { name = name, wait = wait } end)
    end
    assert.equal("a1a2", tasks[1]:wait())
    assert.equal("b1b2", tasks[2]:wait())
  end)

  it("escapes what is no macro as the place of the call does", function()
    local source = "{% macro m(caller=none) %}{{ caller(1) }}"
      .. "{% autoescape false %}{{ caller(1) }}{% endautoescape %}{% endmacro %}"
    assert.equal("&lt;<", render(source .. "{{ m(f) }}", { f = function() return "<" end }))
  end)
end)

describe("a call block", function()
  local wrap = "{% macro w(x) %}({{ caller(x) }}){% endmacro %}"

  it("sees the variables around it as they are each time", function()
    assert.equal("(11)(22)", render(wrap .. "{% for i in [1, 2] %}{% call(x) w(i) %}{{ i }}{{ x }}{% endcall %}{% endfor %}"))
    assert.equal("(a1)(b2)", render(wrap .. "{% for i in [1, 2] %}{% set t = 'ab'[i - 1] %}"
      .. "{% call(x) w(i) %}{{ t }}{{ x }}{% endcall %}{% endfor %}"))
    assert.equal("(1)(2)", render(wrap .. "{% for i in 'ab' %}{% call(x) w(i) %}{{ loop.index }}{% endcall %}{% endfor %}"))
    assert.equal("(1)(2)", render(wrap .. "{% set n = namespace(v=0) %}{% for i in 'ab' %}{% set n.v = n.v + 1 %}"
      .. "{% call(x) w(i) %}{{ n.v }}{% endcall %}{% endfor %}"))
    assert.equal("(1)(2)", render(wrap .. "{% for i in [1, 2] %}{% call(x) w(0) %}{% include 'i' %}{% endcall %}{% endfor %}",
      {}, { templates = { i = "{{ i }}" } }))
  end)

  it("sees the context, and parameters of its own, in every round", function()
    assert.equal("(c1)(c2)", render(wrap .. "{% for i in [1, 2] %}{% call(i) w(i) %}{{ c }}{{ i }}{% endcall %}{% endfor %}",
      { c = "c" }))
    assert.equal("(1)(2)", render(wrap .. "{% for i in [1, 2] %}{% call(x, y=i) w(0) %}{{ y }}{% endcall %}{% endfor %}"))
  end)

  it("gives its macro a caller, which is undefined without", function()
    assert.equal("none", render "{% macro m() %}{% if caller %}{{ caller() }}{% else %}none{% endif %}{% endmacro %}{{ m() }}")
    assert.equal("undefined", failure(wrap .. "{{ w(1) }}").code)
    assert.equal("[1x]", render("{% macro m(a, b='') %}[{{ a }}{{ b }}{{ caller() }}]{% endmacro %}"
      .. "{% call m(1) %}x{% endcall %}"))
  end)

  it("may hold a call block", function()
    assert.equal("((1a))((2a))", render(wrap .. "{% for i in [1, 2] %}{% call(x) w(i) %}{% call(y) w(x) %}{{ y }}a{% endcall %}"
      .. "{% endcall %}{% endfor %}"))
  end)
end)
