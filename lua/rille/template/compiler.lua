-- Compiles a template's tree to Lua: one unit for its body and one for each block (code.lua). A unit is a
-- function(c, o, depth) that prints to the page o in the context c:
--
--   c.vars     what names mean: the caller's context and what the template sets, then the globals; V in the code
--   c.blocks   name -> list of that block's functions, the most derived one first; depth is a block's place in it
--   c.stream   set while the page is streamed (render.lua)
--
-- The methods are in compile/: each file has those of one kind of node. The method that compiles a node has the name of its
-- type (ast.lua). Those of statements write code; those of expressions return code and a kind (compile/expression.lua).
--
-- Frames are Jinja's: symbols say which variable a name is (symbols.lua). A frame's `esc` is code for whether what is
-- printed is escaped: "true", "false", or a variable where {% autoescape %} was given an expression.
local ast = require "rille.template.ast"
local Code = require "rille.template.code"
local failure = require "rille.template.failure"
local Symbols = require "rille.template.symbols"

local M = {}

local quote = Code.quote

local Compiler = {}
Compiler.__index = Compiler

local function add(methods)
  for name, method in pairs(methods) do Compiler[name] = method end
end

add(require "rille.template.compile.expression")
add(require "rille.template.compile.operators")
add(require "rille.template.compile.call")
add(require "rille.template.compile.filter")
add(require "rille.template.compile.output")
add(require "rille.template.compile.statements")
add(require "rille.template.compile.loop")
add(require "rille.template.compile.macro")
add(require "rille.template.compile.inherit")
add(require "rille.template.compile.straight")
add(require "rille.template.compile.plan")

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

--- Returns a frame inside of another one.
function Compiler:inner(frame, fields) return new_frame(frame, fields) end -- luacheck: ignore 212

-- ---- units ----------------------------------------------------------------------------------------------------------

-- Declares `self` and `super`, if a unit mentions them.
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

-- Returns the source of one unit; and the source of the leaves of its plans and a list of these plans, if it has any (plan.lua).
local function unit(self, node, fields)
  self.code = Code.new(node.line, self.constants)
  self.leaves, self.plans = Code.new(node.line, self.constants), {}
  self.leaves:write "local F = {} "
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
  if not self.plans[1] then return code:source() end
  self.leaves:write "return F"
  return code:source(), self.leaves:source(), self.plans
end

--- compile(tree, origin, env, autoescape) -> { root = source, leaves, plans, blocks = list of {name, source, leaves, plans},
--- constants, exports, only_prints }. The last says that the template changes nothing of the context it is run in. A plan is
--- {spec, index}, which becomes the constant of that index. env has filters, tests, strict and no_plans. Raises a syntax error.
function M.compile(tree, origin, env, autoescape)
  local self = setmetatable({
    origin = origin, env = env, strict = env.strict, autoescape = autoescape, specials = tree.specials, macros = tree.macros,
    token_at = tree.at,
    extends = tree.extends, constants = {}, exports = {}, targets = {}, has_scoped_blocks = false,
  }, Compiler)
  for _, block in ipairs(tree.blocks) do self.has_scoped_blocks = self.has_scoped_blocks or block.scoped end
  local root, leaves, plans = unit(self, tree, { toplevel = true, rootlevel = true, checks_output = tree.extends })
  local blocks = {}
  for i, block in ipairs(tree.blocks) do
    local made = { name = block.name }
    made.source, made.leaves, made.plans = unit(self, block, {})
    blocks[i] = made
  end
  return { root = root, leaves = leaves, plans = plans, blocks = blocks, constants = self.constants, exports = self.exports,
    only_prints = not (self.sets_variables or tree.extends or blocks[1] or tree.specials.self) }
end

return M
