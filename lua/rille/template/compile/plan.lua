-- Compiles straight parts of a template to plans, which C runs (plan.lua): text, values, branches and loops, with nothing in
-- them that makes variables, captures output or runs other templates. Whatever a straight part prints or tests is a cell: its
-- leaf is the same code that compile/output.lua and the others write, so that both ways mean the same.
--
-- Neighbours that are straight become one plan, if that is worth a call: with a loop in it, or some fields.
local ast = require "rille.template.ast"
local Code = require "rille.template.code"
local filters = require "rille.template.filters"
local Plan = require "rille.template.plan"

local M = {}

local quote = Code.quote

local LEAST_WEIGHT = 3 -- cells that C can do alone

-- ---- cells ----------------------------------------------------------------------------------------------------------

-- Returns the names of all variables that code in a frame may mention, as a set. They are known once the frame has been started.
local function visible_names(frame)
  if frame.visible then return frame.visible end
  local names = setmetatable({}, { __index = frame.outer and visible_names(frame.outer) })
  frame.visible = names
  for _, ref in ipairs(frame.symbols.order) do
    local counter = ref.counter or {}
    for _, code in ipairs { ref.code or "", counter.items, counter.n, counter.i } do
      local name = code:match "^[%a_][%w_]*"
      if name and name ~= "nil" then names[name] = true end
    end
  end
  return names
end

-- A leaf must be there when what it calls looks for the line (failure.lua): so it makes no tail calls.
local function one_result(code) return ("return (%s)"):format(code) end

local function results(code, count)
  local names = {}
  for i = 1, count do names[i] = "r" .. i end
  names = table.concat(names, ", ")
  return ("local %s = %s return %s"):format(names, code, names)
end

-- Adds a cell with the code that write() returns. That may break lines, which it says to `leaves`.
local function add_cell(self, plan, node, frame, kind, write, fields)
  self.code:sync(node.line)
  return plan:cell(kind, write(), visible_names(frame), fields)
end

-- ---- values ---------------------------------------------------------------------------------------------------------

local counts = { index = 0, index0 = 1, first = 2, last = 3, length = 4, revindex = 5, revindex0 = 6 }

local function plain_name(code) return code:match "^[%a_][%w_]*$" and code ~= "nil" and code or nil end

-- Returns code of the variable that a Name means, if it is a plain one.
local function variable_of(self, node, frame)
  if node.t ~= "Name" or node.ctx ~= "load" then return nil end
  local ref = self:ref(node, frame)
  return not ref.counter and plain_name(ref.code) or nil
end

local function is_public(node) return node.attr:byte() ~= 95 end

-- Returns the value's base and the names of its fields, for a.b.c; or the counter of loop.index. Returns nil for all else.
local function path_of(self, node, frame)
  local names = {}
  while node.t == "Getattr" do
    local ref = node.node.t == "Name" and node.node.name == "loop" and frame.symbols:find "loop"
    if ref and ref.counter then
      return counts[node.attr] and not names[1] and { counter = ref.counter, count = counts[node.attr] } or nil
    end
    if not is_public(node) then return nil end
    table.insert(names, 1, node.attr)
    node = node.node
  end
  local variable = variable_of(self, node, frame)
  return variable and { variable = variable, names = names }
end

-- Adds the steps that push the value at a path.
local function push_path(plan, path, cell)
  if path.counter then
    plan:step("count", plan:use(path.counter.i), path.count, { slot = plan:use(path.counter.n) }, cell)
    return
  end
  local variable, names = plan:use(path.variable), path.names
  if not names[1] then plan:step("get", variable, 0, 0, cell) end
  if names[1] then plan:step("field", variable, plan:key(names[1]), 0, cell) end
  for i = 2, #names do plan:step("sub", nil, plan:key(names[i]), 0, cell) end
end

-- ---- what is printed ------------------------------------------------------------------------------------------------

local cases = { upper = 1, lower = 2 }
local modes = { e = 1, escape = 1, safe = 0 }

