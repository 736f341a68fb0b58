-- Parsing expressions: Jinja2's precedences, loosest first.
--
--   a if b else c    or    and    not    == != < <= > >= in "not in"    + -    ~    * / // %    **    unary - +
--   then, on a primary: .name [item] (call)    and behind those |filter and "is test"
--
-- Added to the parser's methods (parser.lua): p.i is the token looked at, p.kind and p.value are its columns.
local M = {}

local MOST_DEPTH = 80

local comparisons = { ["=="] = "eq", ["!="] = "ne", ["<"] = "lt", ["<="] = "le", [">"] = "gt", [">="] = "ge" }
local priorities = { ["+"] = 1, ["-"] = 1, ["~"] = 2, ["*"] = 3, ["/"] = 3, ["//"] = 3, ["%"] = 3, ["**"] = 4 }
local arithmetic = {
  ["+"] = "add", ["-"] = "sub", ["*"] = "mul", ["/"] = "div", ["//"] = "floordiv", ["%"] = "mod", ["**"] = "pow",
}
local constants = { ["true"] = true, True = true, ["false"] = false, False = false }

local function too_deep(p) p:fail("this expression is nested too deeply", p.i) end

-- Notes how deep a tree is, so that nothing is built that Lua's own compiler refuses. The common nodes are made with a depth,
-- as with all of their fields, since a table that grows costs more than the rest of its node.
local function deeper(p, node, a, b, c)
  local depth = math.max(a and a.depth or 0, b and b.depth or 0, c and c.depth or 0) + 1
  node.depth = depth
  return depth > MOST_DEPTH and too_deep(p) or node
end

-- The deepest of a list of nodes, as a node; of rows, their last columns.
local function deepest(list)
  local depth = 0
  for _, item in ipairs(list) do depth = math.max(depth, (item.t and item or item[2]).depth or 0) end
  return { depth = depth }
end

local operands = { name = true, string = true, integer = true, float = true }
local ends = { ["}}"] = true, ["%}"] = true, [","] = true, [")"] = true, ["]"] = true }

