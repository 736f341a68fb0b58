-- A process of its own for one spec: rille, or another program, in the directory of a scratch (spec/support/scratch.lua).
--
--   local process <close> = processes.start(scratch, { "serve", "app.lua" }, { env = "A=1", program = path })
--   process.pid     process:signal "TERM"     process:ended() -> exit status | nil     process:wait() -> exit status
--   process:log() -> what it wrote to stderr     process:output() -> and to stdout
--   process:says(text, count?) -> the log, once it holds that text (so often)     process:url() -> where it listens
local rille = require "rille"

local Process = {}
Process.__index = Process

local M = {}
local started = 0

local function quoted(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text
end

local command = "cd %s && { { env %s %s %s > %s.out 2> %s.log < /dev/null & echo $! > %s.pid; wait $!; echo $? > %s.status; } "
  .. "2> /dev/null & }"

--- start(scratch, arguments, {env=, program=}) -> process
function M.start(scratch, arguments, opts)
  opts = opts or {}
  started = started + 1
  local self = setmetatable({ base = scratch:path("process-" .. started), scratch = scratch }, Process)
  local words = {}
  for i, word in ipairs(arguments) do words[i] = quoted(word) end
  assert(os.execute(command:format(quoted(scratch.directory), opts.env or "", quoted(opts.program or scratch.rille),
    table.concat(words, " "), self.base, self.base, self.base, self.base)))
  self.pid = self:until_true("a pid", function() return read(self.base .. ".pid"):match "^%d+" end)
  return self
end

--- until_true(what, f) -> the first true value of f()
function Process:until_true(what, f)
  for _ = 1, 1000 do
    local value = f()
    if value then return value end
    rille.sleep(0.02)
  end
  error(("no %s; the log of the process:\n%s"):format(what, self:log()), 2)
end

function Process:log() return read(self.base .. ".log") end

function Process:output() return read(self.base .. ".out") end

local function count(text, part)
  local found, at = 0, 1
  while true do
    local _, last = text:find(part, at, true)
    if not last then return found end
    found, at = found + 1, last + 1
  end
end

function Process:says(text, times)
  return self:until_true(("'%s' in its log"):format(text), function()
    local log = self:log()
    return count(log, text) >= (times or 1) and log
  end)
end

function Process:url() return self:says("listening at="):match "listening at=(http%S+)" end

function Process:signal(name, pid) return os.execute(("kill -%s %s 2> /dev/null"):format(name, pid or self.pid)) == true end

function Process:ended() return math.tointeger(tonumber(read(self.base .. ".status"):match "^%d+")) end

function Process:wait()
  return self:until_true("end", function() return self:ended() end)
end

function Process:close()
  if not self:ended() then self:signal "KILL" end
  self:wait()
end

Process.__close = Process.close

return M
