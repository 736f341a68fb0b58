---@meta _
-- SQLite, for editors: see rille.lua beside this file.

---@class rille
local rille = {}

---@class rille.sqlite
rille.sqlite = {}

--- A database; ":memory:" is one in memory.
---@param path string ":memory:" too
---@param options? {read_only?: boolean, readers?: integer, busy_timeout?: number, synchronous?: "FULL"|"NORMAL"|"EXTRA"|"OFF"}
---@return rille.database
function rille.sqlite.open(path, options) end

--- A query for FTS5 that looks for the words of a text, whatever signs are in it.
---@param text string
---@param options? {prefix?: boolean, any?: boolean} prefix: the last word may go on; any: one of them is enough
---@return string
function rille.sqlite.match_query(text, options) end

---@class rille.database
local db = {}

--- A list of rows.
---@param sql string
---@param ... any
---@return table[]
function db:query(sql, ...) end

--- The first row.
---@param sql string
---@param ... any
---@return table?
function db:one(sql, ...) end

--- The first column of the first row.
---@param sql string
---@param ... any
---@return any
function db:value(sql, ...) end

--- Rows, one by one.
---@param sql string
---@param ... any
---@return fun(): table?
function db:rows(sql, ...) end

--- Runs a statement that writes; several, if there are no parameters.
---@param sql string
---@param ... any
---@return {changes: integer, last_id: integer}
function db:exec(sql, ...) end

--- Several writes, all or none.
---@param list any[][] { {sql, ...}, … }
---@return {changes: integer, last_id: integer}
function db:batch(list) end

--- Commits on return, rolls back on error.
---@param f fun(tx: rille.transaction): ...
---@return any ...
function db:transaction(f) end

--- A transaction by hand; what is not committed at its close is rolled back.
---@return rille.transaction
function db:begin() end

--- Runs each .sql file once, in the order of their numbers. Code "migration" where one was edited, renamed, deleted or comes
--- late.
---@param directory string
---@return integer new
function db:migrate(directory) end

--- A copy, while others go on.
---@param path string
function db:backup(path) end

--- Counts.
---@return table<string, integer>
function db:stats() end

--- Open transactions are rolled back.
function db:close() end

--- Belongs to the task that began it, and ends with it at the latest.
---@class rille.transaction
local tx = {}

--- As those of the database, inside the transaction.
---@param sql string
---@param ... any
---@return table[]
function tx:query(sql, ...) end

---@param sql string
---@param ... any
---@return table?
function tx:one(sql, ...) end

---@param sql string
---@param ... any
---@return any
function tx:value(sql, ...) end

---@param sql string
---@param ... any
---@return fun(): table?
function tx:rows(sql, ...) end

---@param sql string
---@param ... any
---@return {changes: integer, last_id: integer}
function tx:exec(sql, ...) end

---@param list any[][]
---@return {changes: integer, last_id: integer}
function tx:batch(list) end

--- A savepoint that an error of f undoes.
---@param f fun(tx: rille.transaction): ...
---@return any ...
function tx:transaction(f) end

function tx:commit() end

function tx:rollback() end

--- Rolls back what is not committed.
function tx:close() end

return rille.sqlite
