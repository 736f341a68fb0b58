-- No text that came from outside may cost more than its length. Each function that takes text is fed 16 KiB and 64 KiB of
-- runs of each character that some parser treats specially, with one behind them that spoils the match: four times the input
-- may not cost more than six times the CPU, and 64 KiB of anything not more than a tenth of a second.
--
-- What is measured is CPU time, the least of several tries, and only where a call costs something at all.
-- runtime/bind/core/scan.c, runtime/bind/core/text.c, runtime/bind/core/joined.c
local native = require "rille.native.core"
local rille = require "rille"
local testing = require "rille.testing"

-- ---- measuring ---------------------------------------------------------------------------------------------------------

local function cpu(f, ...)
  local start = os.clock()
  pcall(f, ...)
  return os.clock() - start
end

-- How much slower this build is than a release on an ordinary machine: sanitizers cost, and so do old cores.
local function slowness()
  local text, best = ("a<"):rep(50000), math.huge
  for _ = 1, 5 do
    best = math.min(best, cpu(function()
      for _ = 1, 10 do native.html_escape(text) end
      local n = 0
      for i = 1, 300000 do n = n + text:byte(i % 100 + 1) end
      return n
    end))
  end
  return math.max(1, best / 0.006)
end

local scale = slowness()
local is_slow = scale > 2.5 -- a sanitized build only looks whether anything breaks: it is there for other faults
local SMALL, LARGE = is_slow and 512 or 16 << 10, is_slow and 2 << 10 or 64 << 10
local FLOOR, MOST = 0.004 * scale, 0.1 * scale

local function least(f, text, tries)
  local best = math.huge
  for _ = 1, tries do
    collectgarbage()
    collectgarbage "stop"
    best = math.min(best, cpu(f, text))
    collectgarbage "restart"
  end
  return best
end

-- Once where it costs nothing, or is plainly fine; the least of many tries where it seems not to be.
local function check(name, f, make, shown)
  local large = cpu(f, make(LARGE))
  if is_slow or large <= FLOOR then return end
  local small = cpu(f, make(SMALL))
  if large <= MOST and large <= 6 * small then return end
  large, small = math.min(large, least(f, make(LARGE), 6)), math.min(small, least(f, make(SMALL), 6))
  assert(large <= MOST, ("%s takes %.3f s for %d bytes of %q"):format(name, large, LARGE, shown))
  assert(large <= 6 * math.max(small, FLOOR / 4), ("%s takes %.4f s for %d bytes and %.4f s for %d bytes of %q"):format(name,
    large, LARGE, small, SMALL, shown))
end

-- ---- what is fed -------------------------------------------------------------------------------------------------------

local pieces = {
  " ", "\t", "\n", "\r\n", "\0", "a", "Z", "0", "9", "_", "-", "+", ".", ",", ";", ":", "=", "&", "%", "%41", "%2F", "/", "//",
    "\\",
  "'", '"', '\\"', "(", ")", "[", "]", "{", "}", "<", ">", "@", "#", "?", "!", "*", "~", "|", "^", "$", "`", "\x80", "\xC3\xA9",
  "\xE2\x82\xAC", "\xFF", "a ", "a,", ", ", "a;", "a=", "a=b&", "a=b; ", "a.", "a-", "a/", "a@", "1.", "1e", "1_", "--", "..",
    "/.", "/../",
  "<a", "</", "<!--", "-->", "&lt;", "&gt;", "&#", "&#x41;", "&amp", "(a", "[1]", "{a}", "{{", "}}", "{%", "%}", "{#", "%(", "%s",
  "\"a\",", "\\u0041", "\\ud800", "for=", "bytes=", "0-0,", "W/\"a\",", "q=0.5,", "http://", "www.a.", ":a", "\n\n", "\n ",
    "'a' ",
}
local ends = { "!", "" }

