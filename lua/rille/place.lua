-- Where a program is: the file that a command's APP names. A name that is none is told for people: what is there instead, and
-- what was probably meant (place/meant.lua).
local native = require "rille.native.core"

local M = {}

local function meant() return require "rille.place.meant" end

local function kind(path)
  local info = native.file_info(path)
  return info and info.type
end

local function beneath(folder, name)
  if folder == "." then return name end
  return native.trim_right(folder, "/") .. "/" .. name
end

M.kind, M.beneath = kind, beneath

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
  local hint = what == "directory" and meant().for_folder(written) or not what and meant().for_nothing(written) or ""
  error(("no app at '%s': expected a Lua file, or a directory with init.lua%s"):format(written, hint), 0)
end

--- script(path) -> the file of `rille run`
function M.script(path)
  local what = kind(path)
  if what == "file" or what == "other" then return path end
  if what == "directory" then
    local app = kind(beneath(path, "init.lua")) == "file" and path or meant().project_app(path)
    error(("'%s' is a folder, and run needs a Lua file%s"):format(path,
      app and (": an app is served, by rille serve " .. app) or ""), 0)
  end
  error(("no file '%s'%s"):format(path, meant().for_nothing(path)), 0)
end

return M