function M.add(Parser)
  -- ---- operators ----------------------------------------------------------------------------------------------------

  -- Whether all of an expression is a literal, a name or a name's attribute, as most are.
  local function is_plain(p)
    local kind, i = p.kind, p.i
    if not operands[kind[i]] or p.value[i] == "not" then return false end
    if kind[i] == "name" and kind[i + 1] == "." and kind[i + 2] == "name" then i = i + 2 end
    return ends[kind[i + 1]]
  end

  --- An expression; with `no_condition` no inline if.
  function Parser:expression(no_condition)
    if is_plain(self) then return self:postfix(self:primary()) end
    self.nesting = self.nesting + 1
    if self.nesting > MOST_DEPTH then too_deep(self) end
    local node = no_condition and self:disjunction() or self:condition()
    self.nesting = self.nesting - 1
    return node
  end

  function Parser:condition()
    local line = self.line[self.i]
    local node = self:disjunction()
    while self:skip_name "if" do
      local test = self:disjunction()
      local no = self:skip_name "else" and self:expression() or nil
      node = deeper(self, { t = "Cond", line = line, test = test, yes = node, no = no }, test, node, no)
    end
    return node
  end

  function Parser:disjunction()
    local line = self.line[self.i]
    local left = self:conjunction()
    while self:skip_name "or" do
      local right = self:conjunction()
      left = deeper(self, { t = "Or", line = line, left = left, right = right, depth = 0 }, left, right)
    end
    return left
  end

  function Parser:conjunction()
    local line = self.line[self.i]
    local left = self:negation()
    while self:skip_name "and" do
      local right = self:negation()
      left = deeper(self, { t = "And", line = line, left = left, right = right, depth = 0 }, left, right)
    end
    return left
  end

  function Parser:negation()
    local negations, line = 0, self.line[self.i]
    while self:skip_name "not" do negations = negations + 1 end
    local node = self:comparison()
    for _ = 1, negations do node = deeper(self, { t = "Not", line = line, node = node }, node) end
    return node
  end

  -- The comparison that starts at the token looked at, or nil: "eq", …, "in", "notin". Steps over it.
  function Parser:comparison_operator()
    local operator = comparisons[self.kind[self.i]]
    if operator then
      self.i = self.i + 1
      return operator
    end
    if self:skip_name "in" then return "in" end
    if self:is_name "not" and self:is_name("in", 1) then
      self.i = self.i + 2
      return "notin"
    end
  end

  function Parser:comparison()
    local line = self.line[self.i]
    local left = self:binary(1)
    local operator = self:comparison_operator()
    if not operator then return left end
    local node = deeper(self, { t = "Compare", line = line, expr = left, operands = {}, depth = 0 }, left)
    while operator do
      local right = self:binary(1)
      node.operands[#node.operands + 1] = { operator, right }
      deeper(self, node, node, right)
      operator = self:comparison_operator()
    end
    return node
  end

  local function join(p, line, operator, left, right)
    if operator ~= "~" then
      return deeper(p, { t = "Binary", line = line, op = arithmetic[operator], left = left, right = right }, left, right)
    end
    if left.t ~= "Concat" or left.closed then left = { t = "Concat", line = line, nodes = { left }, depth = left.depth } end
    left.nodes[#left.nodes + 1] = right
    left.depth = math.max(left.depth or 1, (right.depth or 1) + 1)
    return left
  end

  -- Operators of at least this priority; all of them associate to the left.
  function Parser:binary(least)
    local line = self.line[self.i]
    local left = self:unary(true)
    while true do
      local operator = self.kind[self.i]
      local priority = priorities[operator]
      if not priority or priority < least then return left end
      self.i = self.i + 1
      left = join(self, line, operator, left, self:binary(priority + 1))
    end
  end

  function Parser:unary(with_filter)
    local kind, line = self.kind[self.i], self.line[self.i]
    local node
    if kind == "-" or kind == "+" then
      self.i = self.i + 1
      self.nesting = self.nesting + 1
      if self.nesting > MOST_DEPTH then too_deep(self) end
      local operand = self:unary(false)
      self.nesting = self.nesting - 1
      node = deeper(self, { t = "Unary", line = line, op = kind == "-" and "neg" or "pos", node = operand }, operand)
    else
      node = self:primary()
    end
    node = self:postfix(node)
    return with_filter and self:filters_and_tests(node) or node
  end

  -- ---- primaries ----------------------------------------------------------------------------------------------------

  local function const(line, value) return { t = "Const", line = line, value = value } end

  function Parser:name_or_constant()
    local name, line = self.value[self.i], self.line[self.i]
    self.i = self.i + 1
    if constants[name] ~= nil then return const(line, constants[name]) end
    if name == "none" or name == "None" then return { t = "Const", line = line, none = true } end
    return { t = "Name", line = line, name = name, ctx = "load", token = self.i - 1 }
  end

  -- Adjacent literals are one string.
  function Parser:string()
    local first = self.i
    repeat self.i = self.i + 1 until self.kind[self.i] ~= "string"
    if self.i == first + 1 then return const(self.line[first], self.value[first]) end
    return const(self.line[first], table.concat(self.value, "", first, self.i - 1))
  end

  function Parser:primary()
    local kind, line = self.kind[self.i], self.line[self.i]
    if kind == "name" then return self:name_or_constant() end
    if kind == "string" then return self:string() end
    if kind == "integer" or kind == "float" then
      self.i = self.i + 1
      return const(line, self.value[self.i - 1])
    end
    if kind == "[" then return self:list() end
    if kind == "{" then return self:dict() end
    if kind ~= "(" then self:fail("unexpected " .. self:describe(self.i), self.i) end
    self.i = self.i + 1
    local node = self:tuple { parentheses = true }
    self:expect ")"
    if node.t == "Concat" then node.closed = true end -- (a ~ b) ~ c is two of them
    return node
  end

  -- Whether a tuple ends here. `stop` is a name that ends one too ("in", "recursive").
  function Parser:at_tuple_end(stop)
    local kind = self.kind[self.i]
    return kind == "}}" or kind == "%}" or kind == ")" or (stop ~= nil and self:is_name(stop))
  end

  --- An expression, or a tuple where commas follow. Options: parentheses (it may be empty), simple (names and literals only),
  --- no_condition, stop (a name behind it).
  function Parser:tuple(options)
    local line, items, is_tuple = self.line[self.i], {}, false
    repeat
      if self:at_tuple_end(options.stop) then break end
      items[#items + 1] = options.simple and self:primary() or self:expression(options.no_condition)
      local comma = self:skip ","
      is_tuple = is_tuple or comma
    until not comma
    if not is_tuple then
      if items[1] then return items[1] end
      if not options.parentheses then self:fail("an expression was expected, got " .. self:describe(self.i), self.i) end
    end
    return deeper(self, { t = "Tuple", line = line, items = items }, deepest(items))
  end

  -- Items up to `close`, separated by commas, the last of which may be missing; parse() makes one.
  function Parser:items(close, parse)
    local items = {}
    self.i = self.i + 1
    while self.kind[self.i] ~= close do
      if items[1] then
        self:expect ","
        if self.kind[self.i] == close then break end
      end
      items[#items + 1] = parse(self)
    end
    self:expect(close)
    return items
  end

  function Parser:list()
    local line = self.line[self.i]
    local items = self:items("]", self.expression)
    return deeper(self, { t = "List", line = line, items = items }, deepest(items))
  end

  local function pair(p)
    local key = p:expression()
    p:expect ":"
    return { key, p:expression() }
  end

  function Parser:dict()
    local line = self.line[self.i]
    local pairs = self:items("}", pair)
    return deeper(self, { t = "Dict", line = line, pairs = pairs }, deepest(pairs))
  end

  -- ---- what follows a primary ---------------------------------------------------------------------------------------

  function Parser:postfix(node)
    while true do
      local kind = self.kind[self.i]
      if kind == "." then node = self:attribute(node)
      elseif kind == "[" then node = self:subscript(node)
      elseif kind == "(" then node = self:call(node)
      else return node end
    end
  end

  function Parser:filters_and_tests(node)
    while true do
      local kind = self.kind[self.i]
      if kind == "|" then node = self:filter(node)
      elseif kind == "(" then node = self:call(node)
      elseif kind == "name" and self.value[self.i] == "is" then node = self:test(node)
      else return node end
    end
  end

  function Parser:attribute(node)
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

  function Parser:subscript(node)
    local line = self.line[self.i]
    local args = self:items("]", subscribed)
    local arg = #args == 1 and args[1] or { t = "Tuple", line = line, items = args }
    return deeper(self, { t = "Getitem", line = line, node = node, arg = arg }, node, arg)
  end

  -- ---- arguments ----------------------------------------------------------------------------------------------------

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
  function Parser:arguments(call, optional)
    if optional and self.kind[self.i] ~= "(" then return call end
    self:items(")", function(p) return argument(p, call) end)
    local own = math.max(deepest(call.args).depth, deepest(call.kwargs).depth)
    return deeper(self, call, call.node, { depth = own }, deepest { call.dyn_args or call, call.dyn_kwargs })
  end

  function Parser:call(node)
    return self:arguments { t = "Call", line = self.line[self.i], node = node, args = {}, kwargs = {}, depth = 0 }
  end

  -- A name with dots in it.
  local function dotted_name(p)
    local parts = { p:expect "name" }
    while p:skip "." do parts[#parts + 1] = p:expect "name" end
    return table.concat(parts, ".")
  end

  -- Filters in front of which the bar is looked at; with `inline` the first one's name.
  function Parser:filter(node, inline)
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

  function Parser:test(node)
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
end

return M
