-- Runs luacheck on a program, if it is installed: with the project's own .luacheckrc, else with settings of ours, which report
-- what fails (undefined names, syntax) and not style.
local native = require "rille.native.core"

local M = {}

local ours = "--no-config --std lua54 --no-max-line-length --ignore 212 213 431 432 '54.' '6..'"

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function is_file(path)
  local info = native.file_info(path)
  return info ~= nil and info.type == "file"
end

--- is_installed() -> whether there is a luacheck
function M.is_installed() return os.execute "command -v luacheck > /dev/null 2>&1" == true end

-- In the root or above it, where luacheck itself would look.
local function has_config()
  local folder = native.root
  while true do
    if is_file(folder .. "/.luacheckrc") then return true end
    local above = folder:match "^(.*)/[^/]+$"
    if not above then return false end
    folder = above
  end
end

local function below_root(path)
  local root = native.root .. "/"
  return path:sub(1, #root) == root and path:sub(#root + 1) or nil
end

-- APP, and what the program has loaded from its root.
local function sources(path)
  local list, folder = {}, path:match "(.*)/init%.lua$" or path
  list[1] = below_root(folder) or folder
  local app = list[1]:gsub("%.lua$", ""):gsub("/", ".") -- that name may be another file's: app.lua beside app/init.lua
  for name in pairs(package.loaded) do
    local file = type(name) == "string" and not name:find "^rille%f[.\0]" and package.searchpath(name, package.path)
    local own = file and below_root(file)
    if own and not own:find "^lua_modules/" and name ~= app and own ~= list[1] and own:sub(1, #list[1] + 1) ~= list[1] .. "/" then
      list[#list + 1] = own
    end
  end
  table.sort(list)
  for i, name in ipairs(list) do list[i] = quoted(name:find "^%-" and "./" .. name or name) end
  return table.concat(list, " ")
end

-- Syntax, and globals that nobody defines: read, called, changed, or fields that a standard table lacks.
local function is_error(code) return code:find "^E" ~= nil or code:find "^W11" ~= nil or code:find "^W14" ~= nil end

local function read(output)
  local found = { errors = 0, warnings = 0 }
  for line in output:gmatch "[^\n]+" do
    local where, code, message = line:match "^(.-:%d+:%d+): %((%u%d+)%) (.*)$"
    if code then
      local kind = is_error(code) and "errors" or "warnings"
      found[kind] = found[kind] + 1
      found[#found + 1] = ("%s: %s (%s)"):format(where, message, code)
    end
  end
  return found
end

--- look(file) -> {errors, warnings, lines…} of the program whose file that is, or nil and why luacheck did not run
function M.look(file)
  if not M.is_installed() then return nil, "luacheck is not installed" end
  local command = ("cd %s && luacheck --formatter plain --codes --no-color %s -- %s 2>&1"):format(quoted(native.root),
    has_config() and "" or ours, sources(file))
  local pipe <close> = assert(io.popen(command))
  local output = pipe:read "a"
  local _, _, status = pipe:close()
  if status and status > 2 then return nil, "luacheck fails: " .. native.trim_right(output, "\n") end
  return read(output)
end

return M
