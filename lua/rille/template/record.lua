-- Filters, tests and global functions of ours are records, so that keyword arguments find their place when a template is
-- compiled:
--
--   f         the function
--   params    name -> position behind the value
--   context   f(c, esc, value, ...): it wants to know the page's context and whether it escapes
--   keywords  it takes any keyword arguments, as a table (or nil) behind the value
--   kind      what its result is known to be (compile_expression.lua)
local M = {}

local function positions(names)
  local params, position = {}, 0
  for name in names:gmatch "%S+" do
    position = position + 1
    params[name] = position
  end
  return params
end

--- record(names of parameters, f, fields)
function M.new(names, f, fields)
  local record = { f = f, params = positions(names) }
  for key, v in pairs(fields or {}) do record[key] = v end
  return record
end

--- One that wants the context.
function M.in_context(names, f, fields)
  local record = M.new(names, f, fields)
  record.context = true
  return record
end

return M
