-- Macros, loops and blocks as values: what prints when it is called.
--
--   macro   {f, info, c}              f prints its body; info is {name, args, count, caller, kwargs, varargs, special}
--   loop    {items, n, i, f, depth, c, changed}      `loop` where it is more than a counter; f is the loop of a recursive one
--   block   {c, name, depth}          super() and self.name(): the block's function number `depth`
local call = require "rille.template.call"
local failure = require "rille.template.failure"
local lookup = require "rille.template.lookup"
local methods = require "rille.template.methods"
local operators = require "rille.template.operators"
local value = require "rille.template.value"

local M = {}

local kinds = value.kinds
local getmetatable, next, pairs, select = getmetatable, next, pairs, select

M.MOST_DEPTH = 200

local MOST_DEPTH = M.MOST_DEPTH

function M.too_deep()
  failure.fail("macros, includes and loops are nested more than %d deep: does one call itself for ever?", MOST_DEPTH)
end

--- Counts a call in that may lead to itself. leave() counts it out; an error ends the whole page. Macros do this themselves, in
--- code the compiler writes.
function M.enter(c)
  local state = c.state
  local depth = state.depth + 1
  if depth > MOST_DEPTH then M.too_deep() end
  state.depth = depth
end

function M.leave(c) c.state.depth = c.state.depth - 1 end

local enter, leave = M.enter, M.leave

-- call for what has a put: prints to the page, and takes that as text.
local function call_by_put(put)
  return function(c, kwargs, esc, object, ...)
    local mark = c.R.mark(c.page)
    put(c, kwargs, esc, object, ...)
    return operators.as_markup(esc, c.R.take(c.page, mark))
  end
end

-- ---- macros ---------------------------------------------------------------------------------------------------------

local Macro = { __name = "rille.template.macro" }

--- macro(c, f, info): a {% macro %}, or the body of a {% call %}.
function M.macro(c, f, info) return setmetatable({ f, info, c }, Macro) end

local function name_of(info) return info.name and "'" .. info.name .. "'" or "of a call block" end

-- A keyword argument is none of a macro's parameters.
local function refuse_kwargs(info, name)
  if name == "caller" then failure.fail("the macro %s is called with a body, but does not call caller()", name_of(info)) end
  failure.fail("the macro %s takes no argument '%s'", name_of(info), value.text(name))
end

-- Lua arguments for a macro's function: its parameters, then caller, kwargs and varargs where it reads them. `kwargs` is the
-- call's own table and used up.
local function arrange(info, kwargs, ...)
  local args, given, count = { ... }, select("#", ...), info.count
  local excess = given > count and value.tuple { table.unpack(args, count + 1, given) }
  for i = given + 1, count do
    local name = info.args[i]
    args[i], kwargs[name] = kwargs[name], nil
  end
  local last = count
  if info.caller then
    last = last + 1
    args[last], kwargs.caller = kwargs.caller, nil
  end
  if info.kwargs then
    last = last + 1
    args[last] = value.dict_with(value.mapping())
    for name, v in pairs(kwargs) do value.set(args[last], name, v) end
  elseif next(kwargs) ~= nil then
    refuse_kwargs(info, next(kwargs))
  end
  if info.varargs then
    last = last + 1
    args[last] = excess or value.tuple {}
  elseif excess then
    failure.fail("the macro %s takes %d arguments at most, got %d", name_of(info), count, given)
  end
  return table.unpack(args, 1, last)
end

local function put_macro(_, kwargs, _, macro, ...)
  local info = macro[2]
  if not kwargs and not info.special and select("#", ...) <= info.count then macro[1](...)
  else macro[1](arrange(info, kwargs or {}, ...)) end
end

local call_macro = call_by_put(put_macro)

-- A macro prints to the page of its own context, wherever it is called from.
local function call_own(_, kwargs, esc, macro, ...) return call_macro(macro[3], kwargs, esc, macro, ...) end

local macro_attributes = {
  name = function(info) return info.name end,
  arguments = function(info) return value.tuple(table.move(info.args, 1, info.count, 1, {})) end,
  caller = function(info) return info.caller or false end,
  catch_kwargs = function(info) return info.kwargs or false end,
  catch_varargs = function(info) return info.varargs or false end,
}

