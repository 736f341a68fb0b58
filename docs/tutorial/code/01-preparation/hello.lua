local rille = require "rille"

local function greeting(name)
  return ("Hello, %s! This is rille %s."):format(name or "world", rille.version)
end

local function main(name) print(greeting(name)) end

return { main = main, greeting = greeting }
