-- Charsets of responses that the program names: by the option encoding, by res.encoding, or when it asks for the text.
-- runtime/bind/core/charset.c
local rille = require "rille"
local mock = require "rille.testing.mock"

describe("encoding=", function()
  local fake
  before_each(function() fake = mock.new() end)
  after_each(function() fake:close() end)

  local function fetch(bytes, content_type, opts)
    fake.rules = {}
    fake:on("GET", "http://a.test/", { body = bytes, headers = { ["Content-Type"] = content_type } })
    return rille.fetch("http://a.test/", opts)
  end

  it("reads a text by the charset that it names, whatever the response says", function()
    for _, case in ipairs {
      { "\xD0\xD2\xC9\xD7\xC5\xD4", "koi8-r", "привет" }, { "\xEF\xF0\xE8\xE2\xE5\xF2", "windows-1251", "привет" },
      { "\x93\xFA\x96{", "Shift_JIS", "日本" }, { "\xC6\xFC\xCB\xDC", "EUC-JP", "日本" }, { "\xC4\xE3\xBA\xC3", "GB18030", "你好" },
      { "\xA4\xA4\xA4\xE5", "Big5", "中文" }, { "h\0i\0", "UTF-16LE", "hi" }, { "\xFE\xFF\0h\0i", "UTF-16", "hi" },
      { "\xFF\xFEh\0i\0", "utf-16le", "hi" }, { "\xE9\x80", "iso-8859-15", "é\u{80}" }, { "\xE9\x80", "windows-1252", "é€" },
      { "\xE9", "latin1", "é" }, { "é", "utf-8", "é" }, { "", "koi8-r", "" },
    } do
      local bytes, encoding, text = table.unpack(case)
      for _, said in ipairs { "text/plain; charset=x-unheard-of", "text/plain; charset=utf-8", "text/plain" } do
        assert.equal(text, fetch(bytes, said, { encoding = encoding }):text(), encoding)
        assert.equal(text, fetch(bytes, said):text { encoding = encoding }, encoding)
        assert.equal(text, fetch(bytes, said):text(encoding), encoding)
        local res = fetch(bytes, said)
        res.encoding = encoding
        assert.equal(text, res:text(), encoding)
        assert.equal(bytes, res:bytes())
      end
    end
  end)

  it("is the client's too, and a call's goes before it", function()
    fake:on("GET", "http://b.test/", { body = "\xD0", headers = { ["Content-Type"] = "text/plain; charset=x" } })
    local client <close> = rille.client { encoding = "koi8-r" }
    assert.equal("п", client:get("http://b.test/"):text())
    assert.equal("Ð", client:get("http://b.test/", { encoding = "latin1" }):text())
    client:use(function() return { body = "\xD0" } end)
    assert.equal("п", client:get("http://b.test/"):text())
  end)

  it("is the way out of a charset that is not known, and the error says so", function()
    local _, err = rille.try(function() return fetch("\xD0", "text/plain; charset=x-unheard-of"):text() end)
    assert.same({ "charset", 502 }, { err.code, err.status })
    assert.equal("GET http://a.test/: its charset is not known: x-unheard-of; name another one with encoding=", err.message)
  end)

  it("is a field of the response, which may change its mind", function()
    local res = fetch("\xD0", "text/plain", { encoding = "KOI8-R" })
    assert.equal("koi8-r", res.encoding)
    assert.equal("п", res:text())
    res.encoding = "latin1"
    assert.same({ "latin1", "Ð" }, { res.encoding, res:text() })
    res.encoding = nil
    assert.is_nil(res.encoding)
    assert.error_matches(function() res.encoding = "nonsense" end, "res.encoding: encoding: 'nonsense'")
    assert.error_matches(function() res.encoding = 5 end, "an encoding is a string")
  end)

  it("reads JSON as well", function()
    assert.same({ "é" }, fetch('["\xE9"]', "application/json", { encoding = "latin1" }):json())
    assert.same({ "é" }, fetch('["\xE9"]', "application/json"):json { encoding = "latin1" })
    assert.same({ 1 }, fetch("\xFE\xFF\0[\0001\0]", "application/json"):json { encoding = "utf-16" })
  end)

  it("raises where the bytes are not of it", function()
    for encoding, bytes in pairs { ["utf-8"] = "\xE9", ["Shift_JIS"] = "\x81", ["EUC-JP"] = "a\xFF", ["utf-16le"] = "h\0i",
      ["utf-16be"] = "\xD8\0\0a" } do
      local _, err = rille.try(function() return fetch(bytes, "text/plain", { encoding = encoding }):text() end)
      assert.same({ "charset", 502 }, { err and err.code, err and err.status }, encoding)
      assert.matches("the body is not " .. encoding:lower():gsub("%p", "%%%0"), err.message)
    end
  end)

  it("is long texts' too", function()
    local bytes = ("\xD0"):rep(100001)
    local text = fetch(bytes, "text/plain", { encoding = "koi8-r" }):text()
    assert.equal(200002, #text)
    assert.equal(("п"):rep(100001), text)
  end)

  it("raises at the caller's line for what is no charset", function()
    for _, encoding in ipairs { "nonsense", "", "utf-8//TRANSLIT", "../x", "utf-8\0", ("a"):rep(1000), 5, true } do
      for _, ask in ipairs {
        function() return (fetch("x", "text/plain", { encoding = encoding })) end,
        function() return (fetch("x", "text/plain"):text { encoding = encoding }) end,
        function() return (fetch("x", "text/plain"):json { encoding = encoding }) end,
      } do
        local ok, err = pcall(ask)
        assert.is_false(ok, tostring(encoding))
        assert.matches("encoding_spec.lua:%d+: .*encoding", err)
      end
    end
    assert.error_matches(function() fetch("x", "text/plain"):text(5) end, "an encoding is a string")
    assert.error_matches(function() fetch("x", "text/plain"):text { encodign = "x" } end, "did you mean 'encoding'")
  end)
end)
