-- The error page of development: what failed, where, for which request. HTML for browsers, text for curl, JSON for those who
-- speak it; all from the plain data of rille/dev/failure.lua and, where a request failed, of rille/dev/record.lua. Whatever is
-- shown may be a stranger's, so every text passes escape().
local editors = require "rille.dev.editors"
local native = require "rille.native.core"

local M = {}

local escape = native.html_escape
local concat = table.concat

-- ---- headers ----------------------------------------------------------------------------------------------------

local policy = "default-src 'none'; img-src data:; style-src 'nonce-%s'; script-src 'nonce-%s'; connect-src 'self'; "
  .. "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
local strictest = "default-src 'none'; frame-ancestors 'none'"

--- guard(res, policy?) -> res with the headers of development's own pages
function M.guard(res, policy_of_page)
  return res:header("Content-Security-Policy", policy_of_page or strictest):header("Cache-Control", "no-store")
    :header("X-Content-Type-Options", "nosniff"):header("Referrer-Policy", "no-referrer")
    :header("Cross-Origin-Resource-Policy", "same-origin"):header("X-Frame-Options", "DENY")
end

-- ---- links ----------------------------------------------------------------------------------------------------

--- Returns a URL that shows a line of a file: in the editor that RILLE_EDITOR names, or in the dashboard.
function M.source_url(file, line)
  return editors.url(require("rille.dev.failure").path_of(file) or file, line)
    or ("/_rille/source?file=%s&line=%d#at"):format(native.url_encode(file), line)
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

local function section(title, body, note)
  if not body or body == "" then return "" end
  return ('<section><h2>%s%s</h2>%s</section>'):format(escape(title), note and " <small>" .. escape(note) .. "</small>" or "",
    body)
end

local function folded(title, body, count)
  if body == "" then return "" end
  return ('<details class="fold"><summary>%s <small>%d</small></summary>%s</details>'):format(escape(title), count, body)
end

-- A cookie is not for everybody who looks at the screen.
local function value_html(item)
  if not item[3] then return escape(item[2]) end
  return ('<details class="secret"><summary>hidden</summary>%s</details>'):format(escape(item[2]))
end

local function pairs_html(list, class)
  local out = {}
  for i, item in ipairs(list or {}) do out[i] = ("<tr><th>%s</th><td>%s</td></tr>"):format(escape(item[1]), value_html(item)) end
  return #out > 0 and ('<table class="%s">%s</table>'):format(class or "fields", concat(out)) or ""
end

local function named(title, list, class)
  local body = pairs_html(list, class)
  return body == "" and "" or ("<h3>%s</h3>%s"):format(escape(title), body)
end

-- ---- frames -------------------------------------------------------------------------------------------------------

local function title_of(frame)
  if frame.template then return "template" end
  if frame.spawned then return "spawned at" end
  if frame.name then return frame.name == "main chunk" and frame.name or frame.name .. "()" end
  return frame.from and ("function of line %d"):format(frame.from) or "function"
end

local function frame_html(frame, open)
  if not (frame.own and frame.line and (frame.excerpt or frame.locals)) then
    local text = frame.own and frame.line and link(frame.text, frame.file, frame.line) or escape(frame.text)
    return ('<p class="frame">%s</p>'):format(text)
  end
  return ('<details class="frame own"%s><summary><b>%s</b> %s</summary>%s%s%s</details>'):format(open and " open" or "",
    escape(title_of(frame)), link(frame.file .. ":" .. frame.line, frame.file, frame.line),
    frame.excerpt and excerpt_html(frame.excerpt, frame.line) or "",
    named(frame.template and "Variables of the page" or "Locals", frame.locals, "vars"),
    named("From around the function", frame.upvalues, "vars"))
end

-- The frame at fault is open; where the message names another place, that stands above all.
local function frames_html(failure)
  local out, first = {}, nil
  for i, frame in ipairs(failure.frames or {}) do
    local at = not first and frame.excerpt and frame.file == failure.file and frame.line == failure.line
    first = first or at
    out[i] = frame_html(frame, at)
  end
  return concat(out), first