-- Returns path and how it is printed {first, case, mode} for a value with the filters that C knows: first, then upper or lower,
-- then escape or safe. A program's filter of that name is another one.
local function printed_path(self, node, frame)
  local chain, how = {}, { first = false, case = 0, mode = frame.esc == "true" and 1 or 0 }
  while node.t == "Filter" do
    if not node.node or filters[node.name] == nil or self.env.filters[node.name] ~= filters[node.name] then return nil end
    if node.args[1] or node.kwargs[1] or node.dyn_args or node.dyn_kwargs then return nil end
    table.insert(chain, 1, node.name)
    node = node.node
  end
  local at = 1
  if chain[at] == "first" then how.first, at = true, at + 1 end
  if cases[chain[at]] then how.case, at = cases[chain[at]], at + 1 end
  if modes[chain[at]] then how.mode, at = modes[chain[at]], at + 1 end
  how.filtered = chain[1] ~= nil
  if chain[at] then return nil end
  return path_of(self, node, frame), how
end

-- Returns code that prints a value as compile/output.lua does.
local function put_code(self, node, frame)
  local escapes = frame.esc == "true"
  if node.t == "Getattr" and not self:loop_attribute(node, frame) then
    return ("%s(o, %s, %s, %s)"):format(self.code:use "put", quote(escapes and "a" or "b"),
      (self:expression(node.node, frame)), quote(node.attr))
  end
  return ("%s(o, %s, %s)"):format(self.code:use "put", quote(escapes and "e" or "r"), (self:loose(node, frame)))
end

-- Adds the steps that print the value at a path.
local function push_printed(plan, path, how, cell)
  if path.variable and #path.names == 1 and not how.filtered then
    plan:step("show", plan:use(path.variable), plan:key(path.names[1]), how.mode, cell)
    return
  end
  push_path(plan, path, cell)
  if how.filtered then plan:step("filter", nil, how.first and 1 or 0, how.case, cell) end
  plan:step("put", nil, how.mode, 0, cell)
end

local function plan_value(self, plan, node, frame)
  local path, how = printed_path(self, node, frame)
  local cell = add_cell(self, plan, node, frame, "print", function() return put_code(self, node, frame) end)
  if path then
    plan.weight = plan.weight + 1
    push_printed(plan, path, how, cell)
  else
    plan:step("leaf", nil, 0, 0, cell)
  end
  plan:close(cell)
end

local function plan_call(self, plan, node, frame)
  local cell = add_cell(self, plan, node, frame, "print", function()
    return self:call_code(node, frame, "put_call", "put_method")
  end)
  plan:step("leaf", nil, 0, 0, cell)
  plan:close(cell)
end

local planners = {}

function planners.Output(self, plan, node, frame)
  for _, child in ipairs(node.nodes) do
    local text = self.constant_text(child, frame.esc)
    if text then plan:text(text)
    elseif child.t == "Call" and not self:loop_cycle(child, frame) then plan_call(self, plan, child, frame)
    else plan_value(self, plan, child, frame) end
  end
end

local function plan_all(self, plan, nodes, frame)
  for _, node in ipairs(nodes) do planners[node.t](self, plan, node, frame) end
end

-- ---- branches -------------------------------------------------------------------------------------------------------

-- Returns path and constant of a.b == "text", or of a.b == 7.
local function compared_path(self, node, frame)
  if node.t ~= "Compare" or #node.operands ~= 1 then return nil end
  local operator, operand = table.unpack(node.operands[1])
  if operator ~= "eq" and operator ~= "ne" or operand.t ~= "Const" or operand.none then return nil end
  local v = operand.value
  if type(v) ~= "string" and math.type(v) ~= "integer" then return nil end
  return path_of(self, node.expr, frame), v, operator == "ne"
end

