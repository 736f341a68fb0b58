-- The docs and the library are of one mind: every exported name has a heading, every heading that names one names what there
-- is, links lead somewhere, and Lua in the pages is Lua.
local exports = require "spec.support.exports"
local native = require "rille.native.core"
local reference = require "docs.site.reference"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function pages(folder, list)
  for _, name in ipairs(native.list_directory(folder)) do
    if name:find "%.md$" then list[#list + 1] = folder .. "/" .. name end
  end
  return list
end

local references = pages("docs", {})
local all = pages("docs/tutorial", pages("docs", { "README.md" }))

-- Text outside of code blocks, and the code blocks with what stands behind their fence.
local function cut(text)
  local blocks = {}
  local prose = ("\n" .. text):gsub("\n```([^\n]*)\n(.-)\n```", function(info, code)
    blocks[#blocks + 1] = { info = info, code = code }
    return "\n"
  end)
  return prose, blocks
end

-- "### `req:json()`, `req.path`" -> req.json, req.path
local function add_headings(set, prose)
  for heading in prose:gmatch "\n##+ ([^\n]*`[^\n]*)" do
    for code in heading:gmatch "`([^`]+)`" do
      local name = code:match "^[%a_][%w_]*[.:][%w_.:]+"
      if name then set[name:gsub(":", ".")] = true end
    end
  end
end

-- The anchor of a heading, as GitHub makes it.
local function anchor(heading)
  return (heading:gsub("`", ""):lower():gsub("[^%w%s_-]", ""):gsub(" ", "-"))
end

local function anchors(path)
  local set = {}
  for heading in ("\n" .. read(path)):gmatch "\n#+ ([^\n]*)" do set[anchor(heading)] = true end
  return set
end

local function resolve(from, target)
  local path = from:match "^(.*/)" or ""
  path = path .. target
  local before
  repeat
    before = path
    path = path:gsub("%f[^/\0][^/.]+/%.%./", ""):gsub("^%./", "")
  until path == before
  return path
end

describe("docs", function()
  local headings = {}
  for _, path in ipairs(references) do add_headings(headings, "\n" .. cut(read(path))) end

  it("have a heading for every exported name", function()
    assert.same({}, exports.missing(exports.of_rille(), headings))
  end)

  it("have no heading for a name that there is not", function()
    local exported, owners = exports.of_rille(), {}
    for name in pairs(exported) do owners[name:match "^[^.]+"] = true end
    local named = {}
    for name in pairs(headings) do
      if owners[name:match "^[^.]+"] then named[name] = true end
    end
    assert.same({}, exports.missing(named, exported))
  end)

  it("have every command and every option of the command line, in the pages and in the manual", function()
    local source, missing = read "runtime/cli/commands.c" .. read "runtime/cli/options.c", {}
    local page, manual = read "docs/cli.md", read("docs/rille.1"):gsub("\\%-", "-"):gsub("\\f.", "")
    local function check(name, pattern)
      for where, text in pairs { ["docs/cli.md"] = page, ["docs/rille.1"] = manual } do
        if not text:find(pattern) then missing[#missing + 1] = where .. ": " .. name end
      end
    end
    for name in source:gmatch '\n    {"(%l+)", ' do check(name, "%f[%w]" .. name .. "%f[%W]") end
    for name in source:gmatch '"(%-%-[%l-]+)"' do
      if name ~= "--help" and name ~= "--version" then check(name, "%f[-]" .. name:gsub("%-", "%%-") .. "%f[%s`=]") end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("link to pages and headings that there are", function()
    local broken = {}
    for _, path in ipairs(all) do
      local prose = cut(read(path))
      for target in prose:gmatch "%]%(([^)%s]+)%)" do
        local file, hash = target:match "^([^#]*)#?(.*)$"
        if not target:find "^%a+:" then
          local there = file == "" and path or resolve(path, file)
          local ok = native.file_info(there) ~= nil and (hash == "" or anchors(there)[hash])
          if not ok then broken[#broken + 1] = path .. " -> " .. target end
        end
      end
    end
    assert.same({}, broken)
  end)

  it("have a quick reference that is fresh", function()
    assert.is_true(read "docs/reference.md" == reference.make(), "docs/reference.md is stale: script/docs writes it anew")
  end)

  it("have every annotated function in the quick reference", function()
    local page, missing = read "docs/reference.md", {}
    for _, name in ipairs(native.list_directory "lua/rille/meta") do
      for owner, sign, method in read("lua/rille/meta/" .. name):gmatch "\nfunction ([%w_.]-)([.:])([%w_]+)%(" do
        local whole = owner .. sign .. method
        local there = page:find("`" .. whole .. "(", 1, true) or page:find("`" .. sign .. method .. "`", 1, true)
        if not there then missing[#missing + 1] = whole end
      end
    end
    assert.same({}, missing)
  end)

  it("show Lua that can be read", function()
    local wrong = {}
    for _, path in ipairs(all) do
      local _, blocks = cut(read(path))
      for _, block in ipairs(blocks) do
        if block.info:find "^lua" then
          local code = block.code:gsub("…", "")
          local ok, message = load(code, "=" .. path)
          if not ok then ok = load("return " .. code, "=" .. path) end
          if not ok then wrong[#wrong + 1] = message end
        end
      end
    end
    assert.same({}, wrong)
  end)
end)
