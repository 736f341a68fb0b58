-- The error page of development: what failed, where, for which request. HTML for browsers, text for curl, JSON for those who
-- speak it; all from the plain data of rille/dev/failure.lua and, where a request failed, of rille/dev/record.lua.
local native = require "rille.native"

local M = {}

local escape = native.html_escape
local concat = table.concat

-- ---- links ----------------------------------------------------------------------------------------------------

local editor = os.getenv "RILLE_EDITOR"

--- Where a line of a file can be seen: in the editor that RILLE_EDITOR names, or at the desk.
function M.source_url(file, line)
  if editor and editor ~= "" then
    local path = require("rille.dev.failure").path_of(file) or file
    return (editor:gsub("{(%w+)}", { file = path, line = tostring(line) }))
  end
  return ("/_rille/source?file=%s&line=%d"):format(native.url_encode(file), line)
end

local function link(text, file, line)
  return ('<a href="%s">%s</a>'):format(escape(M.source_url(file, line)), escape(text))
end

-- ---- pieces -----------------------------------------------------------------------------------------------------

local function excerpt_html(excerpt, line)
  local out = {}
  for i, text in ipairs(excerpt.lines) do
    local number = excerpt.first + i - 1
    out[i] = ('<span class="row%s"><span class="no">%d</span><code>%s</code></span>'):format(
      number == line and " at" or "", number, text == "" and " " or escape(text))
  end
  return '<div class="source" tabindex="0">' .. concat(out) .. "</div>"
end

local function frames_html(frames)
  local out = {}
  for i, frame in ipairs(frames) do
    local text = frame.own and frame.line and link(frame.text, frame.file, frame.line) or escape(frame.text)
    out[i] = ('<li%s>%s</li>'):format(frame.own and ' class="own"' or "", text)
  end
  return '<ol class="trace">' .. concat(out) .. "</ol>"
end

local function section(title, body, note)
  if not body or body == "" then return "" end
  return ('<section><h2>%s%s</h2>%s</section>'):format(escape(title), note and " <small>" .. escape(note) .. "</small>" or "",
    body)
end

local function pairs_html(list)
  local out = {}
  for i, item in ipairs(list) do
    out[i] = ("<tr><th>%s</th><td>%s</td></tr>"):format(escape(item[1]), escape(item[2]))
  end
  return #out > 0 and "<table>" .. concat(out) .. "</table>" or ""
end

local function milliseconds(seconds) return ("%.2f ms"):format((seconds or 0) * 1000) end

local function sql_html(statements)
  local out = {}
  for i, entry in ipairs(statements) do
    local at = entry.at and " <small>" .. escape(entry.at) .. "</small>" or ""
    out[i] = ('<tr%s><td class="ms">%s</td><td><code>%s</code>%s</td></tr>'):format(entry.error and ' class="bad"' or "",
      milliseconds(entry.to and entry.to - entry.from), escape(entry.sql), at)
  end
  return #out > 0 and '<table class="sql">' .. concat(out) .. "</table>" or ""
end

