-- Measures how deep the tree of an expression is. Lua's own compiler refuses code that is nested too deeply, so the parser
-- refuses such an expression first, with the line it is in.
local M = {}

local MOST_DEPTH = 80

M.MOST_DEPTH = MOST_DEPTH

--- Raises the error for an expression that is nested too deeply.
function M.refuse(p) p:fail("this expression is nested too deeply", p.i) end

--- Returns the node, with its depth noted: one more than the deepest of up to three children. Raises if that is too deep. The
--- common nodes are made with all of their fields, depth among them: a table that grows costs more than the rest of its node.
function M.deeper(p, node, a, b, c)
  local depth = math.max(a and a.depth or 0, b and b.depth or 0, c and c.depth or 0) + 1
  node.depth = depth
  return depth > MOST_DEPTH and M.refuse(p) or node
end

--- Returns the deepest of a list of nodes, as a node that has only a depth. Of a list of rows it looks at the second columns.
function M.deepest(list)
  local depth = 0
  for _, item in ipairs(list) do depth = math.max(depth, (item.t and item or item[2]).depth or 0) end
  return { depth = depth }
end

return M
