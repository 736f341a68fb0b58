local rille = require "rille"
local native = require "rille.native"
local cookies = require "rille.client.cookies"
local fakes = require "spec.support.fake"

describe("a cookie jar", function()
  local jar
  before_each(function() jar = cookies.new() end)

  local function take(url, ...) jar:take(native.url_parse(url), { ... }) end
  local function sent(url) return jar:header(native.url_parse(url)) end

  it("sends a cookie back to the host that set it, and to no other", function()
    take("http://a.example.com/", "sid=1")
    assert.equal("sid=1", sent "http://a.example.com/x")
    assert.equal("sid=1", sent "http://a.example.com:8080/")
    assert.is_nil(sent "http://example.com/")
    assert.is_nil(sent "http://b.a.example.com/")
    assert.is_nil(sent "http://aa.example.com/")
  end)

  it("sends a domain's cookie to its subdomains", function()
    take("http://a.example.com/", "sid=1; Domain=.Example.COM")
    assert.equal("sid=1", sent "http://example.com/")
    assert.equal("sid=1", sent "http://x.y.example.com/")
    assert.is_nil(sent "http://badexample.com/")
  end)

  it("takes none for a domain that the host is not part of, has no dot, or is an address", function()
    take("http://a.example.com/", "a=1; Domain=other.com", "b=1; Domain=com", "c=1; Domain=b.a.example.com", "d=1; Domain=e.com.")
    take("http://127.0.0.1/", "e=1; Domain=0.0.1", "f=1; Domain=.1")
    assert.same({}, jar:list())
    take("http://127.0.0.1/", "g=1; Domain=127.0.0.1")
    take("http://localhost/", "h=1; Domain=localhost")
    assert.equal("g=1", sent "http://127.0.0.1/")
    assert.equal("h=1", sent "http://localhost/")
    assert.is_nil(sent "http://x.localhost/")
  end)

  it("keeps a subdomain's and its parent's apart", function()
    take("http://example.com/", "a=parent")
    take("http://sub.example.com/", "a=shared; Domain=example.com")
    assert.equal("a=parent; a=shared", sent "http://example.com/")
    assert.equal("a=shared", sent "http://sub.example.com/")
  end)

  it("matches paths by segment, longer ones first", function()
    take("http://h.com/", "root=1; Path=/", "docs=1; Path=/docs", "deep=1; Path=/docs/web/")
    assert.equal("deep=1; docs=1; root=1", sent "http://h.com/docs/web/x")
    assert.equal("docs=1; root=1", sent "http://h.com/docs/web")
    assert.equal("root=1", sent "http://h.com/docsetc")
    jar:clear()
    take("http://h.com/a/b/c", "x=1", "y=1; Path=relative")
    assert.equal("x=1; y=1", sent "http://h.com/a/b/")
    assert.is_nil(sent "http://h.com/a/c")
  end)

  it("never sends a Secure cookie over http, nor takes one from there", function()
    take("http://h.com/", "a=1; Secure")
    assert.same({}, jar:list())
    take("https://h.com/", "a=1; Secure")
    assert.is_nil(sent "http://h.com/")
    assert.equal("a=1", sent "https://h.com/")
    take("http://h.com/", "a=evil")
    take("http://sub.h.com/", "a=evil; Domain=h.com")
    assert.equal("a=1", sent "https://h.com/")
    assert.is_nil(sent "http://h.com/", "a Secure cookie is left alone")
  end)

  it("keeps what the prefixes __Secure- and __Host- promise", function()
    take("https://h.com/", "__Secure-a=1", "__Secure-b=1; Secure", "__Host-c=1; Secure", "__Host-d=1; Secure; Path=/",
      "__Host-e=1; Secure; Path=/; Domain=h.com")
    assert.equal("__Secure-b=1; __Host-d=1", sent "https://h.com/")
  end)

  it("forgets: Max-Age, Expires, Max-Age first", function()
    take("http://h.com/", "a=1; Max-Age=100", "b=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
      "c=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
      "d=1; Max-Age=0", "e=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "f=1; Max-Age=soon", "g=1; Expires=whenever")
    assert.equal("a=1; b=1; e=1; f=1; g=1", sent "http://h.com/")
    take("http://h.com/", "a=; Max-Age=-1")
    assert.equal("b=1; e=1; f=1; g=1", sent "http://h.com/")
    for _, cookie in ipairs(jar:list()) do
      if cookie.name == "b" then assert.is_true(cookie.expires <= native.time() + 400 * 86400) end
    end
  end)

  it("reads dates as servers write them", function()
    local parse = require("rille.client.date").parse
    for _, text in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
      "06 Nov 1994 08:49:37", "nov 6 94 8:49:37" } do
      assert.equal(784111777, parse(text), text)
    end
    for _, text in ipairs { "", "Sun, 06 Nov 1994", "32 Nov 1994 08:49:37", "29 Feb 2023 00:00:00", "6 Nov 1500 08:49:37",
      "6 Nov 1994 24:00:00" } do
      assert.is_nil(parse(text), text)
    end
    assert.equal(951782400, parse "29 Feb 2000 00:00:00")
  end)

  it("takes no cookie that is malformed or too large", function()
    take("http://h.com/", "", "=1", "novalue", "a=1\1", "b=\127", "big=" .. ("x"):rep(4100), "c = spaced out ; Path=/", "d=a=b",
      'e="quoted"', "f=1; Unknown=x; HttpOnly")
    assert.equal('c=spaced out; d=a=b; e="quoted"; f=1', sent "http://h.com/")
  end)

  it("replaces a cookie of the same name, domain and path, keeping its place", function()
    take("http://h.com/", "a=1", "b=1")
    take("http://h.com/", "a=2")
    assert.equal("a=2; b=1", sent "http://h.com/")
  end)

  it("has a bound for each domain and one for all", function()
    for i = 1, 60 do take("http://h.com/", "n" .. i .. "=1") end
    assert.equal(50, #jar:list())
    assert.is_nil(jar:get("http://h.com/", "n1"))
    assert.equal("1", jar:get("http://h.com/", "n60"))
    for i = 1, 3100 do take("http://host" .. i .. ".com/", "a=1") end
    assert.equal(3000, jar.count)
    assert.equal(3000, #jar:list())
    assert.equal("a=1", sent "http://host3100.com/")
  end)

  it("lets go first what was not used longest", function()
    for i = 1, 50 do take("http://h.com/p" .. i .. "/", "n" .. i .. "=1") end
    sent "http://h.com/p1/"
    take("http://h.com/", "new=1")
    assert.equal("1", jar:get("http://h.com/p1/", "n1"))
    assert.is_nil(jar:get("http://h.com/p2/", "n2"))
  end)

  it("is saved and loaded as data, host-only and all", function()
    take("https://a.h.com/x/", "a=1; Secure; HttpOnly; Max-Age=1000", "b=2; Domain=h.com; Path=/")
    local data = rille.json_decode(rille.json_encode(jar:save()))
    local other = cookies.new():load(data)
    assert.same(jar:list(), other:list())
    assert.is_nil(other:header(native.url_parse "https://b.a.h.com/x/"):find("a=1", 1, true))
    for _, bad in ipairs { "load me", { "x" }, { { name = "a" } }, { { name = "a", value = "1\r\n", domain = "h.com", path = "/",
      host_only = true, secure = false, http_only = false } } } do
      assert.has_error(function() other:load(bad) end)
    end
  end)

  it("comes back from JSON whatever bytes a server put into it", function()
    take("https://h.com/", "tab=a\tb", "l1=caf\xe9", "caf\xe9=1", "p=1; Path=/\xe9")
    local other = cookies.new():load(rille.json_decode(rille.json_encode(jar:save())))
    assert.same(jar:list(), other:list())
    assert.equal("caf\xe9", other:get("https://h.com/", "l1"))
    assert.equal(2, #other:list())
    jar:set("https://h.com/", "long", "1", { max_age = math.huge })
    rille.json_encode(jar:save())
    assert.has_error(function() jar:set("https://h.com/", "nan", "1", { max_age = 0 / 0 }) end)
    assert.has_error(function() jar:set("https://h.com/", "nil", nil) end)
  end)

  it("keeps Secure ones when others need the room", function()
    take("https://a.test/", "sid=1; Secure")
    for i = 1, 60 do take("http://a.test/", "j" .. i .. "=1") end
    assert.equal("1", jar:get("https://a.test/", "sid"))
    assert.equal(50, #jar:list())
  end)

  it("ignores an age or a date that is none, and keeps the one before it", function()
    take("https://h.com/", "a=1; Max-Age=10; Max-Age=abc", "b=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT; Expires=never")
    for _, cookie in ipairs(jar:list()) do assert.is_number(cookie.expires, cookie.name) end
  end)

  it("takes no __Host- cookie that names a domain, be it its own", function()
    take("https://localhost/", "__Host-a=1; Secure; Path=/; Domain=localhost", "__Host-b=1; Secure; Path=/")
    assert.equal(1, #jar:list())
  end)

  it("is set and cleared by hand", function()
    jar:set("https://h.com/", "a", "1", { secure = true, max_age = 10 })
    jar:set("https://g.com/", "b", 2)
    assert.equal("1", jar:get("https://h.com/", "a"))
    jar:clear "h.com"
    assert.is_nil(jar:get("https://h.com/", "a"))
    assert.equal("2", jar:get("https://g.com/", "b"))
    assert.has_error(function() jar:set("https://h.com/", "a b", "1") end)
    assert.has_error(function() jar:set("https://h.com/", "a", "1; Path=/") end)
    assert.has_error(function() jar:set("nowhere", "a", "1") end)
  end)
end)

describe("the cookies of a client", function()
  local fake
  setup(function() fake = fakes.start() end)
  teardown(function() fake:close() end)

  it("are kept and sent, together with the request's own", function()
    local client <close> = rille.client { base_url = fake.url }
    local path = fake:script(fakes.ok("", { "Set-Cookie: sid=1; Path=/", "Set-Cookie: lang=de; Path=/" }), fakes.ok())
    client:get(path)
    client:get(path, { cookies = { own = "x" }, headers = { Cookie = "raw=1" } })
    assert.equal("raw=1; own=x; sid=1; lang=de", fake:log(path)[2].headers.cookie)
    assert.equal("1", client.cookies:get(fake.url, "sid"))
    client:get(path)
    assert.equal("sid=1; lang=de", fake:log(path)[3].headers.cookie)
  end)

  it("are none where none are wanted, and may be shared", function()
    local path = fake:script(fakes.ok("", { "Set-Cookie: sid=1; Path=/" }))
    local none <close> = rille.client { base_url = fake.url, cookies = false }
    none:get(path)
    none:get(path)
    assert.is_nil(fake:log(path)[2].headers.cookie)
    assert.is_nil(none.cookies)
    local a <close> = rille.client { base_url = fake.url }
    a:get(path)
    local b <close> = rille.client { base_url = fake.url, cookies = a.cookies }
    b:get(path)
    assert.equal("sid=1", fake:log(path)[4].headers.cookie)
  end)

  it("refuse what no cookie can hold", function()
    for _, bad in ipairs { { ["a b"] = "1" }, { a = "1;2" }, { a = "1\r\n" } } do
      assert.has_error(function() rille.fetch(fake.url .. "/echo", { cookies = bad }) end)
    end
  end)
end)
