local rille = require "rille"

return function()
  local stop = rille.now() + 0.5
  while rille.now() < stop do end
end
