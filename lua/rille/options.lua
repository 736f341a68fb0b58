-- Checks tables of options: an unknown key raises at the caller's line and names the nearest known one.
local classes = require "rille.names.classes"
local mistake = require "rille.mistake"

local options = { raise = mistake.raise, mistake = mistake.mistake, caller = mistake.caller }

--- nearest(name, known) -> the name in `known` (a set or a list of names) that is most like `name`, or nil where none is close
function options.nearest(name, known) return require "rille.near"(name, known) end

local FEW = 12

-- Lists the known names, if there are few enough to read.
local function listed(known)
  local names = options.sorted(known)
  if #names == 0 or #names > FEW then return "" end
  return ("; there %s %s"):format(#names == 1 and "is" or "are", table.concat(names, ", "))
end

--- Checks that `given` (nil, a string or a table) has only keys of `known` (name -> type, several in a string such as
--- "string|number", or true for any). Returns a table. A string is taken for no options: Lua 5.4's require passes one as its
--- second value.
function options.check(given, known, what)
  if given == nil or type(given) == "string" then return {} end
  if type(given) ~= "table" then options.raise("%s: options are a table, got a %s", what, type(given)) end
  for key, value in pairs(given) do
    local expected = known[key]
    if expected == nil then
      classes.check_colon(given, "rille." .. what)
      local near = type(key) == "string" and options.nearest(key, known)
      local hint = near and (", did you mean '" .. near .. "'?") or listed(known)
      options.raise("%s: unknown option '%s'%s", what, tostring(key), hint)
    end
    if expected ~= true and expected ~= type(value) and not ("|" .. expected .. "|"):find("|" .. type(value) .. "|", 1, true) then
      local kinds = expected:gsub("|", " or a ")
      options.raise("%s: option '%s' is a %s, got a %s", what, key, kinds, type(value))
    end
  end
  return given
end

--- only(given, known, what): the same of a function that takes nothing but options. A string there is no second value of
--- require's: somebody means something by it.
function options.only(given, known, what)
  if type(given) == "string" then options.raise("%s: options are a table, got the string '%s'", what, given) end
  return options.check(given, known, what)
end

--- alone(written, ...): raises where somebody gives more than the one thing that a function takes, for it would be dropped. A
--- string right after that one is none: require returns one.
function options.alone(written, ...)
  for i = 1, select("#", ...) do
    local more = select(i, ...)
    if more ~= nil and (i > 1 or type(more) ~= "string") then options.raise("%s takes one: call it once for each", written) end
  end
end

--- list(given, what) -> given; raises where it has other keys than 1, 2, 3 …, for what stands there would be dropped.
function options.list(given, what)
  local count = 0
  for key in pairs(given) do
    if math.type(key) ~= "integer" then options.raise("%s: a list was expected, got a table with '%s'", what, tostring(key)) end
    count = count + 1
  end
  if count ~= #given then options.raise("%s: the list has a hole", what) end
  return given
end

--- The keys of a table of names, in order: what is sent looks the same each time.
function options.sorted(t)
  local list = {}
  for name in pairs(t) do list[#list + 1] = name end
  table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
  return list
end

--- Returns true for a value that can be called: a function, or one with __call.
function options.is_callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

--- A size in bytes: a float with an integral value will do.
function options.size(value, what)
  local size = math.tointeger(value)
  if not size or size < 0 then options.raise("%s is a size in bytes, a whole number", what) end
  return size
end

return options
