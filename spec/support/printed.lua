-- What a page of the docs tells its reader to type, in order, and whether what came is what is printed.
--
--   ```lua app.lua     a whole file
--   ```diff app.lua    a change of one: lines with + are typed, lines with - are removed, the others find the place
--   ```console         lines of `$ command`, and below each what it prints; … stands for what varies
--   ```lua             without a name: to be read
--
--   printed.blocks(text) -> list of {language=, file=, text=, line=, before=, exercise=}
--   printed.commands(block) -> list of {command=, output=, line=, untested=}
--   printed.change(text, diff) -> text | nil, why
--   printed.matches(expected, came, open) -> true | false, why

local M = {}

-- ---- blocks -------------------------------------------------------------------------------------------------------------

local function lines_of(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

M.lines_of = lines_of

-- The number of the solution that a heading opens: "### 2. …" below "## Solutions".
local function exercise_of(section, heading)
  return section == "Solutions" and math.tointeger(tonumber(heading:match "^### (%d+)%.")) or nil
end

--- blocks(text) -> the code blocks of a page in Markdown; `before` is the paragraph above, `section` the heading "## …" above,
--- `exercise` the number of the exercise that the block solves
function M.blocks(text)
  local list, block, section, exercise, before, gap = {}, nil, nil, nil, "", false
  for number, line in ipairs(lines_of(text)) do
    if block and line == "```" then
      block.text = table.concat(block.lines, "\n") .. "\n"
      list[#list + 1], block, before = block, nil, ""
    elseif block then
      block.lines[#block.lines + 1] = line
    elseif line:find "^```" then
      local language, file = line:match "^```(%S*)%s*(.-)%s*$"
      block = { language = language, file = file ~= "" and file or nil, line = number, lines = {}, before = before,
        section = section, exercise = exercise }
    else
      if line:find "^## " then section, exercise = line:sub(4), nil end
      if line:find "^### " then exercise = exercise_of(section, line) end
      if line == "" then gap = true
      else
        before = gap and line or before .. "\n" .. line
        gap = false
      end
    end
  end
  return list
end

-- ---- commands -----------------------------------------------------------------------------------------------------------

--- commands(block) -> what a console block types; one without a `$` has a single entry without a command. A command whose last
--- word is a comment "# needs …" is to be typed by readers only. A command that ends with \ goes on in the next line.
function M.commands(block)
  local list, current, continues = {}, nil, false
  for i, line in ipairs(block.lines) do
    if continues then
      current.command = current.command .. "\n" .. line
    elseif line:find "^%$ " then
      current = { command = line:sub(3), lines = {}, line = block.line + i }
      list[#list + 1] = current
    else
      if not current then
        current = { lines = {}, line = block.line + i }
        list[1] = current
      end
      current.lines[#current.lines + 1] = line
    end
    continues = current.command ~= nil and #current.lines == 0 and line:find "\\$" ~= nil
  end
  for _, entry in ipairs(list) do
    entry.output = table.concat(entry.lines, "\n")
    entry.untested = entry.command ~= nil and entry.command:find "%s# needs " ~= nil
  end
  return list
end

-- ---- changes ------------------------------------------------------------------------------------------------------------

local function places(lines, old)
  local found = {}
  for i = 1, #lines - #old + 1 do
    local fits = true
    for j, line in ipairs(old) do
      if lines[i + j - 1] ~= line then
        fits = false
        break
      end
    end
    if fits then found[#found + 1] = i end
  end
  return found
end

-- The line of the block at which the best attempt to find the place fails.
local function first_stranger(lines, old)
  local furthest = 0
  for i = 1, #lines do
    local j = 0
    while j < #old and lines[i + j] == old[j + 1] do j = j + 1 end
    furthest = math.max(furthest, j)
  end
  return old[furthest + 1]
end

local function hunks_of(diff)
  local hunks, hunk = {}, nil
  for _, line in ipairs(lines_of(diff)) do
    if line:find "^@@" then
      hunk = nil
    else
      if not hunk then
        hunk = { old = {}, new = {} }
        hunks[#hunks + 1] = hunk
      end
      local mark, rest = line:sub(1, 1), line:sub(2)
      if mark ~= "" and not mark:find "[-+ ]" then
        return nil, ("a line begins with neither +, - nor a space: %s"):format(line)
      end
      if mark ~= "+" then hunk.old[#hunk.old + 1] = rest end
      if mark ~= "-" then hunk.new[#hunk.new + 1] = rest end
    end
  end
  return hunks
end

--- change(text, diff) -> the text with the change made; nil and why where a reader would not find the one place for it
function M.change(text, diff)
  local hunks, why = hunks_of(diff)
  if not hunks then return nil, why end
  local lines = lines_of(text)
  for _, hunk in ipairs(hunks) do
    local found = places(lines, hunk.old)
    if #found == 0 then
      return nil, ("the change fits nowhere; the file lacks the line: %s"):format(first_stranger(lines, hunk.old))
    end
    if #found > 1 then return nil, ("the change fits in %d places; show more lines around it"):format(#found) end
    for _ = 1, #hunk.old do table.remove(lines, found[1]) end
    for i, line in ipairs(hunk.new) do table.insert(lines, found[1] + i - 1, line) end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- what came ----------------------------------------------------------------------------------------------------------

local function fits(expected, came)
  if expected == came then return true end
  if not expected:find("…", 1, true) then return false end
  local pattern = expected:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("…", ".-")
  return came:find("^" .. pattern .. "$") ~= nil
end

local function trimmed(text)
  local lines = lines_of((text:gsub("\r", "")))
  for i, line in ipairs(lines) do lines[i] = line:gsub("%s+$", "") end
  while #lines > 0 and lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

-- Whether expected[i…] fits came[j…]; notes how far it came.
local function follow(expected, came, i, j, open, reached)
  while i <= #expected and expected[i] ~= "…" do
    if i > reached.i then reached.i, reached.j = i, j end
    if not came[j] or not fits(expected[i], came[j]) then return false end
    i, j = i + 1, j + 1
  end
  if i > #expected then
    if i > reached.i then reached.i, reached.j = i, j end
    return open or j > #came
  end
  for k = j, #came + 1 do
    if follow(expected, came, i + 1, k, open, reached) then return true end
  end
  return false
end

local function quoted(lines)
  local shown = {}
  for i = 1, math.min(#lines, 60) do shown[i] = "    " .. lines[i] end
  if #lines > 60 then shown[61] = ("    and %d lines more"):format(#lines - 60) end
  if #lines == 0 then shown[1] = "    (nothing)" end
  return table.concat(shown, "\n")
end

--- matches(expected, came, open) -> true | false, why; … in a line stands for any text, a line of … for any lines.
--- `open`: more may follow.
function M.matches(expected, came, open)
  expected, came = trimmed(expected), trimmed(came)
  local reached = { i = 0, j = 0 }
  if follow(expected, came, 1, 1, open, reached) then return true end
  local function at(lines, i) return lines[i] and "'" .. lines[i] .. "'" or "the end" end
  return false, ("printed is\n%s\nwhat came is\n%s\nthe first difference: printed is %s, what came is %s"):format(
    quoted(expected), quoted(came), at(expected, reached.i), at(came, reached.j))
end

return M
