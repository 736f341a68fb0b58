-- Lists among tables.
local M = {}

--- is_list(table) -> whether its keys are 1 to n, without a hole; an empty one is
function M.is_list(value)
  local count = 0
  for key in pairs(value) do
    if math.type(key) ~= "integer" then return false end
    count = count + 1
  end
  return count == #value
end

return M
