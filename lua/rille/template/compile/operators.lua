-- Compiles operators to Lua. If both sides are known to be numbers (the kinds in expression.lua), Lua's own operators are used,
-- else functions of the runtime (operators.lua).
local ast = require "rille.template.ast"
local Code = require "rille.template.code"

local M = {}

local concat, quote = table.concat, Code.quote

local binary_operators = { add = "+", sub = "-", mul = "*" }
local number_comparisons = { eq = "==", ne = "~=", lt = "<", le = "<=", gt = ">", ge = ">=" }

function M:Binary(node, frame)
  local left, left_kind = self:expression(node.left, frame)
  local right, right_kind = self:expression(node.right, frame)
  local operator = binary_operators[node.op]
  if operator and left_kind == "number" and right_kind == "number" then -- a product of products may leave 64 bits
    return ("(%s %s %s)"):format(left, operator, right), node.op == "mul" and "value" or "number"
  end
  return ("%s(%s, %s)"):format(self.code:use(node.op), left, right), "value"
end

function M:Unary(node, frame)
  local code, kind = self:expression(node.node, frame)
  if kind == "number" then return node.op == "neg" and ("(- %s)"):format(code) or code, "number" end
  return ("%s(%s)"):format(self.code:use(node.op), code), "value"
end

local PIECES_AT_ONCE = 50

function M:Concat(node, frame)
  local code
  for first = 1, #node.nodes, PIECES_AT_ONCE do
    local last = math.min(first + PIECES_AT_ONCE - 1, #node.nodes)
    local pieces = self:expressions(table.move(node.nodes, first, last, 1, {}), frame)
    code = ("%s(%s, %s%s)"):format(self.code:use "join", frame.esc, code and code .. ", " or "", pieces)
  end
  return code, "value"
end

function M:Not(node, frame) return ("(not %s)"):format(self:condition(node.node, frame)), "boolean" end

function M:And(node, frame)
  local left, kind = self:expression(node.left, frame)
  local right, right_kind = self:expression(node.right, frame)
  if kind == "boolean" then return ("(%s and %s)"):format(left, right), right_kind == "boolean" and "boolean" or "any" end
  return ("%s(%s(%s) or %s)"):format(self.code:use "unbox", self.code:use "falsy", left, right), "any"
end

function M:Or(node, frame)
  local left, kind = self:expression(node.left, frame)
  local right, right_kind = self:expression(node.right, frame)
  if kind == "boolean" then return ("(%s or %s)"):format(left, right), right_kind end
  return ("(%s(%s) or %s)"):format(self.code:use "pick", left, right), right_kind == "boolean" and "any" or right_kind
end

local NO_ELSE = "the inline if in line %d was false and has no else"

function M:Cond(node, frame)
  local was_soft, was_guarded = frame.soft, frame.guarded
  frame.soft, frame.guarded = true, was_guarded or ast.asks_for_names(node.test)
  local test = self:condition(node.test, frame)
  local yes, kind = self:expression(node.yes, frame)
  local no, no_kind
  if node.no then no, no_kind = self:expression(node.no, frame)
  else no, no_kind = self.code:constant(self.env:lenient_undefined(NO_ELSE:format(node.line))), "value" end
  frame.soft, frame.guarded = was_soft, was_guarded
  local result = kind == no_kind and kind or "any"
  if kind == "number" or kind == "value" then return ("(%s and %s or %s)"):format(test, yes, no), result end
  return ("%s(%s and (%s or %s) or %s)"):format(self.code:use "unbox", test, yes, self.code:use "NO", no), result
end

-- Returns code for one comparison of two pieces of code.
local function compare(self, operator, left, right, both_numbers)
  if both_numbers and number_comparisons[operator] then
    return ("(%s %s %s)"):format(left, number_comparisons[operator], right)
  end
  local negated = operator == "ne" and "eq" or operator == "notin" and "contains"
  if negated then return ("(not %s(%s, %s))"):format(self.code:use(negated), left, right) end
  return ("%s(%s, %s)"):format(self.code:use(operator == "in" and "contains" or operator), left, right)
end

local plain = { Name = true, Const = true }

-- Compiles a < b < c. The middle operand is evaluated once. An operand after a comparison that fails is not evaluated at all,
-- so it is passed as a function.
local function compare_chain(self, node, frame)
  local codes = { (self:expression(node.expr, frame)) }
  for i, row in ipairs(node.operands) do
    local code, later = self:expression(row[2], frame), i > 1 and not plain[row[2].t]
    codes[#codes + 1] = quote(later and "later " .. row[1] or row[1])
    codes[#codes + 1] = later and ("function() return %s end"):format(code) or code
  end
  return ("%s(%s)"):format(self.code:use "compare_all", concat(codes, ", ")), "boolean"
end

function M:Compare(node, frame)
  if #node.operands > 1 then return compare_chain(self, node, frame) end
  local operator, operand = table.unpack(node.operands[1])
  local left, kind = self:expression(node.expr, frame)
  local right, right_kind = self:expression(operand, frame)
  return compare(self, operator, left, right, kind == "number" and right_kind == "number"), "boolean"
end

return M
