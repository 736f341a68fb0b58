-- rille migrate [--status] DB DIR. What is wrong is told in a line; a traceback of ours would say nothing.
local errors = require "rille.error"
local migrations = require "rille.migrations"
local native = require "rille.native.core"
local options = require "rille.options"

local M = {}

local function usage(message)
  io.stderr:write("rille: ", message, message:find "%?$" and " See" or ", see", ": rille help migrate\n")
  return 2
end

local function kind(path)
  local info = native.file_info(path)
  return info and info.type
end

local function has_migrations(path)
  for _, name in ipairs(native.list_directory(path) or {}) do
    if name:find "%.sql$" then return true end
  end
  return false
end

-- Where programs keep them.
local function usual_place(missing)
  for _, path in ipairs { "app/migrations", "migrations", "db/migrations", missing .. "/migrations" } do
    if kind(path) == "directory" and has_migrations(path) then return path end
  end
end

-- Which of the two is wrong, and what was probably meant; nil: both may be right.
local function mistake(db, directory)
  if kind(db) == "directory" and kind(directory) ~= "directory" then
    return ("the database comes first: rille migrate %s %s"):format(directory, db)
  end
  if kind(db) == "directory" then return ("'%s' is a folder, and the first argument is a database"):format(db) end
  if kind(directory) == "directory" then return nil end
  if kind(directory) then
    local folder = directory:match "^(.*)/[^/]*$" or "."
    return ("'%s' is no folder: the folder that holds the .sql files was expected%s"):format(directory,
      directory:find "%.sql$" and (", here '" .. folder .. "'") or "")
  end
  local place, _, message = usual_place(directory), native.list_directory(directory)
  return message .. (place and (", did you mean '" .. place .. "'?") or "")
end

local function unknown(arg)
  local near = options.nearest(arg, { ["--status"] = true })
  return usage(("migrate knows no option '%s'%s"):format(arg, near and ", did you mean --status?" or ""))
end

--- run(arguments…) -> exit status
function M.run(...)
  local paths, run = {}, "apply"
  for _, arg in ipairs { ... } do
    if arg == "--status" then run = "status"
    elseif arg:find "^%-" then return unknown(arg)
    else paths[#paths + 1] = arg end
  end
  if #paths ~= 2 then
    return usage(("migrate needs a database and a directory, such as blog.db app/migrations; got %s"):format(
      #paths == 0 and "nothing" or "'" .. table.concat(paths, "' '") .. "'"))
  end
  local message = mistake(paths[1], paths[2])
  if message then
    message = "migrate: " .. message
  else
    local status, err = native.try(migrations[run], paths[1], paths[2])
    if status then return status end
    message = errors.is(err) and err.message or tostring(err)
  end
  io.stderr:write("rille: ", message, "\n")
  return 1
end

return M
