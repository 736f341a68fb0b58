-- Parses tags: a function(p, line) -> node for each name. The parser p looks at the token after the name; the function stops at
-- the end of the tag, or of the one that closes it.
local tags = {}

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

-- Parses a target of an assignment: a name, or a tuple of them.
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

-- ---- tags: the token looked at is the one after the name ------------------------------------------------------------

function tags.set(p, line)
  local goal = set_target(p)
  if p:skip "=" then return { t = "Set", line = line, target = goal, value = p:tuple {} } end
  local filter = p:filter(nil)
  return { t = "SetBlock", line = line, target = goal, filter = filter, body = p:closed_body("endset") }
end

tags["for"] = function(p, line)
  local at = p.i
  local node = { t = "For", line = line, target = target(p, "store", "in") }
  p:expect_name "in"
  node.iter = p:tuple { no_condition = true, stop = "recursive" }
  if p:skip_name "if" then node.test = p:expression() end
  node.recursive = p:skip_name "recursive"
  local loops = p.loops
  p.loops = loops + 1
  node.body = p:body("endfor", "else")
  node.tokens = p.i - at
  p.loops = loops
  if p:skip_name "else" then node.else_ = p:body("endfor") end
  p.i = p.i + 1
  return node
end

tags["if"] = function(p, line)
  local node = { t = "If", line = line, elifs = {}, test = p:tuple { no_condition = true } }
  node.body = p:body("elif", "else", "endif")
  while p:skip_name "elif" do
    local branch = { t = "If", line = p.line[p.i], elifs = {}, test = p:tuple { no_condition = true } }
    branch.body = p:body("elif", "else", "endif")
    node.elifs[#node.elifs + 1] = branch
  end
  if p:skip_name "else" then node.else_ = p:body("endif") end
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
  node.body = p:closed_body("endwith")
  return node
end

function tags.autoescape(p, line)
  return { t = "Scope", line = line, autoescape = p:expression(), body = p:closed_body("endautoescape") }
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
  node.body = p:closed_body("endblock")
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
  local result = p:closed_body(name)
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
  return { t = "FilterBlock", line = line, filter = p:filter(nil, true), body = p:closed_body("endfilter") }
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

return tags
