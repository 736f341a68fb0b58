-- runtime/bind/http/response.c, runtime/bind/core/joined.c, runtime/bind/names.c
-- runtime/bind/http/response_headers.c, runtime/app/answer.c
local rille = require "rille"
local testing = require "rille.testing"

-- What a client gets of what this handler returns.
local function answer(handler, opts)
  local app = rille.app()
  app:get("/", handler)
  local client <close> = testing.client(app)
  local res = client:get("/", opts)
  return res, res:text()
end

describe("a handler", function()
  local nothing = {}
  for name, case in pairs {
    ["a string"] = { { "x" }, 200, "x", "text/plain; charset=utf-8" },
    ["an empty string"] = { { "" }, 200, "", "text/plain; charset=utf-8" },
    ["a string and a status"] = { { "x", 201 }, 201, "x", "text/plain; charset=utf-8" },
    ["text"] = { { rille.text("t", 202) }, 202, "t", "text/plain; charset=utf-8" },
    ["html"] = { { rille.html "<p>" }, 200, "<p>", "text/html; charset=utf-8" },
    ["json"] = { { rille.json { 1 } }, 200, "[1]", "application/json" },
    ["a response and a status"] = { { rille.json { 1 }, 201 }, 201, "[1]", "application/json" },
    ["empty"] = { { rille.empty() }, 204, "", nothing },
    ["empty with a status"] = { { rille.empty(202) }, 202, "", nothing },
    ["a redirect"] = { { rille.redirect "/there" }, 303, nil, nil, "/there" },
    ["a redirect with a status"] = { { rille.redirect("/there", 308) }, 308, nil, nil, "/there" },
    ["a response made by hand"] = { { rille.response { status = 418, content_type = "x/y", body = "z" } }, 418, "z", "x/y" },
    ["a response made of nothing"] = { { rille.response {} }, 200, "", nothing },
  } do
    it("may return " .. name, function()
      local res, body = answer(function() return table.unpack(case[1]) end)
      assert.equal(case[2], res.status)
      if case[3] then assert.equal(case[3], body) end
      if case[4] == nothing then assert.is_nil(res.headers["content-type"])
      elseif case[4] then assert.equal(case[4], res.headers["content-type"]) end
      if case[5] then assert.equal(case[5], res.headers.location) end
    end)
  end

  for name, value in pairs { ["a table"] = {}, ["a number"] = 42, ["true"] = true, ["a function"] = print } do
    it("may not return " .. name .. ": a 500, and the log names route and type", function()
      require("rille.native.core").take_log()
      local res, body = answer(function() return value end)
      assert.equal(500, res.status)
      assert.not_matches("GET /", body, 1, true)
      local log = require("rille.native.core").take_log()
      assert.matches("GET /", log, 1, true)
      assert.matches(type(value), log, 1, true)
    end)
  end

  it("that returns nothing is a 500 whose route the log names", function()
    require("rille.native.core").take_log()
    assert.equal(500, answer(function() end).status)
    assert.matches("GET /", require("rille.native.core").take_log(), 1, true)
  end)

  it("may raise a response, which is sent as it is", function()
    local res, body = answer(function() error(rille.text("raised", 403):header("X-A", "1"), 0) end)
    assert.same({ 403, "raised", "1" }, { res.status, body, res.headers["x-a"] })
  end)

  it("may answer with a status from 200 to 599 only", function()
    for _, status in ipairs { 199, 600, 0, -1, 200.5, 100 } do
      assert.is_false(pcall(rille.text, "x", status), status)
      assert.equal(500, answer(function() return "x", status end).status)
      assert.is_false(pcall(function() rille.text "x".status = status end))
    end
    assert.equal(299, answer(function() return "x", 299 end).status)
  end)
end)

