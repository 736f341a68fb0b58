-- Parsing statements. Expressions are in expression.lua; what comes out is described in ast.lua.
--
-- The parser looks at token number p.i and at most one further. The lexer's `specials` notes which of the names with a meaning of
-- their own (loop, self, super, caller, kwargs, varargs) occur at all, so that nobody looks for the others.
local expression = require "rille.template.expression"
local failure = require "rille.template.failure"
local lexer = require "rille.template.lexer"

local M = {}

local MOST_NESTING = 50

local Parser = {}
Parser.__index = Parser

-- ---- tokens ---------------------------------------------------------------------------------------------------------

local descriptions = {
  ["{%"] = "the beginning of a tag", ["%}"] = "the end of the tag", ["{{"] = "the beginning of an expression",
  ["}}"] = "the end of the expression", eof = "the end of the template", data = "text",
}

--- A token in words, for messages.
function Parser:describe(i)
  local kind, value = self.kind[i], self.value[i]
  if kind == "name" then return "'" .. value .. "'" end
  if kind == "string" then return "a string" end
  if kind == "integer" or kind == "float" then return "a number" end
  return descriptions[kind] or "'" .. kind .. "'"
end

--- Raises a syntax error at token number i, or at a line where there is no such token.
function Parser:fail(message, i, line)
  failure.syntax(self.origin, line or self.line[i], i and self.at[i], message)
end

--- Whether the token looked at, or the one `ahead` of it, is this name.
function Parser:is_name(name, ahead)
  local i = self.i + (ahead or 0)
  return self.value[i] == name and self.kind[i] == "name"
end

function Parser:skip_name(name)
  local found = self.value[self.i] == name and self.kind[self.i] == "name"
  if found then self.i = self.i + 1 end
  return found
end

function Parser:skip(kind)
  local found = self.kind[self.i] == kind
  if found then self.i = self.i + 1 end
  return found
end

--- Steps over a token of this kind and returns its value.
function Parser:expect(kind)
  local i = self.i
  if self.kind[i] ~= kind then
    self:fail(("%s was expected, got %s"):format(descriptions[kind] or (kind == "name" and "a name") or "'" .. kind .. "'",
      self:describe(i)), i)
  end
  self.i = i + 1
  return self.value[i]
end

function Parser:expect_name(name)
  if not self:skip_name(name) then self:fail(("'%s' was expected, got %s"):format(name, self:describe(self.i)), self.i) end
end

expression.add(Parser)

-- ---- targets --------------------------------------------------------------------------------------------------------

local function can_assign(node)
  if node.t == "Name" then return true end
  if node.t ~= "Tuple" then return false end
  for _, item in ipairs(node.items) do
    if not can_assign(item) then return false end
  end
  return true
end

local function set_ctx(node, ctx)
  node.ctx = ctx
  for _, item in ipairs(node.items or {}) do set_ctx(item, ctx) end
  return node
end

local function name_node(p, ctx)
  local line = p.line[p.i]
  return { t = "Name", line = line, name = p:expect "name", ctx = ctx, token = p.i - 1 }
end

-- What is assigned to: names, and tuples of them.
local function target(p, ctx, stop)
  local at = p.i
  local node = p:tuple { simple = true, stop = stop }
  if not can_assign(node) then p:fail("this cannot be assigned to", at) end
  return set_ctx(node, ctx)
end

local function set_target(p)
  if p.kind[p.i + 1] ~= "." then return target(p, "store") end
  local line, name = p.line[p.i], p:expect "name"
  p.i = p.i + 1
  return { t = "NSRef", line = line, name = name, attr = p:expect "name" }
end

-- ---- bodies ---------------------------------------------------------------------------------------------------------

