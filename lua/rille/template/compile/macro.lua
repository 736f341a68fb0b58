-- Compiles macros and call blocks. A macro is a Lua function with a record of its parameters; the runtime (macro.lua)
-- puts arguments where they belong.
local ast = require "rille.template.ast"
local macro = require "rille.template.macro"

local M = {}

local concat, MOST_DEPTH = table.concat, macro.MOST_DEPTH

-- Returns which of caller, kwargs and varargs a body reads and its parameters do not name, as a set.
local function special_parameters(self, node)
  if not (self.specials.caller or self.specials.kwargs or self.specials.varargs) then return {} end
  local found, named = ast.undeclared(node.body, "caller", "kwargs", "varargs"), {}
  for i, arg in ipairs(node.args) do named[arg.name] = i end
  if found.caller and named.caller and named.caller <= #node.args - #node.defaults then
    self:fail(node, "the parameter 'caller' of a macro needs a default, or is left out")
  end
  for name in pairs(named) do found[name] = nil end
  return found
end

-- Returns the parameters in the order of the Lua function's, and what the runtime must know to call it.
local function declare_parameters(self, node, frame)
  local found, names, places, refs = special_parameters(self, node), {}, {}, {}
  for i, arg in ipairs(node.args) do
    names[i], places[arg.name] = arg.name, i
    refs[i] = frame.symbols:find(arg.name)
  end
  for _, name in ipairs { "caller", "kwargs", "varargs" } do
    if found[name] then refs[#refs + 1] = frame.symbols:declare(name) end
  end
  if found.caller then places.caller = #names + 1 end
  return refs, { name = node.name, args = names, places = places, count = #names, caller = found.caller, kwargs = found.kwargs,
    varargs = found.varargs, special = (found.caller or found.kwargs or found.varargs) and true or false, fits = {} }
end

local function write_defaults(self, node, frame, refs)
  local first_default = #node.args - #node.defaults
  for i = 1, #node.args do refs[i].pending = true end
  for i, arg in ipairs(node.args) do
    local ref = refs[i]
    local default = i > first_default and (self:expression(node.defaults[i - first_default], frame))
      or self:undefined(("the parameter '%s' was not given"):format(arg.name))
    self.code:write(("if %s == nil then %s = %s end "):format(ref.code, ref.code, default))
    ref.pending = nil
  end
  local caller = refs[#node.args + 1]
  if caller and caller.name == "caller" then
    self.code:write(("if %s == nil then %s = %s end "):format(caller.code, caller.code,
      self:undefined "'caller' is undefined: no call block calls this macro"))
  end
end

local function is_call(node) return node.t == "Call" or node.t == "CallBlock" end

-- Writes code that counts how deep calls are nested, if the function calls anything. Returns code that undoes it.
local function count_in(self, node, frame)
  if not ast.any(node, is_call) then return "" end
  local code, depth = self.code, self.code:fresh "d"
  code:count_locals(frame, 1)
  code:write(("local %s = S.depth if %s >= %d then %s() end S.depth = %s + 1 "):format(depth, depth, MOST_DEPTH,
    code:use "too_deep", depth))
  return ("S.depth = %s "):format(depth)
end

-- Writes function(…) … end, and returns what the runtime must know of it.
local function write_function(self, node, frame)
  local code, inner = self.code, self:inner(frame, { checks_output = false, soft = false })
  for _, arg in ipairs(node.args) do inner.symbols:declare(arg.name) end
  local refs, info = declare_parameters(self, node, inner)
  inner.symbols:analyze { t = "Unit", body = node.defaults }
  inner.symbols:analyze { t = "Unit", body = node.body }
  local outer = code:begin_function()
  local names = {}
  for i, ref in ipairs(refs) do
    ref.code = code:fresh "a"
    names[i] = ref.code
  end
  code:count_locals(inner, #names)
  code:write(("function(%s) "):format(concat(names, ", ")))
  code:start_frame(inner)
  write_defaults(self, node, inner, refs)
  local count_out = count_in(self, node, inner)
  self:statements(node.body, inner)
  code:write(count_out .. "end")
  code:leave(inner)
  code:end_function(outer)
  return info
end

-- Writes macro(c, o, function … end, K[n]).
local function write_macro(self, node, frame)
  local code = self.code
  code:write(("%s(c, "):format(code:use "macro"))
  local info = write_function(self, node, frame)
  code:write((", %s) "):format(code:constant(info)))
end

function M:Macro(node, frame)
  self.code:write(("%s = "):format(self:ref(node, frame).code))
  write_macro(self, node, frame)
  self:write_through(frame, node.name)
  self:export(frame, node.name, true)
end

-- Returns true if a call block is the same macro each time it runs: it reads no variable of the frames around it.
local function is_constant(node, frame)
  if frame.esc ~= "true" and frame.esc ~= "false" then return false end
  local own = {}
  for _, arg in ipairs(node.args) do own[arg.name] = true end
  local function varies(child)
    if child.t ~= "Name" and child.t ~= "NSRef" then return ast.passes_locals(child) end
    return not own[child.name] and not frame.symbols:is_constant(child.name)
  end
  return not ast.any({ t = "CallBlock", args = {}, defaults = node.defaults, body = node.body }, varies)
end

function M:CallBlock(node, frame)
  local code, name = self.code, self.code:fresh "caller"
  local cached = is_constant(node, frame) and code:cache(name, 1)
  if cached then code:write(("do local %s = %s if %s == %s then %s = "):format(name, cached[1], name, code:use "put", name))
  else code:write(("do local %s = "):format(name)) end
  write_macro(self, node, frame)
  if cached then code:write(("%s = %s end "):format(cached[1], name)) end
  self:write_put_call(node.call, frame, name)
  code:write "end "
end

return M
