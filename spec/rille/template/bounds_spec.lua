-- What the author of a template cannot do: read what a program keeps to itself, make the page go on for ever, or make much of
-- little. Each bound is tried in every way there is to grow.
-- runtime/bind/template/page.c
local rille = require "rille"
local template = require "rille.template"
local testing = require "rille.testing"

local function render(source, context, options) return template.compile(source, options)(context) end

local function plain(source, context) return render(source, context, { autoescape = false }) end

local function failure(source, context)
  local _, err = rille.try(plain, source, context)
  assert(err, "no error was raised by " .. source)
  return err
end

-- ---- what is private ------------------------------------------------------------------------------------------------------

describe("a field that begins with an underscore", function()
  local Class = { _inherited = "SECRET", __tostring = function() return "an object" end }
  Class.__index = Class
  function Class._method() return "SECRET" end

  local function context()
    local object = setmetatable({ _p = "SECRET", __q = "SECRET", _f = function() return "SECRET" end, open = 1 },
      { __index = Class })
    return { o = object, os = { object }, [1] = nil }
  end

  local ways = {
    "o._p", "o.__q", "o['_p']", "o['_' ~ 'p']", "o['_p'|safe]", "o|attr('_p')", "o|attr('__q')", "os|map(attribute='_p')|list",
    "os|map('attr', '_p')|list", "'{0._p}'.format(o)", "'{0[_p]}'.format(o)", "'{o._p}'.format(o=o)", "('{0._p}'|safe).format(o)",
    "os[0]._p", "o._f()", "o._method()", "o._inherited", "o|tojson", "[o]|tojson(2)", "o|pprint", "[o]", "[o]|string",
      "'%r' % (o,)", "'%s' % o",
    "o|list", "o|join(',')", "o|first", "o|last", "o|length", "'_p' in o", "o|string", "o ~ ''",
      "[o]|sum(attribute='_p', start=[])",
    "(o._p or 'nothing')", "o._p if o._p else 'nothing'", "[o]|selectattr('_p')|list|length",
      "[o]|selectattr('_p', 'eq', 'SECRET')|list|length",
    "[o]|rejectattr('_p', 'eq', 'SECRET')|list|length", "[o]|groupby('_p')", "[o, o]|sort(attribute='_p')|length",
      "[o]|min(attribute='_p')",
    "[o]|unique(attribute='_p')|list|length", "o|items", "o|dictsort", "dict(o)", "namespace(o)", "o|xmlattr", "o|urlencode",
      "o|batch(2)|list",
    "dict(**o)", "cycler(*o).next()", "o._p is defined", "o.open._p", "o|map('string')|list", "o|select|list", "o|reverse|list",
      "o|random",
    "'{0.os[0]._p}'.format({'os': os})",
  }
  for _, way in ipairs(ways) do
    it("of an object is not read by {{ " .. way .. " }}", function()
      local ok, text = pcall(plain, "{{ " .. way .. " }}", context())
      assert.not_matches("SECRET", tostring(text))
      if not ok then return end
      assert.not_matches("_p", (text:gsub("'_p'", "")))
    end)
  end

  for _, tag in ipairs { "{% for k in o %}{{ k }}{{ o[k] }}{% endfor %}", "{% for k, v in o.items() %}{{ v }}{% endfor %}",
    "{% set x = o._p %}{{ x }}", "{% with x = o._p %}{{ x }}{% endwith %}", "{% if o._p %}SECRET{% endif %}",
    "{% macro m(x) %}{{ x._p }}{% endmacro %}{{ m(o) }}", "{% filter upper %}{{ o._p }}{% endfilter %}",
    "{% for x in os if x._p %}SECRET{% endfor %}", "{% call(x) m() %}{{ x._p }}{% endcall %}",
    "{% set ns = namespace(o=o) %}{{ ns.o._p }}{{ ns }}", "{% do os.append(o._p) %}{{ os }}" } do
    it("of an object is not read by " .. tag, function()
      assert.not_matches("SECRET", tostring(select(2, pcall(plain, tag, context()))))
    end)
  end

  it("of a context that is an object is no variable either", function()
    local object = setmetatable({ _p = "SECRET", open = 1 }, { __index = { _inherited = "SECRET", more = 2 } })
    assert.equal("1 2||", plain("{{ open }} {{ more }}|{{ _p }}|{{ _inherited }}", object))
  end)

  it("of strict templates is as undefined as any other", function()
    local _, err = rille.try(render, "{{ o._p }}", context(), { strict = true })
    assert.equal("undefined", err.code)
  end)

  it("of a mapping, a namespace and a dict of a template is a field like any other", function()
    assert.equal("1 1 1 1 2 3", plain("{{ d._id }} {{ d['_id'] }} {{ d|attr('_id') }} {{ [d]|map(attribute='_id')|join }} "
      .. "{% set ns = namespace(_a=2) %}{{ ns._a }} {% set t = {'_b': 3} %}{{ t._b }}", { d = { _id = 1 } }))
    assert.equal("{'_id': 1} {\"_id\": 1}", plain("{{ d }} {{ d|tojson }}", { d = { _id = 1 } }))
    assert.equal("false", plain("{{ d._id }}", { d = { _id = false } }))
  end)
end)

