-- Structured concurrency, on the primitives of bind/core/task.c. A child belongs to the task that spawned it and cannot
-- outlive it; the first error of a group cancels the rest and is the one raised.
local names = require "rille.names"
local native = require "rille.native.core"
local options = require "rille.options"

local M = {
  sleep = native.sleep,
  spawn = native.spawn,
  timeout = native.timeout,
  shield = native.shield,
  tasks = native.tasks,
  offload = native.offload,
}

-- ---- groups --------------------------------------------------------------------------------------------------------

local Group = {}
Group.__index = Group
Group.__name = "rille.group"

--- group:spawn(f, ...) -> task
function Group:spawn(f, ...)
  if self.closed then error("this group has ended", 2) end
  local task = native.spawn_in(self.scope, f, ...)
  self.tasks[#self.tasks + 1] = task
  return task
end

-- The function of a group may fail after it has caught the error of a child, which is raised again while the group ends: that
-- one leaves, and the other one is told in the log.
local Own = { __close = function(own, other)
  local err = own[1]
  local is_cancellation = type(err) == "table" and err.code == "cancelled"
  if err == nil or other == nil or rawequal(err, other) or is_cancellation then return end
  native.log("error", "the function of a group failed, and its group failed by another error", { error = tostring(err) })
end }

-- Cancels what still runs and waits for it.
function Group:__close(err)
  local own <close> = setmetatable({ err }, Own) -- luacheck: ignore 211
  self.closed = true
  for _, task in ipairs(self.tasks) do task:cancel "its group has ended" end
  for _, task in ipairs(self.tasks) do native.wait_end(task) end
end

local function wait_for_all(group)
  local i = 1
  while group.tasks[i] do -- children may spawn more into the group meanwhile
    native.wait_end(group.tasks[i])
    i = i + 1
  end
  native.checkpoint() -- a child that failed before anybody waited
end

--- rille.group(f) -> results of f(group), once all children have ended.
function M.group(f, ...)
  names.check_colon(f, "rille.group")
  if type(f) ~= "function" then error("group: a function was expected, got a " .. type(f), 2) end
  if select("#", ...) > 0 then options.raise "group: one function was expected: rille.all(f, g) runs several" end
  return native.run_group(function(scope)
    local group <close> = setmetatable({ scope = scope, tasks = {}, closed = false }, Group)
    local results = table.pack(f(group))
    wait_for_all(group)
    return table.unpack(results, 1, results.n)
  end)
end

local function check_functions(what, ...)
  names.check_colon((...), "rille." .. what)
  for i = 1, select("#", ...) do
    local f = select(i, ...)
    if type(f) ~= "function" then
      error(("%s: argument %d is a function, got a %s"):format(what, i, type(f)), 3)
    end
  end
end

--- rille.all(f, g, …) -> the first result of each.
function M.all(...)
  check_functions("all", ...)
  local functions = table.pack(...)
  return M.group(function(group)
    local tasks, results = {}, {}
    for i = 1, functions.n do tasks[i] = group:spawn(functions[i]) end
    for i = 1, functions.n do results[i] = tasks[i]:wait() end
    return table.unpack(results, 1, functions.n)
  end)
end

local Cancelled = {}
function Cancelled:__close()
  for _, task in ipairs(self) do task:cancel "another one was first" end
  for _, task in ipairs(self) do native.wait_end(task) end
end

--- rille.race(f, g, …) -> results of the first to end, or its error.
function M.race(...)
  check_functions("race", ...)
  if select("#", ...) == 0 then error("race: nothing to race", 2) end
  local first
  do
    local tasks <close> = setmetatable({}, Cancelled)
    for i = 1, select("#", ...) do tasks[i] = native.spawn((select(i, ...))) end
    first = tasks[native.wait_any(tasks)]
  end
  return first:wait()
end

--- rille.map(list, f, {limit=}) -> list of f(item, index), run at once, at most `limit` of them at a time.
function M.map(list, f, opts)
  names.check_colon(list, "rille.map")
  if type(list) == "function" and type(f) == "table" then options.raise "map: the list comes first: rille.map(list, f)" end
  if type(list) ~= "table" then error("map: a list was expected, got a " .. type(list), 2) end
  if type(f) ~= "function" then error("map: a function was expected, got a " .. type(f), 2) end
  local limit = options.check(opts, { limit = "number" }, "map").limit or #list
  if limit < 1 and #list > 0 then error("map: the limit is at least 1", 2) end
  local count, next_index, results = #list, 1, native.array {}
  M.group(function(group)
    for _ = 1, math.min(limit, count) do
      group:spawn(function()
        while next_index <= count do
          local i = next_index
          next_index = i + 1
          results[i] = f(list[i], i)
        end
      end)
    end
  end)
  return results
end

-- ---- semaphore, lock, event, channel --------------------------------------------------------------------------------

local Semaphore = {}
Semaphore.__index = Semaphore
Semaphore.__name = "rille.semaphore"

--- semaphore:acquire(): first come, first served. A permit goes from hand to hand, so nobody can overtake who waits.
function Semaphore:acquire()
  if self.free > 0 and self.queue:count() == 0 then
    native.checkpoint()
    self.free = self.free - 1
  else
    self.queue:wait "a semaphore"
  end
end

--- semaphore:release(): raises where every permit is free already.
function Semaphore:release()
  if self.free == self.permits then
    error(("this semaphore has %d permits and all of them are free: one acquire() for each release()"):format(self.permits), 2)
  end
  if self.queue:wake(1) == 0 then self.free = self.free + 1 end
end

local Release = { __close = function(self) self[1]:release() end }

local function with(lock, f, ...)
  if type(f) ~= "function" then options.raise("with: a function was expected, got a %s", type(f)) end
  lock:acquire()
  local release <close> = setmetatable({ lock }, Release) -- luacheck: ignore 211
  return f(...)
end

--- semaphore:with(f, ...) -> results of f(...), run with a permit.
function Semaphore:with(f, ...) return with(self, f, ...) end

--- rille.semaphore(n)
function M.semaphore(n)
  names.check_colon(n, "rille.semaphore")
  if math.type(n) ~= "integer" or n < 1 then error("a semaphore has a whole number of permits, at least 1", 2) end
  return setmetatable({ permits = n, free = n, queue = native.queue() }, Semaphore)
end

local Lock = {}
Lock.__index = Lock
Lock.__name = "rille.lock"
local entered_twice = "this task holds the lock already, and a lock is not entered twice"
local NEXT = {} -- the holder between a release and the turn of the one who is woken

--- lock:acquire(): first come, first served. A task that holds it already would wait for itself: that raises.
function Lock:acquire()
  local id = native.current_task_id()
  if not self.holder then
    native.checkpoint()
  else
    if self.holder == id then error(entered_twice, 2) end
    self.queue:wait "a lock"
  end
  self.holder = id
end

--- lock:release(): by the task that holds it; else it raises.
function Lock:release()
  if not self.holder then error("this lock is not held: one acquire() for each release()", 2) end
  if self.holder ~= native.current_task_id() then error("this lock is held by another task, which must release it", 2) end
  self.holder = self.queue:wake(1) > 0 and NEXT
end

--- lock:with(f, ...) -> results of f(...), run while the task holds the lock.
function Lock:with(f, ...)
  if self.holder == native.current_task_id() then error(entered_twice, 2) end
  return with(self, f, ...)
end

--- rille.lock()
function M.lock() return setmetatable({ queue = native.queue(), holder = false }, Lock) end

local Event = {}
Event.__index = Event
Event.__name = "rille.event"

--- event:set(): wakes everybody who waits, now and later.
function Event:set()
  self.is_set = true
  self.queue:wake()
end

function Event:wait()
  if self.is_set then return native.checkpoint() end
  self.queue:wait "an event"
end

--- rille.event()
function M.event() return setmetatable({ is_set = false, queue = native.queue() }, Event) end

local Channel = {}
Channel.__index = Channel
Channel.__name = "rille.channel"

local function is_empty(channel) return channel.last < channel.first end

local function put(channel, value)
  channel.last = channel.last + 1
  channel.items[channel.last] = value
end

local CLOSED = {} -- what a sender that waits is woken with when its value will not be taken

--- channel:send(value): waits while the channel is full. Raises code "closed" where it is closed, or becomes so meanwhile;
--- then the value was not sent. First come, first served.
function Channel:send(value)
  if value == nil then error("a channel carries no nil: it is what receive() returns at the end", 2) end
  native.checkpoint()
  local closed = self.closed
  if not closed then
    if self.receivers:wake(1, value) > 0 then return end
    if self.last - self.first + 1 < self.capacity then return put(self, value) end
    closed = self.senders:wait("room in a channel", value) == CLOSED
  end
  if closed then error(require("rille.error").new("closed", "the channel is closed"), 0) end
end

--- channel:receive() -> value, or nil once it is closed and empty. One that is cancelled has received nothing.
function Channel:receive()
  native.checkpoint()
  local offered = self.senders:take()
  if is_empty(self) then
    if offered ~= nil then return offered end
    if self.closed then return nil end
    return (self.receivers:wait "a channel")
  end
  local value = self.items[self.first]
  self.items[self.first] = nil
  self.first = self.first + 1
  if offered ~= nil then put(self, offered) end
  return value
end

--- channel:close(): what was sent can still be received. Senders that wait raise code "closed".
function Channel:close()
  self.closed = true
  self.senders:wake(nil, CLOSED)
  self.receivers:wake()
end

Channel.__close = Channel.close
Channel.__call = Channel.receive -- for value in channel do … end

--- rille.channel(capacity = 0)
function M.channel(capacity)
  capacity = capacity or 0
  names.check_colon(capacity, "rille.channel")
  if math.type(capacity) ~= "integer" or capacity < 0 then error("a channel's capacity is a whole number, 0 or more", 2) end
  return setmetatable({ capacity = capacity, items = {}, first = 1, last = 0, closed = false,
    senders = native.queue(), receivers = native.queue() }, Channel)
end

names.class("group", Group, { absent = { "closed" } })
names.class("semaphore", Semaphore)
names.class("lock", Lock)
names.class("event", Event)
names.class("channel", Channel)
names.known("task", native.task_methods, { "status" })

return M
