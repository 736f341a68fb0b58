-- Templates that nobody would write: pieces of real ones, cut and joined at random, with any bytes in between. Whatever they
-- are, compiling them gives a function or a syntax error, soon; and rendering what compiles ends in text or an error value.
--
--   RILLE_FUZZ_SECONDS=60 RILLE_TEST_DEADLINE=120 rille test spec/rille/template/fuzz_spec.lua
--   RILLE_FUZZ_SEED=7 for other ones
-- runtime/bind/template/lexer.c
local rille = require "rille"

local SECONDS = tonumber(os.getenv "RILLE_FUZZ_SECONDS" or "") or 1
local SEED = tonumber(os.getenv "RILLE_FUZZ_SEED" or "") or 1
local SLOW = 2 -- seconds that no small template may take, even under a sanitizer

local pieces = {
  "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{{-", "-}}", "{%+", "+%}", "\n", "\r\n", " ", "x", "text <b>", "\0",
  "\255", "é", "'", '"',
  "\\", "\\u12", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "**", "//", "==", "!=", "<", ">=", "=", "-", "+", "1",
  "0x", "1e999",
  "99999999999999999999", "1_0", "a.b", "a[0]", "a[::2]", "[1, 2]", "{'a': 1}", "'s'", "none", "true", "loop", "self",
  "super", "caller",
  "kwargs", "varargs", " in ", " is ", " not ", " and ", " or ", " if ", " else ", "upper", "|join", "|map('upper')", "|sort",
  "|d", "odd",
  "{% if a %}", "{% elif b %}", "{% else %}", "{% endif %}", "{% for x in a %}", "{% for k, v in b if k recursive %}",
  "{% endfor %}",
  "{{ loop(x) }}", "{{ loop.index }}", "{% break %}", "{% continue %}", "{% set y = 1 %}", "{% set y %}", "{% endset %}",
  "{% set n.a = 1 %}",
  "{% macro m(a, b=1) %}", "{% endmacro %}", "{{ m(1, b=2) }}", "{% call(z) m() %}", "{% endcall %}", "{{ caller(1) }}",
  "{% block c %}",
  "{% block d scoped required %}", "{% endblock %}", "{{ super() }}", "{{ self.c() }}", "{% extends 'base' %}",
  "{% include 'part' %}",
  "{% include ['x', 'part'] ignore missing %}", "{% import 'part' as p with context %}", "{% from 'part' import q as r, s %}",
  "{% filter upper %}", "{% endfilter %}", "{% with w = 1 %}", "{% endwith %}", "{% autoescape a %}", "{% endautoescape %}",
  "{% raw %}",
  "{% endraw %}", "{% do a %}", "{% print 1 %}", "namespace(a=1)", "range(3)", "cycler(1)", "dict(a=1)", "*a", "**b",
}

local templates = {
  base = "<{% block c %}c{% endblock %}>{% block d %}{% endblock %}",
  part = "{% macro q(a) %}[{{ a }}]{% endmacro %}{% set s = 1 %}part",
}

local function any(list) return list[math.random(#list)] end

local function random_bytes()
  local bytes = {}
  for i = 1, math.random(8) do bytes[i] = string.char(math.random(0, 255)) end
  return table.concat(bytes)
end

-- Half of them are nearly right: a tag's beginning has its end.
local function random_template()
  local list = {}
  for i = 1, math.random(30) do
    local roll = math.random(10)
    if roll == 1 then list[i] = random_bytes()
    elseif roll <= 4 then list[i] = "{{ " .. any(pieces) .. any(pieces) .. any(pieces) .. " }}"
    elseif roll == 5 then list[i] = "{% " .. any(pieces) .. " " .. any(pieces) .. " %}"
    else list[i] = any(pieces) end
  end
  return table.concat(list)
end

local function context() return { a = { 1, "b<", { c = 2 } }, b = { k = "v" }, x = "x" } end

local codes = { syntax = true, undefined = true, not_found = true, template = true, too_large = true }

local function check(source)
  local options = { templates = templates, trim_blocks = math.random(2) == 1, lstrip_blocks = math.random(2) == 1,
    strict = math.random(4) == 1, limit = 1 << 20 }
  local start = os.clock()
  local page, err = rille.try(rille.template.compile, source, options)
  if not page then
    assert(err.code == "syntax", ("%q raises %s"):format(source, tostring(err)))
    assert(err.line and err.column, ("%q raises an error without a place"):format(source))
  else
    local text
    text, err = rille.try(page, context())
    assert(text or codes[err.code], ("%q raises %s"):format(source, tostring(err)))
  end
  assert(os.clock() - start < SLOW, ("%q takes too long"):format(source))
end

describe("any template", function()
  it("compiles or is a syntax error, and renders or raises an error value", function()
    math.randomseed(SEED)
    local stop, count = os.clock() + SECONDS, 0
    repeat
      check(random_template())
      count = count + 1
      if count % 50 == 0 then rille.sleep(0) end
    until os.clock() > stop
    assert.is_true(count > 20)
  end)
end)
