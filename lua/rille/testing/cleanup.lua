-- Closes what testing hands out: one list for each test and each describe that is under way, innermost last.
local M = {}

local lists = { {} } -- the first belongs to the whole run

--- own(object, first) -> object: closed with the innermost test or describe; those that are `first` before everything else
function M.own(object, first)
  local list = lists[#lists]
  list[#list + 1] = object
  if first then list.first = object end
  return object
end

function M.enter() lists[#lists + 1] = {} end

--- check(): raises what one of those handed out since enter() has to say against the test
function M.check()
  for _, object in ipairs(lists[#lists]) do
    if object.check then object:check() end
  end
end

local function close_one(object)
  local ok, err = pcall(object.close, object)
  return not ok and err or nil
end

--- leave(): closes what was handed out since enter(), last first; returns the first error, or nil
function M.leave()
  local list = table.remove(lists)
  local failure = list.first and close_one(list.first)
  for i = #list, 1, -1 do
    local err = list[i] ~= list.first and close_one(list[i])
    failure = failure or err
  end
  return failure or nil
end

return M
