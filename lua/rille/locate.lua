-- Finds the file that a command's APP or FILE names. If there is none, the error says what is there instead, and what was
-- probably meant (locate/suggest.lua, loaded with the first mistake).
local paths = require "rille.paths"

local M = {}

local kind, join = paths.kind, paths.join

local function suggest() return require "rille.locate.suggest" end

--- Returns the file of APP: a Lua file itself, or init.lua of a directory. Raises a message for people if there is none.
function M.app(path)
  local what = kind(path)
  if what == "directory" and kind(join(path, "init.lua")) == "file" then path, what = join(path, "init.lua"), "file" end
  if what == "other" then return path end -- a pipe
  if what == "file" then
    local file, message = io.open(path, "rb")
    if not file then error("cannot read " .. message, 0) end
    file:close()
    return path
  end
  local written = paths.relative(path)
  local hint = what == "directory" and suggest().for_folder(written) or not what and suggest().for_missing(written) or ""
  error(("no app at '%s': expected a Lua file, or a directory with init.lua%s"):format(written, hint), 0)
end

--- Returns the file of `rille run`. Raises a message for people if there is none.
function M.script(path)
  local what = kind(path)
  if what == "file" or what == "other" then return path end
  if what == "directory" then
    local app = kind(join(path, "init.lua")) == "file" and path or suggest().project_app(path)
    error(("'%s' is a folder, and run needs a Lua file%s"):format(path,
      app and (": an app is served, by rille serve " .. app) or ""), 0)
  end
  error(("no file '%s'%s"):format(path, suggest().for_missing(path)), 0)
end

return M
