-- Types a page of the docs as a reader would, who has nothing but the page: writes its files, makes its changes, runs its
-- commands one after the other in a folder of its own, and compares what comes with what is printed (printed.lua).
--
--   local typist <close> = require("spec.support.typist").new("docs/tutorial/03-server.md")
--   typist:type()              raises "docs/tutorial/03-server.md:57: $ curl …: …" at the first difference
--
-- Beside the reader's folders lies `rille`, the checkout. `rille dev` and `rille serve` are started and awaited; they are stopped
-- at ^C, when the next one begins, and at the page's end. The port 8080 is another one here; output is changed back.
-- Solutions of exercises each begin with the project as the chapter leaves it.
local native = require "rille.native.core"
local printed = require "spec.support.printed"
local rille = require "rille"

local PATIENCE = 120 -- seconds; for a machine that has much else to do
local SETTINGS = "SECRET OLD_SECRET DATABASE API_KEY BLOG HOST PROXIES WEATHER RILLE_THREADS RILLE_EDITOR RILLE_DEBUG "
  .. "http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY"

local Typist = {}
Typist.__index = Typist

local M = {}

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function run(command, ...) return assert(os.execute(command:format(...)), command:format(...)) end

local function write(path, text)
  local file = io.open(path, "wb")
  if not file then
    run("mkdir -p %s", quoted(path:match "(.*)/"))
    file = assert(io.open(path, "wb"))
  end
  file:write(text)
  file:close()
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

local function wait_until(done, seconds)
  local stop = rille.now() + (seconds or PATIENCE)
  while not done() do
    if rille.now() > stop then return false end
    rille.sleep(0.01)
  end
  return true
end

-- ---- ports --------------------------------------------------------------------------------------------------------------

-- A port of four digits, so that lengths stay what is printed, and below those that the kernel hands out.
local given = {}

local function free_port()
  local taken = (read "/proc/net/tcp" or "") .. (read "/proc/net/tcp6" or "")
  while true do
    local port = math.random(2000, 9999)
    if port ~= 8080 and not given[port] and not taken:find((":%04X "):format(port), 1, true) then
      given[port] = true
      return port
    end
  end
end

function Typist:to_here(text) return (text:gsub("%f[%d]8080%f[%D]", tostring(self.port))) end

function Typist:to_page(text) return (text:gsub(":" .. self.port .. "%f[%D]", ":8080")) end

-- On a machine that has much else to do, rille says that loading took long: that is no part of what a page shows.
local function without_stalls(text, expected)
  if not text:find("a task has run for", 1, true) or expected:find("a task has run for", 1, true) then return text end
  local lines, within = {}, false
  for _, line in ipairs(printed.lines_of(text)) do
    within = line:find "warn  a task has run for %d+ ms without waiting$" ~= nil or within and line:find "^%s%s+" ~= nil
    if not within then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function matches(expected, came, open) return printed.matches(expected, without_stalls(came, expected), open) end

-- ---- the room -----------------------------------------------------------------------------------------------------------

--- new(path) -> typist of that page, in a folder of its own
function M.new(path)
  local room = output_of "mktemp -d"
  local self = setmetatable({ path = path, room = room, home = room .. "/home", here = room .. "/home", port = free_port(),
    runs = 0, status = 0, errors = 0 }, Typist)
  run("mkdir %s/home %s/bin && ln -s %s %s/bin/rille && ln -s %s %s/home/rille", room, room,
    quoted(output_of "readlink /proc/$PPID/exe"), room, quoted(native.root), room)
  write(room .. "/config/.curlrc", "silent\nshow-error\n")
  return self
end

function Typist:fail(what, ...) error(("%s:%d: %s"):format(self.path, self.line or 0, what:format(...)), 0) end