local function checks(name, f, own, most_ends)
  for _, piece in ipairs(own or pieces) do
    for i = 1, most_ends or #ends do
      local tail = ends[i]
      check(name, f, function(size) return piece:rep(size // #piece) .. tail end, piece:rep(3) .. "…" .. tail)
    end
  end
end

-- Each becomes a test: name -> function(text).
local function describe_all(title, list)
  describe(title, function()
    local names = {}
    for name in pairs(list) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      it(name, function() checks(name, list[name]) end)
    end
  end)
end

-- ---- functions of text --------------------------------------------------------------------------------------------------

describe_all("linear: text", {
  url_encode = rille.url_encode,
  url_decode = rille.url_decode,
  html_escape = rille.html_escape,
  json_decode = rille.json_decode,
  ["json_decode of a string"] = function(s) rille.json_decode('"' .. s .. '"') end,
  ["json_decode of a list"] = function(s) rille.json_decode("[" .. s) end,
  ["json_decode of keys"] = function(s) rille.json_decode('{"a":' .. s) end,
  json_encode = rille.json_encode,
  sha256 = rille.sha256,
  secure_compare = function(s) rille.secure_compare(s, s) end,
  verify_signature = function(s) rille.verify_signature("secret", "body", s) end,
  unseal = function(s) rille.unseal(s, "purpose") end,
  ["seal and unseal"] = function(s) rille.unseal(rille.seal(s, "purpose"), "purpose") end,
  ["password.needs_rehash"] = function(s) rille.password.needs_rehash(s) end,
  ["a password's hash"] = function(s) rille.password.verify("x", s) end,
  ["sqlite.match_query"] = function(s) rille.sqlite.match_query(s) end,
  ["template.markup"] = function(s) rille.template.markup(s) end,
  ["image.info"] = function(s) rille.image.info(s) end,
  ["image.info of a JPEG"] = function(s) rille.image.info("\xFF\xD8\xFF" .. s) end,
  ["image.info of a PNG"] = function(s) rille.image.info("\x89PNG\r\n\x1A\n" .. s) end,
  ["image.info of a GIF"] = function(s) rille.image.info("GIF89a" .. s) end,
  ["image.info of a WebP"] = function(s) rille.image.info("RIFF    WEBPVP8X" .. s) end,
  error = function(s) tostring(rille.error(400, s)) end,
  ["error by its code"] = function(s) rille.error(s, "x") end,
  ["log message"] = function(s) rille.log.info(s) end,
  ["log field"] = function(s) rille.log.info("x", { field = s }) end,
  ["log field's name"] = function(s) rille.log.info("x", { [s] = "x" }) end,
})

describe_all("linear: validate", (function()
  local list = {}
  for _, format in ipairs { "email", "uuid", "uri", "slug", "date", "date-time", "time", "ipv4", "ipv6", "hostname" } do
    local ok, validate = pcall(rille.validate, { type = "string", format = format })
    if ok then list[format] = validate end
  end
  list.string = rille.validate { type = "string", min = 1, max = 10 }
  list.enum = rille.validate { enum = { "a", "b" } }
  list.keys = function(s) rille.validate { fields = { a = "string" }, unknown = "refuse" } { [s] = 1 } end
  list.values = function(s) rille.validate { values = "integer" } { [s] = s } end
  return list
end)())

-- ---- responses ----------------------------------------------------------------------------------------------------------

describe_all("linear: responses", {
  text = rille.text,
  header = function(s) rille.text("x"):header("X-A", s) end,
  ["header name"] = function(s) rille.text("x"):header(s, "x") end,
  etag = function(s) rille.text("x"):etag(s) end,
  ["cookie name"] = function(s) rille.text("x"):cookie(s, "x") end,
  ["cookie value"] = function(s) rille.text("x"):cookie("a", s) end,
  ["cookie path"] = function(s) rille.text("x"):cookie("a", "x", { path = s }) end,
  ["cookie domain"] = function(s) rille.text("x"):cookie("a", "x", { domain = s }) end,
  ["cookie same_site"] = function(s) rille.text("x"):cookie("a", "x", { same_site = s }) end,
  redirect = function(s) rille.redirect(s) end,
  ["content type"] = function(s) rille.stream(s, function() end) end,
  file = function(s) rille.file(s) end,
  ["file's name"] = function(s) rille.file("spec/support/png.lua", { filename = s }) end,
})

-- ---- requests -------------------------------------------------------------------------------------------------------------

local function echo(req)
  local h = req.headers
  local seen = { req.content_type, req.charset, req.url, req.host, req:accepts("text/html", "application/json"), req.cookies.a }
  for name in pairs(req.query) do seen[#seen + 1] = name end
  req:query_all "a"
  return rille.text(table.concat(seen, "\n", 1, #seen) .. tostring(h["x-a"])):etag "x"
end

local function big_app(options)
  options = options or {}
  options.body_limit = 1 << 20
  options.secret = ("s"):rep(40)
  options.limits = { request_line = 1 << 20, header_line = 1 << 20, headers_size = 1 << 20, headers = 10000 }
  return rille.app(options)
end

-- A client of an app with this middleware, and what it asks.
local function asking(middleware, method, options_of, path)
  local client
  return function(s)
    if not client or client.closed then
      local app = big_app()
      for _, one in ipairs(middleware) do app:use(one) end
      app:any("/", echo)
      app:static("/static", "spec")
      client = testing.client(app, { cookies = false })
    end
    local options = options_of(s)
    options.method = method
    client:request(path and path(s) or "/", options):bytes()
  end
end

local function header(name, middleware, format)
  return asking(middleware or {}, "GET", function(s)
    return { headers = { [name] = (format or "%s"):gsub("%%s", function() return s end) } }
  end)
end

local function refuse() return false end

describe_all("linear: headers of a request", {
  accept = header "Accept",
  ["accept-encoding"] = header("Accept-Encoding", { rille.compress { min = 1 } }),
  cookie = header "Cookie",
  ["cookie of a session"] = header("Cookie", { rille.session { secret = ("x"):rep(40) }, function(req, handler)
    local _ = req.session.a
    return handler(req)
  end }, "rille=%s"),
  ["content type"] = header "Content-Type",
  ["charset"] = header("Content-Type", {}, "text/plain; charset=%s"),
  ["x-forwarded-for"] = header("X-Forwarded-For", { rille.trust_proxy { "127.0.0.1", "unix" } }),
  ["x-forwarded-for beside proto"] = asking({ rille.trust_proxy { "127.0.0.1", "unix" } }, "GET", function(s)
    return { headers = { ["X-Forwarded-For"] = "127.0.0.1, 1.2.3.4", ["X-Forwarded-Proto"] = s, ["X-Forwarded-Host"] = s } }
  end),
  forwarded = header("Forwarded", { rille.trust_proxy { "127.0.0.1", "unix" } }),
  ["forwarded for"] = header("Forwarded", { rille.trust_proxy { "127.0.0.1", "unix" } }, "for=%s"),
  ["basic authorization"] = header("Authorization", { rille.auth.basic { verify = refuse } }, "Basic %s"),
  ["bearer authorization"] = header("Authorization", { rille.auth.bearer { verify = refuse } }, "Bearer %s"),
  ["any authorization"] = header("Authorization", { rille.auth.bearer { verify = refuse } }),
  origin = header("Origin", { rille.cors { origins = { "https://a.example" } } }),
  ["origin of a form"] = asking({ rille.csrf {} }, "POST", function(s) return { headers = { Origin = s,
    ["Sec-Fetch-Site"] = "" } } end),
  ["csrf token"] = asking({ rille.session {}, rille.csrf {} }, "POST", function(s)
    return { headers = { Cookie = "rille=x", ["Sec-Fetch-Site"] = "", ["X-CSRF-Token"] = s } }
  end),
  ["preflight"] = asking({ rille.cors { origins = { "https://a.example" }, headers = { "x-a" } } }, "OPTIONS", function(s)
    return { headers = { Origin = "https://a.example", ["Access-Control-Request-Method"] = "GET",
      ["Access-Control-Request-Headers"] = s } }
  end),
  ["request id"] = header("X-Request-ID", { rille.request_id { trust = true } }),
  ["if-none-match"] = asking({}, "GET", function(s) return { headers = { ["If-None-Match"] = s } } end),
  ["if-none-match of a file"] = asking({}, "GET", function(s) return { headers = { ["If-None-Match"] = s } } end,
    function() return "/static/linear_spec.lua" end),
  ["if-modified-since"] = asking({}, "GET", function(s) return { headers = { ["If-Modified-Since"] = s } } end,
    function() return "/static/site_spec.lua" end),
  range = asking({}, "GET", function(s) return { headers = { Range = "bytes=" .. s, ["If-Range"] = s } } end,
    function() return "/static/site_spec.lua" end),
  ["a limit's key"] = header("X-A", { rille.limit { rate = 1000, by = function(req) return req.headers["x-a"] end } }),
  traceparent = header("Traceparent", { function(req, handler)
    local fake = testing.mock()
    fake:on("GET", "http://a.test/", "x")
    rille.fetch "http://a.test/":bytes()
    fake:close()
    return handler(req)
  end }),
})

describe_all("linear: the target of a request", {
  query = asking({}, "GET", function() return {} end, function(s) return "/?" .. s end),
  ["query's value"] = asking({}, "GET", function(s) return { query = { a = s } } end),
  path = asking({ rille.normalize_path {} }, "GET", function() return {} end, function(s) return "/" .. s end),
  ["encoded path"] = asking({ rille.normalize_path {} }, "GET", function() return {} end, function(s) return "/"
    .. rille.url_encode(s) end),
  ["static path"] = asking({}, "GET", function() return {} end, function(s) return "/static/" .. s end),
})

-- ---- bodies -----------------------------------------------------------------------------------------------------------------

local function body(content_type, read, format)
  local client
  return function(s)
    if not client or client.closed then
      local app = big_app()
      app:post("/", function(req)
        read(req)
        return "ok"
      end)
      client = testing.client(app, { cookies = false })
    end
    local text = (format or "%s"):gsub("%%s", function() return s end)
    client:post("/", { body = text, headers = { ["Content-Type"] = content_type } }):bytes()
  end
end

local function read_form(req)
  for name, value in pairs(req:form()) do
    if type(value) == "table" then value:bytes() else req:form_all(name) end
  end
end

local function read_parts(req)
  for part in req:parts() do part:text() end
end

-- The first field is the path below a folder that the second, a file, is saved at.
local named_file = "--b\r\nContent-Disposition: form-data; name=path\r\n\r\n%s\r\n"
  .. "--b\r\nContent-Disposition: form-data; name=f; filename=b\r\n\r\nx\r\n--b--\r\n"
local below = { root = "spec/none" }

local function save_file(req)
  local form = req:form()
  form.f:save(form.path, below)
end

local function save_part(req)
  local path
  for part in req:parts() do
    if part.name == "path" then path = part:bytes() else part:save(path, below) end
  end
end

local typed = rille.validate { fields = {
  i = { type = "integer", optional = true }, n = { type = "number", optional = true }, b = { type = "boolean", optional = true },
  l = { type = "list", items = "integer", optional = true } } }

local function read_typed(req) typed(req:form()) end

local form, multipart = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"

describe_all("linear: bodies", {
  text = body("text/plain", function(req) req:text() end),
  ["latin-1"] = body("text/plain; charset=iso-8859-1", function(req) req:text() end),
  ["windows-1252"] = body("text/plain; charset=windows-1252", function(req) req:text() end),
  json = body("application/json", function(req) req:json() end),
  ["json in a list"] = body("application/json", function(req) req:json() end, "[%s]"),
  form = body(form, read_form),
  ["form's value"] = body(form, read_form, "a=%s&b=1"),
  ["a form's integer"] = body(form, read_typed, "i=%s"),
  ["a form's number"] = body(form, read_typed, "n=%s"),
  ["a form's boolean"] = body(form, read_typed, "b=%s"),
  ["a form's list"] = body(form, read_typed, "l=%s"),
  multipart = body(multipart, read_parts),
  ["multipart's first line"] = body(multipart, read_parts, "--b%s"),
  ["multipart's head"] = body(multipart, read_parts, "--b\r\nContent-Disposition: form-data; name=%s"),
  ["multipart's name"] = body(multipart, read_parts, "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\nx\r\n--b--\r\n"),
  ["multipart's text"] = body(multipart, read_form, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n%s\r\n--b--\r\n"),
  ["multipart's file"] = body(multipart, read_form,
    "--b\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n%s\r\n--b--\r\n"),
  ["file:save's path"] = body(multipart, save_file, named_file),
  ["part:save's path"] = body(multipart, save_part, named_file),
  ["multipart's near boundaries"] = function(s)
    local one = body(multipart, read_form, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n%s\r\n--b--\r\n")
    return one((("\r\n-"):rep(#s // 3)))
  end,
})

-- ---- the client ---------------------------------------------------------------------------------------------------------------

local response = require "rille.client.response"

-- A response whose header is this, as a client of an app sees it.
local function answered(name, look, format)
  return function(s)
    local value = (format or "%s"):gsub("%%s", function() return s end)
    look(response.of { headers = { [name] = value }, body = "x", url = "http://a.test/" })
  end
end

local function mocked(reply, options)
  return function(s)
    local fake = testing.mock()
    fake:on("GET", function() return true end, reply(s))
    local client = rille.client(options or {})
    local ok, err = pcall(function()
      client:get "http://a.test/x":bytes()
      client:get "https://sub.a.test/x":bytes()
    end)
    client:close()
    fake:close()
    if not ok then error(err, 0) end
  end
end

local function asked(url, options_of)
  return function(s)
    local fake = testing.mock()
    fake:on("ANY", function() return true end, "x")
    local ok, err = pcall(function() rille.fetch(url and url(s) or "http://a.test/", options_of and options_of(s)
      or nil):bytes() end)
    fake:close()
    if not ok then error(err, 0) end
  end
end

describe_all("linear: the client", {
  ["set-cookie of a response"] = answered("Set-Cookie", function(res) return res.cookies end),
  ["set-cookie"] = mocked(function(s) return { headers = { ["Set-Cookie"] = s } } end),
  ["set-cookie's attributes"] = mocked(function(s) return { headers = { ["Set-Cookie"] = "a=b; " .. s } } end),
  ["set-cookie's expiry"] = mocked(function(s) return { headers = { ["Set-Cookie"] = "a=b; Expires=" .. s } } end),
  ["cookies:load"] = function(s)
    for _, name in ipairs { "name", "value", "domain", "path" } do
      local saved = {
        name = "a", value = "b", domain = "a.test", path = "/", host_only = false, secure = false, http_only = false,
      }
      saved[name] = name == "path" and "/" .. s or s
      pcall(function() rille.client {}.cookies:load { saved } end)
    end
  end,
  ["cookies:load of what was encoded"] = function(s)
    rille.client {}.cookies:load { { name = "a", value = s, encoded = true, domain = "a.test", path = "/", host_only = false,
      secure = false, http_only = false } }
  end,
  ["cookies:clear"] = function(s) rille.client {}.cookies:clear(s) end,
  ["content type"] = answered("Content-Type", function(res) return res.content_type, res.charset, res:text() end),
  charset = answered("Content-Type", function(res) return res.charset, res:text() end, "text/html; charset=%s"),
  ["retry-after"] = function(s) require("rille.client.retry").delay(1, { headers = { ["retry-after"] = s } }) end,
  date = function(s) require("rille.client.date").parse(s) end,
  location = mocked(function(s) return { status = 302, headers = { Location = s } } end, { follow = 1 }),
  ["location on this host"] = mocked(function(s) return { status = 302, headers = { Location = "/" .. s } } end, { follow = 1 }),
  ["latin-1"] = function(s) response.of { body = s,
    headers = { ["Content-Type"] = "text/plain; charset=windows-1252" } }:text() end,
  json = function(s) response.of { body = s }:json() end,
  url = asked(function(s) return s end),
  ["url's host"] = asked(function(s) return "http://" .. s end),
  ["url's port"] = asked(function(s) return "http://a.test:" .. s end),
  ["url's path"] = asked(function(s) return "http://a.test/" .. s end),
  ["url's query"] = asked(function(s) return "http://a.test/?" .. s end),
  ["a guarded url's host"] = function(s)
    local client <close> = rille.client { deny_private = true }
    pcall(client.get, client, "http://" .. s .. "/\0")
  end,
  base_url = function(s)
    local fake = testing.mock()
    fake:on("ANY", function() return true end, "x")
    local ok, err = pcall(function()
      local client <close> = rille.client { base_url = "http://a.test/" .. s:gsub("[?#%c]", "x") }
      client:get(s):bytes()
    end)
    fake:close()
    if not ok then error(err, 0) end
  end,
  query = asked(nil, function(s) return { query = s } end),
  ["query's names"] = asked(nil, function(s) return { query = { [s] = s } } end),
  headers = asked(nil, function(s) return { headers = { ["X-A"] = s } } end),
  auth = asked(nil, function(s) return { auth = { s, s } } end),
  bearer = asked(nil, function(s) return { auth = { bearer = s } } end),
  cookies = asked(nil, function(s) return { cookies = { a = s } } end),
  method = asked(nil, function(s) return { method = s } end),
  proxy = asked(nil, function(s) return { proxy = s } end),
  form = asked(nil, function(s) return { method = "POST", form = { a = s } } end),
  multipart = asked(nil, function(s) return { method = "POST", multipart = { a = s, b = { filename = s, body = s } } } end),
  ["a mock's query"] = function(s)
    local fake = testing.mock()
    fake:on("GET", function(url) return url ~= "" end, "x")
    pcall(rille.fetch, "http://a.test/?" .. rille.url_encode(s):gsub("%%26", "&"))
    fake:close()
  end,
})

-- Many headers, parts, fields and cookies, instead of long ones.
describe("linear: how many", function()
  local function many(name, f)
    it(name, function() check(name, f, function(size) return size end, name) end)
  end
  many("cookies of a response", function(size)
    local list = {}
    for i = 1, size // 128 do list[i] = ("c%d=%s; Path=/%d"):format(i, ("x"):rep(100), i) end
    mocked(function() return { headers = { ["Set-Cookie"] = list } } end)()
  end)

  local function headers_of(size, name_of)
    local list = {}
    for i = 1, size // 16 do list[#list + 1] = { name_of(i), "x" } end
    return list
  end

  for name, name_of in pairs { ["headers of different names"] = function(i) return ("x-header-%06d"):format(i) end,
    ["headers of one name"] = function() return "x-the-only-header" end } do
    many(name, function(size)
      local values = {}
      for _, pair in ipairs(headers_of(size, name_of)) do
        values[pair[1]] = values[pair[1]] or {}
        table.insert(values[pair[1]], pair[2])
      end
      local res = require("rille.client.response").of { headers = values }
      for _ in pairs(res.headers) do end -- luacheck: ignore 542
      local own = rille.response { headers = values }
      for _ in pairs(own.headers) do end -- luacheck: ignore 542
    end)
  end
end)

-- ---- templates ----------------------------------------------------------------------------------------------------------------

local function source(format)
  return function(s)
    local text = format:gsub("%%s", function() return s end)
    rille.template.compile(text, { templates = { ["x.html"] = "x" } }) {}
  end
end

describe_all("linear: sources of templates", {
  text = source "%s",
  expression = source "{{ %s }}",
  ["open expression"] = source "{{ %s",
  tag = source "{% %s %}",
  ["tag's rest"] = source "{% if %s %}{% endif %}",
  comment = source "{# %s",
  raw = source "{% raw %}%s",
  string = source "{{ '%s' }}",
  number = source "{{ 1%s }}",
  name = source "{{ a%s }}",
  attribute = source "{{ a.b%s }}",
  arguments = source "{{ a(%s) }}",
  filter = source "{{ a|b%s }}",
  test = source "{{ a is b%s }}",
  set = source "{% set a = %s %}",
  ["for"] = source "{% for a in %s %}{% endfor %}",
  block = source "{% block %s %}{% endblock %}",
  macro = source "{% macro a(%s) %}{% endmacro %}",
  include = source "{% include '%s' ignore missing %}",
})

describe("linear: templates", function()
  local cases = {
    ["%"] = { "s % 1", "s % ('a', 'b')", "s % {'a': 1}", "'%s' % s" }, format = { "s.format(1, a=2)", "'{}'.format(s)",
      "s|format(1)",
      "('{:' ~ s ~ '}').format(1)", "('%' ~ s ~ 'd') % 1" },
    operators = { "s in s", "'b!' in s", "s ~ s", "s + s", "s * 2", "s == s ~ ''", "s < s ~ 'a'", "s[1:]", "s[::-1]", "s[5]",
      "s[-1]",
      "s[::2]", "not s", "(s[:30000] ~ 'x') in s" },
    filters = { "s|replace('a', 'b')", "s|replace(' ', '')", "s|replace('', '-')", "s|replace(s[:9000], '-')", "s|truncate(20)",
      "s|truncate(60000)", "s|truncate(60000, true)", "s|wordwrap(1)", "s|wordwrap(20)", "s|wordwrap(30000)",
        "s|wordwrap(20, false)",
      "s|wordwrap(20, true, '|', false)", "s|indent(2)", "s|indent(2, true, true)", "s|center(70000)", "s|urlize(20, true)",
      "s|urlize(target='_blank', rel='a b', extra_schemes=['a:'])", "s|tojson(2)", "[s]|tojson", "{s: s}|tojson", "[s]|pprint",
      "s|list|join(',')", "s|batch(3)|list", "s|slice(3)|list", "s|list|unique|list", "s|list|sort|join",
        "s|list|map('upper')|join",
      "s|list|groupby('x')", "s|list|select('in', 'abc')|list", "{'a': s}|urlencode", "{'a': s}|xmlattr", "{s: 'a'}|xmlattr",
      "[{'a': 1}]|map(attribute=s)|list", "[{'a': 1}]|sort(attribute=s)|list", "[{'a': 1}]|map(s)|list", "[1]|select(s)|list",
      "s|default('x')", "s|attr('a')", "{'a': 1}|attr(s)", "s|int(0, 16)", "s|int(0, 36)", "('0x' ~ s)|int(0, 16)",
        "s|trim('a ')",
      "s|trim(s)", "s|filesizeformat", "s|dictsort", "(s|safe)|replace('a', '<')", "s|map('lower')|join",
        "s.split(',')|join('-')|safe" },
    methods = { "s.split()|length", "s.split(none, 5)|length", "s.split(none, 9999)|length", "s.split('a')|length",
      "s.split(s[:9000])|length",
      "s.rsplit()|length", "s.rsplit(none, 9999)|length", "s.rsplit(' ', 9999)|length", "s.rsplit('a')|length",
        "s.rsplit(s[:9000], 3)|length",
      "s.splitlines()|length", "s.strip()", "s.strip(s)", "s.lstrip('a ')", "s.rstrip('a ')", "s.find('!')",
        "s.find(s[:30000] ~ 'x')",
      "s.rfind('x' ~ s[:30000])", "s.rfind(s[:30000])", "s.index(s[:9000])", "s.count('a')", "s.count('')", "s.count(s[:9000])",
      "s.startswith(s)", "s.endswith('!')", "s.partition('!')", "s.rpartition('!')", "s.partition(s[:30000] ~ 'x')",
      "s.rpartition('x' ~ s[:30000])", "s.replace('a', 'b')", "s.replace('', '-', 9)", "s.join('abc')", "s.expandtabs()",
      "s.expandtabs(3)", "s.zfill(70000)", "s.ljust(70000)", "s.removeprefix('a')", "s.removesuffix('a')", "s.encode()" },
    names = { "url_for(s)", "static(s)", "request[s]", "session[s]" },
  }
  local filters, tests = require "rille.template.filters", require "rille.template.tests"
  cases["each filter"], cases["each test"], cases["each method"] = {}, {}, {}
  for name in pairs(filters) do table.insert(cases["each filter"], "s|" .. name) end
  for name in pairs(tests) do
    table.insert(cases["each test"], "s is " .. name)
    table.insert(cases["each test"], ("s is %s(s)"):format(name))
  end
  for name in pairs(require("rille.template.methods").str) do
    table.insert(cases["each method"], ("s.%s()"):format(name))
    table.insert(cases["each method"], ("s.%s(s)"):format(name))
  end

  local few = {}
  for _, piece in ipairs { " ", "\n", "a", "é", "9", "_", "-", "--", "ab-", ".", ",", "=", "%", "&lt;", "&gt;", "&a", "(", ")",
    "{", "{a", "}",
    "<", "<!--", "@", "https://[:", "www.a.", "a ", "%(", "'", "\xFF" } do
    few[#few + 1] = piece
  end

  for group, expressions in pairs(cases) do
    table.sort(expressions)
    for _, expression in ipairs(expressions) do
      it(group .. ": " .. expression, function()
        local ok, render = pcall(rille.template.compile, "{{ " .. expression .. " }}")
        if ok then checks(expression, function(s) return render { s = s, request = {}, session = {} } end, few, 1) end
      end)
    end
  end
end)

-- ---- the rest -----------------------------------------------------------------------------------------------------------------

describe_all("linear: names", {
  url_for = (function()
    local app = big_app()
    app:get("/a/{id}/{rest:path}", echo, { name = "a" })
    return function(s)
      pcall(app.url_for, app, s)
      app:url_for("a", { id = s, rest = s }, { q = s })
    end
  end)(),
  ["a converter's name"] = function(s) rille.app():converter(s, {}) end,
  ["a converter's pattern"] = function(s) rille.app():converter("a", { pattern = s }) end,
  ["a converter's value"] = (function()
    local client
    return function(s)
      if not client or client.closed then
        local app = big_app()
        app:converter("word", { pattern = "%a+", parse = string.upper })
        app:get("/{a:word}", echo)
        client = testing.client(app, { cookies = false })
      end
      client:get("/" .. rille.url_encode(s)):bytes()
    end
  end)(),
  ["an unknown option"] = function(s) rille.client { [s] = 1 } end,
  ["console's completion"] = function(s) require("rille.console").candidates(s, {}) end,
  template = function(s)
    rille.app { templates = { "spec" } }:render(s)
  end,
})
