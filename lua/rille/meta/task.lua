---@meta _
-- Tasks and what they meet at, for editors: see rille.lua beside this file.

---@class rille
local rille = {}

---@class rille.task
---@field status "running"|"done"|"failed"|"cancelled"
local task = {}

--- Results of the task, or raises its error.
---@return any ...
function task:wait() end

--- Raises "cancelled" at its next wait.
---@param reason? string
function task:cancel(reason) end

--- Lets others run for so long.
---@param seconds number
function rille.sleep(seconds) end

--- A task beside this one, which cannot outlive it.
---@param f function
---@param ... any
---@return rille.task
function rille.spawn(f, ...) end

--- The first result of each; the first error cancels the rest.
---@param ... function
---@return any ...
function rille.all(...) end

--- Results of the first to end.
---@param ... function
---@return any ...
function rille.race(...) end

--- A list of f(item, index), in order; at most `limit` of them at once.
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

--- A child of the group.
---@param f function
---@param ... any
---@return rille.task
function group:spawn(f, ...) end

--- Raises code "timeout".
---@param seconds number
---@param f function
---@param ... any
---@return any ...
function rille.timeout(seconds, f, ...) end

--- Runs f to its end before a cancellation or a deadline is felt.
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

--- All live tasks.
---@return {id: integer, spawned: string, parent?: integer, waits?: string, seconds?: number}[]
function rille.tasks() end

--- A queue between tasks; iterable.
---@param capacity? integer
---@return rille.channel
function rille.channel(capacity) end

---@class rille.channel
---@operator call(): any
local channel = {}

--- Waits while it is full; raises "closed".
---@param value any
function channel:send(value) end

--- Waits for a value; nil once it is closed and empty.
---@return any
function channel:receive() end

--- Nothing more is sent.
function channel:close() end

--- At most n at a time.
---@param n integer
---@return rille.semaphore
function rille.semaphore(n) end

--- One at a time.
---@return rille.lock
function rille.lock() end

---@class rille.semaphore
local semaphore = {}

--- Results of f, run with a permit.
---@param f function
---@param ... any
---@return any ...
function semaphore:with(f, ...) end

function semaphore:acquire() end

function semaphore:release() end

---@class rille.lock
local lock = {}

--- Results of f, run alone.
---@param f function
---@param ... any
---@return any ...
function lock:with(f, ...) end

function lock:acquire() end

function lock:release() end

--- Returns an event, which many tasks can wait for.
---@return rille.event
function rille.event() end

---@class rille.event
local event = {}

--- Wakes everybody, now and later.
function event:set() end

--- Until it is set.
function event:wait() end

return rille
