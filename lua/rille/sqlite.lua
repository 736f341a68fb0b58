-- SQLite: `rille.sqlite.open(path, options)`. The statements themselves are run in C (bind/data/database.c); here is what reads
-- well in Lua: transactions as functions, migrations from a directory, iterators.
local names = require "rille.names"
local native = require "rille.native.core"
local native_data = require "rille.native.data"
local options = require "rille.options"

local M = {}
local Database, Transaction = native_data.database_methods, native_data.transaction_methods

-- The databases that are open: a test run looks here for what a test has not closed.
M.opened = setmetatable({}, { __mode = "k" })

local open_options = { read_only = "boolean", readers = "number", busy_timeout = "number", idle_timeout = "number",
  queue = "number", synchronous = "string" }
local synchronous = { FULL = true, NORMAL = true, EXTRA = true, OFF = true }

--- rille.sqlite.open(path, {read_only=, readers=, busy_timeout=, idle_timeout=, queue=, synchronous="FULL"})
---   -> db; ":memory:" too
function M.open(path, opts)
  names.check_colon(path, "rille.sqlite.open")
  if type(path) ~= "string" then error("sqlite.open: the path is a string, got a " .. type(path), 2) end
  opts = options.check(opts, open_options, "sqlite.open")
  if opts.synchronous and not synchronous[opts.synchronous] then
    error("sqlite.open: synchronous is FULL, NORMAL, EXTRA or OFF", 2)
  end
  if opts.read_only and path == ":memory:" then error("sqlite.open: a database in memory cannot be read-only", 2) end
  if opts.read_only and opts.synchronous then error("sqlite.open: synchronous is for who writes", 2) end
  local db = native_data.sqlite_open(path, opts)
  M.opened[db] = true
  return db
end

-- rows ---------------------------------------------------------------------------------------------------------------

-- The rows that are read at once, and then piece by piece. The stream is closed when the loop is left.
local function rows(self, sql, ...)
  local list, stream = self:read_rows(sql, ...)
  local i, more = 0, stream
  return function()
    i = i + 1
    if list and list[i] == nil and more then
      list, more = more:read()
      i = 1
    end
    local row = list and list[i]
    if row then list[i] = nil end -- what was seen can be collected
    return row
  end, nil, nil, stream
end

Database.rows, Transaction.rows = rows, rows

-- transactions ---------------------------------------------------------------------------------------------------------

--- db:transaction(f) -> results of f(tx): commit on return, rollback on error
function Database:transaction(f)
  if type(f) ~= "function" then error("transaction: a function(tx) was expected, got a " .. type(f), 2) end
  local tx <close> = self:begin()
  local results = table.pack(f(tx))
  tx:commit()
  return table.unpack(results, 1, results.n)
end

local Savepoint = {
  __close = function(savepoint)
    if not savepoint.released then savepoint.tx:savepoint("undo", savepoint.depth) end
  end,
}

--- tx:transaction(f): inside another one, a savepoint that f's error undoes
function Transaction:transaction(f)
  if type(f) ~= "function" then error("transaction: a function(tx) was expected, got a " .. type(f), 2) end
  local savepoint <close> = setmetatable({ tx = self, depth = self:savepoint "save" }, Savepoint)
  local results = table.pack(f(self))
  self:savepoint("release", savepoint.depth)
  savepoint.released = true
  return table.unpack(results, 1, results.n)
end

-- migrations -----------------------------------------------------------------------------------------------------------

local function absolute(path) return path:find "^/" and path or native.root .. "/" .. path end

local migrate_options = { backup = "string" }

--- db:migrate(directory, {backup=}) -> how many were new: runs each .sql file once, in the order of their numbers, each in a
--- transaction of its own. Every worker may call it at once: one applies, the others wait. The directory starts at the root.
--- backup: a folder, or a path, for a copy of the database as it was before, if there is anything to run.
function Database:migrate(directory, opts)
  if type(directory) ~= "string" then error("migrate: a directory was expected, got a " .. type(directory), 2) end
  opts = options.check(opts, migrate_options, "migrate")
  if opts.backup and (opts.backup == "" or opts.backup:find "%z") then error("migrate: backup is a path", 2) end
  return require("rille.migrations").run(self, directory, absolute(directory), opts.backup)
end

-- searching ------------------------------------------------------------------------------------------------------------

local match_options = { prefix = "boolean", any = "boolean" }

--- rille.sqlite.match_query(text, {prefix=, any=}) -> a query for FTS5 that looks for the words of a text, whatever signs are
--- in it: all of them, or any. With prefix= the last one may go on. A text without words finds nothing.
function M.match_query(text, opts)
  if type(text) ~= "string" then error("match_query: a string was expected, got a " .. type(text), 2) end
  opts = options.check(opts, match_options, "sqlite.match_query")
  local words = {}
  for word in text:gmatch "[^%s\0]+" do words[#words + 1] = '"' .. word:gsub('"', '""') .. '"' end
  if not words[1] then return '""' end
  if opts.prefix then words[#words] = words[#words] .. "*" end
  return table.concat(words, opts.any and " OR " or " ")
end

local function is_userdata(value) return type(value) == "userdata" end

names.class("db", Database, { is_one = is_userdata })
names.class("tx", Transaction, { is_one = is_userdata })

return M
