-- Makes the messages for a program that names or passes something that does not exist (rille/names.lua). Loaded with the first
-- such message.
local classes = require "rille.names.classes"
local native = require "rille.native.core"
local options = require "rille.options"
local signatures = require "rille.names.signatures"
local words = require "rille.names.words"

local M = {}

-- ---- names ----------------------------------------------------------------------------------------------------------------

-- Returns how a name of a class is written: "req:json()", "req.params".
local function written(what, name)
  local entry = signatures.entry(signatures.signed_as[what] or what, name)
  if entry and what == "route_group" then return (entry.shown:gsub("^app", "group")) end
  return entry and entry.shown or (signatures.shown_as[what] or what) .. "." .. name
end

-- Every name of a class that is not the library's own affair: it has a signature, or it is a field.
local function names_of(what)
  local class, found = classes.class_of(what), {}
  for _, list in ipairs(class.tables) do
    for name in next, list do
      if type(name) == "string" and signatures.entry(signatures.signed_as[what] or what, name) then found[name] = true end
    end
  end
  for name in pairs(class.fields) do found[name] = true end
  return found
end

local FEW = 12

local function list_of(what, known)
  local list = {}
  for name in pairs(known) do list[#list + 1] = name end
  if #list == 0 or #list > FEW then return words.ends[what] or "" end
  table.sort(list)
  for i, name in ipairs(list) do list[i] = written(what, name) end
  return "; it has " .. table.concat(list, ", ")
end

local function key_text(key)
  if type(key) ~= "string" then return ("[%s]"):format(tostring(key)) end
  return "'" .. (#key > 60 and key:sub(1, 60) .. "…" or key):gsub("%c", "?") .. "'"
end

-- A word without its style: setHeader and set_header are one. None that is meant is long.
local function plain_word(key)
  if #key > 60 then return key end
  return (key:gsub("(%l)(%u)", "%1_%2"):lower())
end

--- unknown(what, key) -> message: for who reads a field that is not there
function M.unknown(what, key)
  local shown, text = signatures.shown_as[what] or what, key_text(key)
  local meant = type(key) == "string" and words.in_place[what] and words.in_place[what][plain_word(key)]
  if meant then return ("%s has no %s: %s"):format(shown, text, meant) end
  local known = names_of(what)
  local near = type(key) == "string" and options.nearest(key, known)
  if near then return ("%s has no %s, did you mean %s?"):format(shown, text, written(what, near)) end
  return ("%s has no %s%s"):format(shown, text, list_of(what, known))
end

-- ---- arguments ----------------------------------------------------------------------------------------------------------

local by_function -- function -> entry, made when it is first asked for

local function value_at(path)
  local value = classes.library()
  for name in path:gmatch "[^.]+" do value = type(value) == "table" and rawget(value, name) or nil end
  return value
end

local function find_functions()
  local found = {}
  for key, entry in signatures.all() do
    local path = key:match "^rille%.(.*)$"
    local f = path and value_at(path)
    if f then found[f] = entry end
    local class = classes.classes[entry.owner]
    for _, list in ipairs(class and class.tables or {}) do
      local method = rawget(list, entry.name)
      if method then found[method] = found[method] or entry end -- db and tx share some
    end
  end
  return found
end

local function entry_of_function(f)
  if not by_function or not by_function[f] then by_function = find_functions() end -- more may be loaded meanwhile
  return by_function[f]
end

local vowels = { a = true, e = true, i = true, o = true, u = true }
local bare = { ["nil"] = true }

local function with_article(kind)
  if bare[kind] then return kind end
  return (vowels[kind:sub(1, 1)] and "an " or "a ") .. kind:gsub("|", " or a ")
end

--- describe(value) -> what it is, in words
function M.describe(value)
  local kind = type(value)
  local meta = (kind == "table" or kind == "userdata") and getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  if value == native.null then return "rille.null" end
  return with_article(type(name) == "string" and name:sub(1, 60):gsub("^rille%.", ""):gsub("_", " ") or kind)
end

local function is_of(value, kinds)
  if not kinds then return false end
  local kind = type(value)
  for name in kinds:gmatch "[^|]+" do
    if name == kind or name == math.type(value) then return true end
  end
  return false
end

-- Returns true if the argument that is wrong fits the place of another one, and that one fits here.
local function is_swapped(entry, index, args, first)
  local wanted = entry.params[index].type
  for other, param in ipairs(entry.params) do
    if other ~= index and is_of(args[first + other], wanted) and is_of(args[first + index], param.type)
      and not is_of(args[first + other], param.type) then
      return true
    end
  end
  return false
end

--- called_with_a_dot(entry) -> message
function M.called_with_a_dot(entry)
  local owner = signatures.shown_as[entry.owner] or entry.owner
  return ("%s.%s was called with a dot: write %s"):format(owner, entry.name, entry.shown)
end

--- argument(f, name, number, why, type, args) -> message: for what the C function f cannot use
function M.argument(f, name, number, why, kind, args)
  local entry = entry_of_function(f)
  local got = number > args.n and "nothing" or M.describe(args[number])
  if not entry then
    return ("%s: argument %d: %s"):format(name or "?", number, why or ("%s was expected, got %s"):format(with_article(kind), got))
  end
  if entry.is_method and number == 1 then return M.called_with_a_dot(entry) end
  if not entry.is_method and classes.is_module(args[1]) then
    return ("%s.%s was called with a colon: write %s"):format(entry.owner, entry.name, entry.shown)
  end
  local first = entry.is_method and 1 or 0
  local param = entry.params[number - first] or { name = "argument " .. number - first }
  if why then return ("%s: %s: %s"):format(entry.shown, param.name, why) end
  if kind == "value" then return ("%s: a value was expected, got %s"):format(entry.shown, got) end
  local text = ("%s: %s is %s, got %s"):format(entry.shown, param.name, with_article(kind), got)
  if not entry.params[number - first] or not is_swapped(entry, number - first, args, first) then return text end
  return text .. ": the arguments are in the wrong order"
end

return M
