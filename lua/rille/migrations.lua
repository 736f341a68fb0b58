-- Migrations: a directory of .sql files, each of which runs once in the life of a database, in the order of their numbers.
-- Here is what a directory holds, and how that compares with what the table rille_migrations says was applied; running them
-- is C's (data/sqlite/migrate.c).
--
--   001-users.sql     runs
--   002_posts.up.sql  runs
--   002_posts.down.sql, and files with a part that goes back ("-- +goose Down"): refused, for it would run too
--   ._001.sql         hidden: not looked at
local errors = require "rille.error"
local native = require "rille.native.core"

local M = {}

local function fail(format, ...) error(errors.new("migration", format:format(...), { status = 500 }), 0) end

-- ---- the order of names --------------------------------------------------------------------------------------------

-- Returns the digits that a name begins with, without leading zeros; "" if there are none.
local function number_of(name)
  local digits = name:match "^%d+"
  if not digits then return "" end
  local number = digits:match "^0*(%d+)$"
  return number
end

-- 2 before 10, numbers before names, and names as bytes are.
local function before(a, b)
  local x, y = number_of(a), number_of(b)
  if (x == "") ~= (y == "") then return y == "" end
  if #x ~= #y then return #x < #y end
  if x ~= y then return x < y end
  return a < b
end

M.before = before

-- ---- what is no migration ---------------------------------------------------------------------------------------------

local backwards = { down = true, downs = true, undo = true, rollback = true, revert = true }

-- "001_users.down.sql", "001-users-down.sql", "down.sql", Flyway's "U1__users.sql".
local function goes_back(name)
  local stem = name:lower():sub(1, -5)
  local last = stem:match "[%._%-](%a+)$" or stem:match "^%a+$"
  return backwards[last] or name:find "^U%d[%d%.]*__" ~= nil
end

