-- Suggests what a name that is no program may have meant: the app of a project, a file beside it, a port.
local native = require "rille.native.core"
local options = require "rille.options"
local paths = require "rille.paths"

local M = {}

local kind, join = paths.kind, paths.join

--- Returns the app inside a folder that is a project, or nil.
function M.project_app(folder)
  for _, name in ipairs { "app", "app.lua" } do
    local path = join(folder, name)
    if kind(path) == (name == "app" and "directory" or "file") and (name ~= "app" or kind(path .. "/init.lua") == "file") then
      return path
    end
  end
end

local function is_app(path)
  return kind(path) == "file" and path:find "%.lua$" ~= nil or kind(path .. "/init.lua") == "file"
end

-- Returns what could be an APP in a folder: name -> what to write for it.
local function candidates(folder)
  local found = {}
  for _, name in ipairs(native.list_directory(folder) or {}) do
    local path = join(folder, name)
    if not name:find "^%." then
      if is_app(path) then
        local stem = name:gsub("%.lua$", "")
        found[name] = path
        found[stem] = found[stem] or path
      elseif kind(path) == "directory" then
        found[name] = M.project_app(path)
      end
    end
  end
  return found
end

-- Returns the path if there is only one, however often it is there; else nil.
local function only(found)
  local one
  for _, path in pairs(found) do
    if one and one ~= path then return nil end
    one = path
  end
  return one
end

--- Returns what to say of a folder that is no app.
function M.for_folder(path)
  local inside = M.project_app(path)
  if inside then return (", did you mean '%s', the app of that project?"):format(inside) end
  return (": '%s' is a folder without init.lua"):format(path)
end

--- Returns what to say of a name that nothing has, which may be "".
function M.for_missing(path)
  if kind(path .. ".lua") == "file" then return (", did you mean '%s.lua'?"):format(path) end
  if path:find "^%d+$" then return (", did you mean --port %s?"):format(path) end
  local folder, name = path:match "^(.*)/([^/]*)$"
  if folder == "" then folder = "/" end
  local found = candidates(folder or ".")
  local near = options.nearest(name or path, found)
  local meant = near and found[near] or (path == "app" and only(found))
  if meant then return (", did you mean '%s'?"):format(meant) end
  return path == "app" and not next(found) and " (rille new NAME makes a project)" or ""
end

return M