local function unexpected_end(p, name, i)
  local parts = { name and ("unknown tag '%s'"):format(name) or "the template ends here" }
  local ends = p.ends[#p.ends]
  if ends then parts[#parts + 1] = ("'%s' was expected"):format(table.concat(ends, "' or '")) end
  if p.tags[1] then
    local tag = p.tags[#p.tags]
    parts[#parts + 1] = ("the innermost tag to be closed is '%s' in line %d"):format(tag.name, tag.line)
  end
  p:fail(table.concat(parts, "; "), i)
end

local function is_one_of(p, ends)
  if p.kind[p.i] ~= "name" then return false end
  for _, name in ipairs(ends) do
    if p.value[p.i] == name then return true end
  end
  return false
end

-- Statements up to a tag that begins with one of `ends` (names), which is looked at then; or to the end.
local function statements(p, ends)
  local body, output = {}, nil
  local function add(node)
    if not output then
      output = { t = "Output", line = node.line, nodes = {} }
      body[#body + 1] = output
    end
    output.nodes[#output.nodes + 1] = node
  end
  while p.kind[p.i] ~= "eof" do
    local i, kind = p.i, p.kind[p.i]
    p.i = i + 1
    if kind == "data" then
      add { t = "Data", line = p.line[i], text = p.value[i] }
    elseif kind == "{{" then
      add(p:tuple {})
      p:expect "}}"
    else
      output = nil
      if ends and is_one_of(p, ends) then return body end
      body[#body + 1] = p:statement()
      p:expect "%}"
    end
  end
  if ends then unexpected_end(p, nil, p.i) end
  return body
end

-- The body of a tag: from its end to one of the names, which stays looked at.
local function body(p, ...)
  local ends = { ... }
  p:skip ":"
  p:expect "%}"
  p.ends[#p.ends + 1] = ends
  p.depth = p.depth + 1
  if p.depth > MOST_NESTING then p:fail("these tags are nested too deeply", p.i) end
  local result = statements(p, ends)
  p.depth = p.depth - 1
  p.ends[#p.ends] = nil
  return result
end

-- As body, and steps over the name.
local function closed_body(p, name)
  local result = body(p, name)
  p.i = p.i + 1
  return result
end

-- ---- tags: the token looked at is the one behind the name -----------------------------------------------------------

local tags = {}

function tags.set(p, line)
  local goal = set_target(p)
  if p:skip "=" then return { t = "Set", line = line, target = goal, value = p:tuple {} } end
  local filter = p:filter(nil)
  return { t = "SetBlock", line = line, target = goal, filter = filter, body = closed_body(p, "endset") }
end

tags["for"] = function(p, line)
  local node = { t = "For", line = line, target = target(p, "store", "in") }
  p:expect_name "in"
  node.iter = p:tuple { no_condition = true, stop = "recursive" }
  if p:skip_name "if" then node.test = p:expression() end
  node.recursive = p:skip_name "recursive"
  local loops = p.loops
  p.loops = loops + 1
  node.body = body(p, "endfor", "else")
  p.loops = loops
  if p:skip_name "else" then node.else_ = body(p, "endfor") end
  p.i = p.i + 1
  return node
end

tags["if"] = function(p, line)
  local node = { t = "If", line = line, elifs = {}, test = p:tuple { no_condition = true } }
  node.body = body(p, "elif", "else", "endif")
  while p:skip_name "elif" do
    local branch = { t = "If", line = p.line[p.i], elifs = {}, test = p:tuple { no_condition = true } }
    branch.body = body(p, "elif", "else", "endif")
    node.elifs[#node.elifs + 1] = branch
  end
  if p:skip_name "else" then node.else_ = body(p, "endif") end
  p.i = p.i + 1
  return node
end

function tags.with(p, line)
  local node = { t = "With", line = line, targets = {}, values = {} }
  while p.kind[p.i] ~= "%}" do
    if node.targets[1] then p:expect "," end
    node.targets[#node.targets + 1] = target(p, "param")
    p:expect "="
    node.values[#node.values + 1] = p:expression()
  end
  node.body = closed_body(p, "endwith")
  return node
end

function tags.autoescape(p, line)
  return { t = "Scope", line = line, autoescape = p:expression(), body = closed_body(p, "endautoescape") }
end

local function is_blank(nodes)
  for _, node in ipairs(nodes) do
    if node.t ~= "Output" then return false end
    for _, child in ipairs(node.nodes) do
      if child.t ~= "Data" or child.text:find "%S" then return false end
    end
  end
  return true
end

function tags.block(p, line)
  local node = { t = "Block", line = line, token = p.i, name = p:expect "name" }
  node.scoped = p:skip_name "scoped"
  node.required = p:skip_name "required"
  if p.kind[p.i] == "-" then p:fail("a block's name is letters, digits and underscores, without hyphens", p.i) end
  local loops = p.loops
  p.loops = 0 -- a block is a function of its own
  node.body = closed_body(p, "endblock")
  p.loops = loops
  if node.required and not is_blank(node.body) then
    p:fail("a required block holds nothing but space and comments", node.token)
  end
  p:skip_name(node.name)
  if p.blocks[node.name] then
    p:fail(("there is a block '%s' already, in line %d"):format(node.name, p.blocks[node.name].line), node.token)
  end
  p.blocks[node.name] = node
  p.blocks[#p.blocks + 1] = node
  return node
end

function tags.extends(p, line)
  p.extends = true
  return { t = "Extends", line = line, token = p.i - 1, template = p:expression() }
end

-- "with context" or "without context", where it stands here.
local function context_clause(p, default)
  if (p:is_name "with" or p:is_name "without") and p:is_name("context", 1) then
    p.i = p.i + 2
    return p.value[p.i - 2] == "with"
  end
  return default
end

function tags.include(p, line)
  local node = { t = "Include", line = line, template = p:expression() }
  if p:is_name "ignore" and p:is_name("missing", 1) then
    p.i = p.i + 2
    node.ignore_missing = true
  end
  node.with_context = context_clause(p, true)
  return node
end

function tags.import(p, line)
  local node = { t = "Import", line = line, template = p:expression() }
  p:expect_name "as"
  node.target = name_node(p, "store")
  p.macros[node.target.name] = "module"
  node.with_context = context_clause(p, false)
  return node
end

-- One name of {% from … import a, b as c %}.
local function imported_name(p)
  local at, name = p.i, p:expect "name"
  if name:find "^_" then p:fail("names that start with an underline cannot be imported", at) end
  local as = p:skip_name "as" and p:expect "name" or name
  p.macros[as] = "macro"
  return { name = name, target = as }
end

function tags.from(p, line)
  local node = { t = "FromImport", line = line, template = p:expression(), names = {} }
  p:expect_name "import"
  repeat
    node.with_context = context_clause(p, nil)
    if node.with_context ~= nil then break end
    node.names[#node.names + 1] = imported_name(p)
    node.with_context = context_clause(p, nil)
  until node.with_context ~= nil or not p:skip ","
  node.with_context = node.with_context or false
  return node
end

-- (a, b=1) into args and defaults.
local function signature(p, node)
  local seen = {}
  node.args, node.defaults = {}, {}
  p:items(")", function()
    local arg = name_node(p, "param")
    if seen[arg.name] then p:fail(("there is a parameter '%s' already"):format(arg.name), arg.token) end
    node.args[#node.args + 1], seen[arg.name] = arg, true
    if p:skip "=" then
      node.defaults[#node.defaults + 1] = p:expression()
    elseif node.defaults[1] then
      p:fail("a parameter without a default follows one that has one", p.i - 1)
    end
    return true
  end)
  return node
end

-- A function's body: loops around it are not its own.
local function function_body(p, name)
  local loops = p.loops
  p.loops = 0
  local result = closed_body(p, name)
  p.loops = loops
  return result
end

function tags.macro(p, line)
  local node = { t = "Macro", line = line, token = p.i, name = p:expect "name" }
  if p.kind[p.i] ~= "(" then p:expect "(" end
  p.macros[node.name] = "macro"
  signature(p, node)
  node.body = function_body(p, "endmacro")
  return node
end

function tags.call(p, line)
  local node = { t = "CallBlock", line = line, args = {}, defaults = {} }
  if p.kind[p.i] == "(" then signature(p, node) end
  local at = p.i
  node.call = p:expression()
  if node.call.t ~= "Call" then p:fail("a call was expected", at) end
  node.body = function_body(p, "endcall")
  return node
end

function tags.filter(p, line)
  return { t = "FilterBlock", line = line, filter = p:filter(nil, true), body = closed_body(p, "endfilter") }
end

function tags.print(p, line)
  local node = { t = "Output", line = line, nodes = {} }
  while p.kind[p.i] ~= "%}" do
    if node.nodes[1] then p:expect "," end
    node.nodes[#node.nodes + 1] = p:expression()
  end
  return node
end

tags["do"] = function(p, line) return { t = "Do", line = line, value = p:tuple {} } end

local function loop_control(node_type)
  return function(p, line)
    if p.loops == 0 then p:fail("this tag stands in no loop", p.i - 1) end
    return { t = node_type, line = line }
  end
end

tags["break"] = loop_control "Break"
tags["continue"] = loop_control "Continue"

function Parser:statement()
  local i, line = self.i, self.line[self.i]
  if self.kind[i] ~= "name" then self:fail("a tag's name was expected, got " .. self:describe(i), i) end
  local name = self.value[i]
  local tag = tags[name]
  if not tag then unexpected_end(self, name, i) end
  self.tags[#self.tags + 1] = { name = name, line = line }
  self.i = i + 1
  local node = tag(self, line)
  self.tags[#self.tags] = nil
  return node
end

-- ---- the whole ------------------------------------------------------------------------------------------------------

--- parse(source, origin, options) -> Template node {body, blocks (by name, and a list), extends, specials, macros}. `macros` says
--- which names are likely a "macro" or a "module" of macros. Raises a syntax error. Options are the lexer's.
function M.parse(source, origin, options)
  local kind, value, at, line, specials = lexer.tokens(source, origin, options)
  local self = setmetatable({
    kind = kind, value = value, at = at, line = line, origin = origin,
    i = 1, nesting = 0, depth = 0, loops = 0, ends = {}, tags = {}, blocks = {}, extends = false,
    macros = { caller = "macro" },
  }, Parser)
  local nodes = statements(self)
  return { t = "Template", line = 1, body = nodes, blocks = self.blocks, extends = self.extends,
    specials = specials, macros = self.macros, at = at }
end

return M