-- What a shell is told first: the binary under test, no settings of this machine, no colours.
function Typist:environment()
  return ("export PATH=%s/bin:$PATH HOME=%s/config PORT=%d LANG=C.UTF-8 TERM=dumb NO_COLOR=1 RILLE_TEST_DEADLINE=60\n"
    .. "unset %s; cd %s || exit 1\n")
    :format(self.room, self.room, self.port, SETTINGS, quoted(self.here))
end

-- ---- commands -----------------------------------------------------------------------------------------------------------

-- busted has other signs where it does not print to a terminal.
local function as_on_a_terminal(output)
  return (("\n" .. output):gsub("%f[^\n][-+*]+%f[\n]", function(signs)
    return signs:gsub(".", { ["+"] = "●", ["-"] = "◼", ["*"] = "✱" })
  end):sub(2))
end

-- Where curl does not write to the terminal itself it shows its progress there, which would have to be printed.
local function shows_progress(command)
  local words = command:gsub('"[^"]*"', '""')
  return words:find "curl " and (words:find "[|>]" or words:find " %-o ") and not words:find "curl %-%a*s"
end

-- Runs a command as the next one of the reader's shell, and gives what it prints.
function Typist:run(command)
  self.runs = self.runs + 1
  local stem = ("%s/run-%d"):format(self.room, self.runs)
  write(stem .. ".sh", ("%s(exit %d)\n%s\nstatus=$?; pwd > %s.cwd; echo $status > %s.done\n")
    :format(self:environment(), self.status, self:to_here(command), stem, stem))
  run("{ bash %s.sh > %s.out 2>&1 < /dev/null; [ -s %s.done ] || echo 1 > %s.done; } 2> /dev/null &", stem, stem, stem, stem)
  local ended = wait_until(function() return (read(stem .. ".done") or ""):find "\n" end)
  local output = read(stem .. ".out") or ""
  if not ended then self:fail("$ %s: has not ended after %d s; it printed\n%s", command, PATIENCE, output) end
  self.status = math.tointeger(tonumber((read(stem .. ".done"):match "%d+")))
  self.here = (read(stem .. ".cwd") or self.here):gsub("\n$", "")
  local copy = command:match "^cp %-r rille/%S+ (%S+)"
  if copy then run("grep -rlI :8080 %s/%s | xargs -r sed -i 's/:8080/:%d/g'", quoted(self.here), quoted(copy), self.port) end
  return self:to_page(as_on_a_terminal(output))
end

-- ---- the server in the other terminal -----------------------------------------------------------------------------------

-- One that refuses to start says why, and is a command like any other.
local function is_server(entry)
  return (entry.command:find "rille dev" or entry.command:find "rille serve") and not entry.output:find "^rille: "
end

function Typist:server_output(from) return self:to_page((read(self.server.stem .. ".out") or ""):sub(from or 1)) end

function Typist:is_running() return not (read(self.server.stem .. ".done") or ""):find "\n" end

function Typist:start(entry)
  self:stop()
  self.runs = self.runs + 1
  local stem = ("%s/server-%d"):format(self.room, self.runs)
  local before, rest = self:to_here(entry.command):match "^(.-)(rille .*)$"
  write(stem .. ".sh", ("%secho $$ > %s.pid\n%sexec %s\n"):format(self:environment(), stem, before, rest))
  run("{ bash %s.sh > %s.out 2>&1 < /dev/null; echo $? > %s.done; } 2> /dev/null &", stem, stem, stem)
  self.server = { stem = stem, command = entry.command, seen = 1, line = self.line }
  local expected, after = (entry.output .. "\n"):match "^(.-)\n?^C\n(.*)$"
  expected = expected or entry.output
  local why
  local came = wait_until(function()
    local fits
    fits, why = matches(expected, self:server_output(), true)
    return fits or not self:is_running()
  end)
  if not came or why then self:fail("$ %s: %s", entry.command, why) end
  self.server.seen = #self:server_output() + 1
  if after then self:stop(after) end
end

function Typist:signal(name) run("kill -%s %s", name, (read(self.server.stem .. ".pid"):match "%d+")) end

