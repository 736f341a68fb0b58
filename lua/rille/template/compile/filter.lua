-- Compiles filters (value|name) and tests (value is name). Ours are described by records (record.lua), which say what their
-- arguments are called; a program's own are plain functions.
local Code = require "rille.template.code"

local M = {}

local concat, quote = table.concat, Code.quote

--- Returns code for a filter's or test's function: a constant of the unit, the same one each time.
function M:cached_constant(f)
  local code = self.function_codes[f]
  if not code then
    code = self.code:constant(f)
    self.function_codes[f] = code
  end
  return code
end

-- Returns code for the arguments of a function that names its parameters, with keyword arguments in their places. If they do not
-- fit, returns nil and what is wrong.
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

-- Returns code and kind for a call of one of ours, which a record describes (record.lua).
local function call_record(self, what, node, frame, record, value)
  local head = record.context and ("c, %s, %s"):format(frame.esc, value) or value
  if record.keywords or node.dyn_args or node.dyn_kwargs then
    local args = self:positional(node, frame)
    local kwargs = self:keyword_table(node, frame)
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

-- Returns the filter or test of a node. If there is none and the branch may never run, returns nil and code that raises.
local function look_up(self, what, table_of, node, frame)
  local found = table_of[node.name]
  if found then return found end
  local message = ("there is no %s named '%s'"):format(what, node.name)
  if not frame.soft or (self.env.checking and not frame.guarded) then self:fail(node, message) end
  return nil, ("%s(%s)"):format(self.code:use "fail", quote(message))
end

local function call_user(self, node, frame, f, value)
  local args = self:positional(node, frame)
  local kwargs = self:keyword_table(node, frame)
  return ("%s(c, %s, %s, %s%s)"):format(self.code:use "call_lua", kwargs, self:cached_constant(f), value, args)
end

--- Returns code and kind for a filter applied to the code of a value.
function M:filter(node, frame, value)
  local filter, raising = look_up(self, "filter", self.env.filters, node, frame)
  if not filter then return raising, "any" end
  if type(filter) == "function" then return call_user(self, node, frame, filter, value), "any" end
  local code, kind = call_record(self, "filter", node, frame, filter, value)
  return code, kind or "any"
end

--- Returns code for a chain of filters. The innermost one has no value of its own: it gets the code `value`.
function M:filter_chain(node, frame, value)
  local breaks = self.code:breaks(node.line)
  if node.node then value = self:filter_chain(node.node, frame, value) end
  return breaks .. (self:filter(node, frame, value))
end

function M:Filter(node, frame)
  local filter = self.env.filters[node.name]
  local takes_nil = type(filter) == "table" and filter.takes_nil
  local value = takes_nil and self:loose(node.node, frame) or self:expression(node.node, frame)
  return self:filter(node, frame, value)
end

function M:Test(node, frame)
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

return M
