-- What testing hands out, and when it is closed: one list for each test and each describe that is under way, innermost last.
local M = {}

local lists = { {} } -- the first belongs to the whole run

--- own(object) -> object: closed with the innermost test or describe
function M.own(object)
  local list = lists[#lists]
  list[#list + 1] = object
  return object
end

function M.enter() lists[#lists + 1] = {} end

--- check(): raises what one of those handed out since enter() has to say against the test
function M.check()
  for _, object in ipairs(lists[#lists]) do
    if object.check then object:check() end
  end
end

--- leave(): closes what was handed out since enter(), last first; returns the first error, or nil
function M.leave()
  local list, failure = table.remove(lists), nil
  for i = #list, 1, -1 do
    local ok, err = pcall(list[i].close, list[i])
    if not ok then failure = failure or err end
  end
  return failure
end

return M