-- Ctrl-C in the other terminal. `expected` is what it prints from then on.
function Typist:stop(expected)
  local server = self.server
  if not server then return end
  local from = #self:server_output() + 1
  if self:is_running() then self:signal "INT" end
  if not wait_until(function() return not self:is_running() end) then
    self:fail("$ %s (line %d): does not stop", server.command, server.line)
  end
  local status, output = read(server.stem .. ".done"):match "%d+", self:server_output()
  self.server = nil
  if expected then
    local fits, why = matches(expected, output:sub(from))
    if not fits then self:fail("$ %s, after ^C: %s", server.command, why) end
  end
  if status ~= "0" then self:fail("$ %s (line %d): ended with status %s:\n%s", server.command, server.line, status, output) end
  for line in output:gmatch "[^\n]+" do
    if line:find "^%S+ 500 " or line:find '" 500 %d' then self.errors = self.errors + 1 end
  end
  if self.errors > self.printed_errors then
    self:fail("$ %s (line %d): answered 500, which is not printed:\n%s", server.command, server.line, output)
  end
end

-- A block without a command: what the server has printed since, among other lines; or that it is stopped.
function Typist:look_at_server(entry)
  if not self.server then self:fail "a console block without a command, and no server runs" end
  local after = (entry.output .. "\n"):match "^%^C\n(.*)$"
  if after then return self:stop(after) end
  local why
  local came = wait_until(function()
    local fits
    fits, why = matches("…\n" .. entry.output, self:server_output(self.server.seen), true)
    return fits
  end, 20)
  if not came then self:fail("the other terminal, since it was looked at last: %s", why) end
  self.server.seen = #self:server_output() + 1
end

-- ---- files --------------------------------------------------------------------------------------------------------------

local LOADS = { lua = true, sql = true, html = true, env = true }

local function makes_load(name) return LOADS[name:match "%.(%w+)$" or ""] and not name:find "^spec/" end

-- How often `rille dev` has loaded the program, or tried to.
function Typist:loads()
  local output = self:server_output()
  return select(2, output:gsub("loaded in %d+ ms", "")) + select(2, output:gsub("does not load", ""))
end

-- Files that blocks in a row have changed are saved at once, while `rille dev` is held, so that it loads once.
function Typist:save()
  local pending = self.pending
  self.pending = {}
  if #pending == 0 then return end
  local watched = self.server and self.server.command:find "rille dev" and self:is_running()
  local loads, expects = watched and self:loads(), false
  if watched then self:signal "STOP" end
  for _, entry in ipairs(pending) do
    write(self.here .. "/" .. entry.name, entry.text)
    expects = expects or makes_load(entry.name)
  end
  if watched then self:signal "CONT" end
  if watched and expects and not wait_until(function() return self:loads() > loads end) then
    self:fail("%s was saved, and rille dev did not load it:\n%s", pending[1].name, self:server_output())
  end
end

function Typist:text_of(name)
  for i = #self.pending, 1, -1 do
    if self.pending[i].name == name then return self.pending[i].text end
  end
  local text = read(self.here .. "/" .. name)
  return text and self:to_page(text)
end

