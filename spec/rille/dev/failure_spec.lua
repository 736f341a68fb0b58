local failure = require "rille.dev.failure"
local native = require "rille.native.core"
local rille = require "rille"

local function describe_error(f)
  local _, err = rille.try(f)
  return failure.describe(err)
end

describe("a failure in development", function()
  it("names the file and line of the message, with the lines around them", function()
    local what = describe_error(function() error "wrong" end)
    assert.equal("wrong", what.message)
    assert.equal("spec/rille/dev/failure_spec.lua", what.file)
    assert.equal(12, what.line)
    assert.equal(6, what.excerpt.first)
    assert.matches('error "wrong"', what.excerpt.lines[7], 1, true)
    assert.equal(13, #what.excerpt.lines)
  end)

  it("without a position in its message is placed at the first frame of the program's own", function()
    local what = describe_error(function() rille.abort(500, "no position") end)
    assert.equal("no position", what.message)
    assert.equal("spec/rille/dev/failure_spec.lua", what.file)
    assert.equal(22, what.line)
  end)

  it("knows which frames of the traceback are the program's", function()
    local what = describe_error(function() native.url_encode {} end)
    local own = 0
    for _, frame in ipairs(what.frames) do
      if frame.own then own = own + 1 end
      assert.is_nil(frame.file and frame.own and frame.file:find "^rille/" or nil)
    end
    assert.is_true(own >= 1)
  end)

  it("of a module that does not load is the module's own", function()
    local what = failure.describe "error loading module 'app.posts' from file './README.md':\n\t./README.md:1: unexpected symbol"
    assert.equal("unexpected symbol", what.message)
    assert.equal("./README.md", what.file)
    assert.equal(1, what.line)
    assert.is_table(what.excerpt)
  end)

  it("of a module that is missing says so in a line", function()
    local what = describe_error(function() require "app.nowhere" end)
    assert.equal("module 'app.nowhere' not found", what.message)
    assert.matches("no file", what.whole)
  end)

  it("of a template names line and column apart from the message", function()
    local what = failure.describe "templates/base.html:3:12: unexpected '}'\n    <p>{{ text }</p>\n               ^"
    assert.equal("unexpected '}'", what.message)
    assert.equal("templates/base.html", what.file)
    assert.equal(3, what.line)
  end)

  it("of SQL shows the place in the statement apart from the message", function()
    local db <close> = rille.sqlite.open ":memory:"
    local what = describe_error(function() db:query "SELECT 1,\n  '/?token=letmein7', titel" end)
    assert.equal("no such column: titel", what.message)
    assert.same({ place = "in line 2, column 23", excerpt = "  '/?token=••••••', titel" }, what.sql)
    what = describe_error(function() db:query "SELECT 1, titel" end)
    assert.same({ place = "in line 1, column 11", excerpt = "  SELECT 1, titel\n            ^" }, what.sql)
    assert.equal("spec/rille/dev/failure_spec.lua", what.file)
    assert.is_nil(describe_error(function() db:query "SELECT 1 UNION SELECT 1, 2" end).sql)
  end)

  it("is plain data even where bytes are not UTF-8", function()
    local what = failure.describe "bad \255 byte"
    assert.equal("bad ? byte", what.message)
    assert.is_string(native.json_encode(what))
  end)

  for _, file in ipairs { "/etc/passwd", "../secret", "app/../../secret", ".env", "app/.hidden", "./.env" } do
    it("shows nothing of " .. file, function()
      assert.is_nil(failure.path_of(file))
      assert.is_nil(failure.excerpt(file, 1))
    end)
  end
end)
