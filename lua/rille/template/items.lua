-- Turns what can be looped over into lists.
--
--   items(c, value)       -> t, n, f    a list and its length; or an empty list, a length without end, and the function that
--                                       gives the next item each time it is called (a program's own iterator)
--   all_items(c, value)   -> t, n       the same with such a function run to its end
--
-- t may be the value itself: it is only read.
local failure = require "rille.template.failure"
local native = require "rille.native.core"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local kind = value.kind
local EMPTY = {}

local function refuse(v) failure.fail("%s cannot be looped over", v == native.null and "none" or value.describe(v)) end

local function keys(v)
  local list = value.fields(v)
  return list, #list
end

-- By number, for a program's object that has a length.
local function by_length(v)
  local list, count = {}, #v
  for i = 1, count do list[i] = v[i] end
  return list, count
end

local function of_object(v)
  local meta = value.meta_of(v)
  local ours = value.kinds[meta]
  if ours then
    if not ours.items then refuse(v) end
    local list = ours.items(v)
    return list, #list
  end
  if meta and meta.__call then return EMPTY, math.maxinteger, v end
  if meta and meta.__len then return by_length(v) end
  if type(v) ~= "table" then refuse(v) end
  if v[1] ~= nil then return v, #v end
  return keys(v)
end

local sources = {
  undefined = function(v)
    if v ~= nil and getmetatable(v) == value.Strict then value.raise_undefined(v) end
    return EMPTY, 0
  end,
  string = text.chars,
  markup = function(v) return text.chars(v[1]) end,
  list = function(v) return v, #v end,
  tuple = function(v) return v, #v end,
  mapping = keys,
  ["function"] = function(v) return EMPTY, math.maxinteger, v end,
  object = of_object,
}

function M.items(_, v)
  local source = sources[kind(v)]
  if not source then refuse(v) end
  return source(v)
end

--- The next item of a program's own iterator, or nil. What has been printed so far may go out while it waits.
function M.pull(c, f)
  if c and c.stream then c.stream:ready() end
  return (f())
end

function M.all_items(c, v)
  local list, count, f = M.items(c, v)
  if not f then return list, count end
  list, count = {}, 0
  local item = M.pull(c, f)
  while item ~= nil do
    count = count + 1
    text.check_items(count)
    list[count] = item
    item = M.pull(c, f)
  end
  return list, count
end

--- The items as a list of their own.
function M.to_list(c, v)
  local list, count = M.all_items(c, v)
  return value.list(table.move(list, 1, count, 1, {}))
end

--- unpack(value, n) -> its n items; raises where there are more or fewer.
function M.unpack(v, n)
  value.check_defined(v)
  local list, count = M.all_items(nil, v)
  if count ~= n then failure.fail("%d values were expected to unpack, got %d", n, count) end
  return table.unpack(list, 1, n)
end

--- spread(value) -> its items, as arguments of a call.
local MOST_ARGUMENTS = 200
function M.spread(v)
  local list, count = M.all_items(nil, v)
  if count > MOST_ARGUMENTS then failure.fail("a call takes at most %d arguments", MOST_ARGUMENTS) end
  return table.unpack(list, 1, count)
end

-- ---- sorting --------------------------------------------------------------------------------------------------------

-- Merges list[first..middle] and list[middle+1..last], which are in order, by way of `room`.
local function merge(order, room, first, middle, last, before)
  local i, j = first, middle + 1
  for k = first, last do
    if j > last or (i <= middle and not before(order[j], order[i])) then
      room[k], i = order[i], i + 1
    else
      room[k], j = order[j], j + 1
    end
  end
  table.move(room, first, last, first, order)
end

local function merge_sort(order, room, first, last, before)
  if first >= last then return end
  local middle = (first + last) // 2
  merge_sort(order, room, first, middle, before)
  merge_sort(order, room, middle + 1, last, before)
  merge(order, room, first, middle, last, before)
end

--- A list sorted by `keys` (one for each item; compare(a, b) says -1 where a comes first). Equal ones stay in their order.
function M.sort(list, sort_keys, compare, reverse)
  local order, result = {}, {}
  for i = 1, #list do order[i] = i end
  local function before(i, j)
    if reverse then i, j = j, i end
    return compare(sort_keys[i], sort_keys[j], "<") == -1
  end
  merge_sort(order, {}, 1, #list, before)
  for i = 1, #list do result[i] = list[order[i]] end
  return value.list(result)
end

return M
