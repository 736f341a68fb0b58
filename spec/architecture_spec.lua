-- ARCHITECTURE.md is true: files that it names exist, functions that it names are defined in the file beside them, each
-- staircase has at most ten steps, and the floors are those that script/floorplan checks. The pages of docs/design/ name files
-- that exist, and lead somewhere.
local native = require "rille.native.core"

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local page = assert(read "ARCHITECTURE.md")

local function escaped(name) return (name:gsub("%p", "%%%0")) end

-- In C a definition starts at the left margin and opens a brace on the line on which its arguments end.
local function is_defined_in_c(name, text)
  for head in text:gmatch("\n%a[^\n;=]-%f[%w_]" .. escaped(name) .. "(%b()[^;]-[{;])") do
    if head:find "{$" then return true end
  end
  return false
end

local function is_defined_in_lua(name, text)
  name = escaped(name)
  for _, pattern in ipairs { "function%s+", "function%s+[%w_]+[.:]" } do
    if text:find(pattern .. name .. "%s*%(") then return true end
  end
  return text:find("%f[%w_]" .. name .. "%s*=%s*function") ~= nil
end

local function is_defined(name, path, text)
  text = "\n" .. text
  if path:find "%.lua$" then return is_defined_in_lua(name, text) end
  return is_defined_in_c(name, text)
end

-- Rows of tables: calls visit(heading, step, where).
local function each_step(visit)
  local heading = ""
  for line in page:gmatch "[^\n]+" do
    heading = line:match "^## (.*)" or heading
    local step, where = line:match "^|%s*(%d+)%s*|(.-)|"
    if step then visit(heading, tonumber(step), where) end
  end
end

-- The code spans of a row: a file, then the functions in it.
local function each_function(where, visit)
  local path
  for span in where:gmatch "`([^`]+)`" do
    if span:find "[/.]" then path = span
    else visit(span, path) end
  end
end

local function wrong_rows()
  local wrong = {}
  each_step(function(heading, step, where)
    each_function(where, function(name, path)
      local text = path and read(path)
      if not text then wrong[#wrong + 1] = ("%s, step %d: `%s` stands beside no file"):format(heading, step, name)
      elseif not is_defined(name, path, text) then
        wrong[#wrong + 1] = ("%s, step %d: %s does not define %s"):format(heading, step, path, name)
      end
    end)
  end)
  return wrong
end

describe("ARCHITECTURE.md", function()
  it("names functions that the file beside them defines", function() assert.same({}, wrong_rows()) end)

  it("takes a declaration, a call and a comment for no definition", function()
    local text = "\nint rl_a(int b);\n/* rl_a(b) { */\nint rl_c(void) {\n  rl_a(1); {\n}\n"
    assert.is_false(is_defined("rl_a", "a.c", text))
    assert.is_true(is_defined("rl_c", "a.c", text))
    assert.is_true(is_defined("b", "a.lua", "function A:b(c) end"))
    assert.is_false(is_defined("b", "a.lua", "x = b(c)"))
    assert.is_false(is_defined("b", "a.lua", "function A.ab(c) end"))
  end)

  it("has six staircases of at most ten steps, numbered in order", function()
    local last, stairs = {}, {}
    each_step(function(heading, step)
      if not last[heading] then stairs[#stairs + 1] = heading end
      assert.equal((last[heading] or 0) + 1, step, heading)
      assert.is_true(step <= 10, heading)
      last[heading] = step
    end)
    for _, of in ipairs {
      "a request", "a TLS connection", "an HTTP/2 request", "an outgoing request", "a statement", "a template",
    } do
      assert.truthy(last["The stairs of " .. of], of)
    end
  end)

  it("has the floors that script/floorplan checks", function()
    local told, checked, floor = {}, {}, nil
    for line in page:match("\n```\n(floor.-)\n```"):gmatch "[^\n]+" do
      floor = tonumber(line:match "^floor (%d)") or floor
      local room = line:match "^floor %d%s+(%l+)/" or line:match "^%s+(%l+)/"
      if room then told[room] = floor end
    end
    for room, number in assert(read "script/house/tree.py"):match("FLOORS = (%b{})"):gmatch '"(%l+)": (%d)' do
      checked[room] = tonumber(number)
    end
    assert.same(checked, told)
  end)
end)

-- Files in code spans that are not there, and links that lead nowhere; `folder` is where the page is.
local function missing_of(text, folder)
  local missing = {}
  for span in text:gmatch "`([^`\n]+)`" do
    if span:find "^[%w_.-]+/[%w_./-]*%.%l%w*$" and not read(span) then missing[#missing + 1] = span end
  end
  for target in text:gmatch "%]%(([^)#:]+)%)" do
    if not read(folder .. target) then missing[#missing + 1] = target end
  end
  return missing
end

describe("files and links", function()
  it("of ARCHITECTURE.md exist", function() assert.same({}, missing_of(page, "")) end)

  for _, name in ipairs(native.list_directory "docs/design") do
    it("of docs/design/" .. name .. " exist", function()
      assert.same({}, missing_of(assert(read("docs/design/" .. name)), "docs/design/"))
    end)
  end

  it("are missed when they are gone", function()
    assert.same({ "runtime/gone.c", "gone.md" }, missing_of("`runtime/gone.c` `a/b` [x](gone.md) [y](https://a.b/c)", ""))
  end)
end)