kinds[Macro] = {
  name = "macro", call = call_own, put = put_macro,
  text = function(macro) return ("<Macro %s>"):format(name_of(macro[2])) end,
  attr = function(macro, name) return macro_attributes[name] and macro_attributes[name](macro[2]) end,
}

-- A program's function that was given a macro (or caller) may call it.
function Macro.__call(macro, ...)
  local c = macro[3]
  enter(c)
  local result = call_macro(c, nil, true, macro, ...)
  leave(c)
  return result
end

-- ---- call sites -----------------------------------------------------------------------------------------------------

-- A call in a template that is likely one of a macro asks once for what it calls, and again when it calls something else:
--
--   if f ~= seen then seen, enter = f, site(c, esc, "1 type", f) end enter(a, b)
--
-- enter prints; it takes the arguments in the order of the call. The call's shape says how many of them are given by place, and
-- the names of the others. For a macro whose parameters have the same order enter is the macro's own function; what a shape
-- needs otherwise is kept in the macro's info.fits: true, a function that makes an enter of the macro's function, or false.

-- Returns which argument of a call each parameter gets, and how many parameters there are; nil if that takes arrange().
local function places_of(info, given, names)
  local places, last = {}, given
  if given > info.count or info.kwargs or info.varargs then return nil end
  for i = 1, given do places[i] = i end
  for i, name in ipairs(names) do
    local place = info.places[name]
    if not place or places[place] then return nil end
    places[place], last = given + i, math.max(last, place)
  end
  return places, last
end

local makers = {} -- by what is put where

-- function(f) -> function(a1, a2, …) that calls f with these in other places.
local function maker_of(places, last, count)
  local put, taken = {}, {}
  for i = 1, last do put[i] = places[i] and "a" .. places[i] or "nil" end
  for i = 1, count do taken[i] = "a" .. i end
  local key = table.concat(put, ", ")
  if not makers[key] then
    makers[key] = load(("local f = ... return function(%s) return f(%s) end"):format(table.concat(taken, ", "), key))
  end
  return makers[key]
end

