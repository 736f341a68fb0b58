local rille = require "rille"

local M = {}

function M.greeting(name)
  return "Hello, " .. (name or "world") .. "!"
end

function M.main(name)
  print(M.greeting(name))
  print(rille.json_encode { length = #M.greeting(name) })
end

return M