describe("a response", function()
  it("shows and takes status, headers and body", function()
    local res = rille.text("x", 201):header("X-A", "1")
    assert.same({ 201, "1", "1", "x" }, { res.status, res.headers["x-a"], res.headers["X-A"], res.body })
    res.status, res.body = 202, "changed"
    res.headers["X-B"] = "2"
    res.headers["X-A"] = nil
    local got, body = answer(function() return res end)
    assert.same({ 202, "changed", "2", nil }, { got.status, body, got.headers["x-b"], got.headers["x-a"] })
    res.headers["Content-Type"] = nil
    assert.is_nil(answer(function() return res end).headers["content-type"])
  end)

  it("has one value of a header, or several", function()
    local res = answer(function()
      return rille.text "x":header("X-A", "1"):header("x-a", "2"):add_header("X-B", "1"):add_header("X-B", "2"):header("X-N", 7)
    end)
    assert.same({ "2", { "1", "2" }, "7" }, { res.headers["x-a"], res:header_all "x-b", res.headers["x-n"] })
    res = answer(function() return rille.response { headers = { ["X-A"] = "1", ["X-B"] = { "1", "2" } }, body = "x" } end)
    assert.same({ "1", { "1", "2" } }, { res.headers["x-a"], res:header_all "x-b" })
  end)

  it("is chained by every method", function()
    local res = rille.text "x"
    assert.equal(res, res:header("A", "1"):add_header("B", "1"):cookie("c", "1"):delete_cookie("d"):etag("e"):last_modified(0))
  end)

  it("sets cookies with safe attributes unless told otherwise", function()
    local function cookies(f) return answer(function() return f(rille.text "x") end):header_all "set-cookie" end
    assert.same({ "a=1; Path=/; HttpOnly; SameSite=Lax" }, cookies(function(res) return res:cookie("a", "1") end))
    assert.same({ "a=1; Path=/x; Domain=d.test; Secure; SameSite=None" }, cookies(function(res)
      return res:cookie("a", "1", { path = "/x", domain = "d.test", secure = true, http_only = false, same_site = "None" })
    end))
    local many = cookies(function(res) return res:cookie("a", "1", { max_age = 60 }):cookie("b", "2"):delete_cookie "c" end)
    assert.equal(3, #many)
    assert.matches("^a=1; Path=/; Max%-Age=60; Expires=.*GMT; HttpOnly", many[1])
    assert.matches("^c=; Path=/; Max%-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT", many[3])
  end)

  it("sets a date at which a cookie ends, and an age in whole seconds", function()
    local function cookie(opts) return rille.text "x":cookie("a", "1", opts).headers["set-cookie"] end
    assert.equal("a=1; Path=/; Expires=Sun, 06 Nov 1994 08:49:37 GMT; HttpOnly; SameSite=Lax", cookie { expires = 784111777 })
    assert.matches("Max%-Age=60; Expires=Sun, 06 Nov 1994", cookie { expires = 784111777.9, max_age = 60 })
    assert.matches("Max%-Age=1; Expires=", cookie { max_age = 0.25 })
    assert.matches("Max%-Age=0; Expires=Thu, 01 Jan 1970", cookie { max_age = 0 })
    assert.matches("Max%-Age=9007199254740992; Expires=Fri, 31 Dec 9999 23:59:59 GMT", cookie { max_age = 2 ^ 53 })
    for _, opts in ipairs { { max_age = 0 / 0 }, { max_age = math.huge }, { max_age = -1e300 }, { expires = -1 },
      { expires = 1e300 },
      { expires = 0 / 0 } } do
      assert.error_matches(function() cookie(opts) end, "^cookie: %w+")
    end
  end)

  it("takes no option for a cookie that it would drop", function()
    assert.error_matches(function() rille.text "x":cookie("a", "1", { expire = 1 }) end, "did you mean 'expires'")
    assert.error_matches(function() rille.text "x":delete_cookie("a", { max_age = 1 }) end, "unknown option 'max_age'")
    assert.error_matches(function() rille.text "x":delete_cookie("a", { expires = 1 }) end, "unknown option 'expires'")
    assert.equal("a=; Path=/x; Domain=d.test; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=Strict",
      rille.text "x":delete_cookie("a", { path = "/x", domain = "d.test", secure = true, http_only = false,
        same_site = "strict" })
        .headers["set-cookie"])
  end)

  -- Whatever a program takes from a request and makes a part of a cookie stays that part.
  it("lets nothing into a cookie that is none of it", function()
    local injections = { "dark; Domain=example.com", "a;b", "a b", 'a"b', "a,b", "a\\b", "a\tb", "a\127b", "é", "\128", " ",
      "~]", "x~]", "!~]" }
    local ways = {
      value = function(x) rille.text "x":cookie("t", x) end,
      name = function(x) rille.text "x":cookie("t" .. x, "v") end,
      domain = function(x) rille.text "x":cookie("t", "v", { domain = "d" .. x }) end,
      same_site = function(x) rille.text "x":cookie("t", "v", { same_site = x }) end,
      ["a deleted cookie's domain"] = function(x) rille.text "x":delete_cookie("t", { domain = x }) end,
    }
    for way, use in pairs(ways) do
      for _, x in ipairs(injections) do
        if way ~= "value" or not x:find "~%]$" then
          assert.error_matches(function() use(x) end, "^cookie: ", nil, way .. ": " .. x)
        end
      end
    end
    local _, message = pcall(function() rille.text "x":cookie("t", "a;b") end)
    assert.matches("^spec/rille/response_spec.lua:%d+: cookie: the value of t holds a \";\", byte 2", message)
    for _, path in ipairs { "", "x", "/;x", "/\127", "/é", "/a\tb" } do
      assert.error_matches(function() rille.text "x":cookie("t", "v", { path = path }) end, "cookie: the path starts with '/'")
    end
    for _, domain in ipairs { "", ".", "a b", "a,b", "a/b", "ä.test" } do
      assert.error_matches(function() rille.text "x":cookie("t", "v", { domain = domain }) end, "cookie: the domain is a name")
    end
    assert.error_matches(function() rille.text "x":cookie("t", ("v"):rep(4096)) end, "larger than the 4096 bytes")
  end)

  it("lets every character into a cookie that may stand there", function()
    local chars = {}
    for c = 33, 126 do
      if not ('",;\\'):find(string.char(c), 1, true) then chars[#chars + 1] = string.char(c) end
    end
    local value = table.concat(chars)
    assert.equal("a=" .. value .. "; Path=/; HttpOnly; SameSite=Lax", rille.text "x":cookie("a", value).headers["set-cookie"])
    assert.equal("!#$%&'*+-.^_`|~09azAZ=7; Path=/; HttpOnly; SameSite=Lax",
      rille.text "x":cookie("!#$%&'*+-.^_`|~09azAZ", 7).headers["set-cookie"])
    assert.equal("a=; Path=/a b%c; Domain=.d-1.test; HttpOnly; SameSite=Lax",
      rille.text "x":cookie("a", "", { path = "/a b%c", domain = ".d-1.test" }).headers["set-cookie"])
  end)

  it("shows all lines of one name, however many", function()
    local res = rille.text "x"
    local values = {}
    for i = 1, 200 do
      values[i] = "v" .. i
      res:add_header("X-A", "v" .. i)
    end
    assert.equal(table.concat(values, ", "), res.headers["x-a"])
    local seen = {}
    for name, value in pairs(res:add_header("x-b", "1").headers) do seen[name] = value end
    assert.same({ ["x-a"] = table.concat(values, ", "), ["x-b"] = "1", ["content-type"] = "text/plain; charset=utf-8" }, seen)
    for name, value in pairs(res:header("CONTENT-TYPE", "a/b").headers) do seen[name] = value end
    assert.equal("a/b", seen["content-type"])
  end)

  it("has validators: an entity tag, quoted, and a date", function()
    local res = answer(function() return rille.text "x":etag("v1"):last_modified(784111777) end)
    assert.same({ '"v1"', "Sun, 06 Nov 1994 08:49:37 GMT" }, { res.headers.etag, res.headers["last-modified"] })
    assert.equal('W/"v1"', answer(function() return rille.text "x":etag 'W/"v1"' end).headers.etag)
    local function tag(value) return rille.text "x":etag(value).headers.etag end
    assert.same({ '"v1"', '""', '"W/v1"', '"é"' }, { tag '"v1"', tag "", tag "W/v1", tag "é" })
    for _, value in ipairs { 'a"b', '"a"b"', '/"a"', 'W"a"', "a b", "a\tb", '"a', 'w/"a"', "\127" } do
      assert.error_matches(function() tag(value) end, "^etag: ", nil, value)
    end
    for _, time in ipairs { -1, 1e300, 0 / 0, -math.huge } do
      assert.error_matches(function() rille.text "x":last_modified(time) end, "seconds since 1970")
    end
  end)

  it("redirects to a URI reference, whatever it was told", function()
    local cases = {
      ["/café x"] = "/caf%C3%A9%20x", ["/a?b=c#d"] = "/a?b=c#d", ["/a%20b%2Fc"] = "/a%20b%2Fc", ["/100%"] = "/100%25",
      ["/a%zz"] = "/a%25zz", ["/\\evil.test"] = "/%5Cevil.test", ["\\\\evil.test"] = "%5C%5Cevil.test", ["/a[1]"] = "/a%5B1%5D",
      ["http://[::1]:80/[x]?y=[z]#a#b"] = "http://[::1]:80/%5Bx%5D?y=%5Bz%5D#a%23b", ["//[::1]/a"] = "//[::1]/a",
      ['/<a>"{b}|^`'] = "/%3Ca%3E%22%7Bb%7D%7C%5E%60", ["?a=b c&d=é"] = "?a=b%20c&d=%C3%A9", ["/\255"] = "/%FF",
      ["mailto:a@b.test"] = "mailto:a@b.test", ["/a;b=c,d!e$f&'()*+:@~-._"] = "/a;b=c,d!e$f&'()*+:@~-._",
    }
    for target, location in pairs(cases) do
      assert.equal(location, rille.redirect(target).headers.location)
      assert.equal(location, rille.text "x":header("LOCATION", target).headers.location)
      assert.equal(location, rille.response { headers = { Location = target } }.headers.location)
    end
    assert.error_matches(function() rille.redirect "" end, "a redirect needs a target: it is empty")
    assert.error_matches(function() rille.text "x":header("Location", "") end, "it is empty")
  end)

  it("redirects to what it was told, and keeps a target in one line", function()
    assert.equal("/a?b=c#d", answer(function() return rille.redirect "/a?b=c#d" end).headers.location)
    assert.is_false(pcall(rille.redirect, "/a\r\nX-Evil: 1"))
    assert.is_false(pcall(rille.redirect, "/a", 200))
    assert.is_false(pcall(rille.redirect, nil))
  end)

  it("made by options says what it does not know", function()
    assert.error_matches(function() rille.response { stat = 200 } end, "did you mean 'status'")
    assert.error_matches(function() rille.response { body = 7 } end, "body")
  end)

  it("has what is no field refused", function()
    local res = rille.text "x"
    assert.is_false(pcall(function() res.stauts = 200 end))
  end)
end)

describe("a line break or NUL", function()
  local bad = { CR = "\r", LF = "\n", CRLF = "\r\n", NUL = "\0" }
  local ways = {
    ["a header's value"] = function(res, x) res:header("X-A", "a" .. x .. "X-Evil: 1") end,
    ["a header's name"] = function(res, x) res:header("X-A" .. x .. "X-Evil", "1") end,
    ["an added header"] = function(res, x) res:add_header("X-A", "a" .. x .. "X-Evil: 1") end,
    ["a header assigned"] = function(res, x) res.headers["X-A"] = "a" .. x .. "X-Evil: 1" end,
    ["a cookie's value"] = function(res, x) res:cookie("a", "a" .. x .. "b") end,
    ["a cookie's name"] = function(res, x) res:cookie("a" .. x .. "b", "a") end,
    ["a cookie's path"] = function(res, x) res:cookie("a", "a", { path = "/" .. x .. "b" }) end,
    ["a cookie's domain"] = function(res, x) res:cookie("a", "a", { domain = "d" .. x .. "b" }) end,
    ["a deleted cookie"] = function(res, x) res:delete_cookie("a" .. x .. "b") end,
    ["an entity tag"] = function(res, x) res:etag("a" .. x .. "b") end,
    ["a content type"] = function(_, x) return rille.response { content_type = "text/plain" .. x .. "X-Evil: 1", body = "x" } end,
    ["headers in options"] = function(_, x) return rille.response { headers = { ["X-A"] = "a" .. x .. "X-Evil: 1" } } end,
    ["a redirect"] = function(_, x) return rille.redirect("/a" .. x .. "X-Evil: 1") end,
    ["an error's headers"] = function(_, x) rille.abort(400, "bad", { headers = { ["X-A"] = "a" .. x .. "X-Evil: 1" } }) end,
    ["a stream's type"] = function(_, x) return rille.stream("text/plain" .. x .. "X-Evil: 1", function() end) end,
  }
  for way, use in pairs(ways) do
    it("in " .. way .. " raises, and nothing of it is sent", function()
      for name, x in pairs(bad) do
        local res, body = answer(function()
          local made = rille.text "sent":header("X-Before", "1")
          return use(made, x) or made
        end)
        assert.equal(500, res.status, name)
        assert.is_nil(res.headers["x-evil"])
        assert.is_nil(res.headers["x-before"])
        assert.is_nil(res.headers["set-cookie"])
        assert.not_matches("sent", body)
      end
    end)
  end
end)
