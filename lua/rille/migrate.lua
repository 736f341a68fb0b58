-- rille migrate [--status] DB DIR. What is wrong is told in a line; a traceback of ours would say nothing.
local errors = require "rille.error"
local migrations = require "rille.migrations"
local native = require "rille.native.core"
local options = require "rille.options"
local sqlite = require "rille.sqlite"

local M = {}

local commands = {}

local function print_table(list)
  local rows = { { "STATE", "MIGRATION", "APPLIED" } }
  for _, item in ipairs(list) do
    rows[#rows + 1] = { item.state, item.name, item.applied_at and os.date("!%Y-%m-%d %H:%M:%S UTC", item.applied_at) or "-" }
  end
  local widths = { 0, 0 }
  for _, row in ipairs(rows) do
    for i = 1, 2 do widths[i] = math.max(widths[i], #row[i]) end
  end
  for _, row in ipairs(rows) do
    print(("%-" .. widths[1] .. "s  %-" .. widths[2] .. "s  %s"):format(table.unpack(row)))
  end
end

-- Returns what was applied. Does not create the database.
local function applied_in(path)
  if not native.file_info(path) then return {} end
  local db <close> = sqlite.open(path, { read_only = true })
  return migrations.applied(db)
end

-- status(path, directory) -> exit status: prints the state of each migration; 1 if one has changed since
function commands.status(path, directory)
  local list = migrations.compare(migrations.read(directory, directory), applied_in(path))
  local wrong = 0
  print_table(list)
  for _, item in ipairs(list) do
    local complaint = migrations.complaint(item)
    if complaint then
      wrong = 1
      io.stderr:write("rille: migration ", complaint, "\n")
    end
  end
  return wrong
end

-- apply(path, directory) -> exit status: creates the database if it is missing
function commands.apply(path, directory)
  local files = migrations.read(directory, directory) -- before there is a database
  local db <close> = sqlite.open(path)
  local count = migrations.apply(db, directory, files)
  print(("%s: %d new migration%s%s"):format(path, count, count == 1 and "" or "s",
    files[1] and "" or (", there are no .sql files in " .. directory)))
  return 0
end

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
    local status, err = native.try(commands[run], paths[1], paths[2])
    if status then return status end
    message = errors.is(err) and err.message or tostring(err)
  end
  io.stderr:write("rille: ", message, "\n")
  return 1
end

return M
