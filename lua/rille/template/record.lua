-- Filters, tests and global functions of ours are records, so that keyword arguments find their place when a template is
-- compiled:
--
--   f         the function
--   params    name -> position after the value; `most` is how many there are (nil: any number), `least` how many must be given
--   context   f(c, esc, value, ...): it wants to know the page's context and whether it escapes
--   keywords  it takes any keyword arguments, as a table (or nil) after the value
--   takes_nil its value may be nil where that is undefined
--   kind      what its result is known to be (compile/expression.lua)
local M = {}

local function parse(names)
  local params, position, least = {}, 0, 0
  for name, mark in names:gmatch "(%w[%w_]*)(!?)" do
    position = position + 1
    params[name] = position
    if mark == "!" then least = position end
  end
  return params, least, not names:find("...", 1, true) and position or nil
end

--- new(names, f, fields): names of the parameters, those that must be given with a "!" after them, "..." for any number.
function M.new(names, f, fields)
  local record = { f = f }
  record.params, record.least, record.most = parse(names)
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
