-- From a template's tree to Lua: one unit for its body and one for each block (code.lua), each a function(c, o, depth) that
-- prints to the page o in the context c:
--
--   c.vars     what names mean: the caller's context, what the template sets, behind them the globals; V in the code
--   c.blocks   name -> list of that block's functions, the most derived one first; depth is a block's place in it
--   c.stream   set while the page is streamed (render.lua)
--
-- Frames are Jinja's: symbols say which variable a name is (symbols.lua). A frame's `esc` is code for whether what is
-- printed is escaped: "true", "false", or a variable where {% autoescape %} was given an expression.
local ast = require "rille.template.ast"
local Code = require "rille.template.code"
local failure = require "rille.template.failure"
local macro = require "rille.template.macro"
local native = require "rille.native.core"
local Symbols = require "rille.template.symbols"

local M = {}

local Compiler = {}
Compiler.__index = Compiler

local concat, quote, MOST_DEPTH = table.concat, Code.quote, macro.MOST_DEPTH

require("rille.template.compile_expression").add(Compiler)
require("rille.template.compile_loop").add(Compiler)

--- Raises a syntax error about a node.
function Compiler:fail(node, message)
  failure.syntax(self.origin, node.line, node.token and self.token_at[node.token], message)
end

-- ---- frames ---------------------------------------------------------------------------------------------------------

local function new_frame(outer, fields)
  local frame = { symbols = Symbols.new(outer and outer.symbols), outer = outer, locals = 0, esc = outer and outer.esc,
    checks_output = outer and outer.checks_output }
  for key, value in pairs(fields or {}) do frame[key] = value end
  return frame
end

--- A frame inside of another one.
function Compiler:inner(frame, fields) return new_frame(frame, fields) end -- luacheck: ignore 212

--- A filter's or test's function as a variable of the unit, or of the constants when there are many.
function Compiler:cached_constant(f)
  local code = self.function_codes[f]
  if not code then
    code = self.code:constant(f)
    self.function_codes[f] = code
  end
  return code
end

-- ---- printing -------------------------------------------------------------------------------------------------------

local MOST_ARGUMENTS = 40

-- What is printed by one call of put: letters and arguments.
local Group = {}
Group.__index = Group

local function new_group(self, frame)
  return setmetatable({ compiler = self, frame = frame, kinds = {}, args = {}, literal = nil, has_value = false }, Group)
end

