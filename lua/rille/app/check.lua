-- Checks what a program registers with an app, at the line that registers it.
local names = require "rille.names"
local native_http = require "rille.native.http"
local options = require "rille.options"
local traits = require "rille.traits"

local M = {}

local raise = options.raise

--- Returns the parts of a pattern of the router's. Raises, where the pattern is written, if it is none.
function M.parts_of(path, what)
  local ok, parts = pcall(native_http.pattern_parts, path)
  if not ok then raise("%s: %s", what, parts) end
  return parts
end

--- Raises if the app is in use already.
function M.open(app)
  if app.compiled then
    raise "the app is in use already: routes and middleware are registered while the program loads"
  end
end

M.MIDDLEWARE = "a middleware is a function(req, handler)"

--- Raises if a value is no function. What makes a middleware is none itself: rille.cors{} is one, rille.cors is not.
function M.callable(f, what, expected)
  local maker = traits.makers[f]
  if maker then raise("%s: %s makes the middleware: write %s", what, maker.name, maker.call) end
  if type(f) == "function" then return end
  local meta = getmetatable(f)
  local is_app = type(meta) == "table" and rawget(meta, "__name") == "rille.app"
  local hint = is_app and ": an app within an app is mounted, app:mount(prefix, sub)"
    or type(f) == "string" and f:find "^/" and ": for some paths only, use app:group{prefix=, use=}" or ""
  raise("%s: %s, got %s%s", what, expected, names.describe(f), hint)
end

--- Checks a list of middleware, which may be nil, and notes what they ask of the app. Returns the list.
function M.middleware(app, list, what)
  for key in pairs(list or {}) do
    if math.type(key) ~= "integer" then raise("%s: use is a list of middleware: use = { f, g }", what) end
  end
  for i, middleware in ipairs(list or {}) do
    M.callable(middleware, ("%s: use[%d]"):format(what, i), M.MIDDLEWARE)
    traits.adopt(app, middleware)
  end
  return list or {}
end

return M
