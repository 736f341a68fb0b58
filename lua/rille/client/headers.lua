-- The headers of a request: a list {name, value, name, value, …} that C sends as it is, read and set by name in any case.
--
--   headers["X-Trace"] = "1"     replaces; nil removes; a list sets several
--   headers["x-trace"]           the values joined with ", ", or nil
--
-- A value that may not leave in a head (a name that is no token; CR, LF, NUL or another control byte in a value) raises
-- when it is set. Framing is the client's own: Transfer-Encoding is refused, Content-Length is looked at and never sent as given.
local options = require "rille.options"
local mistake = options.mistake
local native = require "rille.native.client"

local M = {}
local lower = string.lower

local function check(name, value)
  if type(name) ~= "string" then mistake("a header name is a string, got a " .. type(name)) end
  if type(value) == "number" then value = tostring(value) end
  if type(value) ~= "string" then mistake(("header %s needs a string, got a %s"):format(name, type(value))) end
  local problem = native.header_problem(name, value)
  if problem then mistake(problem) end
  if lower(name) == "transfer-encoding" then mistake "header Transfer-Encoding is set by the client itself" end
  return value
end

local function get(list, name)
  local found, others
  name = lower(name)
  for i = 1, #list, 2 do
    if lower(list[i]) == name then
      if not found then
        found = list[i + 1]
      else
        others = others or { found }
        others[#others + 1] = list[i + 1]
      end
    end
  end
  return others and table.concat(others, ", ") or found
end

--- remove(list, name): every header of that name
function M.remove(list, name)
  local kept, count = 0, #list
  name = lower(name)
  for i = 1, count, 2 do
    if lower(list[i]) ~= name then
      list[kept + 1], list[kept + 2] = list[i], list[i + 1]
      kept = kept + 2
    end
  end
  for i = kept + 1, count do list[i] = nil end
end

--- add(list, name, value): appends a header
function M.add(list, name, value)
  value = check(name, value)
  local count = #list
  list[count + 1], list[count + 2] = name, value
end

--- set(list, name, value): instead of what is there
function M.set(list, name, value)
  M.remove(list, name)
  if type(value) == "table" then
    for _, item in ipairs(options.list(value, "header " .. name)) do M.add(list, name, item) end
  elseif value ~= nil then
    M.add(list, name, value)
  end
end

local meta = { __name = "rille.headers" }

function meta.__index(list, name)
  if type(name) == "string" then return get(list, name) end
end

function meta.__newindex(list, name, value)
  if math.type(name) == "integer" then return rawset(list, name, value) end
  M.set(list, name, value)
end

-- pairs(headers): lower-case name, joined values
function meta.__pairs(list)
  local joined = {}
  for i = 1, #list, 2 do
    local name = lower(list[i])
    joined[name] = joined[name] or {}
    table.insert(joined[name], list[i + 1])
  end
  for name, values in next, joined do joined[name] = table.concat(values, ", ") end
  return next, joined
end

--- is(value): whether it is such a list
function M.is(value) return getmetatable(value) == meta end

--- copy(list) -> headers of their own
function M.copy(list) return setmetatable(table.move(list, 1, #list, 1, {}), meta) end

-- Without every header that has a name in the set `names`.
local function remove_all(list, names)
  local kept, count = 0, #list
  for i = 1, count, 2 do
    if not names[lower(list[i])] then
      list[kept + 1], list[kept + 2] = list[i], list[i + 1]
      kept = kept + 2
    end
  end
  for i = kept + 1, count do list[i] = nil end
end

--- set_all(list, given): what the table `given` says, instead of what has the same names; in the order of the names, for tables
--- have none
function M.set_all(list, given)
  local names, order = {}, {}
  for name in pairs(given) do
    if type(name) ~= "string" then mistake "headers are a table of names and values" end
    if names[lower(name)] then mistake(("headers: %s is there twice, in upper and lower case"):format(name)) end
    names[lower(name)] = true
    order[#order + 1] = name
  end
  table.sort(order)
  if #list > 0 then remove_all(list, names) end
  for _, name in ipairs(order) do
    local value = given[name]
    if type(value) == "table" then
      for _, item in ipairs(options.list(value, "header " .. name)) do M.add(list, name, item) end
    else
      M.add(list, name, value)
    end
  end
end

--- of(given, base) -> headers: those of `base`, with those of the table `given` instead of the ones of the same name
function M.of(given, base)
  local list = base and M.copy(base) or setmetatable({}, meta)
  M.set_all(list, given)
  return list
end

return M
