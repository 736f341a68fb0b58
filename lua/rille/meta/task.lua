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

---@param reason? string
function task:cancel(reason) end

---@param seconds number
function rille.sleep(seconds) end

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

---@generic T, R
---@param list T[]
---@param f fun(item: T, index: integer): R
---@param options? {limit?: integer}
---@return R[]
function rille.map(list, f, options) end

---@param f fun(g: rille.group): ...
---@return any ...
function rille.group(f) end

---@class rille.group
local group = {}

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

---@param f function
---@param ... any
---@return any ...
function rille.shield(f, ...) end

---@param module string
---@param function_name string
---@param ... any
---@return any ...
function rille.offload(module, function_name, ...) end

---@return {id: integer, spawned: string, parent?: integer, waits?: string, seconds?: number}[]
function rille.tasks() end

---@param capacity? integer
---@return rille.channel
function rille.channel(capacity) end

---@class rille.channel
---@operator call(): any
local channel = {}

---@param value any
function channel:send(value) end

---@return any
function channel:receive() end

function channel:close() end

---@param n integer
---@return rille.semaphore
function rille.semaphore(n) end

---@return rille.lock
function rille.lock() end

---@class rille.semaphore
local semaphore = {}

---@param f function
---@param ... any
---@return any ...
function semaphore:with(f, ...) end

function semaphore:acquire() end

function semaphore:release() end

---@class rille.lock
local lock = {}

---@param f function
---@param ... any
---@return any ...
function lock:with(f, ...) end

function lock:acquire() end

function lock:release() end

---@return rille.event
function rille.event() end

---@class rille.event
local event = {}

function event:set() end

function event:wait() end

return rille
