-- Errors of templates: error values whose code is "syntax", "undefined", "not_found" or "template". Their status is 500: a
-- template at fault is never the client's. The message begins with where it happened, and the fields template and line say so.
local errors = require "rille.error"

local M = {}

-- Chunk names of templates, as debug.getinfo gives them ("@templates/index.html").
local chunks = {}

--- From now on frames of this chunk count as a template's.
function M.know(chunk) chunks["@" .. chunk] = true end

--- Returns true if a frame of this source (as debug.getinfo has it) is a template's.
function M.is_template(source) return chunks[source] == true end

local function raise(code, message, fields)
  fields.status = 500
  error(errors.new(code, message, fields), 0)
end

-- ---- at compile time ------------------------------------------------------------------------------------------------

-- The text of a line, and the byte it starts at.
local function line_of(source, line)
  local start = 1
  for _ = 2, line do
    local newline = source:find("\n", start, true)
    if not newline then break end
    start = newline + 1
  end
  return source:match("[^\n]*", start), start
end

local MOST_BEFORE, MOST_SHOWN = 60, 120

-- Moves a place in a text back to the beginning of its character.
local function whole(text, at)
  while at > 1 and (text:byte(at) or 0) & 0xC0 == 0x80 do at = at - 1 end
  return at
end

-- The line with a mark below its column; of a long one, what is around that.
local function excerpt(text, column)
  local first = column > MOST_BEFORE and whole(text, column - MOST_BEFORE) or 1
  local last = whole(text, first + MOST_SHOWN) - 1
  local front, rear = first > 1 and "…" or "", last < #text and "…" or ""
  local before = text:sub(first, column - 1)
  return ("    %s%s%s\n    %s^"):format(front, text:sub(first, last):gsub("\t", " "), rear,
    (" "):rep((utf8.len(before) or #before) + (first > 1 and 1 or 0)))
end

--- Raises a syntax error. `origin` is {chunk=, name=, source=}; `at` a byte of the source, or nil for the line as a whole.
function M.syntax(origin, line, at, message)
  local text, start = line_of(origin.source, line)
  local column = at and at >= start and at - start + 1 or text:find "%S" or 1
  column = math.min(column, #text + 1)
  raise("syntax", ("%s:%d:%d: %s\n%s"):format(origin.chunk, line, column, message, excerpt(text, column)),
    { template = origin.name, line = line, column = column })
end

-- ---- at run time ----------------------------------------------------------------------------------------------------

local MOST_LEVELS = 100

-- The innermost frame that is a template's: its chunk and line.
local function position()
  for level = 3, MOST_LEVELS do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if chunks[info.source] then return info.source:sub(2), info.currentline end
  end
end

local function raise_here(code, message)
  local chunk, line = position()
  raise(code, chunk and ("%s:%d: %s"):format(chunk, line, message) or message, { template = chunk, line = line })
end

--- Raises because a template does something impossible with its values: code "template".
function M.fail(format, ...)
  local message = select("#", ...) > 0 and format:format(...) or format
  raise_here("template", message)
end

--- Something undefined was used.
function M.undefined(message) raise_here("undefined", message) end

--- No template of this name, or of these names.
function M.not_found(message) raise_here("not_found", message) end

return M
