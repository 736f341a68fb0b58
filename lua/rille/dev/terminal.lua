-- The output of `rille dev` in the terminal: a line for each request and each load; an error with its lines of source.
local native = require "rille.native.core"
local page = require "rille.dev.page"

local M = {}

local colours = { dim = 2, bold = 1, red = 31, green = 32, yellow = 33, cyan = 36 }
local coloured = native.dashboard_is_terminal() and (os.getenv "NO_COLOR" or "") == "" and os.getenv "TERM" ~= "dumb"

local function paint(colour, text) return coloured and ("\27[%dm%s\27[0m"):format(colours[colour], text) or text end

-- Replaces control characters: text from outside must not steer the terminal.
local function plain(text) return (text:gsub("[%c\127]", "?")) end

local function say(...)
  local words = { paint("dim", os.date "%H:%M:%S") }
  for _, word in ipairs { ... } do
    if word ~= "" then words[#words + 1] = word end
  end
  io.stdout:write(table.concat(words, " "), "\n")
  io.stdout:flush()
end

function M.listening(url)
  say(paint("bold", url), paint("dim", "  requests, routes, tasks: " .. url .. "/_rille"))
end

-- Says how to trust the certificate of --https. Nothing trusts it by itself.
function M.authority(path)
  say(paint("dim", "the certificate is signed by " .. path .. ", an authority of yours for this machine only. To trust it:"))
  say(paint("dim", "  curl and the like   sudo cp '" .. path .. "' /usr/local/share/ca-certificates/rille-dev.crt"
    .. " && sudo update-ca-certificates"))
  say(paint("dim", "  Firefox, Chromium   settings, certificates, authorities, import: for websites"))
end

function M.unwatched(root) say(paint("yellow", "cannot watch all of " .. root .. ": reload with kill -HUP")) end

function M.complain(text) say(paint("yellow", text)) end

function M.styles() say(paint("cyan", "styles swapped")) end

local function indented(text) return native.trim_right("    " .. text:gsub("\n", "\n    ")) end

function M.loaded(load, changed, failure)
  local why = changed and paint("dim", plain(changed)) or ""
  if not failure then
    local others = load.states > 1 and paint("dim", ("%d states alive"):format(load.states)) or ""
    say(paint("green", ("%s in %d ms"):format(load.generation == 1 and "loaded" or "reloaded", load.ms)), why, others)
    return
  end
  say(paint("red", "does not load"), why)
  io.stdout:write(indented(page.text { message = failure.message, file = failure.file, line = failure.line,
    excerpt = failure.excerpt, hint = failure.hint, sql = failure.sql }), "\n")
  io.stdout:flush()
end

local function colour_of(status) return status >= 500 and "red" or status >= 400 and "yellow" or "green" end

local function sql_of(record)
  if not record.sql or #record.sql == 0 then return "" end
  local seconds = 0
  for _, entry in ipairs(record.sql) do seconds = seconds + (entry.to or entry.from) - entry.from end
  return paint("dim", ("%d SQL in %.1f ms"):format(#record.sql, seconds * 1000))
end

function M.request(record)
  local status = record.status == 0 and "gone" or tostring(record.status)
  say(paint(record.status == 0 and "dim" or colour_of(record.status), status), ("%-6s %s"):format(plain(record.method),
    plain(record.target)), paint("dim", ("%d ms"):format(record.ms)), sql_of(record))
end

return M
