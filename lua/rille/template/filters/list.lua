-- Filters of lists and mappings. What they collect from a program's values (attributes, items of an iterator) they collect
-- before they sort or compare, so that a value may wait.
local failure = require "rille.template.failure"
local items = require "rille.template.items"
local methods = require "rille.template.methods"
local native = require "rille.native.core"
local operators = require "rille.template.operators"
local record = require "rille.template.record"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local byte, sub = string.byte, string.sub
local null = native.null
local given = methods.given
local list, tuple = value.list, value.tuple

-- ---- attributes by path ---------------------------------------------------------------------------------------------

-- "a.0.b" -> { "a", 0, "b" }
local function path_of(attribute)
  if attribute == nil or attribute == null then return {} end
  if type(attribute) ~= "string" and not value.is_markup(attribute) then return { attribute } end
  local parts = text.split(value.text(attribute), ".")
  for i, part in ipairs(parts) do
    if part:find "^%d+$" then parts[i] = math.tointeger(tonumber(part)) end
  end
  return parts
end

-- Returns the value at a path in an item, or `default` if a part of it is undefined.
local function follow(c, item, path, default)
  for i = 1, #path do
    item = c.R.item(item, path[i])
    if default ~= nil and value.is_undefined(item) then item = default end
  end
  return item
end

local function folded(v, case_sensitive)
  if case_sensitive == true then return v end
  if type(v) == "string" then return text.lower(v) end
  return value.is_markup(v) and text.lower(v[1]) or v
end

-- One key for each item.
local function keys_for(c, source, attribute, case_sensitive, default)
  local path, keys = path_of(attribute), {}
  for i = 1, #source do keys[i] = folded(follow(c, source[i], path, default), case_sensitive) end
  return keys
end

-- Several attributes, "a,b": a key is a tuple of them.
local function sort_keys(c, source, attribute, case_sensitive)
  if type(attribute) ~= "string" or not attribute:find(",", 1, true) then
    return keys_for(c, source, attribute, case_sensitive)
  end
  local columns = text.split(attribute, ",")
  for i, column in ipairs(columns) do columns[i] = keys_for(c, source, column, case_sensitive) end
  local keys = {}
  for i = 1, #source do
    local key = {}
    for j = 1, #columns do key[j] = columns[j][i] end
    keys[i] = tuple(key)
  end
  return keys
end

-- ---- order ----------------------------------------------------------------------------------------------------------

-- Compares two keys. Items that lack the attribute are equal.
local function compare_keys(a, b, symbol)
  if value.is_undefined(a) and operators.eq(a, b) then return 0 end
  return operators.compare(a, b, symbol)
end

M.sort = record.in_context("reverse case_sensitive attribute", function(c, _, v, reverse, case_sensitive, attribute)
  local source = items.to_list(c, v)
  return items.sort(source, sort_keys(c, source, given(attribute), case_sensitive), compare_keys, reverse == true)
end, { kind = "value" })

M.dictsort = record.new("case_sensitive by reverse", function(v, case_sensitive, by, reverse)
  by = by == nil and "key" or by
  if by ~= "key" and by ~= "value" then failure.fail "dictsort sorts by 'key' or by 'value'" end
  value.check_defined(v)
  if value.kind(v) ~= "mapping" then failure.fail("dictsort needs a mapping, got %s", value.describe(v)) end
  local pairs_of, keys = methods.mapping.items.f(v), {}
  for i, pair in ipairs(pairs_of) do keys[i] = folded(pair[by == "key" and 1 or 2], case_sensitive) end
  return items.sort(pairs_of, keys, operators.compare, reverse == true)
end, { kind = "value" })

M.reverse = record.in_context("", function(c, _, v)
  if type(v) == "string" then return text.reverse(v) end
  if value.is_markup(v) then return value.markup(text.reverse(v[1])) end
  local result = items.to_list(c, v)
  for i = 1, #result // 2 do result[i], result[#result - i + 1] = result[#result - i + 1], result[i] end
  return result
end, { kind = "value" })

local plain_keys = { string = true, number = true, boolean = true }