describe("the request", function()
  local function page(expression, use)
    local app = rille.app { secret = ("s"):rep(40), templates = { ["p.html"] = "{{ " .. expression .. " }}" } }
    for _, one in ipairs(use or {}) do app:use(one) end
    app:any("/", function() return rille.render "p.html" end)
    return testing.client(app):post("/", { form = { a = "1" }, files = { f = { filename = "x.txt", body = "body" } } })
  end

  it("shows a template what it is, not the program behind it", function()
    assert.equal("POST / 1 body",
      page "request.method ~ ' ' ~ request.path ~ ' ' ~ request.form().a ~ ' ' ~ request.file('f').bytes()":text())
    for _, expression in ipairs { "request.app", "request['app']", "request|attr('app')",
      "'{0.app}'.format(request)", "request['session holder']", "request['session config']", "request['parsed form']",
      "request['guarded by csrf']", "request.parts", "request.clear_session", "request._x", "request.file('f').save" } do
      local res = page(expression, { rille.session {}, rille.csrf {} })
      assert.equal(200, res.status, expression)
      assert.equal("", res:text(), expression)
    end
    assert.equal(500, page("request.file('f').save('/tmp/rille-never')").status)
  end)
end)

-- ---- what contains itself ---------------------------------------------------------------------------------------------------

