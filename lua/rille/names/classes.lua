-- The classes and modules that a program can name: which tables hold their names. names.lua fills this.
local mistake = require "rille.mistake"
local signatures = require "rille.names.signatures"

local M = {}

local classes = {} -- name -> {tables that hold its names, set of fields}
M.classes = classes

--- Returns the class of a name, which is made if there is none yet.
function M.class_of(what)
  local class = classes[what]
  if not class then
    class = { tables = {}, fields = {} }
    classes[what] = class
  end
  return class
end

--- Returns the module `rille`, or nil if nobody has loaded it.
function M.library()
  local class = classes.rille
  return class and class.tables[1]
end

--- Returns true if a value is `rille`, or a table of its functions such as `rille.log`.
function M.is_module(value)
  for name, class in pairs(classes) do
    if (name == "rille" or name:find "^rille%.") and rawequal(class.tables[1], value) then return true end
  end
  return false
end

--- Raises if the first argument of a function, which is no method, is what stands before a colon.
function M.check_colon(value, name)
  if type(value) ~= "table" or not M.is_module(value) then return end
  local entry = signatures.entry(name:match "^(.*)%.([%w_]+)$")
  mistake.raise("%s was called with a colon: write %s", name, entry and entry.shown or name)
end

return M
