-- runtime/bind/core/certificate.c, runtime/crypto/certificate.c, runtime/crypto/ec_key.c: what the openssl command says of it
local native = require "rille.native.core"
local scratches = require "spec.support.scratch"

local DAY = 86400

describe("keys and certificates", function()
  local place
  before_each(function() place = scratches.new() end)
  after_each(function() place:close() end)

  it("are a request that openssl verifies, with all names", function()
    local key = native.ec_key()
    place:write("request.der", native.certificate_ask(key, { "a.example", "*.b.example", "127.0.0.1" }))
    local text = place:run("openssl", "req", "-inform", "DER", "-in", "request.der", "-verify", "-noout", "-text")
    assert.matches("verify OK", text)
    assert.matches("DNS:a%.example, DNS:%*%.b%.example, IP Address:127%.0%.0%.1", text)
    assert.matches("ASN1 OID: prime256v1", text)
  end)

  it("are an authority and what it has signed, which openssl verifies", function()
    local now, root_key, key = os.time(), native.ec_key(), native.ec_key()
    local root = native.certificate_make(root_key, { title = "root", authority = true, from = now - DAY, to = now + DAY })
    local leaf = native.certificate_make(key, { names = { "a.example" }, from = now - DAY, to = now + DAY, issuer = root,
      issuer_key = root_key })
    place:write("root.pem", root)
    place:write("leaf.pem", leaf)
    place:write("key.pem", key)
    assert.matches("leaf.pem: OK", place:run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
      "a.example", "-CAfile", "root.pem", "leaf.pem"))
    assert.matches("BEGIN PRIVATE KEY", place:run("openssl", "pkey", "-in", "key.pem", "-check"))
  end)

  it("sign as ES256 does", function()
    local key = native.ec_key()
    local signature = native.ec_key_sign(key, "a message")
    local function integer(bytes)
      bytes = bytes:gsub("^%z+", "")
      if bytes:byte() > 127 then bytes = "\0" .. bytes end
      return "\2" .. string.char(#bytes) .. bytes
    end
    local body = integer(signature:sub(1, 32)) .. integer(signature:sub(33))
    place:write("key.pem", key)
    place:write("message", "a message")
    place:write("signature", "\48" .. string.char(#body) .. body)
    place:run("openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    assert.matches("Verified OK", place:run("openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature",
      "message"))
    local x, y = native.ec_key_public(key)
    local text = place:run("openssl", "pkey", "-in", "key.pem", "-noout", "-text"):gsub("[%s:]", "")
    local hex = ("\4" .. x .. y):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
    assert.truthy(text:find(hex, 1, true))
  end)

  it("refuse what is none", function()
    for _, wrong in ipairs { "", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" } do
      assert.has_error(function() native.ec_key_sign(wrong, "x") end)
      assert.has_error(function() native.certificate_ask(wrong, { "a.example" }) end)
      assert.has_error(function() native.certificate_describe(wrong) end)
    end
    assert.has_error(function() native.certificate_ask(native.ec_key(), {}) end)
    assert.has_error(function() native.certificate_ask(native.ec_key(), { 1 }) end)
  end)
end)