function Group:add_literal(text)
  self.literal = self.literal or {}
  self.literal[#self.literal + 1] = text
end

-- Code for the literal text that has gathered.
function Group:literal_code()
  local code = quote(concat(self.literal))
  self.literal = nil
  return code
end

function Group:take_literal()
  if not self.literal then return end
  self.kinds[#self.kinds + 1], self.args[#self.args + 1] = "l", self:literal_code()
end

-- Values of one line share a call, so that an error in one of them names its line.
function Group:start_value(line)
  local code = self.compiler.code
  if #self.args >= MOST_ARGUMENTS or (self.has_value and line > code.line) then self:flush() end
  if not self.has_value then code:sync(line) end
  self.has_value = true
  self:take_literal()
end

function Group:add(kind, ...)
  self.kinds[#self.kinds + 1] = kind
  for i = 1, select("#", ...) do self.args[#self.args + 1] = (select(i, ...)) end
end

-- Letters that say to escape, and those that do not.
local raw_letters = { e = "r", a = "b", l = "l", o = "o" }

-- Code for letters in a frame that escapes, does not, or may.
local function letters_code(esc, letters)
  local raw = letters:gsub("%l", raw_letters)
  if esc == "true" or letters == raw then return quote(letters) end
  return esc == "false" and quote(raw) or ("%s and %s or %s"):format(esc, quote(letters), quote(raw))
end

function Group:flush()
  local code = self.compiler.code
  if not self.has_value and self.literal then
    code:write(("%s(o, %s) "):format(code:use "text", self:literal_code()))
    return
  end
  self:take_literal()
  if self.args[1] then code:write(("%s(o, %s, %s) "):format(code:use "put",
    letters_code(self.frame.esc, concat(self.kinds)), concat(self.args, ", "))) end
  self.kinds, self.args, self.has_value = {}, {}, false
end

-- Text that a constant prints, or nil.
local function constant_text(node, esc)
  if node.t == "Data" then return node.text end
  if node.t ~= "Const" or node.none then return nil end
  if math.type(node.value) == "integer" or type(node.value) == "boolean" then return tostring(node.value) end
  if type(node.value) ~= "string" or (esc ~= "true" and esc ~= "false") then return nil end
  return esc == "true" and native.html_escape(node.value) or node.value
end

local function put_call(self, group, node, frame)
  group:flush()
  self.code:sync(node.line)
  self:write_put_call(node, frame)
end

local function put_value(self, group, node, frame)
  group:start_value(node.line)
  if node.t == "Getattr" and not self:loop_attribute(node, frame) then
    group:add("a", (self:expression(node.node, frame)), quote(node.attr))
  else
    group:add("e", (self:loose(node, frame)))
  end
end

local function add_output(self, group, node, frame)
  for _, child in ipairs(node.nodes) do
    local text = constant_text(child, frame.esc)
    if text then
      if not group.has_value and not group.literal then self.code:sync(child.line) end
      group:add_literal(text)
    elseif child.t == "Call" and not self:loop_cycle(child, frame) then
      put_call(self, group, child, frame)
    else
      put_value(self, group, child, frame)
    end
  end
end

function Compiler:Output(node, frame)
  if frame.checks_output and self.has_known_parent then return end
  if frame.checks_output then self.code:write "if not parent then " end
  local group = new_group(self, frame)
  add_output(self, group, node, frame)
  group:flush()
  if frame.checks_output then self.code:write "end " end
end

-- Text that statements print, whatever happens; nil where they do anything else.
local function text_of(nodes, frame)
  local texts = {}
  for _, node in ipairs(nodes) do
    if node.t ~= "Output" then return nil end
    for _, child in ipairs(node.nodes) do
      local text = constant_text(child, frame.esc)
      if not text then return nil end
      texts[#texts + 1] = text
    end
  end
  return concat(texts)
end

local light = { Name = true, Const = true, Getattr = true, Not = true, And = true, Or = true, Compare = true }

local function is_heavy(node) return not light[node.t] end

-- {% if a %}text{% else %}text{% endif %} is an argument of put: a and "text" or "text". Whether it was one.
local function put_choice(self, group, node, frame)
  if node.t ~= "If" or node.elifs[1] or frame.checks_output or ast.any(node.test, is_heavy) then return false end
  local yes, no = text_of(node.body, frame), text_of(node.else_ or {}, frame)
  if not yes or not no then return false end
  group:start_value(node.line)
  local choice = ("%s and %s"):format(self:condition(node.test, frame), quote(yes))
  group:add("o", no == "" and choice or ("%s or %s"):format(choice, quote(no)))
  return true
end

--- Writes statements; what those in a row print goes together.
function Compiler:statements(nodes, frame)
  local group = new_group(self, frame)
  for _, node in ipairs(nodes) do
    if node.t == "Output" and not frame.checks_output then
      add_output(self, group, node, frame)
    elseif not put_choice(self, group, node, frame) then
      group:flush()
      if node.t ~= "Output" then self.code:sync(node.line) end
      self[node.t](self, node, frame)
    end
  end
  group:flush()
end

-- ---- captures -------------------------------------------------------------------------------------------------------

-- Writes the body so that what it prints is taken; returns code for the text.
local function capture(self, nodes, frame)
  local code, mark = self.code, self.code:fresh "m"
  code:hold(frame, 1)
  code:write(("local %s = %s(o) "):format(mark, code:use "mark"))
  code.captures[#code.captures + 1] = mark
  self:statements(nodes, frame)
  code.captures[#code.captures] = nil
  return ("%s(%s, %s(o, %s))"):format(code:use "as_markup", frame.esc, code:use "take", mark)
end

function Compiler:FilterBlock(node, frame)
  local code, inner = self.code, self:inner(frame)
  inner.symbols:analyze(node)
  code:write "do "
  code:start_frame(inner)
  local text = capture(self, node.body, inner)
  local filtered = self:filter_chain(node.filter, inner, text)
  code:write(("%s(o, %s, %s) "):format(code:use "put", letters_code(frame.esc, "e"), filtered))
  code:leave(inner)
  code:write "end "
end

-- ---- assignments ----------------------------------------------------------------------------------------------------

-- Code that keeps the context's variables up with a name that was assigned in the template's own frame.
local function write_through(self, frame, name)
  if not frame.toplevel then return end
  self.sets_variables = true
  self.code:write(("V[%s] = %s "):format(quote(name), frame.symbols:find(name).code))
end

local function export(self, frame, name, exported)
  if frame.toplevel and not name:find "^_" then self.exports[name] = exported or nil end
end

-- Assigns code to a target: a name, a tuple, an attribute of a namespace.
local function assign(self, target, frame, value)
  local code = self.code
  if target.t == "NSRef" then
    code:write(("%s(%s, %s, %s) "):format(code:use "set_attribute", self:ref(target, frame).code, quote(target.attr), value))
  elseif target.t == "Name" then
    code:write(("%s = %s "):format(self:ref(target, frame).code, value))
    write_through(self, frame, target.name)
    export(self, frame, target.name, true)
  else
    local names = {}
    for i = 1, #target.items do names[i] = code:fresh "p" end
    code:write(("do local %s = %s(%s, %d) "):format(names[1] and concat(names, ", ") or "_", code:use "unpack", value, #names))
    for i, item in ipairs(target.items) do assign(self, item, frame, names[i]) end
    code:write "end "
  end
end

function Compiler:Set(node, frame)
  assign(self, node.target, frame, (self:expression(node.value, frame)))
end

function Compiler:SetBlock(node, frame)
  local code, inner = self.code, self:inner(frame, { checks_output = false })
  inner.symbols:analyze(node)
  code:write "do "
  code:start_frame(inner)
  local text = capture(self, node.body, inner)
  if node.filter then
    text = ("%s(%s, %s)"):format(code:use "as_markup", frame.esc, self:filter_chain(node.filter, inner, text))
  end
  assign(self, node.target, frame, text)
  code:leave(inner)
  code:write "end "
end

function Compiler:Do(node, frame)
  self.code:write(("do local _ = %s end "):format((self:expression(node.value, frame))))
end

-- ---- branches and scopes --------------------------------------------------------------------------------------------

-- What stands in an {% if %} may never run: unknown filters are an error only when they are reached. `rille check` wants to
-- know of them all the same, but where the template itself asks whether there is one.
function Compiler:If(node, frame)
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

function Compiler:With(node, frame)
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

function Compiler:Scope(node, frame)
  local code, inner = self.code, self:inner(frame)
  local condition = self:condition(node.autoescape, frame)
  inner.symbols:analyze(node)
  code:write "do "
  inner.esc = condition
  if condition ~= "true" and condition ~= "false" then
    inner.esc = code:fresh "esc"
    code:hold(inner, 1)
    code:write(("local %s = %s "):format(inner.esc, condition))
  end
  code:start_frame(inner)
  self:statements(node.body, inner)
  code:leave(inner)
  code:write "end "
end

-- ---- macros ---------------------------------------------------------------------------------------------------------

-- Which of caller, kwargs and varargs a body reads, and its parameters do not name.
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

-- Parameters in the order of the Lua function's, and what the runtime must know to call it.
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

-- A function that calls something may lead to itself: it counts how deep it is. Returns code that counts it out.
local function count_in(self, node, frame)
  if not ast.any(node, is_call) then return "" end
  local code, depth = self.code, self.code:fresh "d"
  code:hold(frame, 1)
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
  code:hold(inner, #names)
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

function Compiler:Macro(node, frame)
  self.code:write(("%s = "):format(self:ref(node, frame).code))
  write_macro(self, node, frame)
  write_through(self, frame, node.name)
  export(self, frame, node.name, true)
end

-- Whether a call block is the same macro each time it is run: nothing of it is a variable of the frames around it.
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

function Compiler:CallBlock(node, frame)
  local code, name = self.code, self.code:fresh "caller"
  local kept = is_constant(node, frame) and code:keep(name, 1)
  if kept then code:write(("do local %s = %s if %s == %s then %s = "):format(name, kept[1], name, code:use "put", name))
  else code:write(("do local %s = "):format(name)) end
  write_macro(self, node, frame)
  if kept then code:write(("%s = %s end "):format(kept[1], name)) end
  self:write_put_call(node.call, frame, name)
  code:write "end "
end

-- ---- other templates ------------------------------------------------------------------------------------------------

-- {name = variable, …} of what the template's own frame does not hold (that is in the context already), or nil.
local function locals_code(frame)
  local root, fields = frame, {}
  while root.outer do root = root.outer end
  frame.symbols:each_stored(root.toplevel and root.symbols or nil, function(name, ref)
    if not ref.counter then fields[#fields + 1] = ("[%s] = %s"):format(quote(name), ref.code) end
  end)
  return fields[1] and ("{%s}"):format(concat(fields, ", ")) or "nil"
end

function Compiler:Block(node, frame)
  local code = self.code
  if frame.toplevel and self.has_known_parent then return end
  if frame.toplevel and self.extends then code:write "if not parent then " end
  local context = node.scoped and ("%s(c, %s)"):format(code:use "derive", locals_code(frame)) or "c"
  code:write(("%s(%s, o, %s, %s) "):format(code:use "put_block", context, quote(node.name), tostring(node.required)))
  if frame.toplevel and self.extends then code:write "end " end
end

function Compiler:Extends(node, frame)
  if not frame.toplevel then self:fail(node, "'extends' stands at the top of a template, in no other tag than 'if'") end
  local code = self.code
  code:write(("parent = %s(c, parent, %s) "):format(code:use "extend", (self:expression(node.template, frame))))
  if frame.rootlevel then self.has_known_parent = true end
end

function Compiler:Include(node, frame)
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

function Compiler:Import(node, frame)
  self.code:write(("%s = %s "):format(self:ref(node.target, frame).code, import_code(self, node, frame)))
  write_through(self, frame, node.target.name)
  export(self, frame, node.target.name, false)
end

function Compiler:FromImport(node, frame)
  local code, module = self.code, self.code:fresh "module"
  code:write(("do local %s = %s "):format(module, import_code(self, node, frame)))
  for _, import in ipairs(node.names) do
    local ref = frame.symbols:find(import.target)
    code:write(("%s = %s(c, %s, %s) "):format(ref.code, code:use "imported", module, quote(import.name)))
    write_through(self, frame, import.target)
    export(self, frame, import.target, false)
  end
  code:write "end "
end

-- ---- units ----------------------------------------------------------------------------------------------------------

-- `self` and `super`, where a unit mentions them.
local function declare_specials(self, frame, node, is_block)
  local found = (self.specials.self or self.specials.super) and ast.undeclared(node.body, "self", "super") or {}
  if found.self then
    self.code:set_parameter(frame, frame.symbols:declare "self", ("%s(c)"):format(self.code:use "template_self"))
  end
  if found.super and is_block then
    self.code:set_parameter(frame, frame.symbols:declare "super",
      ("%s(c, %s, depth + 1)"):format(self.code:use "super_block", quote(node.name)))
  end
end

-- Source of one unit.
local function unit(self, node, fields)
  self.code = Code.new(node.line, self.constants)
  self.function_codes, self.undefined_names = self.function_codes or {}, self.undefined_names or {}
  local code, frame = self.code, new_frame(nil, fields)
  frame.esc = tostring(self.autoescape)
  code:begin_unit(("return function(c, o%s) local V, S = c.vars, c.state "):format(fields.toplevel and "" or ", depth"))
  if fields.toplevel and self.extends then code:write "local parent " end
  code.locals = 6
  declare_specials(self, frame, node, not fields.toplevel)
  frame.symbols:analyze { t = "Unit", body = node.body }
  code:start_frame(frame)
  self:statements(node.body, frame)
  if fields.toplevel and self.extends then code:write(("if parent then %s(c, o, parent) end "):format(code:use "put_parent")) end
  code:write "end"
  code:end_unit()
  return code:source()
end

--- compile(tree, origin, env, autoescape) -> { root = source, blocks = list of {name, source, line}, constants, exports,
--- only_prints }. The last says that the template changes nothing of the context it is run in. env has filters, tests and
--- strict. Raises a syntax error.
function M.compile(tree, origin, env, autoescape)
  local self = setmetatable({
    origin = origin, env = env, strict = env.strict, autoescape = autoescape, specials = tree.specials, macros = tree.macros,
    token_at = tree.at,
    extends = tree.extends, constants = {}, exports = {}, has_scoped_blocks = false,
  }, Compiler)
  for _, block in ipairs(tree.blocks) do self.has_scoped_blocks = self.has_scoped_blocks or block.scoped end
  local root = unit(self, tree, { toplevel = true, rootlevel = true, checks_output = tree.extends })
  local blocks = {}
  for i, block in ipairs(tree.blocks) do
    blocks[i] = { name = block.name, source = unit(self, block, {}) }
  end
  return { root = root, blocks = blocks, constants = self.constants, exports = self.exports,
    only_prints = not (self.sets_variables or tree.extends or blocks[1] or tree.specials.self) }
end

return M