end

-- ---- SQL and log ----------------------------------------------------------------------------------------------------

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

local function repeated_html(list)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = ('<p class="warn">%d times, at %s: <code>%s</code></p>'):format(item.count, escape(item.at), escape(item.sql))
  end
  return concat(out)
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

local function count_of(list) return list and #list or 0 end

local function request_html(request)
  if not request then return "" end
  local file, line = (request.handler or ""):match "^(.*):(%d+)$"
  local about = (file and '<p>Handler ' .. link(request.handler, file, math.tointeger(tonumber(line))) .. "</p>" or "")
    .. named("Query", request.query) .. named("Parameters of the path", request.params)
  local count = #request.sql == 1 and "1 statement" or #request.sql .. " statements"
  return section("SQL so far", repeated_html(request.repeated) .. sql_html(request.sql), count)
    .. section("Log", logs_html(request.logs))
    .. section("Request", about .. folded("Headers", pairs_html(request.headers), count_of(request.headers))
      .. folded("Session", pairs_html(request.session), count_of(request.session)), request.method .. " " .. request.target)
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

local MOST_LOCALS = 12

-- The variables of the frame at fault.
local function locals_text(failure)
  for _, frame in ipairs(failure.frames or {}) do
    if frame.own and frame.line == failure.line and frame.locals and #frame.locals > 0 then
      local out = { "\nlocals:" }
      for i = 1, math.min(#frame.locals, MOST_LOCALS) do
        out[#out + 1] = ("  %s = %s"):format(frame.locals[i][1], frame.locals[i][2])
      end
      return concat(out, "\n")
    end
  end
end

-- With the place in the statement, where that is known.
local function message_text(failure)
  local sql = failure.sql
  return failure.message .. (sql and (", %s:\n%s"):format(sql.place, sql.excerpt) or "")
end

--- text(failure, request?) -> for curl, and what "copy as text" copies: no header and no cookie is in it
function M.text(failure, request)
  local out = { message_text(failure) }
  local function add(text) out[#out + 1] = text end
  if place(failure) then add("at " .. place(failure)) end
  if failure.hint then add("\nhint: " .. failure.hint) end
  if failure.excerpt then add("\n" .. excerpt_text(failure)) end
  add(locals_text(failure))
  if failure.frames and #failure.frames > 0 then
    add "\ntraceback:"
    for _, frame in ipairs(failure.frames) do add("  " .. frame.text) end
  end
  if request then add(("\n%s %s"):format(request.method, request.target)) end
  if request and #request.sql > 0 then add("\nSQL so far:\n" .. sql_text(request.sql)) end
  if request and #request.logs > 0 then add("\nLog:\n" .. log_lines(request.logs)) end
  return concat(out, "\n") .. "\n"
end

--- json(failure, request?, status?) -> plain data for an API client
function M.json(failure, request, status)
  local trace = native.array {}
  for i, frame in ipairs(failure.frames or {}) do trace[i] = frame.text end
  return { error = { status = status or 500, code = failure.code, id = failure.id, message = failure.whole or failure.message,
    hint = failure.hint, file = failure.file, line = failure.line, traceback = trace, sql = request and request.sql,
    logs = request and request.logs } }
end

local document = [[<!doctype html>
<html lang="en" data-rille-generation="%d"%s>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><link rel="icon" href="data:,">
<title>%s</title><style nonce="%s">%s</style>
<body>%s<script nonce="%s" src="/_rille/live.js?v=%d"></script>%s
]]

--- document(title, body, generation, attributes?, script?) -> page, policy. The page has the dashboard's style and follows
--- reloads; the policy is its Content-Security-Policy.
function M.document(title, body, generation, attributes, script)
  local nonce = native.random_token(16)
  local more = script and ('<script nonce="%s" src="%s"></script>'):format(nonce, script) or ""
  return document:format(generation, attributes or "", escape(title), nonce, native.embedded "rille/dev/page.css", body, nonce,
    generation, more), policy:format(nonce, nonce)
end

local function sql_place_html(sql)
  return sql and ('<p>The statement, %s:</p><pre class="statement">%s</pre>'):format(escape(sql.place), escape(sql.excerpt)) or ""
end

-- `code` in a hint.
local function hint_html(hint)
  if not hint then return "" end
  return '<p class="hint"><b>Hint</b> ' .. escape(hint):gsub("`([^`]*)`", "<code>%1</code>") .. "</p>"
end

local function head_html(failure, opts)
  local where = place(failure)
  local text = opts.note or (where and "Edit it and save: this page loads again by itself."
    or "This page loads again by itself as soon as the code is saved.")
  return ('<header><p class="kind">%s</p><h1>%s</h1><p class="where">%s <span class="state" role="status">%s</span></p></header>')
    :format(escape(opts.kind), escape(failure.message), where and link(where, failure.file, failure.line) or "", escape(text))
end

local function buttons_html(failure, opts)
  local more = opts.request and opts.request.id
    and ('<a class="button" href="/_rille#requests/%s">All of this request</a>'):format(escape(opts.request.id)) or ""
  local editor = failure.file and failure.line and editors.is_set()
    and ('<a class="button" href="%s">Open in the editor</a>'):format(escape(M.source_url(failure.file, failure.line))) or ""
  return '<p class="buttons">' .. editor .. '<button type="button" data-rille-copy>Copy as text</button>' .. more .. "</p>"
end

--- html(failure, {kind=, generation=, request=, note=, still=}) -> page, its policy
function M.html(failure, opts)
  local frames, has_place = frames_html(failure)
  local body = head_html(failure, opts) .. sql_place_html(failure.sql) .. hint_html(failure.hint) .. buttons_html(failure, opts)
    .. (failure.excerpt and not has_place and excerpt_html(failure.excerpt, failure.line) or "")
    .. section("Traceback", frames) .. request_html(opts.request)
    .. ('<footer>rille %s, %s</footer>'):format(escape(native.version), _VERSION)
    .. ('<pre hidden id="rille-text">%s</pre>'):format(escape(M.text(failure, opts.request)))
  local method = opts.request and opts.request.method or "GET"
  local attributes = (' data-rille-method="%s"%s'):format(escape(method), opts.still and " data-rille-still" or "")
  return M.document(failure.message, "<main>" .. body .. "</main>", opts.generation, attributes)
end

--- source(file, line, excerpt, generation) -> a page with the whole file, its policy
function M.source(file, line, excerpt, generation)
  local body = ('<main class="wide"><h1>%s</h1>%s</main>'):format(escape(file), (excerpt_html(excerpt, line):gsub(
    'class="row at"', 'class="row at" id="at"', 1)))
  return M.document(file, body, generation)
end

local bar = [[
<form class="filter" id="filter" role="search">
<input type="search" id="path" placeholder="Filter by path or method" aria-label="Filter by path or method" autocomplete="off">
<select id="status" aria-label="Status"><option value="">Any status</option><option value="2">2xx</option>
<option value="3">3xx</option><option value="4">4xx</option><option value="5">5xx</option></select>
<label><input type="checkbox" id="files"> files</label></form>]]

--- panel(generation) -> the page of /_rille; panel.js fills it
function M.panel(generation)
  local tabs = {}
  for i, name in ipairs { "requests", "errors", "log", "routes", "tasks", "memory" } do
    tabs[i] = ('<button type="button" data-tab="%s">%s</button>'):format(name, name:gsub("^%l", string.upper))
  end
  local body = '<main class="wide"><nav><a class="home" href="/" title="To the site">rille dev</a>' .. concat(tabs) .. "</nav>"
    .. bar .. '<div id="view"></div></main>'
  local attributes = (' data-rille-still data-rille-root="%s" data-rille-editor="%s"'):format(escape(native.root),
    escape(editors.template() or ""))
  return M.document("rille dev", body, generation, attributes, "/_rille/panel.js?v=" .. generation)
end

return M
