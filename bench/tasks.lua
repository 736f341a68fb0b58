-- What tasks cost, beside the same in plain coroutines: CPU time for each, the least of several rounds. Where no rille is
-- (plain Lua runs this file too), only the coroutines are measured.
--
--   rille run bench/tasks.lua        lua5.4 bench/tasks.lua
local ok, rille = pcall(require, "rille")
if not ok then rille = nil end

local function empty() end

local function least(times, f)
  local best = math.huge
  for _ = 1, 7 do
    collectgarbage()
    local start = os.clock()
    f(times)
    best = math.min(best, (os.clock() - start) / times * 1e6)
  end
  return best
end

local function report(name, value, unit) print(("%s\t%.4f\t%s"):format(name, value, unit)) end

local function coroutines(times)
  for _ = 1, times do coroutine.wrap(empty)() end
end

local function yields(times)
  local co = coroutine.wrap(function()
    while true do coroutine.yield() end
  end)
  for _ = 1, times do co() end
end

local function resident()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s*(%d+)"
    if kib then return kib / 1024 end
  end
end

report("coroutine.wrap(f)()", least(200000, coroutines), "us")
report("coroutine.yield and resume", least(500000, yields), "us")
if not rille then return end

report("spawn and wait", least(200000, function(times)
  for _ = 1, times do rille.spawn(empty):wait() end
end), "us")
report("sleep(0)", least(500000, function(times)
  for _ = 1, times do rille.sleep(0) end
end), "us")

collectgarbage()
collectgarbage()
local before = resident()
for _ = 1, 100000 do rille.spawn(rille.sleep, 1000) end
rille.sleep(0)
rille.sleep(0)
report("100,000 sleeping tasks", resident() - before, "MiB")
