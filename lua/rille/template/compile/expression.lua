-- Compiles expressions to Lua: each to code and a kind, which says what is known of its value:
--
--   "boolean"  true or false      "number"      "value"  neither nil nor false      "any"  not nil, but perhaps false
--
-- An undefined value is an object, so that an error can say what was undefined; a variable that has no value is nil until it is
-- read. Jinja's `and`, `or` and inline if give one of their operands, whose truth is Python's (0, "" and
-- empty lists are false): pick(a) is a where that is true, else false; falsy(a) is a where that is false, else nil; NO
-- stands for false in between, and unbox() makes it false again.
local Code = require "rille.template.code"

local M = {}

local concat, quote = table.concat, Code.quote

--- Returns code and kind of an expression.
function M:expression(node, frame)
  local breaks = self.code:breaks(node.line)
  local code, kind = self[node.t](self, node, frame)
  return breaks .. code, kind
end

--- Returns the same, with code that may give nil for what is undefined.
function M:loose(node, frame)
  if self.strict then return self:expression(node, frame) end
  local breaks = self.code:breaks(node.line)
  if node.t == "Name" then return breaks .. self:ref(node, frame).code, "any" end
  if node.t ~= "Getattr" or self:loop_attribute(node, frame) then
    local code, kind = self:expression(node, frame)
    return breaks .. code, kind
  end
  return ("%s%s(%s, %s)"):format(breaks, self.code:use "peek", (self:expression(node.node, frame)), quote(node.attr)), "any"
end

--- Returns code for the truth of an expression.
function M:condition(node, frame)
  local breaks = self.code:breaks(node.line)
  if node.t == "And" or node.t == "Or" then
    local left = self:condition(node.left, frame)
    return ("%s(%s %s %s)"):format(breaks, left, node.t == "And" and "and" or "or", self:condition(node.right, frame))
  end
  if node.t == "Not" then return ("%s(not %s)"):format(breaks, self:condition(node.node, frame)) end
  if node.t == "Getattr" and not self:loop_attribute(node, frame) then
    return ("%s%s(%s, %s)"):format(breaks, self.code:use "truth_of_attribute", (self:expression(node.node, frame)),
      quote(node.attr))
  end
  local code, kind = self:loose(node, frame)
  if kind == "boolean" then return breaks .. code end
  return ("%s%s(%s)"):format(breaks, self.code:use "truth", code)
end

-- ---- names and constants --------------------------------------------------------------------------------------------

function M:ref(node, frame)
  local ref = frame.symbols:find(node.name)
  if not ref or not ref.code then
    self:fail(node, ("'%s' is used where it cannot be known"):format(node.name))
  end
  return ref
end

--- Returns code for an undefined value with a message.
function M:undefined(message)
  return self.code:constant(self.env:undefined(message))
end

local function undefined_name(self, name)
  local code = self.undefined_names[name]
  if not code then
    code = self:undefined(("'%s' is undefined"):format(name))
    self.undefined_names[name] = code
  end
  return code
end

-- Compiles a variable. A parameter always has a value, once a macro's defaults have been set.
function M:Name(node, frame)
  local ref = self:ref(node, frame)
  if ref.load == "param" and not ref.pending then return ref.code, "any" end
  return ("(%s == nil and %s or %s)"):format(ref.code, undefined_name(self, node.name), ref.code), "any"
end

local MOST_EXACT = 1 << 31

local function float_code(value)
  if value ~= value then return "(0/0)" end
  if value == math.huge then return "(1/0)" end
  local text = ("%.17g"):format(value)
  return text:find "[%.e]" and text or text .. ".0"
end

function M:Const(node)
  local value = node.value
  if node.none then return self.code:use "none", "value" end
  if type(value) == "string" then return quote(value), "value" end
  if math.type(value) == "float" then return float_code(value), "number" end
  if type(value) == "boolean" then return tostring(value), "boolean" end
  return tostring(value), value < MOST_EXACT and "number" or "value" -- Lua's own operators would let large ones wrap around
end

--- Returns the code of several expressions, separated by commas.
function M:expressions(nodes, frame)
  local codes = {}
  for i, node in ipairs(nodes) do codes[i] = self:expression(node, frame) end
  return concat(codes, ", ")
end

function M:List(node, frame) return ("%s{%s}"):format(self.code:use "list", self:expressions(node.items, frame)), "value" end

function M:Tuple(node, frame) return ("%s{%s}"):format(self.code:use "tuple", self:expressions(node.items, frame)), "value" end

-- dict(k, v, k, v, …); a long one in several steps, for a call takes so many arguments only.
local PAIRS_AT_ONCE = 40

function M:Dict(node, frame)
  local code, codes = nil, {}
  local function flush()
    local values = concat(codes, ", ")
    code = code and ("%s(%s, %s)"):format(self.code:use "dict_with", code, values)
      or ("%s(%s)"):format(self.code:use "dict", values)
    codes = {}
  end
  for _, row in ipairs(node.pairs) do
    codes[#codes + 1] = self:expression(row[1], frame)
    codes[#codes + 1] = self:expression(row[2], frame)
    if #codes == 2 * PAIRS_AT_ONCE then flush() end
  end
  if codes[1] or not code then flush() end
  return code, "value"
end

return M
