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
local next, pairs, select = next, pairs, select

local MOST_DEPTH = 200

--- Counts a call in that may lead to itself. leave() counts it out; an error ends the whole page.
function M.enter(c)
  local state = c.state
  local depth = state.depth + 1
  if depth > MOST_DEPTH then
    failure.fail("macros, includes and loops are nested more than %d deep: does one call itself for ever?", MOST_DEPTH)
  end
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
local function arrange(c, info, kwargs, ...)
  local args, given, count = { ... }, select("#", ...), info.count
  local excess = given > count and value.tuple { table.unpack(args, count + 1, given) }
  for i = given + 1, count do
    local name = info.args[i]
    args[i], kwargs[name] = kwargs[name], nil
  end
  local last = count
  if info.caller then
    last = last + 1
    args[last], kwargs.caller = kwargs.caller or c.env:undefined "'caller' is undefined: no call block calls this macro", nil
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

-- The page's depth is counted here as enter() and leave() do.
local function put_macro(_, kwargs, _, macro, ...)
  local info, c = macro[2], macro[3]
  local state = c.state
  local depth = state.depth
  if depth >= MOST_DEPTH then enter(c) end
  state.depth = depth + 1
  if not kwargs and not info.special and select("#", ...) <= info.count then macro[1](...)
  else macro[1](arrange(c, info, kwargs or {}, ...)) end
  state.depth = depth
end

-- How many of three arguments are there: an argument is never nil.
local function count_of(a, b, d) return d ~= nil and 3 or b ~= nil and 2 or a ~= nil and 1 or 0 end

-- Keyword arguments for a macro of up to three parameters, without a table; nothing where it takes arrange().
local function fill(info, kwargs, given, a, b, d)
  local names, found = info.args, 0
  if given < 1 then a = kwargs[names[1]] found = a ~= nil and 1 or 0 end
  if given < 2 and info.count > 1 then b = kwargs[names[2]] found = b ~= nil and found + 1 or found end
  if given < 3 and info.count > 2 then d = kwargs[names[3]] found = d ~= nil and found + 1 or found end
  for _ in next, kwargs do found = found - 1 end
  return found == 0, a, b, d
end

-- Arguments of most calls there are, or nothing where it takes arrange(): at most three, given by place or by name; or at most
-- two and the body of a {% call %}.
local function arrange3(info, kwargs, a, b, d)
  local given, count = count_of(a, b, d), info.count
  if given > count then return false end
  if not info.special then
    if not kwargs then return true, a, b, d end
    if count == 0 or count > 3 then return false end
    return fill(info, kwargs, given, a, b, d)
  end
  if given ~= count or given > 2 or not kwargs or not info.caller or info.kwargs or info.varargs then return false end
  if next(kwargs) ~= "caller" or next(kwargs, "caller") ~= nil then return false end
  local caller = kwargs.caller
  if given == 0 then return true, caller end
  if given == 1 then return true, a, caller end
  return true, a, b, caller
end

-- put_macro for up to three arguments, the others nil.
local function put_macro3(kwargs, macro, a, b, d)
  local state = macro[3].state
  local depth = state.depth
  local fits, x, y, z = arrange3(macro[2], kwargs, a, b, d)
  if not fits or depth >= MOST_DEPTH then return false end
  state.depth = depth + 1
  macro[1](x, y, z)
  state.depth = depth
  return true
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
  name = "macro", call = call_own, put = put_macro, put3 = put_macro3,
  text = function(macro) return ("<Macro %s>"):format(name_of(macro[2])) end,
  attr = function(macro, name) return macro_attributes[name] and macro_attributes[name](macro[2]) end,
}

-- A program's function that was given a macro (or caller) may call it.
function Macro.__call(macro, ...) return call_macro(macro[3], nil, true, macro, ...) end

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

kinds[Namespace] = { name = "namespace", text = function(space)
  local fields = value.mapping()
  for _, name in ipairs(value.keys(space)) do value.set(fields, name, space[name]) end
  return "<namespace " .. value.repr(fields) .. ">"
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
