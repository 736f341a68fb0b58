-- Calls macros and other objects of the runtime, functions that the program gave, and methods.
--
-- A program's function gets Lua values: nil for what is undefined, strings for markup, keyword arguments as one table after
-- the others. Its result is taken as it is; nil is undefined. It may wait.
--
-- Objects of the runtime have, in value.kinds, call(c, kwargs, esc, object, ...); those that print have put(…) with the same
-- arguments, which prints to the page right away instead of giving text back.
local failure = require "rille.template.failure"
local items = require "rille.template.items"
local lookup = require "rille.template.lookup"
local value = require "rille.template.value"

local M = {}

local kinds, meta_of = value.kinds, value.meta_of
local Markup, Undefined, Strict = value.Markup, value.Undefined, value.Strict
local getmetatable, select, type = getmetatable, select, type

-- ---- functions of the program ---------------------------------------------------------------------------------------

-- A value as Lua code is to see it.
local function to_lua(v)
  if type(v) ~= "table" then return v end
  local meta = getmetatable(v)
  if meta == Markup then return v[1] end
  if meta == Undefined or meta == Strict then return nil end
  return v
end

local function kwargs_to_lua(kwargs)
  local options = {}
  for name, v in pairs(kwargs) do options[name] = to_lua(v) end
  return options
end

local function call_with(kwargs, f, ...)
  local args = table.pack(...)
  for i = 1, args.n do args[i] = to_lua(args[i]) end
  if kwargs then
    args.n = args.n + 1
    args[args.n] = kwargs_to_lua(kwargs)
  end
  return (f(table.unpack(args, 1, args.n)))
end

--- Calls a function of the program.
function M.call_lua(c, kwargs, f, ...)
  if c.stream then c.stream:ready() end
  local result
  if not kwargs and select("#", ...) <= 1 then result = f(to_lua((...))) else result = call_with(kwargs, f, ...) end
  if result == nil then return c.env.no_result end
  return result
end

local call_lua = M.call_lua

-- ---- values that are called -----------------------------------------------------------------------------------------

--- call(c, kwargs, esc, f, ...) -> f(...)
function M.call(c, kwargs, esc, f, ...)
  if type(f) == "function" then return call_lua(c, kwargs, f, ...) end
  local meta = meta_of(f)
  local ours = kinds[meta]
  if ours and ours.call then return ours.call(c, kwargs, esc, f, ...) end
  if meta and not ours and meta.__call then return call_lua(c, kwargs, f, ...) end
  value.check_defined(f)
  failure.fail("%s cannot be called", value.describe(f))
end

local call = M.call

--- put_call(c, kwargs, esc, f, ...): prints what call would give.
function M.put_call(c, kwargs, esc, f, ...)
  local ours = kinds[getmetatable(f)]
  if ours and ours.put then return ours.put(c, kwargs, esc, f, ...) end
  c.R.put(c.page, esc and "e" or "r", call(c, kwargs, esc, f, ...))
end

-- Puts the object before a method's arguments, if the program's own classes want it.
local function call_found(c, kwargs, esc, object, f, is_method, ...)
  if is_method then return call(c, kwargs, esc, f, object, ...) end
  return call(c, kwargs, esc, f, ...)
end

--- method(c, kwargs, esc, object, name, ...) -> object.name(...)
function M.method(c, kwargs, esc, object, name, ...)
  local record, f, is_method = lookup.method(object, name)
  if record then return lookup.call_record(record, object, kwargs, ...) end
  return call_found(c, kwargs, esc, object, f, is_method, ...)
end

--- put_method: prints what method would give.
function M.put_method(c, kwargs, esc, object, name, ...)
  local own, record, f, is_method
  local ours = kinds[getmetatable(object)]
  if ours and ours.methods then record = ours.methods[name] end
  if not record then
    own = value.own(object, name)
    if type(own) == "table" then return M.put_call(c, kwargs, esc, own, ...) end -- a macro of an imported template
    record, f, is_method = lookup.method(object, name)
  end
  if record then
    local letter = esc and "e" or "r"
    if not kwargs and not record.keywords then return c.R.put(c.page, letter, record.f(object, ...)) end
    return c.R.put(c.page, letter, lookup.call_record(record, object, kwargs, ...))
  end
  if is_method then return M.put_call(c, kwargs, esc, f, object, ...) end
  return M.put_call(c, kwargs, esc, f, ...)
end

-- ---- records: filters, tests and global functions of ours -----------------------------------------------------------

--- Calls a record {f, params, context, keywords} with arguments that are only known now; for filters and tests the first is
--- their value. Records are described in filters.lua.
function M.apply(c, kwargs, esc, record, v, ...)
  if type(record) == "function" then return call_lua(c, kwargs, record, v, ...) end
  if record.keywords then
    if record.context then return record.f(c, esc, v, kwargs, ...) end
    return record.f(v, kwargs, ...)
  end
  if kwargs then
    if record.context then return record.f(c, esc, v, lookup.arrange(record.params, kwargs, ...)) end
    return record.f(v, lookup.arrange(record.params, kwargs, ...))
  end
  if record.context then return record.f(c, esc, v, ...) end
  return record.f(v, ...)
end

local Function = { __name = "rille.template.function" } -- {record}: a global function of ours

kinds[Function] = { name = "function", call = function(c, kwargs, esc, f, ...)
  local record = f[1]
  if record.keywords then return record.f(c, esc, kwargs, ...) end
  if kwargs then return record.f(lookup.arrange(record.params, kwargs, ...)) end
  return record.f(...)
end }

--- A global function: f(...), or with `keywords` f(c, esc, kwargs, ...).
function M.global_function(record) return setmetatable({ record }, Function) end

--- merge_kwargs(kwargs or nil, mapping) -> one table of both
function M.merge_kwargs(kwargs, more)
  value.check_defined(more)
  local merged = kwargs or {}
  for _, name in ipairs((items.all_items(nil, more))) do
    if merged[name] ~= nil then failure.fail("the argument '%s' is given twice", value.text(name)) end
    merged[name] = more[name]
  end
  return merged
end

return M
