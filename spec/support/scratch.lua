-- A directory for one spec, and what only another process can do to it.
--
--   local scratch <close> = require("spec.support.scratch").new()
--   scratch:path "x.db"      scratch:write("a.sql", text) -> its path      scratch:read "a.sql" -> text | nil
--   scratch:run(program, arguments…) -> text that it prints
--   scratch:rille -> the path of the binary that runs this spec
local rille = require "rille"

local Scratch = {}
Scratch.__index = Scratch

local M = {}

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- new() -> scratch
function M.new()
  local directory = output_of("mktemp -d"):match "^%S+"
  local binary = output_of("readlink /proc/$PPID/exe"):match "^%C+"
  return setmetatable({ directory = assert(directory, "mktemp"), rille = binary }, Scratch)
end

function Scratch:path(name) return self.directory .. "/" .. name end

function Scratch:write(name, text)
  local path = self:path(name)
  if name:find "/" then assert(os.execute("mkdir -p " .. quoted(path:match "(.*)/"))) end
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

function Scratch:read(name)
  local file = io.open(self:path(name), "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

--- scratch:wait_for(name) -> text of that file, once there is one that is not empty
function Scratch:wait_for(name)
  for _ = 1, 1500 do
    local text = self:read(name)
    if text and text ~= "" then return text end
    rille.sleep(0.02)
  end
  error("nobody wrote " .. name, 2)
end

local function command_of(program, ...)
  local words = { program }
  for i = 1, select("#", ...) do words[i + 1] = quoted(tostring((select(i, ...)))) end
  return table.concat(words, " ")
end

--- scratch:run(program, arguments…) -> what it prints, errors included; other tasks run meanwhile
function Scratch:run(program, ...)
  self.runs = (self.runs or 0) + 1
  local output, done = "run-" .. self.runs, "done-" .. self.runs
  assert(os.execute(("cd %s && { { %s; } > %s 2>&1 < /dev/null; echo > %s; } &")
    :format(quoted(self.directory), command_of(program, ...), output, done)))
  self:wait_for(done)
  return self:read(output)
end

--- scratch:start(program, arguments…) -> a file: the process's input; closing it waits for its end
function Scratch:start(program, ...)
  return assert(io.popen("cd " .. quoted(self.directory) .. " && exec " .. command_of(program, ...), "w"))
end

function Scratch:close() os.execute("rm -rf " .. quoted(self.directory)) end
Scratch.__close = Scratch.close

return M
