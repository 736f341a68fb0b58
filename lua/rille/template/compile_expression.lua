-- Lua code for expressions. Each is compiled to code and a kind, which says what is known of its value:
--
--   "boolean"  true or false      "number"      "value"  neither nil nor false      "any"  not nil, but perhaps false
--
-- What is undefined is an object where a value is needed, so that an error can say what it was; a variable that has no value
-- is nil until it is read. Jinja's `and`, `or` and inline if give one of their operands, whose truth is Python's (0, "" and
-- empty lists are false): pick(a) is a where that is true, else false; falsy(a) is a where that is false, else nil; NO
-- stands for false in between, and unbox() makes it false again.
local ast = require "rille.template.ast"
local Code = require "rille.template.code"

local M = {}

local concat, quote = table.concat, Code.quote

local binary_operators = { add = "+", sub = "-", mul = "*" }
local number_comparisons = { eq = "==", ne = "~=", lt = "<", le = "<=", gt = ">", ge = ">=" }

function M.add(Compiler)
  local compile = {} -- by type of node: function(self, node, frame) -> code, kind

  --- Code and kind of an expression.
  function Compiler:expression(node, frame)
    local breaks = self.code:breaks(node.line)
    local code, kind = compile[node.t](self, node, frame)
    return breaks .. code, kind
  end

  --- As expression, where nil will do for what is undefined.
  function Compiler:loose(node, frame)
    if self.strict then return self:expression(node, frame) end
    local breaks = self.code:breaks(node.line)
    if node.t == "Name" then return breaks .. self:ref(node, frame).code, "any" end
    if node.t ~= "Getattr" or self:loop_attribute(node, frame) then
      local code, kind = self:expression(node, frame)
      return breaks .. code, kind
    end
    return ("%s%s(%s, %s)"):format(breaks, self.code:use "peek", (self:expression(node.node, frame)), quote(node.attr)), "any"
  end

  --- Code for whether an expression counts as true.
  function Compiler:condition(node, frame)
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

  -- ---- names and constants ------------------------------------------------------------------------------------------

  function Compiler:ref(node, frame)
    local ref = frame.symbols:find(node.name)
    if not ref or not ref.code then
      self:fail(node, ("'%s' is used where it cannot be known"):format(node.name))
    end
    return ref
  end

  --- Code for an undefined value with a message.
  function Compiler:undefined(message)
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

  -- A variable's value. A parameter always has one, once those of a macro have been given theirs.
  function compile:Name(node, frame)
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

  function compile:Const(node)
    local value = node.value
    if node.none then return self.code:use "none", "value" end
    if type(value) == "string" then return quote(value), "value" end
    if math.type(value) == "float" then return float_code(value), "number" end
    if type(value) == "boolean" then return tostring(value), "boolean" end
    return tostring(value), value < MOST_EXACT and "number" or "value" -- Lua's own operators would let large ones wrap around
  end

  local function list(self, nodes, frame)
    local codes = {}
    for i, node in ipairs(nodes) do codes[i] = self:expression(node, frame) end
    return concat(codes, ", ")
  end

  function compile:List(node, frame) return ("%s{%s}"):format(self.code:use "list", list(self, node.items, frame)), "value" end

  function compile:Tuple(node, frame) return ("%s{%s}"):format(self.code:use "tuple", list(self, node.items, frame)), "value" end

  -- dict(k, v, k, v, …); a long one in several steps, for a call takes so many arguments only.
  local PAIRS_AT_ONCE = 40

  function compile:Dict(node, frame)
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

  -- ---- operators ----------------------------------------------------------------------------------------------------

  function compile:Binary(node, frame)
    local left, left_kind = self:expression(node.left, frame)
    local right, right_kind = self:expression(node.right, frame)
    local operator = binary_operators[node.op]
    if operator and left_kind == "number" and right_kind == "number" then -- a product of products may leave 64 bits
      return ("(%s %s %s)"):format(left, operator, right), node.op == "mul" and "value" or "number"
    end
    return ("%s(%s, %s)"):format(self.code:use(node.op), left, right), "value"
  end

  function compile:Unary(node, frame)
    local code, kind = self:expression(node.node, frame)
    if kind == "number" then return node.op == "neg" and ("(- %s)"):format(code) or code, "number" end
    return ("%s(%s)"):format(self.code:use(node.op), code), "value"
  end

  local PIECES_AT_ONCE = 50

  function compile:Concat(node, frame)
    local code
    for first = 1, #node.nodes, PIECES_AT_ONCE do
      local pieces = list(self, table.move(node.nodes, first, math.min(first + PIECES_AT_ONCE - 1, #node.nodes), 1, {}), frame)
      code = ("%s(%s, %s%s)"):format(self.code:use "join", frame.esc, code and code .. ", " or "", pieces)
    end
    return code, "value"
  end

  function compile:Not(node, frame) return ("(not %s)"):format(self:condition(node.node, frame)), "boolean" end

  function compile:And(node, frame)
    local left, kind = self:expression(node.left, frame)
    local right, right_kind = self:expression(node.right, frame)
    if kind == "boolean" then return ("(%s and %s)"):format(left, right), right_kind == "boolean" and "boolean" or "any" end
    return ("%s(%s(%s) or %s)"):format(self.code:use "unbox", self.code:use "falsy", left, right), "any"
  end

  function compile:Or(node, frame)
    local left, kind = self:expression(node.left, frame)
    local right, right_kind = self:expression(node.right, frame)
    if kind == "boolean" then return ("(%s or %s)"):format(left, right), right_kind end
    return ("(%s(%s) or %s)"):format(self.code:use "pick", left, right), right_kind == "boolean" and "any" or right_kind
  end

  local NO_ELSE = "the inline if in line %d was false and has no else"

  function compile:Cond(node, frame)
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

  -- One comparison of two pieces of code.
  local function compare(self, operator, left, right, both_numbers)
    if both_numbers and number_comparisons[operator] then
      return ("(%s %s %s)"):format(left, number_comparisons[operator], right)
    end
    local negated = operator == "ne" and "eq" or operator == "notin" and "contains"
    if negated then return ("(not %s(%s, %s))"):format(self.code:use(negated), left, right) end
    return ("%s(%s, %s)"):format(self.code:use(operator == "in" and "contains" or operator), left, right)
  end

  local plain = { Name = true, Const = true }

  -- a < b < c: what stands in the middle is asked for once, and what follows one that does not hold not at all: it is a function.
  local function compare_chain(self, node, frame)
    local codes = { (self:expression(node.expr, frame)) }
    for i, row in ipairs(node.operands) do
      local code, later = self:expression(row[2], frame), i > 1 and not plain[row[2].t]
      codes[#codes + 1] = quote(later and "later " .. row[1] or row[1])
      codes[#codes + 1] = later and ("function() return %s end"):format(code) or code
    end
    return ("%s(%s)"):format(self.code:use "compare_all", concat(codes, ", ")), "boolean"
  end

  function compile:Compare(node, frame)
    if #node.operands > 1 then return compare_chain(self, node, frame) end
    local operator, operand = table.unpack(node.operands[1])
    local left, kind = self:expression(node.expr, frame)
    local right, right_kind = self:expression(operand, frame)
    return compare(self, operator, left, right, kind == "number" and right_kind == "number"), "boolean"
  end

  -- ---- looking up ---------------------------------------------------------------------------------------------------

  function compile:Getattr(node, frame)
    local code, kind = self:loop_attribute(node, frame)
    if code then return code, kind end
    return ("%s(%s, %s)"):format(self.code:use "attr", (self:expression(node.node, frame)), quote(node.attr)), "any"
  end

  local function slice_part(self, node, frame) return node and (self:expression(node, frame)) or "nil" end

  function compile:Getitem(node, frame)
    local object = self:expression(node.node, frame)
    local arg = node.arg
    if arg.t ~= "Slice" then
      return ("%s(%s, %s)"):format(self.code:use "item", object, (self:expression(arg, frame))), "any"
    end
    return ("%s(%s, %s, %s, %s)"):format(self.code:use "slice", object, slice_part(self, arg.start, frame),
      slice_part(self, arg.stop, frame), slice_part(self, arg.step, frame)), "value"
  end

  --- A slice that stands where no slice can: a[1:2, 3].
  function compile:Slice(node) self:fail(node, "a slice stands alone between its brackets") end

  -- ---- calls --------------------------------------------------------------------------------------------------------

  -- {name = value, …} or nil; `caller` is code for the macro of a call block.
  local function keyword_table(self, node, frame, caller)
    local codes = {}
    for _, row in ipairs(node.kwargs) do
      codes[#codes + 1] = ("[%s] = %s"):format(quote(row[1]), (self:expression(row[2], frame)))
    end
    if caller then codes[#codes + 1] = "caller = " .. caller end
    local code = codes[1] and ("{%s}"):format(concat(codes, ", ")) or "nil"
    if not node.dyn_kwargs then return code end
    return ("%s(%s, %s)"):format(self.code:use "merge_kwargs", code, (self:expression(node.dyn_kwargs, frame)))
  end

  -- Positional arguments, with a comma in front of each.
  local function positional(self, node, frame)
    local codes = { "" }
    for _, arg in ipairs(node.args) do codes[#codes + 1] = self:expression(arg, frame) end
    if node.dyn_args then
      codes[#codes + 1] = ("%s(%s)"):format(self.code:use "spread", (self:expression(node.dyn_args, frame)))
    end
    return concat(codes, ", ")
  end

  --- Code for a call. `verb` and `method_verb` are the runtime's functions for it: "call" and "method" give the result,
  --- "put_call" and "put_method" print it.
  function Compiler:call_code(node, frame, verb, method_verb, caller)
    local callee = node.node
    local target
    if callee.t == "Getattr" then
      verb, target = method_verb, ("%s, %s"):format((self:expression(callee.node, frame)), quote(callee.attr))
    else
      target = self:expression(callee, frame)
    end
    local args = positional(self, node, frame)
    local kwargs = keyword_table(self, node, frame, caller)
    return ("%s(c, %s, %s, %s%s)"):format(self.code:use(verb), kwargs, frame.esc, target, args)
  end

  -- What is called, where that is likely a macro: a Name, the runtime's function that makes a site, the name of the macro in a
  -- module.
  local function likely_macro(self, callee)
    if callee.t == "Name" and self.macros[callee.name] == "macro" then return callee, "site" end
    if callee.t == "Getattr" and callee.node.t == "Name" and self.macros[callee.node.name] == "module" then
      return callee.node, "member_site", callee.attr
    end
  end

  -- How many arguments are given by place, and the names of the others: "1 type".
  local function shape_of(node, caller)
    local words = { #node.args }
    for _, row in ipairs(node.kwargs) do words[#words + 1] = row[1] end
    if caller then words[#words + 1] = "caller" end
    return concat(words, " ")
  end

  -- Asks a site (macro.lua) for what is called. Returns the name of the function, or nil where the call takes the long way.
  local function write_site(self, node, frame, caller)
    if node.dyn_args or node.dyn_kwargs or (frame.esc ~= "true" and frame.esc ~= "false") then return nil end
    local name, maker, member = likely_macro(self, node.node)
    if not name or name.line > self.code.line then return nil end
    local variable, shape = self:ref(name, frame).code, quote(shape_of(node, caller))
    local kept = self.code:keep(concat({ variable, maker, member or "", shape, frame.esc }, " "), 2)
    if not kept then return nil end
    local seen, enter = kept[1], kept[2]
    self.code:write(("if %s ~= %s then %s, %s = %s, %s(c, %s, %s, %s%s) end "):format(variable, seen, seen, enter, variable,
      self.code:use(maker), frame.esc, shape, (self:expression(name, frame)), member and ", " .. quote(member) or ""))
    return enter
  end

  --- Writes a call whose result is printed; `caller` is code for the macro of a call block.
  function Compiler:write_put_call(node, frame, caller)
    local enter = write_site(self, node, frame, caller)
    if not enter then
      self.code:write(self:call_code(node, frame, "put_call", "put_method", caller) .. " ")
      return
    end
    local args = {}
    for i, arg in ipairs(node.args) do args[i] = self:expression(arg, frame) end
    for _, row in ipairs(node.kwargs) do args[#args + 1] = self:expression(row[2], frame) end
    args[#args + 1] = caller
    self.code:write(("%s(%s) "):format(enter, concat(args, ", ")))
  end

  function compile:Call(node, frame)
    local code = self:loop_cycle(node, frame)
    if code then return code, "any" end
    return self:call_code(node, frame, "call", "method"), "any"
  end

  -- ---- filters and tests --------------------------------------------------------------------------------------------

  -- Arguments of a function that names its parameters: keyword ones put where they belong. Nil and what is wrong where they
  -- do not fit.
  local function by_position(self, node, frame, record)
    local codes, last = {}, #node.args
    if record.most and last > record.most then return nil, ("takes %d arguments at most"):format(record.most) end
    for i, arg in ipairs(node.args) do codes[i] = self:expression(arg, frame) end
    for _, row in ipairs(node.kwargs) do
      local position = record.params[row[1]]
      if not position or codes[position] then return nil, ("takes no argument '%s' here"):format(row[1]) end
      codes[position] = self:expression(row[2], frame)
      last = math.max(last, position)
    end
    for i = 1, record.least do
      if not codes[i] then return nil, ("needs %d arguments"):format(record.least) end
    end
    for i = 1, last do codes[i] = ", " .. (codes[i] or "nil") end
    return concat(codes)
  end

  -- A call of one of ours; records are described in filters.lua.
  local function call_record(self, what, node, frame, record, value)
    local head = record.context and ("c, %s, %s"):format(frame.esc, value) or value
    if record.keywords or node.dyn_args or node.dyn_kwargs then
      local args = positional(self, node, frame)
      local kwargs = keyword_table(self, node, frame)
      if record.keywords then
        return ("%s(%s, %s%s)"):format(self:cached_constant(record.f), head, kwargs, args), record.kind
      end
      return ("%s(c, %s, %s, %s, %s%s)"):format(self.code:use "apply", kwargs, frame.esc, self.code:constant(record), value,
        args), record.kind
    end
    local args, wrong = by_position(self, node, frame, record)
    if not args then
      return ("%s(%s)"):format(self.code:use "fail", quote(("the %s '%s' %s"):format(what, node.name, wrong))), "any"
    end
    return ("%s(%s%s)"):format(self:cached_constant(record.f), head, args), record.kind
  end

  -- The filter or test of a node; nil, and code that raises, where there is none and the branch may never run.
  local function look_up(self, what, table_of, node, frame)
    local found = table_of[node.name]
    if found then return found end
    local message = ("there is no %s named '%s'"):format(what, node.name)
    if not frame.soft or (self.env.checking and not frame.guarded) then self:fail(node, message) end
    return nil, ("%s(%s)"):format(self.code:use "fail", quote(message))
  end

  local function call_user(self, node, frame, f, value)
    local args = positional(self, node, frame)
    local kwargs = keyword_table(self, node, frame)
    return ("%s(c, %s, %s, %s%s)"):format(self.code:use "call_lua", kwargs, self:cached_constant(f), value, args)
  end

  --- Code for a filter applied to the code of a value.
  function Compiler:filter(node, frame, value)
    local filter, raising = look_up(self, "filter", self.env.filters, node, frame)
    if not filter then return raising, "any" end
    if type(filter) == "function" then return call_user(self, node, frame, filter, value), "any" end
    local code, kind = call_record(self, "filter", node, frame, filter, value)
    return code, kind or "any"
  end

  --- Code for a chain of filters whose innermost one has no value of its own: it gets the code `value`.
  function Compiler:filter_chain(node, frame, value)
    local breaks = self.code:breaks(node.line)
    if node.node then value = self:filter_chain(node.node, frame, value) end
    return breaks .. (self:filter(node, frame, value))
  end

  function compile:Filter(node, frame)
    local filter = self.env.filters[node.name]
    local takes_nil = type(filter) == "table" and filter.takes_nil
    local value = takes_nil and self:loose(node.node, frame) or self:expression(node.node, frame)
    return self:filter(node, frame, value)
  end

  function compile:Test(node, frame)
    local test, raising = look_up(self, "test", self.env.tests, node, frame)
    if type(test) == "table" and test.inline then
      local code = ("%s(%s)"):format(self.code:use "defined", (self:loose(node.node, frame)))
      return test.inline == "defined" and code or ("(not %s)"):format(code), "boolean"
    end
    local value = self:expression(node.node, frame)
    if not test then return raising, "any" end
    if type(test) == "function" then
      return ("%s(%s)"):format(self.code:use "truth", call_user(self, node, frame, test, value)), "boolean"
    end
    return (call_record(self, "test", node, frame, test, value)), "boolean"
  end
end

return M