-- Something that equal lists and mappings have in common, so that few are compared with each other: how long they are, and the
-- first items that are plain. True is 1 to templates, and 1 is 1.0.
local function signature(key)
  local kind = value.kind(key)
  if kind == "mapping" then
    local count = 0
    for _ in next, key do count = count + 1 end
    return "mapping " .. count
  end
  if kind ~= "list" and kind ~= "tuple" then return kind end
  local parts = { kind, #key }
  for i = 1, math.min(#key, 8) do
    local item = key[i]
    if type(item) == "boolean" then item = item and 1 or 0 end
    if value.is_markup(item) then item = item[1] end
    parts[#parts + 1] = plain_keys[type(item)] and (math.tointeger(item) or tostring(item)) or "?"
  end
  return table.concat(parts, "\0")
end

-- Calls visit(key) -> true for keys that have not been seen.
local function unseen()
  local seen, others = {}, {}
  return function(key)
    if value.is_markup(key) then key = key[1] end
    if type(key) == "boolean" then key = key and 1 or 0 end
    if type(key) ~= "table" then
      if seen[key] then return false end
      seen[key] = true
      return true
    end
    local mark = signature(key)
    others[mark] = others[mark] or list {}
    if operators.contains(key, others[mark]) then return false end
    table.insert(others[mark], key)
    return true
  end
end

M.unique = record.in_context("case_sensitive attribute", function(c, _, v, case_sensitive, attribute)
  local source, result, is_new = items.to_list(c, v), {}, unseen()
  for i, key in ipairs(keys_for(c, source, attribute, case_sensitive)) do
    if is_new(key) then result[#result + 1] = source[i] end
  end
  return list(result)
end, { kind = "value" })

M.groupby = record.in_context("attribute! default case_sensitive", function(c, _, v, attribute, default, case_sensitive)
  default = given(default)
  local source = items.to_list(c, v)
  source = items.sort(source, keys_for(c, source, attribute, case_sensitive, default), operators.compare)
  local groups, last = {}, nil
  for i, key in ipairs(keys_for(c, source, attribute, case_sensitive, default)) do
    local group = groups[#groups]
    if not group or not operators.eq(key, last) then
      local grouper = follow(c, source[i], path_of(attribute), default)
      group = tuple { grouper, list {} }
      group.grouper, group.list = grouper, group[2]
      groups[#groups + 1], last = group, key
    end
    group[2][#group[2] + 1] = source[i]
  end
  return list(groups)
end, { kind = "value" })

-- The one that comes first, or last, in order.
local function extreme(sign)
  return record.in_context("case_sensitive attribute", function(c, _, v, case_sensitive, attribute)
    local source = items.to_list(c, v)
    if #source == 0 then return c.env:undefined "there is no item, the sequence was empty" end
    local keys, best = keys_for(c, source, attribute, case_sensitive), 1
    for i = 2, #source do
      if operators.compare(keys[i], keys[best], "<") == sign then best = i end
    end
    return source[best]
  end)
end

M.min, M.max = extreme(-1), extreme(1)

-- ---- parts ----------------------------------------------------------------------------------------------------------

-- Of a text: without a list of all its characters.
local function first_character(c, s)
  local first = byte(s)
  if not first then return c.env:undefined "there is no first item, the sequence was empty" end
  return first < 0x80 and sub(s, 1, 1) or text.at(s, 0)
end

M.first = record.in_context("", function(c, _, v)
  if type(v) == "string" then return first_character(c, v) end
  if value.is_markup(v) then return first_character(c, v[1]) end
  local source, count, f = items.items(c, v)
  local item = source[1]
  if f then item = items.pull(c, f) elseif count == 0 then item = nil end
  if item == nil then return c.env:undefined "there is no first item, the sequence was empty" end
  return item
end)

M.last = record.in_context("", function(c, _, v)
  local source, count = items.all_items(c, v)
  if count == 0 then return c.env:undefined "there is no last item, the sequence was empty" end
  return value.is_markup(v) and value.markup(source[count]) or source[count]
end)

M.random = record.in_context("", function(c, _, v)
  local source, count = items.all_items(c, v)
  if count == 0 then return c.env:undefined "there is no random item, the sequence was empty" end
  return source[math.random(count)]
end)

local function length(c, _, v)
  local kind = value.kind(v)
  if kind == "string" then return text.len(v) end
  if kind == "markup" then return text.len(v[1]) end
  if kind == "none" or kind == "number" or kind == "boolean" or kind == "function" then
    failure.fail("%s has no length", kind == "none" and "none" or value.describe(v))
  end
  local _, count, f = items.items(c, v)
  if f then failure.fail "a program's own iterator has no length" end
  return count
end

M.length = record.in_context("", length, { kind = "number" })
M.count = M.length

M.list = record.in_context("", function(c, _, v) return items.to_list(c, v) end, { kind = "value" })

M.items = record.new("", function(v)
  if value.is_undefined(v) then
    if v ~= nil and getmetatable(v) == value.Strict then value.raise_undefined(v) end
    return list {}
  end
  if value.kind(v) ~= "mapping" then failure.fail("items needs a mapping, got %s", value.describe(v)) end
  return methods.mapping.items.f(v)
end, { kind = "value" })

local function positive(v, what)
  local n = methods.integer_argument(v, what)
  if n < 1 or n > text.MOST_ITEMS then failure.fail("%s needs a number from 1 to %d", what, text.MOST_ITEMS) end
  return n
end

M.batch = record.in_context("linecount! fill_with", function(c, _, v, size, fill)
  size, fill = positive(size, "batch"), given(fill)
  local source, result = items.to_list(c, v), {}
  for first = 1, #source, size do
    local row = table.move(source, first, math.min(first + size - 1, #source), 1, {})
    for i = #row + 1, fill ~= nil and size or 0 do row[i] = fill end
    result[#result + 1] = list(row)
  end
  return list(result)
end, { kind = "value" })

M.slice = record.in_context("slices! fill_with", function(c, _, v, slices, fill)
  slices, fill = positive(slices, "slice"), given(fill)
  local source, result, from = items.to_list(c, v), {}, 1
  local each, longer = #source // slices, #source % slices
  for i = 1, slices do
    local count = each + (i <= longer and 1 or 0)
    result[i] = list(table.move(source, from, from + count - 1, 1, {}))
    if fill ~= nil and i > longer then result[i][count + 1] = fill end
    from = from + count
  end
  return list(result)
end, { kind = "value" })

-- ---- together -------------------------------------------------------------------------------------------------------

M.join = record.in_context("d attribute", function(c, esc, v, separator, attribute)
  local source, path = items.to_list(c, v), path_of(attribute)
  separator = separator == nil and "" or separator
  local any_markup = esc and value.is_markup(separator)
  for i = 1, #source do
    source[i] = follow(c, source[i], path)
    any_markup = any_markup or (esc and value.is_markup(source[i]))
  end
  local as_text, size = any_markup and value.escape or value.text, 0
  for i = 1, #source do
    source[i] = as_text(source[i])
    size = size + #source[i]
    text.check_length(size)
  end
  local result = text.concat(source, as_text(separator))
  return any_markup and value.markup(result) or result
end, { kind = "value" })

-- Lists put together one by one would be copied again and again: the total grows in place.
local function sum_of_lists(total, source)
  local kind = value.kind(total)
  local result, count = table.move(total, 1, #total, 1, {}), #total
  for i = 1, #source do
    local item = source[i]
    if value.kind(item) ~= kind then operators.add(total, item) end -- raises
    text.check_items(count + #item)
    table.move(item, 1, #item, count + 1, result)
    count = count + #item
  end
  return kind == "tuple" and tuple(result) or list(result)
end

M.sum = record.in_context("attribute start", function(c, _, v, attribute, start)
  local source, path = items.to_list(c, v), path_of(attribute)
  local total = start == nil and 0 or start
  for i = 1, #source do source[i] = follow(c, source[i], path) end
  local kind = value.kind(total)
  if kind == "list" or kind == "tuple" then return sum_of_lists(total, source) end
  if kind == "string" or kind == "markup" then failure.fail "sum adds numbers and lists: join puts texts together" end
  for i = 1, #source do total = operators.add(total, source[i]) end
  return total
end, { kind = "value" })

-- ---- a filter or test for each item ---------------------------------------------------------------------------------

local function named(c, what, name)
  local found = type(name) == "string" and c.env[what][name]
  if not found then
    value.check_defined(name)
    failure.fail("there is no %s named '%s'", what:sub(1, -2), value.text(name))
  end
  return found
end

-- Copies keyword arguments for a call, since the function that is called may change them.
local function copy_of(kwargs)
  if not kwargs then return nil end
  local copy = {}
  for name, v in pairs(kwargs) do copy[name] = v end
  return copy
end

-- The items for map, select and their like: none where the value counts as false, be it none or 0.
local function items_of(c, v) return c.R.truth(v) and items.to_list(c, v) or list {} end

M.map = { params = {}, keywords = true, context = true, kind = "value", f = function(c, esc, v, kwargs, name, ...)
  local source = items_of(c, v)
  if name == nil and kwargs and kwargs.attribute ~= nil then
    local path, default = path_of(kwargs.attribute), given(kwargs.default)
    for i = 1, #source do source[i] = follow(c, source[i], path, default) end
    return source
  end
  if name == nil then failure.fail "map needs the name of a filter, or an attribute" end
  local filter = named(c, "filters", name)
  for i = 1, #source do source[i] = c.R.apply(c, copy_of(kwargs), esc, filter, source[i], ...) end
  return source
end }

-- select, reject and the two that look at an attribute.
local function selector(wanted, by_attribute)
  local function choose(c, esc, v, kwargs, path, test_name, ...)
    local source, result = items_of(c, v), {}
    local test = test_name ~= nil and named(c, "tests", test_name)
    for i = 1, #source do
      local item = follow(c, source[i], path)
      local passes
      if test then passes = c.R.truth(c.R.apply(c, copy_of(kwargs), esc, test, item, ...))
      else passes = c.R.truth(item) end
      if passes == wanted then result[#result + 1] = source[i] end
    end
    return list(result)
  end
  return { params = {}, keywords = true, context = true, kind = "value", f = function(c, esc, v, kwargs, attribute, ...)
    if not by_attribute then return choose(c, esc, v, kwargs, {}, attribute, ...) end
    if attribute == nil then failure.fail "the name of an attribute is missing" end
    return choose(c, esc, v, kwargs, path_of(attribute), ...)
  end }
end

M.select, M.reject = selector(true), selector(false)
M.selectattr, M.rejectattr = selector(true, true), selector(false, true)

return M