describe("a value that contains itself", function()
  local list = "{% set l = [1] %}{% do l.append(l) %}"
  local mapping = "{% set d = {} %}{% do d.update(a=d) %}"
  local space = "{% set ns = namespace() %}{% set ns.v = ns %}"

  it("is printed once", function()
    assert.equal("[1, [...]]", plain(list .. "{{ l }}"))
    assert.equal("[[1, [...]], [1, [...]]]", plain(list .. "{{ [l, l] }}"))
    assert.equal("{'a': {...}} {'a': {...}}", plain(mapping .. "{{ d }} {{ d|string }}"))
    assert.equal("<namespace {'v': <namespace {...}>}>", plain(space .. "{{ ns }}"))
    assert.equal("<namespace {'a': [<namespace {...}>, 1]}> [<namespace {'a': [...]}>, 1]",
      plain "{% set ns = namespace(a=[]) %}{% do ns.a.append(ns) %}{% do ns.a.append(1) %}{{ ns }} {{ ns.a }}")
    assert.equal("[1, [...]] [1, [...]][1, [...]] [1, [...]],1", plain(list
      .. "{{ l|pprint }} {{ l ~ l }} {{ [l, 1]|join(',') }}"))
    assert.equal("[1, [...]] [1, [...]] [1, [...]]", plain(list .. "{{ '%s'|format(l) }} {{ '%r' % (l,) }} {{ '{}'.format(l) }}"))
    assert.equal(' a="{&#39;a&#39;: {...}}" a=%7B%27a%27%3A+%7B...%7D%7D', plain(mapping .. "{{ d|xmlattr }} {{ d|urlencode }}"))
    local a, b = {}, {}
    a[1], b[1] = b, a
    assert.equal("[[[...]]] [[[[...]]], [[[...]]]]", plain("{{ a }} {{ [a, b] }}", { a = a, b = b }))
  end)

  it("is no JSON", function()
    for _, source in ipairs { list .. "{{ l|tojson }}", mapping .. "{{ d|tojson }}", list .. "{{ l|tojson(2) }}" } do
      assert.matches("nested too deeply", failure(source).message)
    end
  end)

  it("is compared, sorted and looked for", function()
    local two = "{% set l = [1] %}{% do l.append(l) %}{% set m = [1] %}{% do m.append(m) %}"
    assert.equal("true true true 2 1 false", plain(two .. "{{ l == l }} {{ l == m }} {{ l in [m] }} {{ [l, m]|sort|length }} "
      .. "{{ [l, m]|unique|list|length }} {{ l < m }}"))
    assert.equal("true true", plain(mapping .. "{% set e = {} %}{% do e.update(a=e) %}{{ d == e }} {{ d in [e] }}"))
    assert.equal("false", plain(two .. "{% do m.append(2) %}{{ l == m }}"))
    local unlike = "{% set l = [] %}{% do l.extend([l, 1]) %}{% set m = [] %}{% do m.extend([m, 2]) %}"
    assert.matches("nested more than 180 deep cannot be compared", failure(unlike .. "{{ [l, m]|sort }}").message)
    assert.matches("nested more than 180 deep cannot be compared", failure(unlike .. "{{ l < m }}").message)
  end)
end)

-- Sixty lists, each of which holds the one before twice: printed in full they are 2^60 items.
describe("a value that holds the same ones many times over", function()
  local deep = "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}"
    .. "{% set ns.m = [ns.m, ns.m] %}{% endfor %}"

  it("is refused where it would be written in full", function()
    for _, expression in ipairs { "ns.l", "ns", "ns.l|string", "ns.l ~ ''", "ns.l|tojson", "ns.l|pprint", "ns.l|join",
      "[ns.l]|urlencode",
      "'%s' % (ns.l,)", "ns.l|e", "ns.l|upper", "ns.l|wordcount" } do
      assert.matches("too large", failure(deep .. "{{ " .. expression .. " }}").message, nil, nil, expression)
    end
  end)

  it("is compared as what it is", function()
    assert.equal("true false 2 1", plain(deep .. "{{ ns.l == ns.m }} {{ ns.l < ns.m }} {{ [ns.l, ns.m]|sort|length }} "
      .. "{{ [ns.l, ns.m]|unique|list|length }}"))
  end)
end)

-- ---- what grows -------------------------------------------------------------------------------------------------------------

-- The bounds are a million items and 64 MiB; here they are lowered, so that each is reached in no time.
local function with_bounds(items, bytes)
  local text = require "rille.template.text"
  local most_items, most = text.MOST_ITEMS, text.MOST
  lazy_setup(function() text.MOST_ITEMS, text.MOST = items, bytes end)
  lazy_teardown(function() text.MOST_ITEMS, text.MOST = most_items, most end)
end

