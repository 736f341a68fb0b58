-- Compiles assignments, branches and scopes: set, do, if, with, autoescape.
local ast = require "rille.template.ast"
local Code = require "rille.template.code"

local M = {}

local concat, quote = table.concat, Code.quote

-- ---- assignments ----------------------------------------------------------------------------------------------------

--- Writes code that copies a name assigned in the template's own frame into the context's variables.
function M:write_through(frame, name)
  if not frame.toplevel then return end
  self.sets_variables = true
  self.code:write(("V[%s] = %s "):format(quote(name), frame.symbols:find(name).code))
end

--- Notes that importing templates see a name, if it is assigned in the template's own frame and does not start with an
--- underscore.
function M:export(frame, name, exported)
  if frame.toplevel and not name:find "^_" then self.exports[name] = exported or nil end
end

-- Writes an assignment of code to a target: a name, a tuple, an attribute of a namespace.
local function assign(self, target, frame, value)
  local code = self.code
  if target.t == "NSRef" then
    code:write(("%s(%s, %s, %s) "):format(code:use "set_attribute", self:ref(target, frame).code, quote(target.attr), value))
  elseif target.t == "Name" then
    code:write(("%s = %s "):format(self:ref(target, frame).code, value))
    self:write_through(frame, target.name)
    self:export(frame, target.name, true)
  else
    local names = {}
    for i = 1, #target.items do names[i] = code:fresh "p" end
    code:write(("do local %s = %s(%s, %d) "):format(names[1] and concat(names, ", ") or "_", code:use "unpack", value, #names))
    for i, item in ipairs(target.items) do assign(self, item, frame, names[i]) end
    code:write "end "
  end
end

function M:Set(node, frame)
  assign(self, node.target, frame, (self:expression(node.value, frame)))
end

function M:SetBlock(node, frame)
  local code, inner = self.code, self:inner(frame, { checks_output = false })
  inner.symbols:analyze(node)
  code:write "do "
  code:start_frame(inner)
  local text = self:capture(node.body, inner)
  if node.filter then
    text = ("%s(%s, %s)"):format(code:use "as_markup", frame.esc, self:filter_chain(node.filter, inner, text))
  end
  assign(self, node.target, frame, text)
  code:leave(inner)
  code:write "end "
end

function M:Do(node, frame)
  self.code:write(("do local _ = %s end "):format((self:expression(node.value, frame))))
end

-- ---- branches and scopes --------------------------------------------------------------------------------------------

-- Code in an {% if %} may never run, so an unknown filter is an error only when it is reached. `rille check` reports it all the
-- same, unless the template itself asks whether there is such a filter.
function M:If(node, frame)
  local code = self.code
  local was_soft, was_root, was_guarded = frame.soft, frame.rootlevel, frame.guarded
  frame.soft, frame.rootlevel, frame.guarded = true, false, was_guarded or ast.asks_for_names(node.test)
  code:write(("if %s then "):format(self:condition(node.test, frame)))
  self:statements(node.body, frame)
  for _, branch in ipairs(node.elifs) do
    code:sync(branch.line)
    frame.guarded = frame.guarded or ast.asks_for_names(branch.test)
    code:write(("elseif %s then "):format(self:condition(branch.test, frame)))
    self:statements(branch.body, frame)
  end
  if node.else_ then
    code:write "else "
    self:statements(node.else_, frame)
  end
  code:write "end "
  frame.soft, frame.rootlevel, frame.guarded = was_soft, was_root, was_guarded
end

function M:With(node, frame)
  local code, inner = self.code, self:inner(frame)
  inner.symbols:analyze(node)
  code:write "do "
  code:start_frame(inner)
  for i, target in ipairs(node.targets) do
    self:unpack_target(target, inner, (self:expression(node.values[i], frame)))
  end
  self:statements(node.body, inner)
  code:leave(inner)
  code:write "end "
end

function M:Scope(node, frame)
  local code, inner = self.code, self:inner(frame)
  local condition = self:condition(node.autoescape, frame)
  inner.symbols:analyze(node)
  code:write "do "
  inner.esc = condition
  if condition ~= "true" and condition ~= "false" then
    inner.esc = code:fresh "esc"
    code:count_locals(inner, 1)
    code:write(("local %s = %s "):format(inner.esc, condition))
  end
  code:start_frame(inner)
  self:statements(node.body, inner)
  code:leave(inner)
  code:write "end "
end

return M
