-- The tree a template is parsed into. A node is a table {t = type, line = …} with the fields named below, in the order in
-- which they stand in the source; a field holds a node, a list of nodes, or something that is none (a name, a flag).
--
--   statements   Template Output Data If For Macro CallBlock FilterBlock With Scope Set SetBlock Block Extends Include Import
--                FromImport Do Break Continue
--   expressions  Name Const Tuple List Dict Getattr Getitem Slice Call Filter Test Binary Unary And Or Not Compare Cond Concat
--   parts        NSRef (the target of {% set a.b %})
--
-- A For has `tokens`, how many it is long up to its body's end. A Name has a `ctx`: "load", "store" or "param". Calls,
-- filters and tests share `args`, `kwargs` (a list of {key, value}), `dyn_args`, `dyn_kwargs`.
local M = {}

-- Children of each type. `kwargs` and `items` of a Dict are lists of pairs {key, value}: see each_child.
local arguments = { "args", "kwargs", "dyn_args", "dyn_kwargs" }
local function with_arguments(first) return { first, table.unpack(arguments) } end

local fields = {
  Template = { "body" },
  Output = { "nodes" },
  Data = {},
  If = { "test", "body", "elifs", "else_" },
  For = { "target", "iter", "body", "else_", "test" },
  Macro = { "args", "defaults", "body" },
  CallBlock = { "call", "args", "defaults", "body" },
  FilterBlock = { "body", "filter" },
  With = { "targets", "values", "body" },
  Scope = { "autoescape", "body" },
  Set = { "target", "value" },
  SetBlock = { "target", "filter", "body" },
  Block = { "body" },
  Extends = { "template" },
  Include = { "template" },
  Import = { "template" },
  FromImport = { "template" },
  Do = { "value" },
  Break = {}, Continue = {},
  Name = {}, NSRef = {}, Const = {},
  Tuple = { "items" }, List = { "items" }, Dict = { "pairs" },
  Getattr = { "node" }, Getitem = { "node", "arg" }, Slice = { "start", "stop", "step" },
  Call = with_arguments "node", Filter = with_arguments "node", Test = with_arguments "node",
  Binary = { "left", "right" }, And = { "left", "right" }, Or = { "left", "right" },
  Unary = { "node" }, Not = { "node" },
  Compare = { "expr", "operands" },
  Cond = { "test", "yes", "no" },
  Concat = { "nodes" },
}

-- Lists of pairs and operands: which of a row's items are nodes.
local rows = { kwargs = { 2 }, pairs = { 1, 2 }, operands = { 2 } }

local function each_in(list, columns, visit, with)
  for _, row in ipairs(list) do
    for i = 1, #columns do
      if visit(row[columns[i]], with) then return true end
    end
  end
end

--- Calls visit(child, with) for the children of a node, in the order of the source, until one gives true; that is the result.
local function each_child(node, visit, with)
  local names = fields[node.t]
  for i = 1, #names do
    local child = node[names[i]]
    if child == nil then -- luacheck: ignore 542
    elseif child.t then
      if visit(child, with) then return true end
    elseif rows[names[i]] then
      if each_in(child, rows[names[i]], visit, with) then return true end
    else
      for k = 1, #child do
        if visit(child[k], with) then return true end
      end
    end
  end
end

M.each_child = each_child

--- Calls visit(node) for every node of a type in a tree.
function M.each(node, type_name, visit)
  if node.t == type_name then visit(node) end
  each_child(node, function(child) M.each(child, type_name, visit) end)
end

--- Returns true if the test holds for a node or one below it.
local function any(node, passes) return passes(node) or each_child(node, any, passes) or false end

M.any = any

local function asks(node) return node.t == "Test" and (node.name == "filter" or node.name == "test") end

--- Returns true if a condition asks whether there is a filter or test of some name ({% if "x" is filter %}).
function M.asks_for_names(condition) return any(condition, asks) end

--- Returns true if a statement hands on variables of the frames around it.
function M.passes_locals(node)
  return ((node.t == "Include" or node.t == "Import" or node.t == "FromImport") and node.with_context)
    or (node.t == "Block" and node.scoped)
end

-- Names that are read and have not been written before: collected in `found`. Blocks are units of their own.
local function find_undeclared(node, names, found)
  if node.t == "Block" then return end
  if node.t == "Name" then
    if node.ctx == "load" and names[node.name] then found[node.name] = true
    elseif node.ctx ~= "load" then names[node.name] = nil end
    return
  end
  M.each_child(node, function(child) find_undeclared(child, names, found) end)
end

--- Returns which of the names a list of nodes reads without having written them, as a set.
function M.undeclared(nodes, ...)
  local names, found = {}, {}
  for _, name in ipairs { ... } do names[name] = true end
  for _, node in ipairs(nodes) do find_undeclared(node, names, found) end
  return found
end

return M