-- Adds the steps of one condition, which jump to a label if it is `want`.
local function plan_atom(self, plan, node, frame, want, label)
  local path, constant, is_negated = compared_path(self, node, frame)
  if not path then path, constant = path_of(self, node, frame), nil end
  local cell = add_cell(self, plan, node, frame, "test", function()
    return one_result(self:condition(node, frame))
  end, { to = label, want = want and 1 or 0 })
  if path then
    plan.weight = plan.weight + 1
    push_path(plan, path, cell)
    if constant ~= nil then plan:step("equal", nil, plan:key(constant), is_negated and 1 or 0, cell) end
    plan:step("test", nil, want and 1 or 0, label, cell)
  else
    plan:step("leaf", nil, 0, 0, cell)
  end
  plan:close(cell)
end

-- Adds the steps of a condition: they jump to the label if its truth is `want`, and else go on.
local function plan_condition(self, plan, node, frame, want, label)
  if node.t == "Not" then return plan_condition(self, plan, node.node, frame, not want, label) end
  if node.t ~= "And" and node.t ~= "Or" then return plan_atom(self, plan, node, frame, want, label) end
  if (node.t == "Or") == want then -- either of them is enough
    plan_condition(self, plan, node.left, frame, want, label)
    return plan_condition(self, plan, node.right, frame, want, label)
  end
  local past = plan.label()
  plan_condition(self, plan, node.left, frame, not want, past)
  plan_condition(self, plan, node.right, frame, want, label)
  plan:place(past)
end

function planners.If(self, plan, node, frame)
  local was_soft, was_root, was_guarded = frame.soft, frame.rootlevel, frame.guarded
  frame.soft, frame.rootlevel, frame.guarded = true, false, was_guarded or ast.asks_for_names(node.test)
  local ending, next_branch = plan.label(), plan.label()
  plan_condition(self, plan, node.test, frame, false, next_branch)
  plan_all(self, plan, node.body, frame)
  for _, branch in ipairs(node.elifs) do
    plan:step("go", nil, 0, ending)
    plan:place(next_branch)
    next_branch = plan.label()
    frame.guarded = frame.guarded or ast.asks_for_names(branch.test)
    plan_condition(self, plan, branch.test, frame, false, next_branch)
    plan_all(self, plan, branch.body, frame)
  end
  if node.else_ then plan:step("go", nil, 0, ending) end
  plan:place(next_branch)
  plan_all(self, plan, node.else_ or {}, frame)
  plan:place(ending)
  frame.soft, frame.rootlevel, frame.guarded = was_soft, was_root, was_guarded
end

-- ---- loops ----------------------------------------------------------------------------------------------------------

-- Gives the variables of a frame names, and looks up those of the context: the others are what a loop sets.
local function start_frame(self, plan, node, frame)
  for _, ref in ipairs(frame.symbols.order) do
    if not ref.counter then
      ref.code = plan:declare(Code.local_name(ref))
      if ref.load == "context" then
        self.code:sync(node.line)
        local cell = plan:cell("value", ("return c.vars[%s]"):format(quote(ref.name)), {}, { slots = { ref.code } })
        plan:step("load", ref.code, plan:key(ref.name), 0, cell)
        plan:close(cell)
      end
    end
  end
end

-- Adds the steps that start a loop. Returns the names of its state, which are neighbours.
local function plan_items(self, plan, node, frame, use)
  local code, names = self.code, {}
  for _, part in ipairs { "items", "n", "more", "i" } do names[part] = plan:declare(code:fresh "loop_") end
  local path = path_of(self, node.iter, frame)
  local cell = add_cell(self, plan, node, frame, "items", function()
    return results(("%s(c, %s)"):format(code:use(use == "all" and "all_items" or "items"), (self:loose(node.iter, frame))), 3)
  end, { slots = { names.items, names.n, names.more } })
  if path then push_path(plan, path, cell) end
  plan:step(path and "items" or "leaf", names.items, 0, 0, cell)
  plan:close(cell)
  return names
end

