-- Describes an error as plain data: for the error page, for curl, for API clients, and for the terminal.
--
--   {message, code, status, file, line, hint, excerpt = {first, lines}, sql = {place, excerpt},
--    frames = {{text, file, line, own, name, template, excerpt, locals = {{name, text}}, upvalues}}}
--
-- Positions come from the message ("app/posts.lua:12: …", or what Lua says of a module that does not load); where it has
-- none, from the first frame of the program's own. Secrets are hidden (secrets.lua).
local errors = require "rille.error"
local hint = require "rille.dev.hint"
local native = require "rille.native.core"
local raised_frames = require("rille.dev.raised").frames
local secrets = require "rille.dev.secrets"
local without_root = require("rille.paths").without_root

local M = {}

local AROUND = 6 -- lines of source above and below the one at fault
local AROUND_FRAME = 4
local MOST_FRAMES = 60
local MOST_EXCERPTS = 15
local LONGEST_LINE = 400

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

-- A line of source as it is shown; one of a file that was packed is longer than anybody reads.
local function shown(text)
  local line, whole = secrets.head(secrets.hide_source((text:sub(1, 5 * LONGEST_LINE):gsub("\r$", ""))), LONGEST_LINE)
  return native.utf8_valid(line) and line .. (whole and "" or " …") or "(not UTF-8)"
end

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
    if number >= first then lines[#lines + 1] = shown(text) end
  end
  source:close()
  if #lines == 0 then return nil end
  return { first = first, lines = lines }
end

local function frame_of(line_of_trace)
  local text = without_root(line_of_trace)
  local file, line = text:match "^spawned at (.-):(%d+)$"
  local spawned = file ~= nil or nil
  if not file then file, line = text:match "^([^:]+):(%d+):" end
  local own = file ~= nil and is_own(file)
  return { text = text, file = file, line = math.tointeger(tonumber(line)), own = own, spawned = spawned }
end

-- An error may carry anything, such as a value whose __tostring raises.
local function text_of(value)
  local ok, text = pcall(tostring, value)
  return ok and text or ("a %s"):format(type(value))
end

local function visible(text) return secrets.readable(secrets.hide(text_of(text))) end

-- Adds the variables of the frames, noted when it was raised, to the lines of the traceback. Both are in the same order.
local function add_locals(frames, pictures)
  local at = 1
  for _, frame in ipairs(frames) do
    local picture = pictures and pictures[at]
    if picture and frame.line == picture.line and (frame.file == M.relative(picture.file) or frame.file == picture.short) then
      frame.file, frame.name, frame.template = visible(M.relative(picture.file)), picture.name, picture.template
      frame.from, frame.locals, frame.upvalues = picture.from, picture.locals, picture.upvalues
      frame.own = is_own(frame.file)
      at = at + 1
    end
  end
  return frames
end

local function add_excerpts(frames)
  local count = 0
  for _, frame in ipairs(frames) do
    if frame.own and frame.line and count < MOST_EXCERPTS then
      frame.excerpt = M.excerpt(frame.file, frame.line, AROUND_FRAME)
      count = count + 1
    end
  end
end

-- Returns the frames of a traceback; an empty list if none of them is the program's.
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

-- require says that "there is no such module" after it has looked everywhere: what matters stands first.
local function shorten(message) return (message:gsub("^(module '[^']*' not found):.*", "%1")) end

-- The message of an error of SQL ends with the place: ", in line 2, column 8:", the line itself and a mark below it.
local function split_sql(message)
  local text, place, lines = message:match "^(.-), (in line %d+[^\n]-):\n(  .*)$"
  if not text then return message end
  if lines:find(secrets.MASK, 1, true) then lines = lines:match "^[^\n]*" end -- the mark would stand below something else
  return text, { place = place, excerpt = lines }
end

-- Returns where it happened: what the message says, else the first frame of the program's own.
local function place_of(file, line, frames)
  local number = math.tointeger(tonumber(line))
  if number and is_own(file) then return M.relative(file), number end
  local frame = first_own(frames)
  if frame then return M.relative(frame.file), frame.line end
  return file and M.relative(file), number
end

local function picture(message, trace, pictures)
  local frames = add_locals(frames_of(visible(trace)), pictures)
  message = visible(message)
  local text, file, line = split(message)
  local number, sql
  text, sql = split_sql(text)
  file, number = place_of(file, line, frames)
  add_excerpts(frames)
  return {
    message = shorten(text), whole = message, file = file, line = number, excerpt = number and M.excerpt(file, number),
    frames = frames, sql = sql,
  }
end

-- A tail call leaves no frame: then the handler's place is better than none.
local function add_handler(what, place)
  local file, line = place:match "^(.*):(%d+)$"
  if not file or not is_own(file) then return end
  what.file, what.line = file, math.tointeger(tonumber(line))
  what.excerpt = M.excerpt(file, what.line)
end

--- describe(raised, known?) -> plain data. `known` tells the hint of databases and templates (hint.lua), and where the handler
--- stands ("app/posts.lua:12").
function M.describe(raised, known)
  local err = errors.wrap(raised)
  local trace = err.traceback or native.error_trace(err.cause == nil and raised or err.cause) or ""
  local what = picture(err.message or text_of(err), trace, raised_frames(raised) or raised_frames(err))
  what.code, what.status, what.id = err.code ~= nil and visible(err.code) or nil, math.tointeger(err.status), err.id
  if not what.file and known and known.handler then add_handler(what, known.handler) end
  what.hint = hint.of(what, known or {})
  return what
end

--- describe_text(message, traceback, pictures) -> plain data of what was logged only: a task that nobody waited for
function M.describe_text(message, trace, pictures)
  local what = picture(message, trace, pictures)
  what.hint = hint.of(what, {})
  return what
end

return M