describe("what a template may make", function()
  it("is a million items and 64 MiB", function()
    assert.equal("1000000 1000000 1000000",
      plain "{{ range(1000000)|length }} {{ ([0] * 1000000)|length }} {{ ('a' * 1000000)|list|length }}")
    assert.equal("67108864", plain "{{ ('a' * 67108864)|length }}")
    for _, source in ipairs { "{{ range(1000001) }}", "{{ [0] * 1000001 }}", "{{ ('a' * 1000001)|list }}",
      "{{ 'a' * 67108865 }}" } do
      assert.equal("template", failure(source).code)
    end
    assert.equal("[] [] [5, 3] [-3] []",
      plain "{{ range(0) }} {{ range(5, 5) }} {{ range(5, 2, -2) }} {{ range(-3, -2) }} {{ range(3, 9, -1) }}")
  end)
end)

describe("no list of a template", function()
  with_bounds(1000, 64 << 20)
  local thousand = "{% set l = [0] * 1000 %}"
  local ways = {
    "{{ (l + [1])|length }}", "{% do l.append(1) %}", "{% do l.extend([1]) %}", "{% do l.extend(l) %}", "{% do l.insert(0, 1) %}",
    "{{ (l * 2)|length }}", "{{ [l, [1]]|sum(start=[])|length }}", "{{ (l ~ '')|list|length }}",
      "{{ ('a,' * 1001).split(',')|length }}",
    "{{ ('a,' * 1001).rsplit(',')|length }}", "{{ ('a ' * 1001).split()|length }}", "{{ ('a ' * 1001).rsplit()|length }}",
    "{{ ('a\n' * 1002).splitlines()|length }}", "{{ ('a' * 1001)|list|length }}", "{% for c in 'a' * 1001 %}{% endfor %}",
      "{{ range(1001) }}",
    "{{ range(-9223372036854775807, 9223372036854775807) }}", "{{ range(0, 9223372036854775807, 9007199254740993) }}",
    "{{ [0] * 4611686018427387904 }}", "{{ [0, 0, 0, 0] * 4611686018427387904 }}", "{{ (1, 2) * 4611686018427387904 }}",
    "{{ [1]|batch(1001, 0)|list }}", "{{ [1]|slice(1001)|list }}", "{{ ('a' * 1001)[::2]|length }}", "{{ f|list }}",
      "{% for x in f|list %}{% endfor %}",
    "{{ ('a b' * 600)|wordwrap(1)|length }}", "{% for i in range(1000) %}{% do l.append(i) %}{% endfor %}",
    "{% set ns = namespace(l=l) %}{% set ns.l = ns.l + ns.l %}", "{{ ('é' * 1001)|list|length }}",
      "{{ ('a' * 1001)|batch(2)|list|length }}",
    "{{ ('a' * 1001)|sort|length }}", "{{ ('a' * 1001)|map('upper')|list|length }}", "{{ [1] + ('a' * 1001)|list }}",
  }
  for _, way in ipairs(ways) do
    it("is longer than it may be by " .. way, function()
      assert.equal("template", failure(thousand .. way, { f = function() return 1 end }).code)
    end)
  end

  it("no mapping either", function()
    local value = require "rille.template.value"
    for _, full in ipairs { value.mapping(), {} } do -- a template's own, and one that the program gave
      for i = 1, 1000 do value.set(full, i + 1, 1) end
      for _, way in ipairs { "d.setdefault('a', 1)", "d.update(a=1)", "d.update({'a': 1})", "d.update([('a', 1)])" } do
        assert.matches("more than 1000 keys", failure("{% do " .. way .. " %}", { d = full }).message)
      end
      assert.equal("0 1", plain("{% do d.clear() %}{{ d|length }} {% do d.setdefault('a', 1) %}{{ d|length }}", { d = full }))
    end
    local big = {}
    for i = 1, 1001 do big["k" .. i] = 1 end
    for _, way in ipairs { "dict(d)", "namespace(d)", "d.copy()", "dict(**d)" } do
      assert.matches("more than 1000 keys", failure("{{ " .. way .. " }}", { d = big }).message, nil, nil, way)
    end
  end)
end)

