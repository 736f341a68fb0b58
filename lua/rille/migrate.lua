-- rille migrate [--status | --dry-run | --backup PATH] DB DIR. What is wrong is told without a traceback, which would be ours.
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

local function plural(count) return ("%d new migration%s"):format(count, count == 1 and "" or "s") end

local function none_in(files, directory) return files[1] and "" or (", there are no .sql files in " .. directory) end

-- apply(path, directory, backup) -> exit status: creates the database if it is missing
function commands.apply(path, directory, backup)
  local files = migrations.read(directory, directory) -- before there is a database
  local db <close> = sqlite.open(path)
  local count, copied = migrations.apply(db, directory, files, backup and migrations.copy_path(backup, path))
  if copied then print(("%s was copied to %s"):format(path, copied)) end
  print(("%s: %s%s"):format(path, plural(count), none_in(files, directory)))
  return 0
end

-- ---- trying ----------------------------------------------------------------------------------------------------------

local Copy = {
  __close = function(copy)
    for _, ending in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(copy.path .. ending) end
  end,
}

local function process_id()
  local file <close> = assert(io.open "/proc/self/stat")
  return file:read "n"
end

-- A process that was killed has left its copy. Each is named after the process that made it.
local function remove_stale(folder, prefix)
  for _, name in ipairs(native.list_directory(folder) or {}) do
    local id = name:sub(1, #prefix) == prefix and name:match("^(%d+)-", #prefix + 1)
    if id and not native.file_info("/proc/" .. id) then os.remove(folder .. "/" .. name) end
  end
end

-- A copy of the database, which is gone at the end; in memory where there is no database yet. TMPDIR, else its own folder,
-- has room for it.
local function new_copy(path)
  local folder, prefix = os.getenv "TMPDIR", (path:match "[^/]+$" or path) .. ".dry-run-"
  if (folder or "") == "" then folder = path:match "^(.*)/[^/]*$" or "." end
  remove_stale(folder, prefix)
  return setmetatable({ path = ("%s/%s%d-%s"):format(folder, prefix, process_id(), native.random_token(8)) }, Copy)
end

local function try_on(db, directory, files)
  local pending = migrations.pending(db, directory, files)
  for _, file in ipairs(pending) do
    db:apply_migrations { { file.name, file.sql, file.checksum } }
    print("would run  " .. file.name)
  end
  return #pending
end

local function try_on_copy(path, directory, files)
  if not native.file_info(path) then
    local db <close> = sqlite.open ":memory:"
    return try_on(db, directory, files)
  end
  local copy <close> = new_copy(path)
  do
    local db <close> = sqlite.open(path, { read_only = true })
    if #migrations.pending(db, directory, files) == 0 then return 0 end
    db:backup(copy.path)
  end
  local db <close> = sqlite.open(copy.path, { synchronous = "OFF" })
  return try_on(db, directory, files)
end

-- try(path, directory) -> exit status: runs them on a copy, and tells in which order
function commands.try(path, directory)
  local files = migrations.read(directory, directory)
  local count = try_on_copy(path, directory, files)
  print(("%s: %s would run%s; nothing was changed"):format(path, plural(count), none_in(files, directory)))
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

local known = { ["--status"] = true, ["--dry-run"] = true, ["--backup"] = true }

local function unknown(arg)
  local near = options.nearest(arg, known)
  return usage(("migrate knows no option '%s'%s"):format(arg, near and (", did you mean %s?"):format(near) or ""))
end

-- Returns what is wrong with options that are known, or nil.
local function conflict(read)
  if read.status and read.try then return "--status and --dry-run do not go together" end
  if read.backup == "" then return "--backup needs a path: a folder, or a file" end
  local changes = not read.status and not read.try
  return read.backup and not changes and "--backup goes with neither --status nor --dry-run: they change nothing" or nil
end

-- Reads the arguments -> {status=, try=, backup=, paths…}, or nil and an option that is not known.
local function read_arguments(arguments)
  local read, i = {}, 1
  while i <= #arguments do
    local arg = arguments[i]
    if arg == "--status" then read.status = true
    elseif arg == "--dry-run" then read.try = true
    elseif arg == "--backup" then
      i = i + 1
      read.backup = arguments[i] or ""
    elseif arg:find "^%-%-backup=" then read.backup = arg:match "=(.*)"
    elseif arg:find "^%-" then return nil, arg
    else read[#read + 1] = arg end
    i = i + 1
  end
  return read
end

--- run(arguments…) -> exit status
function M.run(...)
  local paths, option = read_arguments { ... }
  if not paths then return unknown(option) end
  local wrong = conflict(paths)
  if wrong then return usage(wrong) end
  if #paths ~= 2 then
    return usage(("migrate needs a database and a directory, such as blog.db app/migrations; got %s"):format(
      #paths == 0 and "nothing" or "'" .. table.concat(paths, "' '") .. "'"))
  end
  local message = mistake(paths[1], paths[2])
  if message then
    message = "migrate: " .. message
  else
    local command = paths.status and commands.status or paths.try and commands.try or commands.apply
    local status, err = native.try(command, paths[1], paths[2], paths.backup)
    if status then return status end
    message = errors.is(err) and err.message or tostring(err)
  end
  io.stderr:write("rille: ", message, "\n")
  return 1
end

return M
