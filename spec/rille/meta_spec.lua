-- lua/rille/names/signatures.lua
--
-- The annotations for editors (lua/rille/meta/) and the library are of one mind: what is exported is annotated, what is
-- annotated is there, and each ---@param names a parameter.
local exports = require "spec.support.exports"
local native = require "rille.native.core"

local folder = "lua/rille/meta"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local files = {}
for _, name in ipairs(native.list_directory(folder)) do files[name] = read(folder .. "/" .. name) end

local function dotted(name) return (name:gsub(":", ".")) end

-- Names of one file: functions, tables of a table, and the fields of a class, which belong to the local behind it.
local function add_names(set, text)
  local fields
  for line in text:gmatch "[^\n]*" do
    local class, field = line:match "^%-%-%-@class ([%w_.]+)", line:match "^%-%-%-@field ([%w_]+)"
    local owner, name = line:match "^local ([%w_]+) = ", line:match "^function ([%w_.:]+)" or line:match "^([%w_]+%.[%w_.]+) = "
    if class then fields = {} end
    if field and fields then fields[#fields + 1] = field end
    if owner and fields then
      for _, known in ipairs(fields) do set[owner .. "." .. known] = true end
      fields = nil
    end
    if name then set[dotted(name)] = true end
  end
end

-- Names that only some values have, so that no metatable or list of exports tells of them.
local optional = { ["err.headers"] = true, ["err.failures"] = true, ["err.response"] = true,
  ["err.sqlstate"] = true, ["err.violation"] = true, ["err.constraint"] = true, ["err.statement"] = true, ["err.line"] = true,
  ["err.column"] = true, ["err.sqlite"] = true, ["err.sqlite_name"] = true, ["err.migration"] = true }

describe("annotations", function()
  local annotated = {}
  for _, text in pairs(files) do add_names(annotated, text) end

  it("are there for every exported name", function()
    assert.same({}, exports.missing(exports.of_rille(), annotated))
  end)

  it("name nothing that there is not", function()
    local exported = exports.of_rille()
    for name in pairs(optional) do exported[name] = true end
    assert.same({}, exports.missing(annotated, exported))
  end)

  it("are Lua, marked as what they are", function()
    for name, text in pairs(files) do
      assert.truthy(load(text, "=" .. name))
      assert.equal("---@meta", text:sub(1, 8), name)
    end
  end)

  it("describe each parameter, in order", function()
    for name, text in pairs(files) do
      local described = {}
      for line in text:gmatch "[^\n]*" do
        local param = line:match "^%-%-%-@param ([%w_.]+)"
        local signature = line:match "^function [%w_.:]+%((.-)%)"
        if param then described[#described + 1] = param end
        if signature then
          assert.equal(signature, table.concat(described, ", "), name .. ": " .. line)
          described = {}
        end
      end
    end
  end)

  it("have the signatures that messages show (lua/rille/names/signatures.lua)", function()
    local shown, described = {}, {}
    for owner, name, params in require("rille.names.signatures").text:gmatch "([%w_.]+)([:.][%w_]+)(%b())\n" do
      local plain = params:gsub("%??: [%w|]+", ""):gsub("%?", "")
      shown[owner:gsub("^response$", "res") .. name .. plain] = true
    end
    for _, text in pairs(files) do
      for signature in text:gmatch "\nfunction ([%w_.:]+%b()) end" do described[signature] = true end
    end
    assert.same({}, exports.missing(described, shown))
    assert.same({}, exports.missing(shown, described))
  end)

  it("are not in the binary", function()
    assert.error_matches(function() require "rille.meta.app" end, "no embedded module")
  end)
end)
