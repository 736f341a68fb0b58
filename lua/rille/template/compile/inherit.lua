-- Compiles tags that name other templates: block, extends, include, import, from.
local Code = require "rille.template.code"

local M = {}

local concat, quote = table.concat, Code.quote

-- Returns code for {name = variable, …}: the variables of the frames inside the template's own, whose are in the context already.
-- Returns "nil" if there are none.
local function locals_code(frame)
  local root, fields = frame, {}
  while root.outer do root = root.outer end
  frame.symbols:each_stored(root.toplevel and root.symbols or nil, function(name, ref)
    if not ref.counter then fields[#fields + 1] = ("[%s] = %s"):format(quote(name), ref.code) end
  end)
  return fields[1] and ("{%s}"):format(concat(fields, ", ")) or "nil"
end

function M:Block(node, frame)
  local code = self.code
  if frame.toplevel and self.has_known_parent then return end
  if frame.toplevel and self.extends then code:write "if not parent then " end
  local context = node.scoped and ("%s(c, %s)"):format(code:use "derive", locals_code(frame)) or "c"
  code:write(("%s(%s, o, %s, %s) "):format(code:use "put_block", context, quote(node.name), tostring(node.required)))
  if frame.toplevel and self.extends then code:write "end " end
end

function M:Extends(node, frame)
  if not frame.toplevel then self:fail(node, "'extends' stands at the top of a template, in no other tag than 'if'") end
  local code = self.code
  code:write(("parent = %s(c, parent, %s) "):format(code:use "extend", (self:expression(node.template, frame))))
  if frame.rootlevel then self.has_known_parent = true end
end

function M:Include(node, frame)
  local code = self.code
  local template = self:expression(node.template, frame)
  code:write(("%s(c, %s, %s, %s, %s) "):format(code:use "include", template, tostring(node.ignore_missing or false),
    tostring(node.with_context), node.with_context and locals_code(frame) or "nil"))
end

local function import_code(self, node, frame)
  local template = self:expression(node.template, frame)
  return ("%s(c, %s, %s, %s)"):format(self.code:use "import", template, tostring(node.with_context),
    node.with_context and locals_code(frame) or "nil")
end

function M:Import(node, frame)
  self.code:write(("%s = %s "):format(self:ref(node.target, frame).code, import_code(self, node, frame)))
  self:write_through(frame, node.target.name)
  self:export(frame, node.target.name, false)
end

function M:FromImport(node, frame)
  local code, module = self.code, self.code:fresh "module"
  code:write(("do local %s = %s "):format(module, import_code(self, node, frame)))
  for _, import in ipairs(node.names) do
    local ref = frame.symbols:find(import.target)
    code:write(("%s = %s(c, %s, %s) "):format(ref.code, code:use "imported", module, quote(import.name)))
    self:write_through(frame, import.target)
    self:export(frame, import.target, false)
  end
  code:write "end "
end

return M