-- Returns the words of a comment, in lower case, and true if it has a sign that a tool's own would have.
local function words_of(comment)
  local words = {}
  for word in comment:lower():gmatch "%a+" do words[#words + 1] = word end
  return words, comment:find "[%+:@!]" ~= nil
end

local tools = { goose = true, migrate = true, dbmate = true, micrate = true, rambler = true, sqlx = true, evolutions = true }

-- Returns true if a comment begins the part of a file that undoes it: "-- +goose Down", "-- migrate:down", "-- +migrate Down",
-- "-- rambler down", "-- //@UNDO", "-- rollback", "# --- !Downs", "---- create above / drop below ----".
local function begins_back(comment)
  local words, signed = words_of(comment)
  if #words == 1 then return backwards[words[1]] end
  if #words == 2 then return backwards[words[2]] and (signed or tools[words[1]]) end
  return table.concat(words, " ") == "create above drop below"
end

-- "-- +goose NO TRANSACTION", "-- migrate:up transaction:false"
local function asks_for_none(comment)
  local words, signed = words_of(comment)
  if not signed or not tools[words[1] or ""] then return false end
  local text = table.concat(words, " ", 2)
  return text == "no transaction" or text == "notransaction" or text:find("transaction false", 1, true) ~= nil
end

local function check_comments(where, sql)
  local number = 0
  for line in sql:gmatch "([^\n]*)\n?" do
    number = number + 1
    local comment = line:match "^[ \t]*%-%-(.*)" or line:match "^[ \t]*#(.*)"
    if comment and #comment < 200 then
      if begins_back(comment) then
        fail("migration %s, line %d: '%s' begins a part that takes the migration back, and rille would run it too: move it to "
          .. "another place", where, number, line:match "^%s*(.-)%s*$")
      elseif asks_for_none(comment) then
        fail("migration %s, line %d: each migration runs in a transaction: '%s' cannot be followed", where, number,
          line:match "^%s*(.-)%s*$")
      end
    end
  end
end

-- ---- reading a directory ----------------------------------------------------------------------------------------------

-- Of the text with the line ends of Unix, so that a checkout elsewhere is no edit.
local function checksum(sql) return native.sha256((sql:gsub("\r\n", "\n"))) end

local function read_file(where, path)
  local info = native.file_info(path)
  if info and info.type ~= "file" then
    fail("migration %s is a %s: a file was expected", where, info.type == "directory" and "folder" or "device")
  end
  local sql, message = native.read_file(path)
  if not sql then fail("migration %s: %s", where, message) end
  return sql
end

local function check_numbers(list, directory)
  for i = 2, #list do
    local number = number_of(list[i].name)
    if number ~= "" and number == number_of(list[i - 1].name) then
      fail("%s: %s and %s have the same number: which of them runs first?", directory, list[i - 1].name, list[i].name)
    end
  end
end

--- read(directory, path) -> list of {name, sql, checksum} in the order in which they run. `directory` is what the program
--- calls it, `path` where it is.
function M.read(directory, path)
  local names, message = native.list_directory(path)
  if not names then fail("migrate: %s", message) end
  local list = {}
  for _, name in ipairs(names) do
    if not name:find "^%." and name:lower():find "%.sql$" then
      if goes_back(name) then
        fail("migration %s/%s takes another one back, and rille would run it too: move it to another place", directory, name)
      end
      local where = directory .. "/" .. name
      local sql = read_file(where, path .. "/" .. name)
      check_comments(where, sql)
      list[#list + 1] = { name = name, sql = sql, checksum = checksum(sql) }
    end
  end
  table.sort(list, function(a, b) return before(a.name, b.name) end)
  check_numbers(list, directory)
  return list
end

-- ---- what was applied ---------------------------------------------------------------------------------------------------

local function has_column(db, table_name, column)
  return db:value("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", table_name, column) ~= nil
end

--- applied(db) -> list of {name, applied_at, checksum | nil}, in the order in which they ran or would
function M.applied(db)
  if not has_column(db, "rille_migrations", "name") then return {} end
  local sum = has_column(db, "rille_migrations", "checksum") and "checksum" or "NULL AS checksum"
  local list = db:query("SELECT name, applied_at, " .. sum .. " FROM rille_migrations")
  table.sort(list, function(a, b) return before(a.name, b.name) end)
  return list
end

local function by_name(list)
  local map = {}
  for _, item in ipairs(list) do map[item.name] = item end
  return map
end

-- A file that is new here and is what an applied one was: that one's new name.
local function renamed(row, files, rows)
  for _, file in ipairs(files) do
    if row.checksum == file.checksum and not rows[file.name] then return file end
  end
end

local function compare_row(row, files, file_of, rows)
  local file = file_of[row.name]
  local last = files[#files]
  local item = { name = row.name, applied_at = row.applied_at, was = row.checksum, now = file and file.checksum }
  if file then
    item.state = row.checksum and row.checksum ~= file.checksum and "edited" or "applied"
    return item
  end
  local new = row.checksum and renamed(row, files, rows)
  if new then
    item.state, item.file, item.now = "renamed", new.name, new.checksum
  else
    item.state = last and before(row.name, last.name) and "deleted" or "unknown"
  end
  return item
end

--- compare(files, rows) -> list of {name, state, applied_at, was, now}, in order. States: "applied"; "pending": will run;
--- "edited": the file is not what was applied; "renamed" to `file`; "deleted"; "late": would run after one that was to follow
--- it; "unknown": applied by a newer version of the program, for it comes after all files
function M.compare(files, rows)
  local file_of, row_of, list, new_names = by_name(files), by_name(rows), {}, {}
  local last = rows[#rows]
  for _, row in ipairs(rows) do
    local item = compare_row(row, files, file_of, row_of)
    list[#list + 1] = item
    if item.file then new_names[item.file] = true end
  end
  for _, file in ipairs(files) do
    if not row_of[file.name] and not new_names[file.name] then
      local late = last and before(file.name, last.name)
      list[#list + 1] = { name = file.name, state = late and "late" or "pending", now = file.checksum,
        after = late and last.name or nil }
    end
  end
  table.sort(list, function(a, b) return before(a.name, b.name) end)
  return list
end

local what = {
  edited = function(item)
    return ("%s was edited after it was applied (applied: %s, now: %s): undo that, and write another migration")
      :format(item.name, item.was, item.now)
  end,
  renamed = function(item)
    return ("%s was applied and is called %s now (%s): give it its name back"):format(item.name, item.file, item.now)
  end,
  deleted = function(item)
    return ("%s was applied and is not there any more (applied: %s): put it back"):format(item.name, item.was or "no checksum")
  end,
  late = function(item)
    return ("%s (%s) comes before %s, which was applied already: give it a higher number"):format(item.name, item.now, item.after)
  end,
}

--- complaint(item) -> what is wrong with one, or nil
function M.complaint(item) return what[item.state] and what[item.state](item) end

local function check(list, directory)
  local complaints = {}
  for _, item in ipairs(list) do
    if item.state == "unknown" then
      native.log("warn", "migrate: applied by another version of the program", { migration = item.name, checksum = item.was })
    end
    complaints[#complaints + 1] = M.complaint(item)
  end
  if complaints[1] then fail("migrations of %s: %s", directory, table.concat(complaints, "; ")) end
end

-- Returns true if there is anything to do. If not, the database is never locked.
local function needs_work(list)
  for _, item in ipairs(list) do
    if item.state == "pending" or (item.state == "applied" and not item.was) then return true end
  end
  return false
end

--- copy_path(to, database) -> where a copy of a database goes: into the folder `to`, or beside what `to` would be; the name has
--- the time, so that no copy is in the way of a later one
function M.copy_path(to, database)
  local info = native.file_info(to)
  if info and info.type == "directory" then
    local name = database:match "[^/]+$" or database
    to = to:gsub("/+$", "") .. "/" .. (name == ":memory:" and "memory.db" or name)
  end
  local stem, ending = to:match "^(.*[^/])(%.[^/.]*)$"
  return (stem or to) .. os.date "!-%Y%m%dT%H%M%SZ" .. (ending or "")
end

--- apply(db, directory, files, copy?) -> how many were new, the path of the copy | nil; files: what read returned; copy: a path
--- for a copy of the database as it was before
function M.apply(db, directory, files, copy)
  local list = M.compare(files, M.applied(db))
  check(list, directory)
  if not needs_work(list) then return 0 end
  local all = {}
  for i, file in ipairs(files) do all[i] = { file.name, file.sql, file.checksum } end
  local result = db:apply_migrations(all, copy)
  return result.changes, result.last_id == 1 and copy or nil
end

--- pending(db, directory, files) -> list of the files that would run; raises as apply does
function M.pending(db, directory, files)
  local list, names = M.compare(files, M.applied(db)), {}
  check(list, directory)
  for _, item in ipairs(list) do names[item.name] = item.state == "pending" or nil end
  local pending = {}
  for _, file in ipairs(files) do
    if names[file.name] then pending[#pending + 1] = file end
  end
  return pending
end

--- run(db, directory, path, backup?) -> how many were new. `backup` is a path as in copy_path.
function M.run(db, directory, path, backup)
  local copy = backup and M.copy_path(backup, tostring(db):match "^database %((.*)%)$")
  local count, copied = M.apply(db, directory, M.read(directory, path), copy)
  if copied then native.log("info", "migrate: the database was copied before", { to = copied }) end
  return count
end

return M
