-- Parses what follows a primary: .name, [item], (arguments), |filter and "is test". These are methods of the parser (parser.lua).
local depth = require "rille.template.parse.depth"

local M = {}

local deeper, deepest = depth.deeper, depth.deepest

local function const(line, value) return { t = "Const", line = line, value = value } end

function M:postfix(node)
  while true do
    local kind = self.kind[self.i]
    if kind == "." then node = self:attribute(node)
    elseif kind == "[" then node = self:subscript(node)
    elseif kind == "(" then node = self:call(node)
    else return node end
  end
end

function M:filters_and_tests(node)
  while true do
    local kind = self.kind[self.i]
    if kind == "|" then node = self:filter(node)
    elseif kind == "(" then node = self:call(node)
    elseif kind == "name" and self.value[self.i] == "is" then node = self:test(node)
    else return node end
  end
end

function M:attribute(node)
  local line = self.line[self.i]
  self.i = self.i + 1
  local kind, value = self.kind[self.i], self.value[self.i]
  if kind == "name" then
    self.i = self.i + 1
    return deeper(self, { t = "Getattr", line = line, node = node, attr = value, depth = 0 }, node)
  end
  if kind ~= "integer" then self:fail("a name or a number was expected, got " .. self:describe(self.i), self.i) end
  self.i = self.i + 1
  return deeper(self, { t = "Getitem", line = line, node = node, arg = const(line, value) }, node)
end

-- Up to three expressions with colons between them.
local function subscribed(p)
  local line, parts, first = p.line[p.i], {}, nil
  if p.kind[p.i] ~= ":" then first = p:expression() end
  if p.kind[p.i] ~= ":" then return first end
  for i = 1, 2 do
    if not p:skip ":" then break end
    local kind = p.kind[p.i]
    if kind ~= ":" and kind ~= "]" and kind ~= "," then parts[i] = p:expression() end
  end
  return deeper(p, { t = "Slice", line = line, start = first, stop = parts[1], step = parts[2] }, first, parts[1], parts[2])
end

function M:subscript(node)
  local line = self.line[self.i]
  local args = self:items("]", subscribed)
  local arg = #args == 1 and args[1] or { t = "Tuple", line = line, items = args }
  return deeper(self, { t = "Getitem", line = line, node = node, arg = arg }, node, arg)
end

-- ---- arguments ------------------------------------------------------------------------------------------------------

-- One argument into `call`; in the order: plain ones, then *more, then name=value, then **more.
local function argument(p, call)
  local function ensure(fine) if not fine then p:fail("these arguments are not in the order a call takes them", p.i) end end
  if p:skip "*" then
    ensure(not call.dyn_args and not call.dyn_kwargs)
    call.dyn_args = p:expression()
  elseif p:skip "**" then
    ensure(not call.dyn_kwargs)
    call.dyn_kwargs = p:expression()
  elseif p.kind[p.i] == "name" and p.kind[p.i + 1] == "=" then
    ensure(not call.dyn_kwargs)
    p.i = p.i + 2
    call.kwargs[#call.kwargs + 1] = { p.value[p.i - 2], p:expression() }
  else
    ensure(not call.dyn_args and not call.dyn_kwargs and not call.kwargs[1])
    call.args[#call.args + 1] = p:expression()
  end
  return true
end

--- Fills the empty args and kwargs of `call`, and its dyn_args and dyn_kwargs, from the parentheses that may stand here.
function M:arguments(call, optional)
  if optional and self.kind[self.i] ~= "(" then return call end
  self:items(")", function(p) return argument(p, call) end)
  local own = math.max(deepest(call.args).depth, deepest(call.kwargs).depth)
  return deeper(self, call, call.node, { depth = own }, deepest { call.dyn_args or call, call.dyn_kwargs })
end

function M:call(node)
  return self:arguments { t = "Call", line = self.line[self.i], node = node, args = {}, kwargs = {}, depth = 0 }
end

-- A name with dots in it.
local function dotted_name(p)
  local parts = { p:expect "name" }
  while p:skip "." do parts[#parts + 1] = p:expect "name" end
  return table.concat(parts, ".")
end

-- Parses filters, from the bar on; with `inline` from the first one's name.
function M:filter(node, inline)
  while inline or self.kind[self.i] == "|" do
    if not inline then self.i = self.i + 1 end
    inline = false
    local at, line = self.i, self.line[self.i]
    local filter = { t = "Filter", line = line, node = node, name = dotted_name(self), token = at, args = {},
      kwargs = {}, depth = 0 }
    local inside = node
    node = self:arguments(filter, true)
    if node.depth == 0 then deeper(self, node, inside) end -- it has none
  end
  return node
end

local starts_argument = { name = true, string = true, integer = true, float = true, ["("] = true, ["["] = true, ["{"] = true }

-- The one argument a test may have without parentheses.
local function bare_argument(p, test)
  if not starts_argument[p.kind[p.i]] or p:is_name "else" or p:is_name "or" or p:is_name "and" then return test end
  if p:is_name "is" then p:fail("tests cannot be chained: 'is' follows one", p.i) end
  local arg = p:postfix(p:primary())
  test.args[1] = arg
  return deeper(p, test, test.node, arg)
end

function M:test(node)
  local line = self.line[self.i]
  self.i = self.i + 1
  local negated, at = self:skip_name "not", self.i
  local test = { t = "Test", line = line, node = node, name = dotted_name(self), token = at, args = {}, kwargs = {},
    depth = 0 }
  local bare = self.kind[self.i] ~= "("
  self:arguments(test, true)
  if bare then bare_argument(self, test) end
  deeper(self, test, node, test)
  return negated and deeper(self, { t = "Not", line = line, node = test }, test) or test
end

return M
