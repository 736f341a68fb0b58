-- What .env was taken for: a comment for the secret, the first of two values, the half of a key; and nothing where it could
-- not be read.
-- runtime/cli/dotenv.c
local scratch = require "spec.support.scratch"

describe(".env", function()
  local place
  before_each(function()
    place = scratch.new()
    place:write("show.lua", "for _, name in ipairs(arg) do io.write(name, '=', tostring(os.getenv(name)), ';') end")
  end)
  after_each(function() place:close() end)

  local function shows(text, ...)
    place:write(".env", text)
    return place:run(place.rille, "run", "show.lua", ...)
  end

  it("is read as the libraries of that name do", function()
    assert.equal("A=1;B=2;", shows("\xEF\xBB\xBFA=1\r\nexport B=2 # two\r\n", "A", "B"))
    assert.equal("A=-----BEGIN\nabc=\n-----END;B=2;", shows('A="-----BEGIN\nabc=\n-----END"\nB=2\n', "A", "B"))
    assert.equal('A=pa"ss;B=it\'s;', shows([[A="pa\"ss"]] .. "\n" .. [[B='it\'s']], "A", "B"))
    assert.equal("A=2;", shows("A=1\nA=2\n", "A"))
    assert.equal("SECRET=;", shows("SECRET= # openssl rand -base64 48, and keep it to yourself\n", "SECRET"))
  end)

  it("does not replace what the environment says", function()
    place:write(".env", "A=1\nA=2\nHOME=elsewhere\n")
    assert.equal("A=0;HOME=/x;", place:run("env A=0 HOME=/x " .. place.rille, "run", "show.lua", "A", "HOME"))
  end)

  it("is an error, with its line, where it cannot be understood; nothing runs", function()
    for text, wanted in pairs {
      ["A=1\nB=\"open\nC=2\n"] = ".env:2: this quote is never closed",
      ["A=1\nSECRET=#abc\n"] = ".env:2: a value that begins with '#' stands in quotes",
      ["A\n"] = ".env:1: expected NAME=value",
      ["A='x' y\n"] = ".env:1: expected nothing but a comment",
    } do
      local output = shows(text, "A")
      assert.matches(wanted, output, 1, true)
      assert.not_matches("A=", output, 1, true)
    end
  end)

  it("is an error where it is there and cannot be read", function()
    place:run("mkdir .env")
    assert.matches("cannot read .*/%.env: Is a directory", place:run(place.rille, "run", "show.lua", "A"))
    assert.matches("usage: rille", place:run(place.rille, "help"))
  end)

  it("with a secret that is a comment does not start a server", function()
    place:write(".env", "SECRET= # openssl rand -base64 48, and keep it to yourself\n")
    place:write("app.lua", [[
      local rille = require "rille"
      local app = rille.app { secret = os.getenv "SECRET" }
      app:use(rille.session {})
      return app
    ]])
    local output = place:run(("sh -c 'timeout 10 %s serve app.lua --port 0; echo status $?'"):format(place.rille))
    assert.matches("secret", output)
    assert.matches("status 1\n$", output)
  end)
end)
