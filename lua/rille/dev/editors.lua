-- RILLE_EDITOR: how a browser opens a line of a file in the editor. A URL with {path} and {line}, or the name of an editor whose
-- URL is known here.
local native = require "rille.native.core"

local M = {}

local known = {
  vscode = "vscode://file/{path}:{line}", code = "vscode://file/{path}:{line}",
  vscodium = "vscodium://file/{path}:{line}", codium = "vscodium://file/{path}:{line}",
  cursor = "cursor://file/{path}:{line}", windsurf = "windsurf://file/{path}:{line}", zed = "zed://file/{path}:{line}",
  idea = "idea://open?file={path}&line={line}", sublime = "subl://open?url=file://{path}&line={line}",
  subl = "subl://open?url=file://{path}&line={line}", emacs = "emacs://open?url=file://{path}&line={line}",
  textmate = "txmt://open?url=file://{path}&line={line}", macvim = "mvim://open?url=file://{path}&line={line}",
  atom = "atom://core/open/file?filename={path}&line={line}",
}

local given = os.getenv "RILLE_EDITOR"

--- template_of(what RILLE_EDITOR says) -> a URL with {path} and {line}, or nil. A program with its path ("/usr/bin/code")
--- is known by its name. Paths begin with a slash, so that of "file/{path}" is theirs.
function M.template_of(text)
  if not text or text == "" then return nil end
  if not text:find("{path}", 1, true) and not text:find("{file}", 1, true) then text = known[text:match "[^/]+$" or ""] end
  return text and (text:gsub("{file}", "{path}"):gsub("([^/])/{path}", "%1{path}"))
end

--- template() -> the URL with {path} (which begins with a slash) and {line}, or nil
function M.template() return M.template_of(given) end

function M.is_set() return M.template() ~= nil end

--- Returns what is wrong with RILLE_EDITOR, or nil.
function M.complaint()
  if not given or given == "" or M.is_set() then return nil end
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  return ("RILLE_EDITOR is '%s', which opens nothing: a URL such as vscode://file/{path}:{line} was expected, or one of %s")
    :format(given, table.concat(names, ", "))
end

local function encoded(path) return (path:gsub("[^/]+", native.url_encode)) end

--- url(path, line, template?) -> the link, or nil where no editor is named
function M.url(path, line, template)
  local values = { path = encoded(path), line = tostring(line), column = "1" }
  template = template or M.template()
  return template and (template:gsub("{(%w+)}", values)) or nil
end

return M
