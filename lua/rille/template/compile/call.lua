-- Compiles what follows a value: .name, [item] and (arguments). A printed call of what is probably a macro goes through a site
-- (macro.lua), which remembers how the macro takes these arguments.
local Code = require "rille.template.code"

local M = {}

local concat, quote = table.concat, Code.quote

-- ---- looking up -----------------------------------------------------------------------------------------------------

function M:Getattr(node, frame)
  local code, kind = self:loop_attribute(node, frame)
  if code then return code, kind end
  return ("%s(%s, %s)"):format(self.code:use "attr", (self:expression(node.node, frame)), quote(node.attr)), "any"
end

local function slice_part(self, node, frame) return node and (self:expression(node, frame)) or "nil" end

function M:Getitem(node, frame)
  local object = self:expression(node.node, frame)
  local arg = node.arg
  if arg.t ~= "Slice" then
    return ("%s(%s, %s)"):format(self.code:use "item", object, (self:expression(arg, frame))), "any"
  end
  return ("%s(%s, %s, %s, %s)"):format(self.code:use "slice", object, slice_part(self, arg.start, frame),
    slice_part(self, arg.stop, frame), slice_part(self, arg.step, frame)), "value"
end

--- Raises for a slice where none is allowed: a[1:2, 3].
function M:Slice(node) self:fail(node, "a slice stands alone between its brackets") end

-- ---- calls ----------------------------------------------------------------------------------------------------------

--- Returns code for the keyword arguments: {name = value, …}, or nil. `caller` is code for the macro of a call block.
function M:keyword_table(node, frame, caller)
  local codes = {}
  for _, row in ipairs(node.kwargs) do
    codes[#codes + 1] = ("[%s] = %s"):format(quote(row[1]), (self:expression(row[2], frame)))
  end
  if caller then codes[#codes + 1] = "caller = " .. caller end
  local code = codes[1] and ("{%s}"):format(concat(codes, ", ")) or "nil"
  if not node.dyn_kwargs then return code end
  return ("%s(%s, %s)"):format(self.code:use "merge_kwargs", code, (self:expression(node.dyn_kwargs, frame)))
end

--- Returns code for the positional arguments, with a comma before each.
function M:positional(node, frame)
  local codes = { "" }
  for _, arg in ipairs(node.args) do codes[#codes + 1] = self:expression(arg, frame) end
  if node.dyn_args then
    codes[#codes + 1] = ("%s(%s)"):format(self.code:use "spread", (self:expression(node.dyn_args, frame)))
  end
  return concat(codes, ", ")
end

--- Returns code for a call. `verb` and `method_verb` are the runtime's functions for it: "call" and "method" give the result,
--- "put_call" and "put_method" print it.
function M:call_code(node, frame, verb, method_verb, caller)
  local callee = node.node
  local target
  if callee.t == "Getattr" then
    verb, target = method_verb, ("%s, %s"):format((self:expression(callee.node, frame)), quote(callee.attr))
  else
    target = self:expression(callee, frame)
  end
  local args = self:positional(node, frame)
  local kwargs = self:keyword_table(node, frame, caller)
  return ("%s(c, %s, %s, %s%s)"):format(self.code:use(verb), kwargs, frame.esc, target, args)
end

-- Returns what a call probably names if that is a macro: a Name, the runtime's function that makes a site, and the name of the
-- macro in a module.
local function likely_macro(self, callee)
  if callee.t == "Name" and self.macros[callee.name] == "macro" then return callee, "site" end
  if callee.t == "Getattr" and callee.node.t == "Name" and self.macros[callee.node.name] == "module" then
    return callee.node, "member_site", callee.attr
  end
end

-- Returns the number of positional arguments and the names of the others: "1 type".
local function shape_of(node, caller)
  local words = { #node.args }
  for _, row in ipairs(node.kwargs) do words[#words + 1] = row[1] end
  if caller then words[#words + 1] = "caller" end
  return concat(words, " ")
end

-- Writes code that asks a site (macro.lua) for what is called. Returns the name of the function, or nil if the call is an
-- ordinary one.
local function write_site(self, node, frame, caller)
  if node.dyn_args or node.dyn_kwargs or (frame.esc ~= "true" and frame.esc ~= "false") then return nil end
  local name, maker, member = likely_macro(self, node.node)
  if not name or name.line > self.code.line then return nil end
  local variable, shape = self:ref(name, frame).code, quote(shape_of(node, caller))
  local cached = self.code:cache(concat({ variable, maker, member or "", shape, frame.esc }, " "), 2)
  if not cached then return nil end
  local seen, enter = cached[1], cached[2]
  self.code:write(("if %s ~= %s then %s, %s = %s, %s(c, %s, %s, %s%s) end "):format(variable, seen, seen, enter, variable,
    self.code:use(maker), frame.esc, shape, (self:expression(name, frame)), member and ", " .. quote(member) or ""))
  return enter
end

--- Writes a call whose result is printed; `caller` is code for the macro of a call block.
function M:write_put_call(node, frame, caller)
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

function M:Call(node, frame)
  local code = self:loop_cycle(node, frame)
  if code then return code, "any" end
  return self:call_code(node, frame, "call", "method"), "any"
end

return M
