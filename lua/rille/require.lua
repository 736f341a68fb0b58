-- A require that may wait.
--
-- Lua's own calls the module through C, so a module that waits while it loads ends in "attempt to yield across a C-call
-- boundary", the most frequent complaint of the field. This one is Lua, with the same rules (package.loaded,
-- package.searchers, the loader's second argument) and two more: a task that requires what another task is loading waits
-- for it, and a module that needs itself is told so.
local native = require "rille.native.core"

local loading = {} -- name -> { task = who loads it, queue = who waits }
local concat = table.concat

local function find_loader(name)
  local searchers = package.searchers
  if type(searchers) ~= "table" then error("'package.searchers' must be a table", 3) end
  local tried = {}
  for i = 1, #searchers do
    local found, loader, extra = pcall(searchers[i], name)
    if not found then error(type(loader) == "string" and loader:gsub("^rille/require%.lua:%d+: ", "") or loader, 0) end
    if type(loader) == "function" then return loader, extra end
    if type(loader) == "string" then tried[#tried + 1] = (loader:gsub("^\n\t", "")) end
  end
  native.check_descriptors() -- where there is none left, nothing can be found
  error(("module '%s' not found:\n\t%s"):format(name, concat(tried, "\n\t")), 3)
end

-- The modules between `name` and itself, where the running task is loading it already.
local function cycle(name, task)
  local names = {}
  for other, entry in pairs(loading) do
    if entry.task == task then names[entry.depth] = other end
  end
  local chain = {}
  for _, other in ipairs(names) do
    if #chain > 0 or other == name then chain[#chain + 1] = other end
  end
  chain[#chain + 1] = name
  return concat(chain, " -> ")
end

local depth = setmetatable({}, { __mode = "k" }) -- task -> how many modules it is loading
local main = {} -- stands for "no task"

local function load_module(name, task)
  local loader, extra = find_loader(name)
  depth[task] = (depth[task] or 0) + 1
  local entry = { task = task, depth = depth[task], queue = native.queue() }
  loading[name] = entry
  local results = table.pack(pcall(loader, name, extra))
  loading[name] = nil
  depth[task] = depth[task] > 1 and depth[task] - 1 or nil
  entry.queue:wake()
  if not results[1] then error(results[2], 0) end
  local value = results[2]
  if value ~= nil then package.loaded[name] = value
  elseif package.loaded[name] == nil then package.loaded[name] = true end
  return package.loaded[name], extra
end

return function(name)
  if type(name) ~= "string" then
    if type(name) ~= "number" then
      error(("bad argument #1 to 'require' (string expected, got %s)"):format(type(name)), 2)
    end
    name = tostring(name)
  end
  while true do
    local loaded = package.loaded[name]
    if loaded ~= nil then return loaded end
    local task = native.current_task_id() or main
    local entry = loading[name]
    if not entry then return load_module(name, task) end
    if entry.task == task then error(("module '%s' requires itself: %s"):format(name, cycle(name, task)), 2) end
    entry.queue:wait("require")
  end
end
