-- Checks of the program: that it loads, its secret, .env, its database and migrations.
local loader = require "rille.loader"
local locate = require "rille.locate"
local native = require "rille.native.core"
local paths = require "rille.paths"

local SHORTEST = 32
local MOST_DATABASES = 5
local MOST_CHECKED = 256 << 20 -- of larger databases not every page is looked at

local function info(path) return native.file_info(path) end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function plural(count, noun) return ("%d %s%s"):format(count, noun, count == 1 and "" or "s") end

local function size_text(bytes)
  if bytes < 1 << 20 then return ("%d KB"):format((bytes + 1023) // 1024) end
  return ("%.1f MB"):format(bytes / (1 << 20))
end

-- ---- the app -------------------------------------------------------------------------------------------------------

local function app(report, context)
  local found, why = pcall(locate.app, context.app)
  if not found and not context.given then
    context.absent = true
    report:ok "there is none here, so only the machine is checked (rille doctor APP names one)"
    return
  end
  if not found then return report:fault(tostring(why), "rille doctor APP, a Lua file or a folder with init.lua") end
  local loaded, err = native.try(loader.load_app, context.app)
  if not loaded then
    return report:fault(("%s does not load: %s"):format(paths.relative(context.app), tostring(err)), "rille check says more")
  end
  context.loaded = loaded
  local _, all = require("rille.compile").compile(loaded)
  report:ok("%s loads, with %s", paths.relative(context.app), plural(#all, "route"))
end

-- ---- its secret ----------------------------------------------------------------------------------------------------

local how = "openssl rand -base64 48 makes one: SECRET=… in .env, or in the environment"

-- A secret that somebody typed: few different characters, or words of an example.
local function is_typed(text)
  local seen, count = {}, 0
  for byte in text:gmatch "." do
    if not seen[byte] then count = count + 1 end
    seen[byte] = true
  end
  if count < 10 then return true end
  local low = text:lower()
  for _, word in ipairs { "changeme", "change-me", "secret", "example", "password", "for-tests" } do
    if low:find(word, 1, true) then return true end
  end
  return false
end

local function secret(report, context)
  local text = os.getenv "SECRET"
  local needs, err = false, nil
  if context.loaded then
    needs = context.loaded.needs_secret
    err = select(2, native.try(require("rille.secret").check_app, context.loaded))
  end
  if err then return report:fault(tostring(err), how) end
  if not text then
    return report:ok(needs and "the app has one" or "SECRET is not set, and nothing here needs one")
  end
  if #text < SHORTEST then report:fault(("SECRET has %d bytes: at least %d are needed"):format(#text, SHORTEST), how)
  elseif is_typed(text) then report:warn("SECRET looks typed by hand: anybody who guesses it can forge sessions", how)
  else report:ok("SECRET has %d bytes", #text) end
end

-- ---- .env ----------------------------------------------------------------------------------------------------------

local function is_in_git(path)
  local command = "git -C %s ls-files --error-unmatch -- %s > /dev/null 2>&1"
  return os.execute(command:format(quoted(native.root), quoted(path))) == true
end

local function env(report, context)
  local path = native.root .. "/.env"
  local found = info(path)
  if context.wrong then report:fault(context.wrong, "nothing of .env was read: repair that line") end
  if not found then
    if not context.wrong then report:ok "there is none: settings come from the environment" end
    return
  end
  if found.mode & 63 ~= 0 then -- 077: the bits of group and others
    report:fault(("others on this machine may read or write %s (its mode is %03o)"):format(paths.relative(path), found.mode),
      "chmod 600 " .. paths.relative(path))
  end
  if is_in_git(path) then
    report:fault(".env is in git: anybody who has the repository has its secrets",
      "git rm --cached .env, a line .env in .gitignore, and new secrets")
  end
  if not context.wrong and found.mode & 63 == 0 then report:ok("only its owner can read %s", paths.relative(path)) end
end

-- ---- databases -----------------------------------------------------------------------------------------------------

local function folder_of(path) return path:match "^(.*)/[^/]*$" or "." end

-- DATABASE, as programs of `rille new` have it; else what looks like one in the working directory.
local function databases()
  local named = os.getenv "DATABASE"
  if named and named ~= "" then return { named }, true end
  local list = {}
  for _, name in ipairs(native.list_directory "." or {}) do
    if #list < MOST_DATABASES and (name:find "%.db$" or name:find "%.sqlite3?$") then list[#list + 1] = name end
  end
  return list, false
end

-- Checks that a missing database could be created.
local function look_at_missing(report, path)
  local folder = folder_of(path)
  local there = info(folder == "" and "/" or folder)
  if not there or there.type ~= "directory" then
    report:fault(("%s cannot be made: there is no folder %s"):format(path, folder), "mkdir -p " .. folder)
  elseif not native.machine_may_write(folder == "" and "/" or folder) then
    report:fault(("%s cannot be made: %s may not be written to"):format(path, folder), "give it to the user of the server")
  else
    report:ok("%s is not there yet, and will be made", path)
  end
end

local function look_inside(report, path, size)
  local db <close> = require("rille.sqlite").open(path, { read_only = true })
  local tables = db:value "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
  if size <= MOST_CHECKED then
    local said = db:value "PRAGMA quick_check(1)"
    if said ~= "ok" then return report:fault(("%s is damaged: %s"):format(path, said), "restore a backup") end
  end
  local wal = info(path .. "-wal")
  if wal and wal.size > 256 << 20 then
    report:warn(("%s-wal has grown to %s: something reads for very long"):format(path, size_text(wal.size)),
      "look for a transaction or db:rows() that never ends: kill -USR1 shows tasks")
  end
  report:ok("%s opens: %s, %s%s", path, size_text(size), plural(tables, "table"),
    size <= MOST_CHECKED and "" or ", too large to look at every page")
end

local function look_at(report, path)
  local found = info(path)
  if not found then return look_at_missing(report, path) end
  if found.type ~= "file" then return report:fault(("%s is no file: a %s"):format(path, found.type), "set DATABASE") end
  if not native.machine_may_write(path) or not native.machine_may_write(folder_of(path)) then
    report:fault(("%s, or the folder that holds it, may not be written to"):format(path),
      "give both to the user of the server: SQLite puts files beside a database")
  end
  local _, err = native.try(look_inside, report, path, found.size)
  if err then report:fault(("%s cannot be opened: %s"):format(path, tostring(err)), "restore a backup, or set DATABASE") end
end

local function database(report, context)
  local list, named = databases()
  if named and list[1] == ":memory:" then
    return report:warn("DATABASE is :memory:, which is gone when the process ends", "DATABASE=/data/NAME.db")
  end
  context.databases = list
  if #list == 0 then return report:ok "DATABASE is not set, and there is no .db file here" end
  for _, path in ipairs(list) do look_at(report, path) end
end

-- ---- migrations ----------------------------------------------------------------------------------------------------

local function migrations_folder(context)
  local file = select(2, pcall(locate.app, context.app))
  local of_app = type(file) == "string" and file:match "^(.*)/init%.lua$"
  local root = native.root
  for _, folder in ipairs { of_app and of_app .. "/migrations" or "", root .. "/migrations", root .. "/db/migrations" } do
    local found = folder ~= "" and info(folder)
    if found and found.type == "directory" then return folder end
  end
end

local function look_at_state(report, folder, path)
  local migrations = require "rille.migrations"
  local db <close> = require("rille.sqlite").open(path, { read_only = true })
  local applied, pending, wrong = 0, 0, false
  for _, item in ipairs(migrations.compare(migrations.read(paths.relative(folder), folder), migrations.applied(db))) do
    local complaint = migrations.complaint(item)
    if complaint then
      wrong = true
      report:fault(("%s: %s"):format(path, complaint), ("rille migrate --status %s %s"):format(path, paths.relative(folder)))
    elseif item.state == "pending" then pending = pending + 1
    elseif item.state == "unknown" then
      report:warn(("%s: %s was applied by a newer version of the program"):format(path, item.name), "deploy that version")
    else applied = applied + 1 end
  end
  if not wrong then
    report:ok("%s: %d applied, %d to run%s", path, applied, pending, pending > 0 and " (db:migrate does so at the start)" or "")
  end
end

local function migrations(report, context)
  local folder = not context.absent and migrations_folder(context)
  if not folder then return report:ok "there is no folder of migrations" end
  local any = false
  for _, path in ipairs(context.databases or {}) do
    if info(path) then
      any = true
      local _, err = native.try(look_at_state, report, folder, path)
      if err then report:fault(("%s: %s"):format(path, tostring(err)), nil) end
    end
  end
  if any then return end
  local files = require("rille.migrations").read(paths.relative(folder), folder)
  report:ok("%s in %s, and no database yet", plural(#files, "file"), paths.relative(folder))
end

return {
  { "app", app },
  { "secret", secret },
  { ".env", env },
  { "database", database },
  { "migrations", migrations },
}
