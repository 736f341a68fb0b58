-- `rille test`: busted inside the runtime. Each `it`, with its before_each and after_each, is one task with a deadline on the
-- real clock. A test that leaves a task behind fails and says which; what was logged during a test is shown when it fails.
local cleanup = require "rille.testing.cleanup"
local native = require "rille.native"

local M = {}
local deadline = tonumber(os.getenv "RILLE_TEST_DEADLINE" or "") or 10

-- ---- leaks ------------------------------------------------------------------------------------------------------------

local function task_ids()
  local ids = {}
  for _, task in ipairs(native.tasks()) do ids[task.id] = true end
  return ids
end

-- Tasks that the test spawned and did not wait for; not those of the library or of requests, which their owners end.
local function left_behind(before, own)
  local parents, found = {}, {}
  local tasks = native.tasks()
  for _, task in ipairs(tasks) do parents[task.id] = task.parent end
  for _, task in ipairs(tasks) do
    local above = parents[task.id]
    while above and above ~= own do above = parents[above] end
    if above == own and not before[task.id] then found[#found + 1] = task.spawned end
  end
  return found
end

local function check_leaks(before, own)
  local found = left_behind(before, own)
  local unread = native.client_take_unread()
  if #found > 0 then error("leaves a task behind: " .. table.concat(found, ", "), 0) end
  if #unread > 0 then error("leaves an unread body behind: " .. table.concat(unread, ", "), 0) end
end

-- ---- around busted's executors -------------------------------------------------------------------------------------------

-- The body of an `it`: what it leaves behind is looked at before after_each has a chance to tidy up for it.
local function with_leak_check(run)
  return function(...)
    local own = native.current_task_id()
    local before = task_ids()
    local results = table.pack(run(...))
    check_leaks(before, own)
    return table.unpack(results, 1, results.n)
  end
end

local function show_log(name)
  local lines = native.take_log()
  if lines == "" then return end
  io.stderr:write("log of ", name, ":\n", lines:gsub("([^\n]*)\n", "    %1\n"), "\n")
end

local function as_task(busted, execute)
  return function(element)
    native.take_log()
    local failed = false
    local function note() failed = true; return nil, true end
    local subscriptions = { busted.subscribe({ "failure" }, note), busted.subscribe({ "error" }, note) }
    element.run = with_leak_check(element.run)
    native.spawn(function()
      native.test_deadline(deadline)
      cleanup.enter()
      execute(element)
      native.test_deadline()
      local err = cleanup.leave()
      if err then error(err, 0) end
    end):wait()
    busted.unsubscribe(subscriptions[1].id, { "failure" })
    busted.unsubscribe(subscriptions[2].id, { "error" })
    if failed then show_log(element.name or "a test") end
  end
end

local function with_cleanup(execute)
  return function(element)
    cleanup.enter()
    execute(element)
    local err = cleanup.leave()
    if err then error(err, 0) end
  end
end

-- busted registers its executors inside `require "busted"(busted)`: they are caught on their way in.
local function hook()
  local original = require "busted"
  local init = getmetatable(original).__call
  getmetatable(original).__call = function(self, busted)
    local register = busted.register
    busted.register = function(descriptor, executor, attributes)
      if type(executor) == "function" then
        if descriptor == "it" then executor = as_task(busted, executor)
        elseif descriptor == "describe" or descriptor == "file" then executor = with_cleanup(executor) end
      end
      return register(descriptor, executor, attributes)
    end
    local result = init(self, busted)
    busted.register = register
    return result
  end
end

-- Insulation forgets modules that a spec loaded: the library is loaded before, so that it is there once.
local function preload()
  for _, name in ipairs { "rille", "rille.testing", "rille.testing.client", "rille.testing.mock", "rille.compile", "rille.fetch",
    "rille.sqlite" } do
    require(name)
  end
end

local function seed_of(args)
  for i, arg in ipairs(args) do
    local seed = arg:match "^%-%-seed=(%d+)$" or (arg == "--seed" and args[i + 1])
    if seed then return math.tointeger(tonumber(seed)) end
  end
end

--- run(args…) -> exit status: every option and output handler of busted; --seed also shuffles the order of ready tasks
function M.run(...)
  local args = table.pack(...)
  args.n = nil
  local ok = pcall(require, "busted.runner")
  if not ok then
    io.stderr:write("rille: busted is not installed (Debian: lua-busted)\n")
    return 1
  end
  preload()
  local seed = seed_of(args)
  if seed then
    table.insert(args, "--shuffle")
    native.shuffle_tasks(seed)
  end
  native.capture_log()
  _G.arg = args
  args[0] = "rille test"
  hook()
  require "busted.runner" { standalone = false }
  return 0
end

return M
