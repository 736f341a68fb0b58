---@meta _
-- Tasks and what they meet at, for editors: see rille.lua beside this file.

---@class rille
local rille = {}

---@class rille.task
---@field status "running"|"done"|"failed"|"cancelled"
local task = {}

--- Waits; returns the results of the task, or raises its error.
---@return any ...
function task:wait() end

--- Raises "cancelled" in the task, at its current or next wait.
---@param reason? string
function task:cancel(reason) end

--- Waits, and lets other tasks run.
---@param seconds number
function rille.sleep(seconds) end

--- Starts a child task, which cannot outlive this one.
---@param f function
---@param ... any
---@return rille.task
function rille.spawn(f, ...) end

--- Runs functions at once and returns the first result of each; the first error cancels the others.
---@param ... function
---@return any ...
function rille.all(...) end

--- Runs functions at once and returns the results of the first that ends.
---@param ... function
---@return any ...
function rille.race(...) end

--- Returns a list of f(item, index), in order; at most `limit` calls run at once.
---@generic T, R
---@param list T[]
---@param f fun(item: T, index: integer): R
---@param options? {limit?: integer}
---@return R[]
function rille.map(list, f, options) end

--- Returns when all children have ended; the first error cancels the rest.
---@param f fun(g: rille.group): ...
---@return any ...
function rille.group(f) end

---@class rille.group
local group = {}

--- Starts a child of the group.
---@param f function
---@param ... any
---@return rille.task
function group:spawn(f, ...) end

--- Returns the results of f, or raises code "timeout" after so many seconds.
---@param seconds number
---@param f function
---@param ... any
---@return any ...
function rille.timeout(seconds, f, ...) end

--- Runs f to its end; a cancellation or deadline takes effect afterwards.
---@param f function
---@param ... any
---@return any ...
function rille.shield(f, ...) end

--- Runs a function of a module in another Lua state, on a thread.
---@param module string
---@param function_name string
---@param ... any
---@return any ...
function rille.offload(module, function_name, ...) end

--- Returns all live tasks.
---@return {id: integer, spawned: string, parent?: integer, waits?: string, seconds?: number}[]
function rille.tasks() end

--- Makes a queue between tasks, which can be iterated over.
---@param capacity? integer
---@return rille.channel
function rille.channel(capacity) end

---@class rille.channel
---@operator call(): any
local channel = {}

--- Sends a value; waits while the channel is full, raises "closed".
---@param value any
function channel:send(value) end

--- Waits for a value; returns nil when the channel is closed and empty.
---@return any
function channel:receive() end

--- Closes the channel: nothing more is sent.
function channel:close() end

--- Makes a semaphore that admits n tasks at a time.
---@param n integer
---@return rille.semaphore
function rille.semaphore(n) end

--- Makes a lock that admits one task at a time.
---@return rille.lock
function rille.lock() end

---@class rille.semaphore
local semaphore = {}

--- Runs f with a permit and returns its results.
---@param f function
---@param ... any
---@return any ...
function semaphore:with(f, ...) end

function semaphore:acquire() end

function semaphore:release() end

---@class rille.lock
local lock = {}

--- Runs f with the lock and returns its results.
---@param f function
---@param ... any
---@return any ...
function lock:with(f, ...) end

function lock:acquire() end

function lock:release() end

--- Makes an event that many tasks can wait for.
---@return rille.event
function rille.event() end

---@class rille.event
local event = {}

--- Sets the event: current and later waits return.
function event:set() end

--- Waits until the event is set.
function event:wait() end

return rille
