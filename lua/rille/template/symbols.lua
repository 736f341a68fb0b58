-- Finds the variable that a name means. Every frame (a template, block, macro, loop, with, …) has symbols; those of an inner
-- frame see the outer ones'. The rules are Jinja2's, among them the surprising ones:
--
--   * what a frame stores anywhere is the frame's own from its start; until then it has the outer frame's value;
--   * an {% if %} is no frame: what some of its branches store belongs to the frame around it, and is looked up in the
--     context in case none of these branches runs.
--
-- A ref is one variable of one frame: {name, level, load, from}. `load` says what it is at the frame's start:
--
--   "context"    looked up in the context            "outer"    the value of the ref `from`
--   "nothing"    nothing yet                         "param"    set by whoever enters the frame
--
-- The compiler adds `code` to it, the Lua expression that stands for it.
local ast = require "rille.template.ast"

local Symbols = {}
Symbols.__index = Symbols

local function new(parent, level, refs, stores)
  return setmetatable({ parent = parent, level = level, refs = refs, stores = stores, order = {} }, Symbols)
end

--- Symbols of a frame inside `parent`, or of a unit where that is nil.
function Symbols.new(parent) return new(parent, parent and parent.level + 1 or 0, {}, {}) end

local function define(self, name, load, from)
  local ref = { name = name, level = self.level, load = load, from = from }
  self.refs[name] = ref
  self.order[#self.order + 1] = ref
  return ref
end

--- The ref that a name means here, or nil.
function Symbols:find(name)
  local symbols = self
  while symbols do
    local ref = symbols.refs[name]
    if ref then return ref end
    symbols = symbols.parent
  end
end

--- Returns true if a name means the same in the whole of a unit: the context has it, and nobody stores it.
function Symbols:is_constant(name)
  local symbols = self
  while symbols do
    local ref = symbols.refs[name]
    if ref then return ref.load == "context" and not symbols.stores[name] end
    symbols = symbols.parent
  end
  return true
end

function Symbols:store(name)
  self.stores[name] = true
  if self.refs[name] then return end
  local outer = self.parent and self.parent:find(name)
  define(self, name, outer and "outer" or "nothing", outer)
end

--- A parameter: of a macro, a loop's target.
function Symbols:declare(name)
  self.stores[name] = true
  return define(self, name, "param")
end

function Symbols:load(name)
  if not self:find(name) then define(self, name, "context") end
end

-- ---- branches -------------------------------------------------------------------------------------------------------

-- A branch of an {% if %}: what it adds is its own, what it has not it sees in the frame.
local function branch_of(self)
  local refs = setmetatable({}, { __index = self.refs })
  local stores = setmetatable({}, { __index = self.stores })
  return new(self.parent, self.level, refs, stores)
end

-- A ref that one branch looks up and another only stores has to be looked up.
local function adopt(self, ref)
  local mine = rawget(self.refs, ref.name)
  if not mine then
    rawset(self.refs, ref.name, ref)
    self.order[#self.order + 1] = ref
  elseif mine.load == "nothing" then
    mine.load, mine.from = ref.load, ref.from
  end
end

local function merge(self, branches)
  local counts = {}
  for _, branch in ipairs(branches) do
    for name in next, branch.stores do
      if not self.stores[name] then counts[name] = (counts[name] or 0) + 1 end
    end
  end
  for _, branch in ipairs(branches) do
    for _, ref in ipairs(branch.order) do adopt(self, ref) end
    for name in next, branch.stores do rawset(self.stores, name, true) end
  end
  for name, count in pairs(counts) do
    if count < #branches then
      local ref = self.refs[name]
      local outer = self.parent and self.parent:find(name)
      ref.load, ref.from = outer and "outer" or "context", outer
    end
  end
end

-- ---- looking through a frame's statements ---------------------------------------------------------------------------

local visit -- function(symbols, node)

local function visit_all(symbols, nodes)
  for _, node in ipairs(nodes or {}) do visit(symbols, node) end
end

local function visit_branch(symbols, nodes)
  local branch = branch_of(symbols)
  visit_all(branch, nodes)
  return branch
end

-- Those that are frames of their own are not entered: only what of them belongs to the frame around is looked at.
local visitors = {
  Name = function(symbols, node)
    if node.ctx == "load" then symbols:load(node.name)
    elseif node.ctx == "store" then symbols:store(node.name)
    else symbols:declare(node.name) end
  end,
  NSRef = function(symbols, node) symbols:load(node.name) end,
  If = function(symbols, node)
    visit(symbols, node.test)
    merge(symbols, { visit_branch(symbols, node.body), visit_branch(symbols, node.elifs), visit_branch(symbols, node.else_) })
  end,
  Macro = function(symbols, node) symbols:store(node.name) end,
  Import = function(symbols, node)
    visit(symbols, node.template)
    symbols:store(node.target.name)
  end,
  FromImport = function(symbols, node)
    visit(symbols, node.template)
    for _, import in ipairs(node.names) do symbols:store(import.target) end
  end,
  Set = function(symbols, node)
    visit(symbols, node.value)
    visit(symbols, node.target)
  end,
  For = function(symbols, node) visit(symbols, node.iter) end,
  CallBlock = function(symbols, node) visit(symbols, node.call) end,
  FilterBlock = function(symbols, node) visit(symbols, node.filter) end,
  With = function(symbols, node) visit_all(symbols, node.values) end,
  SetBlock = function(symbols, node) visit(symbols, node.target) end,
  Scope = function(symbols, node) visit(symbols, node.autoescape) end,
  Block = function() end,
}

local function visit_child(child, symbols) visit(symbols, child) end

function visit(symbols, node)
  local visitor = visitors[node.t]
  if visitor then return visitor(symbols, node) end
  ast.each_child(node, visit_child, symbols)
end

local function declare_target(symbols, node)
  if node.t == "Name" then symbols:declare(node.name) end
  for _, item in ipairs(node.items or {}) do declare_target(symbols, item) end
end

--- Looks through what belongs to the frame of a node: of a For, its `part` "body", "else" or "test"; of a macro, its
--- defaults and its body, each in a table of its own {t = "Unit", body = …}.
function Symbols:analyze(node, part)
  if node.t == "For" then
    if part ~= "else" then declare_target(self, node.target) end
    if part == "test" then return visit(self, node.test) end
    return visit_all(self, part == "else" and node.else_ or node.body)
  end
  if node.t == "With" then visit_all(self, node.targets) end
  if node.filter then visit(self, node.filter) end
  visit_all(self, node.body)
end

--- Calls visit(name, ref) for what this frame and those around it have stored, inner ones first, up to but not with `stop`.
function Symbols:each_stored(stop, found)
  local seen, symbols = {}, self
  while symbols and symbols ~= stop do
    local names = {}
    for name in next, symbols.stores do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      if not seen[name] then found(name, self:find(name)) end
      seen[name] = true
    end
    symbols = symbols.parent
  end
end

return Symbols
