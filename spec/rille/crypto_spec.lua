-- runtime/bind/core/crypto.c
-- lua/rille/password.lua, lua/rille/seal.lua
local rille = require "rille"

describe("digests and tokens", function()
  it("gives SHA-256 as lower-case hex (FIPS 180-4)", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", rille.sha256 "abc")
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", rille.sha256 "")
  end)

  it("gives HMAC-SHA-256 as lower-case hex (RFC 4231 cases 1, 2 and 6)", function()
    assert.equal("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      rille.hmac_sha256(("\x0b"):rep(20), "Hi There"))
    assert.equal("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      rille.hmac_sha256("Jefe", "what do ya want for nothing?"))
    assert.equal("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      rille.hmac_sha256(("\xaa"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First"))
  end)

  it("makes tokens of n random bytes that are safe in a URL", function()
    local seen = {}
    for _ = 1, 1000 do
      local token = rille.random_token()
      assert.equal(43, #token)
      assert.truthy(token:find "^[%w_-]+$")
      assert.is_nil(seen[token])
      seen[token] = true
    end
    assert.equal(22, #rille.random_token(16))
    assert.has_error(function() rille.random_token(0) end)
  end)

  it("compares strings, and takes an absent one for different", function()
    assert.is_true(rille.secure_compare("abc", "abc"))
    assert.is_true(rille.secure_compare("", ""))
    assert.is_false(rille.secure_compare("abc", "abd"))
    assert.is_false(rille.secure_compare("abc", "ab"))
    assert.is_false(rille.secure_compare(nil, "abc"))
    assert.is_false(rille.secure_compare("abc", nil))
  end)

  it("checks the signature of a webhook, with and without its prefix", function()
    -- the example of GitHub's documentation, "Validating webhook deliveries"
    local signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    local key, body = "It's a Secret to Everybody", "Hello, World!"
    assert.is_true(rille.verify_signature(key, body, "sha256=" .. signature))
    assert.is_true(rille.verify_signature(key, body, signature))
    assert.is_true(rille.verify_signature(key, body, "sha256=" .. signature:upper()))
    assert.is_false(rille.verify_signature(key, body .. "!", "sha256=" .. signature))
    assert.is_false(rille.verify_signature(key, body, "sha256=" .. signature:sub(1, -2)))
    assert.is_false(rille.verify_signature(key, body, nil))
    assert.has_error(function() rille.verify_signature("", body, signature) end)
  end)
end)

describe("seal", function()
  local secrets = { ("old secret "):rep(4), ("new secret "):rep(4) }

  it("gives back what was sealed: tables, numbers, and strings of any bytes", function()
    local app = rille.app {} -- luacheck: ignore
    for _, value in ipairs { "", "text", "\0\xff\r\n", 7, 1.5, true, false, { user = 1, tags = { "a", "b" } } } do
      assert.same(value, rille.unseal(rille.seal(value, "test"), "test"))
    end
  end)

  it("makes a text that is safe in a URL and never the same twice", function()
    local a, b = rille.seal("x", "test"), rille.seal("x", "test")
    assert.truthy(a:find "^[%w_-]+$")
    assert.not_equal(a, b)
  end)

  it("opens for the purpose it was sealed for only", function()
    local text = rille.seal("x", "reset")
    assert.equal("x", rille.unseal(text, "reset"))
    assert.is_nil(rille.unseal(text, "login"))
    assert.is_nil(rille.unseal(text, "rese"))
  end)

  it("is nil for what is no sealed text", function()
    for _, text in ipairs { "", "x", "AQ", ("A"):rep(200), "not base64 at all!", ("A"):rep(100000) } do
      assert.is_nil(rille.unseal(text, "test"))
    end
    assert.is_nil(rille.unseal(nil, "test"))
  end)

  it("refuses every change of one character, and every shortening", function()
    local text = rille.seal({ user = 7 }, "test")
    for i = 1, #text do
      local c = text:sub(i, i) == "A" and "B" or "A"
      assert.is_nil(rille.unseal(text:sub(1, i - 1) .. c .. text:sub(i + 1), "test"))
      assert.is_nil(rille.unseal(text:sub(1, i - 1), "test"))
    end
    assert.is_nil(rille.unseal(text .. "A", "test"))
    assert.is_nil(rille.unseal(text .. "=", "test"))
  end)

  it("opens by an older secret of the list, and not by another program's", function()
    local before = rille.app { secret = secrets[1] } -- luacheck: ignore
    local text = rille.seal("x", "test")
    local rotated = rille.app { secret = { secrets[2], secrets[1] } } -- luacheck: ignore
    assert.equal("x", rille.unseal(text, "test"))
    local newer = rille.seal("y", "test")
    local after = rille.app { secret = secrets[2] } -- luacheck: ignore
    assert.equal("y", rille.unseal(newer, "test"))
    assert.is_nil(rille.unseal(text, "test"))
  end)

  it("asks for a purpose and for something to seal", function()
    assert.has_error(function() rille.seal("x") end)
    assert.has_error(function() rille.seal(nil, "test") end)
    assert.has_error(function() rille.unseal("x", "") end)
  end)
end)

describe("password", function()
  it("verifies what it has hashed, and nothing else", function()
    local hash = rille.password.hash "correct horse"
    assert.truthy(hash:find("$argon2id$v=19$m=65536,t=2,p=1$", 1, true))
    assert.is_true(rille.password.verify("correct horse", hash))
    assert.is_false(rille.password.verify("correct horse ", hash))
    assert.not_equal(hash, rille.password.hash "correct horse")
  end)

  it("takes passwords of 1 to 1024 bytes of any kind", function()
    local longest = ("\0\xff"):rep(512)
    assert.is_true(rille.password.verify(longest, rille.password.hash(longest)))
    for _, wrong in ipairs { "", ("x"):rep(1025) } do
      local _, err = rille.try(rille.password.hash, wrong)
      assert.equal("invalid", err.code)
      assert.is_false(rille.password.verify(wrong, rille.password.hash "x"))
    end
  end)

  it("is false for a user that does not exist, in the time of one that does", function()
    local hash = rille.password.hash "x"
    local function seconds(...)
      local start = rille.now()
      assert.is_false(rille.password.verify("a guess", ...))
      return rille.now() - start
    end
    seconds(hash)
    assert.is_true(seconds(nil) > seconds(hash) / 4)
  end)

  it("is false for a hash that is none", function()
    for _, hash in ipairs { "", "x", "$argon2id$", ("$"):rep(200), "$argon2id$v=19$m=65536,t=2,p=1$\0" } do
      assert.is_false(rille.password.verify("x", hash))
      assert.is_true(rille.password.needs_rehash(hash))
    end
  end)

  it("knows a hash of weaker parameters", function()
    assert.is_false(rille.password.needs_rehash(rille.password.hash "x"))
    local owasp_minimum = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2E$fYt8NCfGXCBDyLpHOqTzXJP4h9Dpoz3cKx2hWpWCqGA"
    assert.is_true(rille.password.needs_rehash(owasp_minimum))
  end)

  it("lets other tasks run meanwhile, and can be cancelled", function()
    local turns = 0
    local ticker = rille.spawn(function() while true do rille.sleep(0.001); turns = turns + 1 end end)
    rille.password.hash "x"
    ticker:cancel()
    assert.is_true(turns > 5)
    local _, err = rille.try(rille.timeout, 0.005, rille.password.hash, "x")
    assert.equal("timeout", err.code)
  end)
end)
