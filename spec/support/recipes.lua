-- The recipes of docs/cookbook.md, done as they say: the files are written, what stands behind `$` is typed into one shell, and
-- what comes is compared with what stands below it.
--
--   recipes.read(path) -> list of {title, line, files = {{path, text}}, steps = {{command, expected}}}
--   recipes.run(recipe) -> list of what is wrong: texts
--
-- "…" stands for anything within a line, a line of it alone for any lines. Two lines of JSON are equal whatever the order of
-- their keys. A command with "# not tested" in it is left out. `rille serve … &` is waited for until it listens (its log is
-- log.txt where it says so); the ports 8080 and 8081 are two that are free.
local native = require "rille.native.core"
local rille = require "rille"
local scratches = require "spec.support.scratch"
local testing = require "rille.testing"

local M = {}
local MARK = "@@@@" -- before the output of each command

-- ---- reading ---------------------------------------------------------------------------------------------------------

local function steps_of(text)
  local steps = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    if line:find "^%$ " then steps[#steps + 1] = { command = line:sub(3), expected = {} }
    else table.insert(steps[#steps].expected, line) end
  end
  return steps
end

local function add_block(recipe, info, text)
  local path = info:match "^%w+ (%S+)$"
  if path then recipe.files[#recipe.files + 1] = { path = path, text = text .. "\n" }
  elseif info == "console" then
    for _, step in ipairs(steps_of(text)) do recipe.steps[#recipe.steps + 1] = step end
  end
end

function M.read(path)
  local list, block = {}, nil
  local file <close> = assert(io.open(path, "rb"))
  local number = 0
  for line in file:lines() do
    number = number + 1
    local info = line:match "^```(.*)"
    if block and info == "" then
      add_block(list[#list], block.info, table.concat(block, "\n"))
      block = nil
    elseif block then block[#block + 1] = line
    elseif info then block = { info = info }
    elseif line:find "^### " then list[#list + 1] = { title = line:sub(5), line = number, files = {}, steps = {} } end
  end
  return list
end

-- ---- comparing -------------------------------------------------------------------------------------------------------

local function as_pattern(line)
  return "^" .. line:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("…", ".*") .. "$"
end

local function same_json(a, b)
  if not (a:find "^[{%[]" and b:find "^[{%[]") then return false end
  local left, right = rille.try(rille.json_decode, a), rille.try(rille.json_decode, b)
  return left ~= nil and right ~= nil and native.json_canonical(left) == native.json_canonical(right)
end

local function same_line(expected, came)
  return expected == came or came:find(as_pattern(expected)) ~= nil or same_json(expected, came)
end

-- Whether lines from i and j on fit; a line "…" takes any number.
local function fit(expected, came, i, j)
  if i > #expected then return j > #came end
  if expected[i] == "…" then
    for k = j, #came + 1 do
      if fit(expected, came, i + 1, k) then return true end
    end
    return false
  end
  return j <= #came and same_line(expected[i], came[j]) and fit(expected, came, i + 1, j + 1)
end

local function without_end(lines)
  while lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = (line:gsub("\r$", "")) end
  return without_end(lines)
end

-- ---- running ---------------------------------------------------------------------------------------------------------

local function free_port()
  local server = testing.server(rille.app())
  local port = server.port
  server:close()
  return port
end

local function is_server(command) return command:find "&$" and (command:find "rille serve" or command:find "Procfile") end

local function script_of(recipe, here)
  local lines, servers = {}, 0
  for i, step in ipairs(recipe.steps) do
    lines[#lines + 1] = ("echo; echo %s %d"):format(MARK, i)
    local command = here(step.command)
    if step.command:find "# not tested" then lines[#lines + 1] = ":"
    elseif is_server(step.command) then
      servers = servers + 1
      lines[#lines + 1] = command:gsub("&$", ">> server.log" .. (command:find "2>" and "" or " 2>&1") .. " &")
      lines[#lines + 1] = "listening " .. servers
    else lines[#lines + 1] = command end
  end
  return table.concat(lines, "\n") .. "\n"
end

local head = [[
exec 2>&1
export PATH=%s/bin:$PATH HOME=%s PORT=%d LANG=C.UTF-8 NO_COLOR=1 TERM=dumb RILLE_TEST_DEADLINE=60
unset HOST SECRET DATABASE RILLE_THREADS RILLE_DEBUG
listening() {
  for _ in $(seq 600); do
    [ "$(cat server.log log.txt 2> /dev/null | grep -c listening)" -ge "$1" ] && return
    sleep 0.05
  done
  echo "it does not listen:"; cat server.log log.txt
}
trap 'kill $(jobs -p) 2> /dev/null' EXIT
]]

-- busted has other signs where it does not print to a terminal.
local function as_on_a_terminal(text)
  return (("\n" .. text):gsub("%f[^\n][+*-]+%f[\n]", function(signs)
    return signs:gsub(".", { ["+"] = "●", ["-"] = "◼", ["*"] = "✱" })
  end):sub(2))
end

local function write_room(room, recipe, here)
  for _, file in ipairs(recipe.files) do room:write(file.path, here(file.text)) end
  room:write("home/.curlrc", "silent\nshow-error\n")
  room:write("bin/rille", ('#!/bin/sh\nexec %s "$@"\n'):format(room.rille))
  assert(os.execute(("chmod +x '%s'"):format(room:path "bin/rille")))
end

-- On a machine that has much else to do, rille says that loading took long: that is no part of what a page shows.
local function without_stalls(lines)
  local kept, within = {}, false
  for _, line in ipairs(lines) do
    within = line:find "warn  a task has run for %d+ ms without waiting$" ~= nil or within and line:find "^%s%s+" ~= nil
    if not within then kept[#kept + 1] = line end
  end
  return kept
end

local function compare(step, came, wrong)
  came = without_stalls(came)
  local expected = without_end(step.expected)
  if fit(expected, came, 1, 1) then return end
  wrong[#wrong + 1] = ("$ %s\nexpected:\n%s\ncame:\n%s")
    :format(step.command, table.concat(expected, "\n"), table.concat(came, "\n"))
end

function M.run(recipe)
  local room <close> = scratches.new()
  local first, second = free_port(), free_port()
  local function here(text) return (text:gsub("%f[%d]8080%f[%D]", first):gsub("%f[%d]8081%f[%D]", second)) end
  write_room(room, recipe, here)
  room:write("script", head:format(room.directory, room:path "home", first) .. script_of(recipe, here))
  local output = as_on_a_terminal(room:run "bash script")
  output = output:gsub("%f[%d]" .. first .. "%f[%D]", "8080"):gsub("%f[%d]" .. second .. "%f[%D]", "8081")
  local wrong, from = {}, 1
  while true do
    local _, start, number = output:find("\n" .. MARK .. " (%d+)\n", from)
    if not start then break end
    from = output:find("\n" .. MARK, start, true) or #output + 1
    compare(recipe.steps[tonumber(number)], lines_of(output:sub(start + 1, from - 1)), wrong)
  end
  return wrong
end

return M