describe("no text of a template", function()
  local bytes = 256 << 10
  with_bounds(1000000, bytes)
  local ways = {
    "s ~ 'x'", "s + 'x'", "s * 2", "[s, 'x']|join", "''.join([s, 'x'])", "s.join(['a', 'b'])", "s.replace('a', 'aa')",
      "s|replace('a', 'aa')",
    "'ab'|replace('', s)", "s.center(m + 1)", "s.ljust(m + 1)", "s.rjust(m + 1)", "s.zfill(m + 1)", "s|center(m + 1)",
      "'ab'.center(m - 9, '&&')",
    "s|indent(1, true)", "('a\n' * 1000)|indent(1000)", "('a\n' * 1000)|indent(s)", "s|e", "s|forceescape", "s|urlencode",
    "[('a', s), ('b', 'c')]|urlencode", "{'a': s}|xmlattr", "[s]|string", "[s, 'x']|string", "[s]|tojson", "'%s%s' % (s, s)",
      "'%s%s'|format(s, s)",
    "'{}{}'.format(s, s)", "('a b ' * 1000)|wordwrap(1, true, s)", "('a\n' * 1000)|wordwrap(9, true, s)",
      "('www.a.com ' * 1000)|urlize(target=s)",
    "('www.a.com ' * 1000)|urlize(target=s[:1000])", "'\t'.expandtabs(m + 1)", "('\t' * 1000).expandtabs(1000)",
      "[1]|tojson(s)", "[[1]]|tojson(m + 1)",
    "('a' * 1000 ~ ' ')|wordwrap(1, true, s)", "[s, 1]|pprint", "dict(a=s)|string ~ s", "'x' * 9223372036854775807",
      "'ab' * 4611686018427387905",
    "'abcd' * 4611686018427387904", "'x'|center(9223372036854775807)", "'%c' % 9223372036854775807", "'%c' % -1", "'%c' % 55296",
    "lipsum(min=9999999999)", "lipsum(n=1000, max=10000)", "lipsum(n=-1, min=99999)", "'a'.ljust(9223372036854775807, 'bc')",
    "('<' * 100000)|e", "('<' * 100000)|safe ~ '<'|safe * 200000", "(('<' * 100000)|e)|forceescape",
      "['<' * 70000, '<']|join('<'|safe)",
    "'%s' % ['<' * 100000, s]", "(s|list)|join('ab')", "'%1000d' * 300 % 1",
  }
  for _, way in ipairs(ways) do
    it("is longer than it may be by {{ " .. way .. " }}", function()
      local ok, err = rille.try(render, "{{ (" .. way .. ")|length }}", { s = ("a&"):rep(bytes // 2), m = bytes })
      assert(not ok, ok)
      assert.equal("template", err.code, err.message)
    end)
  end
end)

describe("a loop of a template", function()
  it("is ended by cpu_limit, in a page and in one that is streamed", function()
    local endless = "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}{% set x = a * b %}"
      .. "{% endfor %}{% endfor %}{% endfor %}"
    local app = rille.app { cpu_limit = 0.15, templates = { ["p.html"] = endless } }
    app:get("/", function() return rille.render "p.html" end)
    app:get("/stream", function() return rille.render_stream "p.html" end)
    app:get("/child", function() return rille.spawn(function() while true do end end):wait() end)
    local client = testing.client(app)
    assert.equal(503, client:get("/").status)
    assert.equal(503, client:get("/child").status)
    local ok, err = pcall(function() return client:get("/stream"):bytes() end)
    assert.is_false(ok)
    assert.equal("reset", err.code)
  end)
end)

describe("what could not be ended", function()
  it("is refused", function()
    for _, source in ipairs { "{{ 'abc'|wordwrap(0) }}", "{{ 'abc'|wordwrap(-5) }}", "{{ 'a'|int(0, 1) }}",
      "{{ 'a'|int(0, 99) }}",
      "{{ 'a'.partition('') }}", "{{ 'a'.rpartition('') }}", "{{ 'a'.split('') }}" } do
      assert.equal("template", failure(source).code, source)
    end
  end)
end)
