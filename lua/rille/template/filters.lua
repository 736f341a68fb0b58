-- All of Jinja2's filters, by name: records (record.lua).
local M = {}

for _, part in ipairs { "text", "list", "value" } do
  for name, filter in pairs(require("rille.template.filters." .. part)) do M[name] = filter end
end

return M
