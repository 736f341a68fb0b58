-- Where a program is: the file that a command's APP names. A name that is none is told for people: what is there instead, and
-- what was probably meant.
local native = require "rille.native"
local options = require "rille.options"

local M = {}

local function kind(path)
  local info = native.file_info(path)
  return info and info.type
end

local function beneath(folder, name)
  if folder == "." then return name end
  return native.trim_right(folder, "/") .. "/" .. name
end

--- shown(path) -> the path as somebody in the working directory would write it
function M.shown(path)
  local here = native.working_directory()
  if not here or here == "/" then return path end
  if path == here then return "." end
  if path ~= "/" and here:sub(1, #path + 1) == path .. "/" then
    local up = here:sub(#path + 2):gsub("[^/]+", "..")
    return up
  end
  return path:sub(1, #here + 1) == here .. "/" and path:sub(#here + 2) or path
end

--- without_root(text) -> text, in which paths below the root begin there: "/home/ada/blog/app/posts.lua:3: in function
--- </home/ada/blog/app/posts.lua:1>" names it twice
function M.without_root(text)
  local root = native.root .. "/"
  local at = #root > 1 and text:find(root, 1, true)
  while at do
    text = text:sub(1, at - 1) .. text:sub(at + #root)
    at = text:find(root, at, true)
  end
  return text
end

-- The app inside of a folder that is a project, or nil.
local function project_app(folder)
  for _, name in ipairs { "app", "app.lua" } do
    local path = beneath(folder, name)
    if kind(path) == (name == "app" and "directory" or "file") and (name ~= "app" or kind(path .. "/init.lua") == "file") then
      return path
    end
  end
end

local function is_app(path)
  return kind(path) == "file" and path:find "%.lua$" ~= nil or kind(path .. "/init.lua") == "file"
end

-- What could be an APP in a folder: name -> what to write for it.
local function candidates(folder)
  local found = {}
  for _, name in ipairs(native.list_directory(folder) or {}) do
    local path = beneath(folder, name)
    if not name:find "^%." then
      if is_app(path) then
        local stem = name:gsub("%.lua$", "")
        found[name] = path
        found[stem] = found[stem] or path
      elseif kind(path) == "directory" then
        found[name] = project_app(path)
      end
    end
  end
  return found
end

-- The only one of several ways to write the same, or nil.
local function only(found)
  local one
  for _, path in pairs(found) do
    if one and one ~= path then return nil end
    one = path
  end
  return one
end

local function hint_for_folder(path)
  local inside = project_app(path)
  if inside then return (", did you mean '%s', the app of that project?"):format(inside) end
  return (": '%s' is a folder without init.lua"):format(path)
end

local function hint_for_nothing(path)
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

--- app_file(path) -> the file of APP: a Lua file itself, or a directory with init.lua. Raises for people.
function M.app_file(path)
  local what = kind(path)
  if what == "directory" and kind(beneath(path, "init.lua")) == "file" then path, what = beneath(path, "init.lua"), "file" end
  if what == "other" then return path end -- a pipe
  if what == "file" then
    local file, message = io.open(path, "rb")
    if not file then error("cannot read " .. message, 0) end
    file:close()
    return path
  end
  local written = M.shown(path)
  local hint = what == "directory" and hint_for_folder(written) or not what and hint_for_nothing(written) or ""
  error(("no app at '%s': expected a Lua file, or a directory with init.lua%s"):format(written, hint), 0)
end

--- script(path) -> the file of `rille run`
function M.script(path)
  local what = kind(path)
  if what == "file" or what == "other" then return path end
  if what == "directory" then
    local app = kind(beneath(path, "init.lua")) == "file" and path or project_app(path)
    error(("'%s' is a folder, and run needs a Lua file%s"):format(path,
      app and (": an app is served, by rille serve " .. app) or ""), 0)
  end
  error(("no file '%s'%s"):format(path, hint_for_nothing(path)), 0)
end

return M
