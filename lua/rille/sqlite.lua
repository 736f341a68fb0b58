-- SQLite: `rille.sqlite.open(path, options)`. The statements themselves are C's (vm/bind/sqlite.c); here is what reads well in
-- Lua: transactions as functions, migrations from a directory, iterators.
local native = require "rille.native"
local options = require "rille.options"

local M = {}
local Database, Transaction = native.database_methods, native.transaction_methods

-- What is open: for who looks after a test at what it has left behind.
M.opened = setmetatable({}, { __mode = "k" })

local open_options = { read_only = "boolean", readers = "number", busy_timeout = "number", synchronous = "string" }
local synchronous = { FULL = true, NORMAL = true, EXTRA = true, OFF = true }

--- rille.sqlite.open(path, {read_only=, readers=, busy_timeout=, synchronous="FULL"}) -> db; ":memory:" too
function M.open(path, opts)
  if type(path) ~= "string" then error("sqlite.open: the path is a string, got a " .. type(path), 2) end
  opts = options.check(opts, open_options, "sqlite.open")
  if opts.synchronous and not synchronous[opts.synchronous] then
    error("sqlite.open: synchronous is FULL, NORMAL, EXTRA or OFF", 2)
  end
  local db = native.sqlite_open(path, opts)
  M.opened[db] = true
  return db
end

-- rows ---------------------------------------------------------------------------------------------------------------

local function rows(self, sql, ...)
  local list, i = self:query(sql, ...), 0
  return function()
    i = i + 1
    local row = list[i]
    list[i] = nil -- what was seen can be collected
    return row
  end
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
    if not savepoint.released then savepoint.tx:savepoint "undo" end
  end,
}

--- tx:transaction(f): inside another one, a savepoint that f's error undoes
function Transaction:transaction(f)
  if type(f) ~= "function" then error("transaction: a function(tx) was expected, got a " .. type(f), 2) end
  self:savepoint "save"
  local savepoint <close> = setmetatable({ tx = self }, Savepoint)
  local results = table.pack(f(self))
  self:savepoint "release"
  savepoint.released = true
  return table.unpack(results, 1, results.n)
end

-- migrations -----------------------------------------------------------------------------------------------------------

local function absolute(path) return path:find "^/" and path or native.root .. "/" .. path end

local function read_migrations(directory)
  local names, message = native.list_directory(directory)
  if not names then error("migrate: " .. message, 3) end
  local list = {}
  for _, name in ipairs(names) do
    if name:find "%.sql$" then
      local file = assert(io.open(directory .. "/" .. name, "rb"))
      list[#list + 1] = { name, file:read "a" }
      file:close()
    end
  end
  return list
end

--- db:migrate(directory) -> how many were new: runs each .sql file once, in the order of their names, each in a transaction
--- of its own. Every worker may call it at once: one applies, the others wait. The directory starts at the root.
function Database:migrate(directory)
  if type(directory) ~= "string" then error("migrate: a directory was expected, got a " .. type(directory), 2) end
  return self:apply_migrations(read_migrations(absolute(directory))).changes
end

return M
