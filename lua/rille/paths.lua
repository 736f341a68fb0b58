-- Paths of files: what one is, and how somebody in the working directory would write it.
local native = require "rille.native.core"

local M = {}

--- Returns "file", "directory" or "other", or nil if there is nothing at the path.
function M.kind(path)
  local info = native.file_info(path)
  return info and info.type
end

--- Returns the path of a name in a folder.
function M.join(folder, name)
  if folder == "." then return name end
  return native.trim_right(folder, "/") .. "/" .. name
end

--- Returns the path as somebody in the working directory would write it.
function M.relative(path)
  local here = native.working_directory()
  if not here or here == "/" then return path end
  if path == here then return "." end
  if path ~= "/" and here:sub(1, #path + 1) == path .. "/" then
    local up = here:sub(#path + 2):gsub("[^/]+", "..")
    return up
  end
  return path:sub(1, #here + 1) == here .. "/" and path:sub(#here + 2) or path
end

--- Returns a text with the root of the program cut off the paths in it. "/home/ada/blog/app/posts.lua:3: in function
--- </home/ada/blog/app/posts.lua:1>" has it twice.
function M.without_root(text)
  local root = native.root .. "/"
  local at = #root > 1 and text:find(root, 1, true)
  while at do
    text = text:sub(1, at - 1) .. text:sub(at + #root)
    at = text:find(root, at, true)
  end
  return text
end

return M
