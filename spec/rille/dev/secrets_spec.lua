-- lua/rille/dev/secrets.lua, lua/rille/secret.lua
local secret = require "rille.secret"
local secrets = require "rille.dev.secrets"

describe("secrets on pages of development", function()
  local given

  before_each(function() given, secret.given = secret.given, { "a secret of 32 bytes or more, .*[", "short" } end)
  after_each(function() secret.given = given end)

  it("are hidden wherever their text turns up", function()
    assert.equal("key=••••••, again ••••••",
      secrets.hide "key=a secret of 32 bytes or more, .*[, again a secret of 32 bytes or more, .*[")
    assert.equal("a short text", secrets.hide "a short text", "what is short stands in any text")
  end)

  it("are hidden in URLs", function()
    assert.equal("postgres://ada:••••••@db:5432/x", secrets.hide "postgres://ada:love@db:5432/x")
    assert.equal("http://localhost:8080/a@b", secrets.hide "http://localhost:8080/a@b")
  end)

  it("are hidden in queries", function()
    assert.equal("GET /x?token=••••••&page=2", secrets.hide "GET /x?token=abc.def&page=2")
    assert.equal('"/x?a=1&api_key=••••••"', secrets.hide '"/x?a=1&api_key=k"')
    assert.equal("/x?q=token", secrets.hide "/x?q=token")
  end)

  for line, shown in pairs {
    ['local name, pwd = "ada", "hunter22"'] = 'local name, pwd = "••••••", "••••••"',
    ['local a, b = "ada", "bob"'] = 'local a, b = "ada", "bob"',
    ['local password = "hunter22"'] = 'local password = "••••••"',
    ["  secret = 'x' .. os.getenv 'Y',"] = "  secret = '••••••' .. os.getenv 'Y',",
    ['headers = { ["authorization"] = "Bearer x", accept = "y" }'] = 'headers = { ["authorization"] = "••••••", accept = "y" }',
    ['{"api_key": "x", "name": "y", "token" : "z"}'] = '{"api_key": "••••••", "name": "y", "token" : "••••••"}',
    ['<input name="password" value="{{ password }}">'] = '<input name="password" value="{{ password }}">',
    ['local password = req:form().password'] = 'local password = req:form().password',
    ['token = ""'] = 'token = ""', ['token = "open'] = 'token = "••••••',
  } do
    it("are hidden in source: " .. line, function() assert.equal(shown, secrets.hide_source(line)) end)
  end

  it("make any text fit to be sent", function()
    local text = secrets.visible("\255" .. ("ä"):rep(5000))
    assert.is_truthy(utf8.len(text))
    assert.is_true(#text < 2100)
  end)

  it("take time in proportion to the text", function()
    for _, piece in ipairs { "a", "a=", "password='", "'", "://", "://a:", " = \"", "?", "&a", "?a=", "a," } do
      local line = piece:rep(400 // #piece)
      for _ = 1, 200 do secrets.hide_source(line) end
      secrets.hide(piece:rep(1000000 // #piece))
    end
  end)
end)