local function parse_shape(shape)
  local names = {}
  for name in shape:gmatch " (%S+)" do names[#names + 1] = name end
  return math.tointeger(shape:match "%d+"), names
end

local function fit_of(info, shape)
  local given, names = parse_shape(shape)
  local places, last = places_of(info, given, names)
  if not places then return false end
  local is_same = last == given + #names
  for i = 1, last do is_same = is_same and places[i] == i end
  return is_same or maker_of(places, last, given + #names)
end

-- An enter for what is called the long way: put(kwargs, ...).
local function long_way(shape, put)
  local given, names = parse_shape(shape)
  if not names[1] then return function(...) return put(nil, ...) end end
  return function(...)
    local args, kwargs = { ... }, {}
    for i, name in ipairs(names) do kwargs[name] = args[given + i] end
    return put(kwargs, table.unpack(args, 1, given))
  end
end

--- site(c, esc, shape, f) -> enter
function M.site(c, esc, shape, f)
  if getmetatable(f) == Macro then
    local info = f[2]
    local fit = info.fits[shape]
    if fit == nil then
      fit = fit_of(info, shape)
      info.fits[shape] = fit
    end
    if fit then return fit == true and f[1] or fit(f[1]) end
  end
  return long_way(shape, function(kwargs, ...) return call.put_call(c, kwargs, esc, f, ...) end)
end

--- method_site(c, esc, shape, object, name) -> enter: for object.name(…)
function M.method_site(c, esc, shape, object, name)
  return long_way(shape, function(kwargs, ...) return call.put_method(c, kwargs, esc, object, name, ...) end)
end

-- ---- blocks ---------------------------------------------------------------------------------------------------------

local Block = { __name = "rille.template.block" }

local function put_block(_, _, _, block)
  local c, name, depth = block[1], block[2], block[3]
  enter(c)
  c.blocks[name][depth](c, c.page, depth)
  leave(c)
end

--- super_block(c, name, depth): the block's function number `depth`, where there is one.
function M.super_block(c, name, depth)
  local list = c.blocks[name]
  if not (list and list[depth]) then return c.env:undefined(("there is no parent block called '%s'"):format(name)) end
  return setmetatable({ c, name, depth }, Block)
end

local call_block = call_by_put(put_block)

kinds[Block] = {
  name = "block", put = put_block,
  call = function(_, kwargs, esc, block) return call_block(block[1], kwargs, esc, block) end,
  attr = function(block, name)
    return name == "super" and M.super_block(block[1], block[2], block[3] + 1) or name == "name" and block[2] or nil
  end,
}

local Self = { __name = "rille.template.self" } -- {c}

kinds[Self] = { name = "template", attr = function(self, name)
  return self[1].blocks[name] and M.super_block(self[1], name, 1) or nil
end }

function M.template_self(c) return setmetatable({ c }, Self) end

-- ---- loops ----------------------------------------------------------------------------------------------------------

local Loop = { __name = "rille.template.loop" }

function M.new_loop(c, t, n, depth, f) return setmetatable({ t, n, 0, f, depth, c }, Loop) end

local loop_attributes = {
  index = function(loop) return loop[3] end,
  index0 = function(loop) return loop[3] - 1 end,
  first = function(loop) return loop[3] == 1 end,
  last = function(loop) return loop[3] == loop[2] end,
  length = function(loop) return loop[2] end,
  revindex = function(loop) return loop[2] - loop[3] + 1 end,
  revindex0 = function(loop) return loop[2] - loop[3] end,
  depth = function(loop) return loop[5] end,
  depth0 = function(loop) return loop[5] - 1 end,
  previtem = function(loop)
    return operators.either(loop[1][loop[3] - 1], loop[6].env:undefined "there is no previous item")
  end,
  nextitem = function(loop)
    return operators.either(loop[1][loop[3] + 1], loop[6].env:undefined "there is no next item")
  end,
}

local loop_methods = {
  cycle = { params = {}, f = function(loop, ...)
    if select("#", ...) == 0 then failure.fail "loop.cycle needs something to cycle through" end
    return operators.cycle(loop[3], ...)
  end },
  changed = { params = {}, f = function(loop, ...)
    local values = value.tuple { ... }
    local changed = loop[7] == nil or not operators.eq(loop[7], values)
    loop[7] = values
    return changed
  end },
}

local function put_loop(_, _, _, loop, list)
  if not loop[4] then failure.fail "only a loop that is marked 'recursive' can be called" end
  enter(loop[6])
  loop[4](list, loop[5] + 1)
  leave(loop[6])
end

local call_loop = call_by_put(put_loop)

kinds[Loop] = {
  name = "loop", put = put_loop,
  call = function(_, kwargs, esc, loop, list) return call_loop(loop[6], kwargs, esc, loop, list) end,
  text = function(loop) return ("<loop %d/%d>"):format(loop[3], loop[2]) end,
  attr = function(loop, name)
    if loop_attributes[name] then return loop_attributes[name](loop) end
    return loop_methods[name] and lookup.bind(loop_methods[name], loop)
  end,
  methods = loop_methods,
  items = function(loop) return table.move(loop[1], 1, loop[2], 1, {}) end,
}

-- ---- namespaces -----------------------------------------------------------------------------------------------------

local Namespace = { __name = "rille.template.namespace" }

kinds[Namespace] = { name = "namespace", text = function(space, walk)
  return "<namespace " .. value.repr_mapping(space, walk) .. ">"
end }

--- namespace(mapping, name=value, …)
M.namespace = call.global_function { keywords = true, f = function(_, _, kwargs, from)
  local space = setmetatable({}, Namespace)
  local fields = value.mapping()
  if from ~= nil then methods.add_all(fields, from) end
  if kwargs then methods.add_all(fields, kwargs) end
  for name, v in next, fields do space[name] = v end
  return space
end }

--- {% set space.name = v %}
function M.set_attribute(space, name, v)
  if type(space) ~= "table" or getmetatable(space) ~= Namespace then
    value.check_defined(space)
    failure.fail("only a namespace has attributes that can be set, not %s", value.describe(space))
  end
  space[name] = v
end

return M