-- "warn  the cache is full size=12": as in the terminal, what goes over several lines below.
local function log_line(entry)
  local out, below = { ("%-5s %s"):format(entry.level, entry.message) }, {}
  for _, field in ipairs(entry.fields or {}) do
    if field[2]:find("\n", 1, true) then
      below[#below + 1] = ("\n  %s:\n    %s"):format(field[1], (field[2]:gsub("\n", "\n    ")))
    else
      out[#out + 1] = field[1] .. "=" .. (field[2]:find "[%s\"]" and ("%q"):format(field[2]) or field[2])
    end
  end
  return concat(out, " ") .. concat(below)
end

local function log_lines(entries)
  local out = {}
  for i, entry in ipairs(entries) do out[i] = log_line(entry) end
  return concat(out, "\n")
end

local function logs_html(entries)
  return #entries > 0 and "<pre>" .. escape(log_lines(entries)) .. "</pre>" or ""
end

local function request_html(request)
  if not request then return "" end
  return section("SQL so far", sql_html(request.sql), #request.sql .. " statements") .. section("Log", logs_html(request.logs))
    .. section("Parameters", pairs_html(request.params))
    .. section("Request", pairs_html(request.headers), request.method .. " " .. request.target)
end

-- ---- the three forms ------------------------------------------------------------------------------------------------

local function place(failure) return failure.file and failure.line and failure.file .. ":" .. failure.line or nil end

local function excerpt_text(failure)
  local out = {}
  for i, text in ipairs(failure.excerpt.lines) do
    local number = failure.excerpt.first + i - 1
    out[i] = ("%s %4d | %s"):format(number == failure.line and ">" or " ", number, text)
  end
  return concat(out, "\n")
end

local function sql_text(statements)
  local out = {}
  for i, entry in ipairs(statements) do
    out[i] = ("  %10s  %s"):format(milliseconds(entry.to and entry.to - entry.from), entry.sql)
  end
  return concat(out, "\n")
end

--- text(failure, request?) -> for curl, and what "copy as text" copies
function M.text(failure, request)
  local out = { failure.message }
  if place(failure) then out[#out + 1] = "at " .. place(failure) end
  if failure.excerpt then out[#out + 1] = "\n" .. excerpt_text(failure) end
  if failure.frames and #failure.frames > 0 then
    out[#out + 1] = "\ntraceback:"
    for _, frame in ipairs(failure.frames) do out[#out + 1] = "  " .. frame.text end
  end
  if request then out[#out + 1] = ("\n%s %s"):format(request.method, request.target) end
  if request and #request.sql > 0 then out[#out + 1] = "\nSQL so far:\n" .. sql_text(request.sql) end
  if request and #request.logs > 0 then out[#out + 1] = "\nLog:\n" .. log_lines(request.logs) end
  return concat(out, "\n") .. "\n"
end

--- json(failure, request?) -> plain data for an API client
function M.json(failure, request)
  local trace = native.array {}
  for i, frame in ipairs(failure.frames or {}) do trace[i] = frame.text end
  return { error = { status = 500, code = failure.code, id = failure.id, message = failure.whole or failure.message,
    file = failure.file, line = failure.line, traceback = trace, sql = request and request.sql,
    logs = request and request.logs } }
end

local document = [[<!doctype html>
<html lang="en" data-rille-edition="%d"%s>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
<title>%s</title><style>%s</style>
<body>%s<script src="/_rille/live.js?v=%d"></script>
]]

--- document(title, body, edition, attributes?) -> a page in the desk's style that follows reloads
function M.document(title, body, edition, attributes)
  return document:format(edition, attributes or "", escape(title), native.embedded "rille/dev/page.css", body, edition)
end

local function head_html(failure, kind)
  local where = place(failure)
  return ('<header><p class="kind">%s</p><h1>%s</h1>%s</header>'):format(escape(kind), escape(failure.message),
    where and '<p class="where">' .. link(where, failure.file, failure.line) .. "</p>" or "")
end

--- html(failure, {kind=, edition=, request=, note=}) -> page
function M.html(failure, opts)
  local body = head_html(failure, opts.kind)
    .. (failure.excerpt and excerpt_html(failure.excerpt, failure.line) or "")
    .. section("Traceback", failure.frames and #failure.frames > 0 and frames_html(failure.frames) or "")
    .. request_html(opts.request)
    .. ('<footer><button type="button" data-rille-copy>Copy as text</button><span class="state" role="status">%s</span></footer>')
      :format(escape(opts.note or "This page follows as soon as the code is saved."))
    .. ('<pre hidden id="rille-text">%s</pre>'):format(escape(M.text(failure, opts.request)))
  local method = opts.request and opts.request.method or "GET"
  local attributes = (' data-rille-method="%s"'):format(escape(method))
  return M.document(failure.message, "<main>" .. body .. "</main>", opts.edition, attributes)
end

--- source(file, line, excerpt, edition) -> a page with the whole file
function M.source(file, line, excerpt, edition)
  local body = ('<main><h1>%s</h1>%s</main>'):format(escape(file), (excerpt_html(excerpt, line):gsub('class="row at"',
    'class="row at" id="at"', 1)))
  return M.document(file, body, edition)
end

--- panel(edition) -> the page of /_rille; panel.js fills it
function M.panel(edition)
  local tabs = {}
  for i, name in ipairs { "requests", "routes", "tasks", "memory" } do
    tabs[i] = ('<button type="button" role="tab" data-tab="%s">%s</button>'):format(name, name:gsub("^%l", string.upper))
  end
  local body = '<main><nav role="tablist">%s</nav><div id="view"></div></main><script src="/_rille/panel.js"></script>'
  return M.document("rille dev", body:format(concat(tabs)), edition, " data-rille-still")
end

return M
