-- `rille test`: busted inside the runtime. Each `it`, with its before_each and after_each, is one task with a deadline on the
-- real clock, which ends it if it waits, or computes, for so long. A test that leaves a task, an open transaction
-- or an unread body fails and says which; what was logged during a test is shown when it fails.
local cleanup = require "rille.testing.cleanup"
local native = require "rille.native.core"
local native_client = require "rille.native.client"
local sqlite = require "rille.sqlite"

local M = {}
local deadline = tonumber(os.getenv "RILLE_TEST_DEADLINE" or "") or 10

-- ---- the clock --------------------------------------------------------------------------------------------------------

-- testing.clock moves what Lua itself tells of the time, too.
local function follow_clock()
  local real_time, real_date = os.time, os.date
  local function now() return math.floor(native.time()) end
  os.time = function(fields) -- luacheck: ignore 122
    if fields == nil then return now() end
    return real_time(fields)
  end
  os.date = function(format, time) return real_date(format or "%c", time or now()) end -- luacheck: ignore 122
end

-- ---- leaks ------------------------------------------------------------------------------------------------------------

-- id -> parent's id of every live task
local function parents_of_tasks()
  local parents = {}
  for _, task in ipairs(native.tasks()) do parents[task.id] = task.parent or 0 end
  return parents
end

local function belongs_to(id, own, parents)
  while id and id ~= own do id = parents[id] end
  return id == own
end

-- Tasks that the test spawned and did not wait for; not those of the library or of requests, which their owners end.
local function left_tasks(before, own)
  local parents, found = parents_of_tasks(), {}
  for _, task in ipairs(native.tasks()) do
    if task.id ~= own and not before[task.id] and belongs_to(task.id, own, parents) then found[#found + 1] = task.spawned end
  end
  return found
end

-- Transactions that the test or a task of its own holds: they are rolled back, so that the next test does not wait for them;
-- and those that were rolled back because their task ended without it. Those of requests under way end with them.
local function left_transactions(before, own)
  local parents, found = parents_of_tasks(), {}
  for db in pairs(sqlite.opened) do
    for where in db:take_left():gmatch "[^\n]+" do found[#found + 1] = where end
    local where, holder = db:open_transaction()
    if where and not before[holder] and (belongs_to(holder, own, parents) or not parents[holder]) then
      found[#found + 1] = where
      db:end_transaction()
    end
  end
  return found
end

local function check(what, found)
  if #found > 0 then error(("leaves %s behind: %s"):format(what, table.concat(found, ", ")), 0) end
end

local function check_leaks(before, own)
  local tasks, transactions, bodies = left_tasks(before, own), left_transactions(before, own), native_client.client_take_unread()
  check("a task", tasks)
  check("an open transaction", transactions)
  check("an unread body", bodies)
  cleanup.check()
end

-- ---- around busted's executors -------------------------------------------------------------------------------------------

-- The body of an `it`: what it leaves is checked before after_each has a chance to tidy up for it.
local function with_leak_check(run)
  return function(...)
    local own = native.current_task_id()
    local before = parents_of_tasks()
    before[own] = nil
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

-- Closes what testing handed out, although the test is past its deadline.
local function clean_up()
  local err = native.shield(native.timeout, deadline, cleanup.leave)
  if err then error(err, 0) end
end

local function as_task(busted, execute)
  return function(element)
    native.take_log()
    local failed = false
    local function note() failed = true; return nil, true end
    local subscriptions = { busted.subscribe({ "failure" }, note), busted.subscribe({ "error" }, note) }
    element.run = with_leak_check(element.run)
    local task = native.spawn(function()
      native.test_deadline(deadline)
      cleanup.enter()
      execute(element)
      native.test_deadline()
      clean_up()
    end)
    failed = not native.wait_end(task) or failed
    native.test_deadline()
    busted.unsubscribe(subscriptions[1].id, { "failure" })
    busted.unsubscribe(subscriptions[2].id, { "error" })
    if failed then show_log(element.name or "a test") end
    task:wait()
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

-- Ends what runs in spite of its deadline, whatever it catches, up to here; busted itself goes on.
local function bound(busted)
  local safe = busted.safe
  function busted.safe(descriptor, run, element)
    return safe(descriptor, function(...) return native.bounded(run, ...) end, element)
  end
end

-- busted registers its executors inside `require "busted"(busted)`: they are caught on their way in.
local function hook()
  local original = require "busted"
  local init = getmetatable(original).__call
  getmetatable(original).__call = function(self, busted)
    bound(busted)
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

-- ---- coverage and debuggers ----------------------------------------------------------------------------------------------

-- A debug hook belongs to one thread. What a coverage tool or a debugger sets for the thread it is started on is meant for all
-- code, which runs on the threads of tasks here: each that starts gets it.
local function share_hooks()
  local sethook, path = debug.sethook, package.path
  function debug.sethook(...) -- luacheck: ignore 122
    local set, mask, count = ...
    if type(set) ~= "thread" then
      package.path = set and "./?.lua;./?/init.lua;" .. path or path -- files by the names that its configuration knows
      native.hook_tasks(set and function(thread) sethook(thread, set, mask, count or 0) end or nil)
    end
    return sethook(...)
  end
end

-- ---- JUnit ---------------------------------------------------------------------------------------------------------------

local function as_hex(bytes) return (bytes:gsub(".", function(byte) return ("\\x%02x"):format(byte:byte()) end)) end

--- xml_text(text) -> the same with what no XML document can hold (XML 1.0 section 2.2), not even escaped, as "\x1b"
function M.xml_text(text)
  text = text:gsub("[%z\1-\8\11\12\14-\31]", as_hex)
  local pieces, at = {}, 1
  while true do
    local _, bad = utf8.len(text, at)
    if not bad then break end
    pieces[#pieces + 1] = text:sub(at, bad - 1) .. as_hex(text:sub(bad, bad))
    at = bad + 1
  end
  pieces[#pieces + 1] = text:sub(at)
  return (table.concat(pieces):gsub("\xEF\xBF[\xBE\xBF]", as_hex))
end

-- Messages of failures may be anything; busted's own output handler hands it to Penlight, which escapes five characters.
local function clean_junit()
  local known, xml = pcall(require, "pl.xml")
  if not known then return end
  local text_of = xml.tostring
  function xml.tostring(...) return M.xml_text(text_of(...)) end
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
  native.capture_log() -- of the loading too: nobody waits for it
  local ok = pcall(require, "busted.runner")
  if not ok then
    io.stderr:write("rille: busted is not installed (Debian: lua-busted)\n")
    return 1
  end
  if #args == 0 and not native.file_info "spec" and not native.file_info ".busted" then
    io.stderr:write "rille: there is no folder 'spec' here: rille test PATH runs the specs of another one\n"
    return 1
  end
  preload()
  follow_clock()
  local seed = seed_of(args)
  if seed then
    table.insert(args, "--shuffle")
    native.shuffle_tasks(seed)
  end
  _G.arg = args
  args[0] = "rille test"
  hook()
  clean_junit()
  share_hooks()
  require "busted.runner" { standalone = false }
  return 0
end

return M
