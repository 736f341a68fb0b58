-- Parses expressions: Jinja2's precedences, loosest first.
--
--   a if b else c    or    and    not    == != < <= > >= in "not in"    + -    ~    * / // %    **    unary - +
--
-- Then, on a primary: .name [item] (call), and after those |filter and "is test" (postfix.lua). These are methods of the parser
-- (parser.lua): p.i is the token looked at, p.kind and p.value are its columns.
local depth = require "rille.template.parse.depth"

local M = {}

local deeper, deepest, too_deep, MOST_DEPTH = depth.deeper, depth.deepest, depth.refuse, depth.MOST_DEPTH

local comparisons = { ["=="] = "eq", ["!="] = "ne", ["<"] = "lt", ["<="] = "le", [">"] = "gt", [">="] = "ge" }
local priorities = { ["+"] = 1, ["-"] = 1, ["~"] = 2, ["*"] = 3, ["/"] = 3, ["//"] = 3, ["%"] = 3, ["**"] = 4 }
local arithmetic = {
  ["+"] = "add", ["-"] = "sub", ["*"] = "mul", ["/"] = "div", ["//"] = "floordiv", ["%"] = "mod", ["**"] = "pow",
}
local constants = { ["true"] = true, True = true, ["false"] = false, False = false }

local operands = { name = true, string = true, integer = true, float = true }
local ends = { ["}}"] = true, ["%}"] = true, [","] = true, [")"] = true, ["]"] = true }

-- ---- operators ------------------------------------------------------------------------------------------------------

-- Returns true if all of an expression is a literal, a name or a name's attribute, as most are.
local function is_plain(p)
  local kind, i = p.kind, p.i
  if not operands[kind[i]] or p.value[i] == "not" then return false end
  if kind[i] == "name" and kind[i + 1] == "." and kind[i + 2] == "name" then i = i + 2 end
  return ends[kind[i + 1]]
end

--- Parses an expression; with `no_condition` no inline if.
function M:expression(no_condition)
  if is_plain(self) then return self:postfix(self:primary()) end
  self.nesting = self.nesting + 1
  if self.nesting > MOST_DEPTH then too_deep(self) end
  local node = no_condition and self:disjunction() or self:condition()
  self.nesting = self.nesting - 1
  return node
end

function M:condition()
  local line = self.line[self.i]
  local node = self:disjunction()
  while self:skip_name "if" do
    local test = self:disjunction()
    local no = self:skip_name "else" and self:expression() or nil
    node = deeper(self, { t = "Cond", line = line, test = test, yes = node, no = no }, test, node, no)
  end
  return node
end

function M:disjunction()
  local line = self.line[self.i]
  local left = self:conjunction()
  while self:skip_name "or" do
    local right = self:conjunction()
    left = deeper(self, { t = "Or", line = line, left = left, right = right, depth = 0 }, left, right)
  end
  return left
end

function M:conjunction()
  local line = self.line[self.i]
  local left = self:negation()
  while self:skip_name "and" do
    local right = self:negation()
    left = deeper(self, { t = "And", line = line, left = left, right = right, depth = 0 }, left, right)
  end
  return left
end

function M:negation()
  local negations, line = 0, self.line[self.i]
  while self:skip_name "not" do negations = negations + 1 end
  local node = self:comparison()
  for _ = 1, negations do node = deeper(self, { t = "Not", line = line, node = node }, node) end
  return node
end

-- The comparison that starts at the token looked at, or nil: "eq", …, "in", "notin". Steps over it.
function M:comparison_operator()
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

function M:comparison()
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
function M:binary(least)
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

function M:unary(with_filter)
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

-- ---- primaries ------------------------------------------------------------------------------------------------------

local function const(line, value) return { t = "Const", line = line, value = value } end

function M:name_or_constant()
  local name, line = self.value[self.i], self.line[self.i]
  self.i = self.i + 1
  if constants[name] ~= nil then return const(line, constants[name]) end
  if name == "none" or name == "None" then return { t = "Const", line = line, none = true } end
  return { t = "Name", line = line, name = name, ctx = "load", token = self.i - 1 }
end

-- Adjacent literals are one string.
function M:string()
  local first = self.i
  repeat self.i = self.i + 1 until self.kind[self.i] ~= "string"
  if self.i == first + 1 then return const(self.line[first], self.value[first]) end
  return const(self.line[first], table.concat(self.value, "", first, self.i - 1))
end

function M:primary()
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

-- Returns true if a tuple ends here. `stop` is a name that ends one too ("in", "recursive").
function M:at_tuple_end(stop)
  local kind = self.kind[self.i]
  return kind == "}}" or kind == "%}" or kind == ")" or (stop ~= nil and self:is_name(stop))
end

--- Parses an expression, or a tuple if commas follow. Options: parentheses (it may be empty), simple (names and literals only),
--- no_condition, stop (a name that ends it).
function M:tuple(options)
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
function M:items(close, parse)
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

function M:list()
  local line = self.line[self.i]
  local items = self:items("]", self.expression)
  return deeper(self, { t = "List", line = line, items = items }, deepest(items))
end

local function pair(p)
  local key = p:expression()
  p:expect ":"
  return { key, p:expression() }
end

function M:dict()
  local line = self.line[self.i]
  local pairs = self:items("}", pair)
  return deeper(self, { t = "Dict", line = line, pairs = pairs }, deepest(pairs))
end

return M
