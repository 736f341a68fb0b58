-- Mappings: those of a {…} in a template keep the order of their keys. Also which fields of a table templates may see.
local failure = require "rille.template.failure"
local kind = require "rille.template.value.kind"
local strings = require "rille.template.text"

local M = {}

local kinds, meta_of = kind.kinds, kind.meta_of
local Array, Tuple, KEYS = kind.Array, kind.Tuple, kind.KEYS
local getmetatable, setmetatable, type, rawget, next = getmetatable, setmetatable, type, rawget, next

-- ---- mappings with an order -----------------------------------------------------------------------------------------

local function keys_of(t)
  local meta = getmetatable(t)
  return meta and rawget(meta, KEYS)
end

--- Returns an empty mapping, whose keys keep their order.
function M.mapping() return setmetatable({}, { __name = "rille.template.mapping", [KEYS] = {} }) end

-- Returns a key as Lua has it: the text of markup. Raises for nan, which can be no key.
local function key_of(key)
  if kind.is_markup(key) then return key[1] end
  if key ~= key then failure.fail "nan is no key of a mapping" end
  return key
end

local added = setmetatable({}, { __mode = "k" }) -- a mapping of the program -> how many keys templates have added

-- Counts a key that a template adds, so that no mapping grows without end.
local function count_key(t, keys)
  local count = keys and #keys or added[t] or 0
  if count >= strings.MOST_ITEMS then
    failure.fail("a mapping of more than %d keys is not made by a template", strings.MOST_ITEMS)
  end
  if keys then return end
  added[t] = count + 1
end

--- t[key] = value, as templates write to mappings.
function M.set(t, key, value)
  key = key_of(key)
  if rawget(t, key) == nil then
    local keys = keys_of(t)
    count_key(t, keys)
    if keys then keys[#keys + 1] = key end
  end
  t[key] = value
end

--- Removes a key. Returns its value.
function M.remove(t, key)
  key = key_of(key)
  local value, keys = rawget(t, key), keys_of(t)
  t[key] = nil
  for i = keys and value ~= nil and #keys or 0, 1, -1 do
    if keys[i] == key then
      table.remove(keys, i)
      break
    end
  end
  if added[t] and value ~= nil then added[t] = added[t] - 1 end
  return value
end

--- Removes all keys.
function M.clear(t)
  for key in next, t do t[key] = nil end
  local keys = keys_of(t)
  for i = keys and #keys or 0, 1, -1 do keys[i] = nil end
  added[t] = nil
end

--- dict(k, v, …) and dict_with(mapping, k, v, …): a {…} of a template.
function M.dict_with(t, ...)
  for i = 1, select("#", ...), 2 do
    local key, value = select(i, ...)
    M.set(t, key, value)
  end
  return t
end

function M.dict(...) return M.dict_with(M.mapping(), ...) end

-- ---- fields that templates may see ----------------------------------------------------------------------------------

--- Returns true if a name is private: it begins with an underscore.
function M.is_private(name) return type(name) == "string" and name:byte() == 95 end

-- Returns true for a table of the program's that has a metatable: its private fields are its own.
local function is_object(t)
  local meta = meta_of(t)
  return meta ~= nil and meta ~= Array and meta ~= Tuple and not kinds[meta] and not keys_of(t)
end

--- Returns true if templates may not see a field: a private one of an object, or one in the set __hidden of its metatable. What
--- changes more than the page is not for those who write pages. The library's own fields have names with a space in them.
function M.is_hidden(object, name)
  if type(name) ~= "string" then return false end
  if name:byte() == 95 then return type(object) ~= "table" or is_object(object) end
  local meta = meta_of(object)
  local names = meta and rawget(meta, "__hidden")
  return names ~= nil and (names[name] or name:find(" ", 1, true) ~= nil)
end

local is_hidden = M.is_hidden

--- Returns what a table itself has under a name, for templates; nil for anything that is no table.
function M.own(object, name)
  if type(object) == "table" and not is_hidden(object, name) then return rawget(object, name) end
end

local function key_before(a, b)
  local of_a, of_b = type(a), type(b)
  if of_a == "number" and of_b == "number" then return a < b end
  if of_a ~= of_b and (of_a == "number" or of_b == "number") then return of_a == "number" end
  return tostring(a) < tostring(b)
end

-- Lua code may have added keys of its own to a mapping of ours: they come last.
local function ordered_keys(t, order)
  local keys, seen = {}, {}
  for _, key in ipairs(order) do
    if rawget(t, key) ~= nil then keys[#keys + 1], seen[key] = key, true end
  end
  local known = #keys
  local others = {}
  for key in next, t do
    if not seen[key] then others[#others + 1] = key end
  end
  table.sort(others, key_before)
  return table.move(others, 1, #others, known + 1, keys)
end

--- The keys of a mapping: in the order a template gave them, else sorted.
function M.keys(t) return ordered_keys(t, keys_of(t) or {}) end

--- The keys of a mapping or of an object: of the latter those that are not private.
function M.fields(t)
  local keys = M.keys(t)
  if not is_object(t) then return keys end
  local public = {}
  for _, key in ipairs(keys) do
    if not M.is_private(key) then public[#public + 1] = key end
  end
  return public
end

--- The last of them, or nil.
function M.last_key(t)
  local order = keys_of(t)
  local key = order and order[#order]
  if key ~= nil and rawget(t, key) ~= nil then return key end
  local keys = M.keys(t)
  return keys[#keys]
end

return M
