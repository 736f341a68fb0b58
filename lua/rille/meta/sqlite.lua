---@meta _
-- SQLite, for editors: see rille.lua beside this file.

---@class rille
local rille = {}

---@class rille.sqlite
rille.sqlite = {}

--- Opens a database; ":memory:" is one in memory.
---@param path string ":memory:" too
---@param options? {read_only?: boolean, readers?: integer, busy_timeout?: number, idle_timeout?: number, queue?: integer, synchronous?: "FULL"|"NORMAL"|"EXTRA"|"OFF"}
---@return rille.database
function rille.sqlite.open(path, options) end

--- Makes a query for FTS5 that looks for the words of a text.
---@param text string
---@param options? {prefix?: boolean, any?: boolean} prefix: the last word may go on; any: one of them is enough
---@return string
function rille.sqlite.match_query(text, options) end

--- JSON that is written already: rille.json and rille.json_encode copy it as it is. tostring(text) is the string.
---@class json_text
---@operator len: integer
---@operator concat(any): string

---@class rille.database
local db = {}

--- Returns a list of rows.
---@param sql string
---@param ... any
---@return table[]
function db:query(sql, ...) end

--- Returns the first row, or nil.
---@param sql string
---@param ... any
---@return table?
function db:one(sql, ...) end

--- Returns the first column of the first row, or nil.
---@param sql string
---@param ... any
---@return any
function db:value(sql, ...) end

--- Returns the rows as JSON text, an array, which rille.json sends as it is.
---@param sql string
---@param ... any
---@return json_text
function db:json(sql, ...) end

--- Returns the first row as JSON text, an object, or nil.
---@param sql string
---@param ... any
---@return json_text?
function db:json_one(sql, ...) end

--- Iterates over the rows, which are read piece by piece: in a loop, `for row in db:rows(sql) do … end`.
---@param sql string
---@param ... any
---@return fun(): table?
function db:rows(sql, ...) end

--- Runs a statement that writes, or several statements without parameters.
---@param sql string
---@param ... any
---@return {changes: integer, last_id: integer}
function db:exec(sql, ...) end

--- Runs several writes, all or none.
---@param list any[][] { {sql, ...}, … }
---@return {changes: integer, last_id: integer}
function db:batch(list) end

--- Commits on return, rolls back on error.
---@param f fun(tx: rille.transaction): ...
---@return any ...
function db:transaction(f) end

--- Begins a transaction that you end yourself; it is rolled back if it was not committed.
---@return rille.transaction
function db:begin() end

--- Runs each .sql file once, in the order of their numbers. Code "migration" if one was edited, renamed, deleted or comes
--- late.
---@param directory string
---@param options? {backup?: string} backup: a folder or a path for a copy that is made before
---@return integer new
function db:migrate(directory, options) end

--- Copies the database into a file while others use it.
---@param path string
function db:backup(path) end

--- Returns counts.
---@return table<string, integer>
function db:stats() end

--- Closes the database; open transactions are rolled back.
function db:close() end

--- A transaction. It belongs to the task that began it, and ends with it at the latest.
---@class rille.transaction
local tx = {}

--- The same as the database's method, inside the transaction.
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
---@return json_text
function tx:json(sql, ...) end

---@param sql string
---@param ... any
---@return json_text?
function tx:json_one(sql, ...) end

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

--- Nests a transaction; an error of f undoes only this one.
---@param f fun(tx: rille.transaction): ...
---@return any ...
function tx:transaction(f) end

function tx:commit() end

function tx:rollback() end

--- Rolls back what is not committed.
function tx:close() end

return rille.sqlite
