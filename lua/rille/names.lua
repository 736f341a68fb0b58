-- Names that a program may use. If it names or passes something else, it gets a message that says what was meant and how to
-- write it. The message is raised at the line of the program (bind/core/names.h).
--
--   names.class("app", App, {…})     reading an unknown field of an app raises, and app.get(…) with a dot does
--   names.module("rille.log", log)   the same for a table of functions
--
-- Only a miss costs something. The messages are loaded with the first one (names/messages.lua).
local classes = require "rille.names.classes"
local mistake = require "rille.mistake"
local native = require "rille.native.core"
local signatures = require "rille.names.signatures"

local M = {}
local meta_of = debug.getmetatable -- without a look at __metatable, which costs more than all else here

local function messages() return require "rille.names.messages" end

--- unknown(what, key) -> message: for whoever reads a field that is not there
function M.unknown(what, key) return messages().unknown(what, key) end

--- argument(f, name, number, why, type, args) -> message: for what the C function f cannot use
function M.argument(...) return messages().argument(...) end

--- describe(value) -> what it is, in words
function M.describe(value) return messages().describe(value) end

M.check_colon = classes.check_colon

-- ---- making them -----------------------------------------------------------------------------------------------------------

local function set_of(list)
  local set = {}
  for _, name in ipairs(list or {}) do set[name] = true end
  return set
end

local function refuse_dot(owner, name)
  mistake.raise("%s", messages().called_with_a_dot(signatures.entry(owner, name)))
end

-- The object of a method, whose metatable is not the one that was seen last: -> the one to be seen from now on, or it raises.
local function admit(refuse, self, seen, is_one)
  if not is_one(self) then refuse() end
  return type(self) == "userdata" and meta_of(self) or seen
end

-- Methods that are written in Lua and called without their object say how they are called. By how many parameters they have, for
-- a list of any length costs more; and most objects of a method have one metatable.
local by_count = {
  [0] = function(f, refuse, seen, is_one)
    return function(self)
      if meta_of(self) ~= seen then seen = admit(refuse, self, seen, is_one) end
      return f(self)
    end
  end,
  function(f, refuse, seen, is_one)
    return function(self, a)
      if meta_of(self) ~= seen then seen = admit(refuse, self, seen, is_one) end
      return f(self, a)
    end
  end,
  function(f, refuse, seen, is_one)
    return function(self, a, b)
      if meta_of(self) ~= seen then seen = admit(refuse, self, seen, is_one) end
      return f(self, a, b)
    end
  end,
  function(f, refuse, seen, is_one)
    return function(self, a, b, c)
      if meta_of(self) ~= seen then seen = admit(refuse, self, seen, is_one) end
      return f(self, a, b, c)
    end
  end,
}

local function guarded(f, refuse, seen, is_one)
  local info = debug.getinfo(f, "u")
  local make = not info.isvararg and by_count[info.nparams - 1]
  if make then return make(f, refuse, seen, is_one) end
  return function(self, ...)
    if meta_of(self) ~= seen then seen = admit(refuse, self, seen, is_one) end
    return f(self, ...)
  end
end

local guards = setmetatable({}, { __mode = "k" })

local function guard(what, class, is_one, meta)
  local owner = signatures.signed_as[what] or what
  for name, f in next, class do
    local is_new = type(f) == "function" and not guards[f] and type(name) == "string"
    if is_new and signatures.has_method(owner, name) and debug.getinfo(f, "S").what ~= "C" then
      local made = guarded(f, function() refuse_dot(owner, name) end, meta or class, is_one)
      guards[made], class[name] = true, made
    end
  end
end

-- An object of a class, or one of the program's that stands for it: a table of its own with a metatable. Whoever calls a method
-- with a dot passes something else.
local function is_object_of(class, value)
  local meta = type(value) == "table" and meta_of(value)
  return meta == class or (type(meta) == "table" and rawget(meta, "__index") ~= nil)
end

--- check_self(what, class, self, name): of a method that looks for itself whether it was called with a dot
function M.check_self(what, class, self, name)
  if not is_object_of(class, self) then refuse_dot(what, name) end
end

--- class(what, class, {fields = {…}, absent = {…}, bare = {…}}) -> class: `fields` are those that objects have of their own, and
--- may lack; `absent` are names of the library's own that may be absent; `is_one` says whether a value is an object of it, where
--- that is not what has the class for its metatable. Methods are there already.
function M.class(what, class, given)
  given = given or {}
  local of = classes.class_of(what)
  of.tables[#of.tables + 1] = class
  local absent = set_of(given.absent)
  for _, name in ipairs(given.fields or {}) do absent[name], of.fields[name] = true, true end
  if given.is_one ~= false then
    guard(what, class, given.is_one or function(value) return is_object_of(class, value) end)
  end
  return setmetatable(class, { __index = native.unknown(what, absent) })
end

--- known(what, methods, fields, is_one, meta): of objects that look for themselves and ask here where they find nothing; `meta`
--- is their metatable, where that is one
function M.known(what, methods, fields, is_one, meta)
  local of = classes.class_of(what)
  of.tables[#of.tables + 1] = methods
  for _, name in ipairs(fields) do of.fields[name] = true end
  of.is_one = of.is_one or is_one
  if is_one then guard(what, methods, is_one, meta) end
end

--- again(what): a class that is known has got more methods
function M.again(what)
  local of = classes.class_of(what)
  for _, list in ipairs(of.tables) do guard(what, list, of.is_one) end
end

--- module(what, table) -> table: reading what it has not raises. A metatable that it has stays.
function M.module(what, module)
  local of = classes.class_of(what)
  of.tables[#of.tables + 1] = module
  local meta = getmetatable(module)
  if not meta then
    meta = {}
    setmetatable(module, meta)
  end
  meta.__index = meta.__index or native.unknown(what, {})
  return module
end

return M
