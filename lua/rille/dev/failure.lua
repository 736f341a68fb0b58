-- What went wrong, as plain data: for the error page, for curl, for API clients, and for the terminal.
--
--   {message, code, status, file, line, excerpt = {first, lines}, frames = {{text, file, line, own}}}
--
-- Positions come from the message ("app/posts.lua:12: …", or what Lua says of a module that does not load); where it has
-- none, from the first frame of the program's own.
local errors = require "rille.error"
local native = require "rille.native"

local M = {}

local AROUND = 6 -- lines of source above and below the one at fault
local MOST_FRAMES = 60

--- A path below the root without the root.
function M.relative(path)
  return path:sub(1, #native.root + 1) == native.root .. "/" and path:sub(#native.root + 2) or path
end

--- The file as the program names it -> where it stands, or nil where it cannot be shown: outside of the root, or hidden.
function M.path_of(file)
  file = M.relative(file)
  if file:find "^/" or file:find "%.%." or file:find "^%.[^/]" or file:find "/%." then return nil end
  return native.root .. "/" .. file:gsub("^%./", "")
end

local function is_own(file) return not file:find "^rille/" and not file:find "^%[" and M.path_of(file) ~= nil end

--- excerpt(file, line, around?) -> {first =, lines =}, or nil where the file cannot be read
function M.excerpt(file, line, around)
  local path = M.path_of(file)
  local source = path and io.open(path, "rb")
  if not source then return nil end
  around = around or AROUND
  local first, lines, number = math.max(1, line - around), {}, 0
  for text in source:lines() do
    number = number + 1
    if number > line + around then break end
    if number >= first then lines[#lines + 1] = native.utf8_valid(text) and text:gsub("\r$", "") or "(not UTF-8)" end
  end
  source:close()
  if #lines == 0 then return nil end
  return { first = first, lines = lines }
end

-- "/home/ada/blog/app/posts.lua:3: in function </home/ada/blog/app/posts.lua:1>" names the root twice.
local function without_root(text)
  local root = native.root .. "/"
  local at = text:find(root, 1, true)
  while at do
    text = text:sub(1, at - 1) .. text:sub(at + #root)
    at = text:find(root, at, true)
  end
  return text
end

local function frame_of(line_of_trace)
  local text = without_root(line_of_trace)
  local file, line = text:match "^spawned at (.-):(%d+)$"
  if not file then file, line = text:match "^([^:]+):(%d+):" end
  local own = file ~= nil and is_own(file)
  return { text = text, file = file, line = math.tointeger(tonumber(line)), own = own }
end

-- Where none of them is the program's, they tell nobody anything.
local function frames_of(trace)
  local frames, any = native.array {}, false
  for text in trace:gmatch "\n[ \t]+([^\n]+)" do
    if #frames == MOST_FRAMES then break end
    frames[#frames + 1] = frame_of(text)
    any = any or frames[#frames].own
  end
  return any and frames or native.array {}
end

-- The message without its position, and the position.
local function split(message)
  local file, line = message:match "error loading module '[^']*' from file '[^']*':\n[ \t]*([^ \t\n:][^\n:]*):(%d+):"
  if file then return message:match "from file '[^']*':\n[^\n:]+:%d+:%s*(.*)", file, line end
  local rest
  file, line, rest = message:match "^([^\n:]+):(%d+):%d+:%s*([^\n]*)" -- a template's, with its column and the line itself
  if file then return rest, file, line end
  file, line, rest = message:match "^([^\n:]+):(%d+):%s*(.*)$"
  if file and (M.path_of(file) or file:find "^%[") then return rest, file, line end
  return message
end

local function first_own(frames)
  for _, frame in ipairs(frames) do
    if frame.own then return frame end
  end
end

local function visible(text)
  text = tostring(text)
  return native.utf8_valid(text) and text or (text:gsub("[\128-\255]", "?"))
end

-- require says that "there is no such module" after it has looked everywhere: what matters stands first.
local function shorten(message) return (message:gsub("^(module '[^']*' not found):.*", "%1")) end

--- describe(raised) -> plain data
function M.describe(raised)
  local err = errors.wrap(raised)
  local message = visible(err.message or tostring(err))
  local frames = frames_of(visible(err.traceback or native.error_trace(err.cause == nil and raised or err.cause) or ""))
  local text, file, line = split(message)
  local number = math.tointeger(tonumber(line))
  if not number or not is_own(file) then
    local frame = first_own(frames)
    if frame then file, number = frame.file, frame.line end
  end
  return {
    message = shorten(text), whole = message, code = err.code, status = err.status, id = err.id,
    file = file and M.relative(file), line = number, excerpt = number and M.excerpt(file, number), frames = frames,
  }
end

return M