function Typist:type_file(block)
  if not block.before:find("`" .. block.file .. "`", 1, true) then
    self:fail("the paragraph above does not name the file `%s`", block.file)
  end
  local text = block.text
  if block.language == "diff" then
    local why
    local before = self:text_of(block.file) or self:fail("%s is to be changed, and is not there", block.file)
    text, why = printed.change(before, block.text)
    if not text then self:fail("%s: %s", block.file, why) end
  end
  self.project = self.here
  self.pending[#self.pending + 1] = { name = block.file, text = self:to_here(text) }
end

-- ---- a page -------------------------------------------------------------------------------------------------------------

function Typist:compare(command, expected)
  if shows_progress(command) then self:fail("$ %s: shows curl's progress too; write curl -s", command) end
  local fits, why = matches(expected, self:run(command))
  if not fits then self:fail("$ %s: %s", command, why) end
end

function Typist:type_command(entry)
  self.line = entry.line
  self.printed_errors = self.printed_errors + select(2, entry.output:gsub("%f[%d]500%f[%D]", ""))
  if entry.untested then return end -- for readers only
  if self.say and entry.command then self.say(entry.command) end
  if not entry.command then self:look_at_server(entry)
  elseif is_server(entry) then self:start(entry)
  else self:compare(entry.command, entry.output) end
end

function Typist:type_block(block)
  self.line = block.line
  if block.file then return self:type_file(block) end
  if block.language ~= "console" then return end
  self:save()
  for _, entry in ipairs(printed.commands(block)) do self:type_command(entry) end
end

-- The project at a chapter's end, as the solution of each exercise finds it.
function Typist:begin_solution()
  self:stop()
  self.errors_before = self.printed_errors
  run("rm -rf %s && cp -a %s/end %s", quoted(self.project), self.room, quoted(self.project))
  self.here = self.project
end

function Typist:end_section(name, on_end)
  self:save()
  self:stop()
  if not self.project then return end
  self.here = self.project
  if on_end then on_end(name) end
end

--- type(on_end) types all of the page. on_end(what) is called at the chapter's end ("the chapter") and at the end of each
--- solution, with the project in self.project.
function Typist:type(on_end)
  self.pending, self.printed_errors = {}, 0
  local part
  for _, block in ipairs(printed.blocks(assert(read(self.path), self.path))) do
    local to_type = block.file or block.language == "console"
    if to_type and block.exercise ~= part then
      self:end_section(part and "solution " .. part or "the chapter", on_end)
      if not part then run("cp -a %s %s/end", quoted(self.project), self.room) end
      part = block.exercise
      self:begin_solution()
    end
    self:type_block(block)
  end
  self:end_section(part and "solution " .. part or "the chapter", on_end)
end

function Typist:close()
  if self.server and self:is_running() then
    self:signal "KILL"
    wait_until(function() return not self:is_running() end)
  end
  self.server = nil
  os.execute("rm -rf " .. quoted(self.room))
end

Typist.__close = Typist.close

-- ---- against the complete code ------------------------------------------------------------------------------------------

local MADE = { "%.db$", "%.db%-%a+$", "^%.env$", "^jar$" } -- by commands; not part of the code

local function is_made(name)
  for _, pattern in ipairs(MADE) do
    if name:find(pattern) then return true end
  end
  return false
end

local function files_of(folder)
  local set = {}
  for name in output_of(("cd %s && find . -type f"):format(quoted(folder))):gmatch "%./([^\n]+)" do
    if not is_made(name) then set[name] = true end
  end
  return set
end

--- differences(folder) -> list of what differs between the project and that folder
function Typist:differences(folder)
  local here, there, list = files_of(self.project), files_of(folder), {}
  for name in pairs(here) do
    if not there[name] then list[#list + 1] = name .. " is not in " .. folder
    elseif self:to_page(read(self.project .. "/" .. name)) ~= read(folder .. "/" .. name) then
      list[#list + 1] = ("%s is another one in %s:\n%s"):format(name, folder, output_of(("diff %s %s"):format(
        quoted(self.project .. "/" .. name), quoted(folder .. "/" .. name))))
    end
  end
  for name in pairs(there) do
    if not here[name] then list[#list + 1] = name .. " of " .. folder .. " is not on the page" end
  end
  table.sort(list)
  return list
end

--- copy_to(folder): makes that folder what the page builds
function Typist:copy_to(folder)
  run("rm -rf %s && mkdir -p %s", quoted(folder), quoted(folder))
  for name in pairs(files_of(self.project)) do
    write(folder .. "/" .. name, self:to_page(read(self.project .. "/" .. name)))
  end
end

return M
