-- Loads a program: the file that APP names, into this Lua state.
local App = require "rille.app"
local locate = require "rille.locate"
local native = require "rille.native.core"
local paths = require "rille.paths"
local source = require "rille.source"

local M = {}

-- Returns the name by which the program itself would require the file, so that it is loaded once; nil if it could not.
local function module_name(path, root)
  if path:sub(1, #root + 1) ~= root .. "/" then return nil end
  return (path:sub(#root + 2):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

-- Raises for a file that has returned no app: it is a script, a spec, or has forgotten to return what it has made.
local function not_an_app(file, value)
  local shown, hint = paths.relative(file), ""
  if type(value) == "table" and type(rawget(value, "main")) == "function" then hint = ": rille run " .. shown .. " runs a script"
  elseif value == nil or value == true then hint = ": end it with `return app`" end
  error(("%s must return an app, or a function that returns one; it returned a %s%s"):format(shown,
    value == true and "nil" or type(value), hint), 0)
end

--- Loads a program, which is a Lua file that returns an app, or a function(settings) that returns one. Returns the app.
function M.load_app(path, settings)
  local file = locate.app(path)
  local shown = paths.relative(file)
  if file:find "_spec%.lua$" then error(("'%s' is a spec: rille test %s runs it"):format(shown, shown), 0) end
  local name = module_name(file, native.root)
  local value
  if name and package.loaded[name] then
    value = package.loaded[name]
  else
    local short = name and file:sub(#native.root + 2) or file
    local chunk, message = load(source.read(file), "@" .. short, "t")
    if not chunk then error(message, 0) end
    value = chunk(name or "app", file)
    if name then package.loaded[name] = value == nil and true or value end
  end
  if type(value) == "function" then value = value(settings or {}) end
  if not App.is(value) then not_an_app(file, value) end
  return value
end

return M
