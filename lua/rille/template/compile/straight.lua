-- Finds the straight parts of a template, of which plans are made (compile/plan.lua): text, values, branches and loops, with
-- nothing in them that makes variables, captures output or runs other templates.
local ast = require "rille.template.ast"

local M = {}

local not_called = { self = true, super = true, caller = true }

-- Returns true for a call of what may be a macro: those run templates, and may nest as deep as templates may.
local function may_run_template(self, node, frame)
  if node.t ~= "Call" then return false end
  local callee = node.node
  if callee.t == "Getattr" then
    local object = callee.node
    return object.t == "Name" and (not_called[object.name] or self.macros[object.name] ~= nil)
  end
  if callee.t ~= "Name" or not_called[callee.name] or self.macros[callee.name] or self.targets[callee.name] then return true end
  local ref = frame.symbols:find(callee.name)
  return ref ~= nil and ref.load ~= "context"
end

local function is_calm(self, node, frame)
  return not ast.any(node, function(child) return may_run_template(self, child, frame) end)
end

local straight -- type -> function(self, node, frame)

local function all_straight(self, nodes, frame)
  for _, node in ipairs(nodes or {}) do
    if not (straight[node.t] and straight[node.t](self, node, frame)) then return false end
  end
  return true
end

-- Returns the names that a loop sets, or nil if it takes items apart that stand in others.
local function target_names(target)
  local names = {}
  for i, item in ipairs(target.t == "Name" and { target } or target.items) do
    if item.t ~= "Name" then return nil end
    names[i] = item.name
  end
  return names[1] and names
end

-- The same for a loop's body, where what it sets may be a macro.
local function is_straight_body(self, node, names, frame)
  local targets = self.targets
  self.targets = setmetatable({}, { __index = targets })
  for _, name in ipairs(names) do self.targets[name] = true end
  local result = all_straight(self, node.body, frame)
  self.targets = targets
  return result
end

straight = {
  Output = function(self, node, frame) return is_calm(self, node, frame) end,
  If = function(self, node, frame)
    if not is_calm(self, node.test, frame) or not all_straight(self, node.body, frame) then return false end
    for _, branch in ipairs(node.elifs) do
      if not is_calm(self, branch.test, frame) or not all_straight(self, branch.body, frame) then return false end
    end
    return all_straight(self, node.else_, frame)
  end,
  For = function(self, node, frame)
    local names = target_names(node.target)
    return names ~= nil and not node.recursive and not node.test and is_calm(self, node.iter, frame)
      and self:use_of_loop(node) ~= "object" and is_straight_body(self, node, names, frame)
      and all_straight(self, node.else_, frame)
  end,
}

-- A statement is asked once: the answer for one inside of another is that of the one around it, or worse.
local function is_straight(self, node, frame)
  if node.straight == nil then
    local test = straight[node.t]
    node.straight = test ~= nil and test(self, node, frame)
  end
  return node.straight
end

--- Returns how many of the statements from number `first` on are straight.
function M:count_straight(nodes, first, frame)
  if self.env.no_plans or frame.checks_output or (frame.esc ~= "true" and frame.esc ~= "false") then return 0 end
  local at = first
  while nodes[at] and is_straight(self, nodes[at], frame) do at = at + 1 end
  return at - first
end

return M
