-- lua/rille/template/text.lua, lua/rille/template/format.lua, lua/rille/template/literal.lua, lua/rille/template/wrap.lua,
-- lua/rille/template/html.lua, lua/rille/template/json.lua, lua/rille/template/pretty.lua
local format = require "rille.template.format"
local html = require "rille.template.html"
local json = require "rille.template.json"
local literal = require "rille.template.literal"
local lookup = require "rille.template.lookup"
local pretty = require "rille.template.pretty"
local rille = require "rille"
local text = require "rille.template.text"
local value = require "rille.template.value"
local wrap = require "rille.template.wrap"

local function code_of(f, ...)
  local _, err = rille.try(f, ...)
  return err and err.code
end

describe("text", function()
  it("has characters, and bytes where it is no UTF-8", function()
    assert.equal(3, text.len "äöü")
    assert.equal("ö", text.at("äöü", 1))
    assert.equal("ü", text.at("äöü", -1))
    assert.is_nil(text.at("äöü", 3))
    assert.equal("öü", text.sub("äöü", 1, 3))
    assert.equal("üöä", text.reverse "äöü")
    assert.equal(2, text.len "\xFFa")
  end)

  it("is split, replaced and stripped as Python does", function()
    assert.same({ "a", "b c " }, text.words(" a b c ", 1))
    assert.same({ "", "a", "" }, text.split(",a,", ","))
    assert.same({ "a,b", "c" }, text.split_right("a,b,c", ",", 1))
    assert.same({ "a", "b", "" }, text.lines "a\r\nb\n\n")
    assert.equal("-a-b-", text.replace("ab", "", "-"))
    assert.equal("-ab", text.replace("ab", "", "-", 1))
    assert.equal("x.x.a", text.replace("a.a.a", "a", "x", 2))
    assert.equal("a", text.strip("xyaxy", "xy", true, true))
    assert.equal(2, text.count("aaaa", "aa"))
    assert.equal("It'S A Dog", text.title "it's a dog")
  end)

  it("is padded in the middle with the odd one on Python's side", function()
    assert.equal("  ab ", text.pad("ab", 5, "both"))
    assert.equal("..ab", text.pad("ab", 4, "left", "."))
    assert.equal("ab..", text.pad("ab", 4, "right", "."))
  end)

  it("is not made longer than its limit", function()
    assert.equal("template", code_of(text.times, "x", 1 << 40))
    assert.equal("template", code_of(text.pad, "x", 1 << 40, "left"))
    assert.equal("template", code_of(text.check_times, math.maxinteger, 8))
    assert.equal("", text.times("x", -1))
  end)
end)

describe("% formats", function()
  local function percent(f, ...) return format.percent(f, value.tuple { ... }) end

  it("write what Python writes", function()
    local cases = {
      { "%s", "a", "a" }, { "%5s|", "a", "    a|" }, { "%-5s|", "a", "a    |" }, { "%.2s", "abc", "ab" }, { "%r", "a", "'a'" },
      { "%d", 42, "42" }, { "%d", 3.9, "3" }, { "%05d", -42, "-0042" }, { "%+d", 42, "+42" }, { "% d", 42, " 42" },
      { "%x", 255, "ff" }, { "%#X", 255, "0XFF" }, { "%o", 8, "10" }, { "%.3d", 5, "005" }, { "%f", 1, "1.000000" },
      { "%.2f", 3.14159, "3.14" }, { "%08.3f", -1.5, "-001.500" }, { "%e", 12345.678, "1.234568e+04" },
      { "%g", 0.0001, "0.0001" },
      { "%c", 65, "A" }, { "%c", "x", "x" }, { "%d%%", 5, "5%" }, { "%d", true, "1" }, { "%x", -255, "-ff" },
    }
    for _, case in ipairs(cases) do assert.equal(case[3], percent(case[1], case[2])) end
    assert.equal("   ab", percent("%*s", 5, "ab"))
    assert.equal("1-2", format.percent("%(a)s-%(b)d", { a = 1, b = 2 }))
  end)

  it("with too few values, too many, or the wrong ones are errors", function()
    for _, wrong in ipairs { { "%s %s", "a" }, { "%d", "a" }, { "a", "b" }, { "%", 1 }, { "%q", 1 }, { "%5000d", 1 } } do
      assert.equal("template", code_of(percent, wrong[1], wrong[2]))
    end
  end)

  it("of markup escape what is none", function()
    assert.equal("<b>&lt;</b>", format.percent(value.markup "<b>%s</b>", "<")[1])
  end)
end)