-- Adds the cells of a loop's rounds: one asks a program's iterator, one an object for item number i, one waits while a page that
-- is streamed is full. A loop over all items, whose number is known before, does not end at one that is nil.
local function add_round_cells(self, plan, names, exit, item, all)
  local code = self.code
  local fields = { to = exit, slots = { item, names.i }, want = all and 0 or 1 }
  local state = { [names.items] = true, [names.more] = true, [names.i] = true }
  local cells = {
    plan:cell("item", one_result(("%s(c, %s)"):format(code:use "pull", names.more)), state, fields),
    plan:cell("item", one_result(("%s[%s]"):format(names.items, names.i)), state, fields),
    plan:cell("print", ("%s(c)"):format(code:use "pause"), {}),
  }
  return cells
end

local function plan_target(self, plan, node, frame, item)
  if node.target.t == "Name" then return end
  local names = {}
  for i, target in ipairs(node.target.items) do names[i] = frame.symbols:find(target.name).code end
  local cell = plan:cell("value", results(("%s(%s, %d)"):format(self.code:use "unpack", item, #names), #names), { [item] = true },
    { slots = names })
  plan:step("unpack", item, 0, 0, cell)
  plan:close(cell)
end

local function plan_else(self, plan, node, frame, names)
  if not node.else_ then return end
  local inner, past = self:inner(frame), plan.label()
  plan:step("ran", names.i, 0, past)
  inner.symbols:analyze(node, "else")
  start_frame(self, plan, node, inner)
  plan_all(self, plan, node.else_, inner)
  plan:place(past)
end

function planners.For(self, plan, node, frame)
  self:check_loop_names(node)
  local use, inner = self:use_of_loop(node), self:inner(frame)
  local names = plan_items(self, plan, node, frame, use)
  local again, exit = plan.label(), plan.label()
  if use ~= "none" then
    local ref = inner.symbols:declare "loop"
    ref.code, ref.counter = "nil", names
  end
  inner.symbols:analyze(node, "body")
  start_frame(self, plan, node, inner)
  local item = node.target.t == "Name" and inner.symbols:find(node.target.name).code or plan:declare(self.code:fresh "item_")
  local cells = add_round_cells(self, plan, names, exit, item, use == "all")
  plan:place(again)
  plan:step("next", names.items, { slot = item }, exit, cells[1])
  for i = 1, 2 do plan:close(cells[i]) end
  plan_target(self, plan, node, inner, item)
  plan_all(self, plan, node.body, inner)
  plan:step("again", nil, 0, again, cells[3])
  plan.cells[cells[3] + 1].done = again.at
  plan:place(exit)
  plan_else(self, plan, node, frame, names)
  plan.weight = plan.weight + 1
end

-- ---- the whole ------------------------------------------------------------------------------------------------------

--- Returns the plan of the statements number `first` to `last`, which are straight, and writes its leaves; or writes nothing and
--- returns nil, if that is not worth it, and whether it is too large: then parts of it may be plans.
function M:make_plan(nodes, first, last, frame)
  local unit, leaves = self.code, self.leaves
  local pieces, line, count = #leaves.pieces, leaves.line, leaves.count_of_leaves
  local plan = Plan.new(leaves)
  self.code = leaves
  for i = first, last do planners[nodes[i].t](self, plan, nodes[i], frame) end
  self.code = unit
  local is_worth_it = plan.weight >= LEAST_WEIGHT
  if is_worth_it and plan:fits() then return plan end
  for i = #leaves.pieces, pieces + 1, -1 do leaves.pieces[i] = nil end
  leaves.line, leaves.count_of_leaves = line, count
  return nil, is_worth_it
end

--- Writes the call of a plan, which begins in a line.
function M:write_plan(plan, line)
  local index = #self.constants + 1
  self.constants[index] = false
  self.plans[#self.plans + 1] = { index = index, spec = plan:finish() }
  self.code:sync(line)
  local outer = plan.outer[1] and ", " .. table.concat(plan.outer, ", ") or ""
  self.code:write(("K[%d](c, o%s) "):format(index, outer))
end

return M