describe("{} formats", function()
  local function braces(f, ...) return format.braces(lookup, f, { name = "x", list = { 1, 2 }, map = { key = "v" } }, ...) end

  it("write what Python writes", function()
    local cases = {
      { "{}", 1, "1" }, { "{0}{0}", "a", "aa" }, { "{name}", 0, "x" }, { "{list[1]}", 0, "2" }, { "{map.key}", 0, "v" },
      { "{map[key]}", 0, "v" }, { "{{}}", 0, "{}" }, { "{:>5}", "a", "    a" }, { "{:*^5}", "a", "**a**" },
      { "{:<5}|", "a", "a    |" },
      { "{:05d}", 42, "00042" }, { "{:+}", 1, "+1" }, { "{:,}", 1234567, "1,234,567" }, { "{:_}", 1234567, "1_234_567" },
      { "{:.2f}", 1.005, "1.00" }, { "{:x}", 255, "ff" }, { "{:#b}", 5, "0b101" }, { "{:%}", 0.5, "50.000000%" },
      { "{:.1%}", 0.125, "12.5%" }, { "{!r}", "a", "'a'" }, { "{:=+6d}", 42, "+   42" }, { "{:.2}", "abc", "ab" },
      { "{:10.3f}|", 2.5, "     2.500|" },
    }
    for _, case in ipairs(cases) do assert.equal(case[3], braces(case[1], case[2])) end
  end)

  it("that are wrong are errors", function()
    for _, wrong in ipairs { "{", "}", "{1}", "{missing}", "{:=5}", "{:99999}", "{a{b}}" } do
      assert.equal("template", code_of(braces, wrong, "a"))
    end
  end)
end)

describe("literals", function()
  it("are numbers in every way Python writes them", function()
    local cases = {
      { "42", "integer", 42 }, { "1_000", "integer", 1000 }, { "0xFF", "integer", 255 }, { "0b101", "integer", 5 },
      { "0o17", "integer", 15 }, { "1.5", "float", 1.5 }, { "1e3", "float", 1000.0 }, { "1.5E-1", "float", 0.15 },
      { "9223372036854775808", "float", 2.0 ^ 63 },
    }
    for _, case in ipairs(cases) do
      local kind, v, stop = literal.number(case[1], 1)
      assert.same({ case[2], case[3], #case[1] }, { kind, v, stop })
    end
    assert.equal(1, select(3, literal.number("1.upper", 1)))
  end)

  it("are strings with escapes", function()
    local function unescape(s) return literal.unescape(s, function(message) error(message, 0) end) end
    assert.equal("a\nb\"'\\", unescape [[a\nb\"\'\\]])
    assert.equal("A\u{e4}\u{1F600}", unescape [[\x41\u00e4\U0001F600]])
    assert.equal("\1", unescape [[\1]])
    assert.is_false(pcall(unescape, [[\x4]]))
    assert.is_false(pcall(unescape, [[\N{DASH}]]))
  end)
end)

describe("wrapping", function()
  local function lines(s, width, long, hyphens)
    return wrap.lines(s, { width = width, break_long = long ~= false, break_on_hyphens = hyphens ~= false })
  end

  it("breaks between words, after hyphens, and in a word that is too long", function()
    assert.same({ "one two", "three" }, lines("one two three", 8))
    assert.same({ "well-", "known" }, lines("well-known", 6))
    assert.same({ "well-known" }, lines("well-known", 6, false, false))
    assert.same({ "abcd", "efgh", "i" }, lines("abcdefghi", 4))
    assert.same({ "abcdefghi" }, lines("abcdefghi", 4, false))
  end)
end)

describe("HTML", function()
  it("has entities", function()
    assert.equal("<>&\"'", html.unescape "&lt;&gt;&amp;&quot;&#39;")
    assert.equal("A\u{20AC}", html.unescape "&#x41;&#128;")
    assert.equal("\u{AC}hing; & &", html.unescape "&nothing; & &amp") -- &not counts without a semicolon
    assert.equal("\u{FFFD}", html.unescape "&#xD800;")
  end)

  it("is text without tags and comments", function()
    assert.equal("a b c", html.strip_tags "<p>a <b>b</b><!-- x > y -->\n c</p>")
  end)

  it("gets links where addresses are", function()
    local linked = html.link("see https://example.com/a, or www.example.org.", { schemes = {}, attributes = "" })
    assert.matches('<a href="https://example.com/a"', linked, 1, true)
    assert.matches(">https://example.com/a</a>, or", linked, 1, true)
    assert.matches(">www.example.org</a>.", linked, 1, true)
    assert.equal("javascript:alert(1)", html.link("javascript:alert(1)", { schemes = {}, attributes = "" }))
  end)

  it("has attributes that are escaped", function()
    assert.equal(' title="a &quot;b&quot;"', html.attribute("title", 'a "b"'):gsub("&#34;", "&quot;"))
  end)
end)

describe("JSON of templates", function()
  it("is as Python's json.dumps writes it", function()
    assert.equal('{"a": [1, 2.5, true, null], "b": "\\u00e4\\n"}', json.encode { b = "ä\n", a = { 1, 2.5, true, rille.null } })
    assert.equal('[\n  1\n]', json.encode({ 1 }, "  "))
    assert.equal("[]", json.encode(rille.array {}))
  end)

  it("ends where a value contains itself", function()
    local list = {}
    list[1] = list
    assert.equal("template", code_of(json.encode, list))
  end)
end)

describe("pprint", function()
  it("stays on one line of 80, and goes below each other beyond", function()
    assert.equal("[1, 2]", pretty.text { 1, 2 })
    local long = ("x"):rep(50)
    assert.equal(("['%s',\n '%s']"):format(long, long), pretty.text { long, long })
  end)
end)
