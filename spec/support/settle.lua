-- Lets every task that was spawned go on until it waits for something, or has ended, in whichever order they run
-- (`rille test --seed`).
local rille = require "rille"
local native = require "rille.native.core"

local function have_started()
  for _, task in ipairs(native.tasks()) do
    if task.waits == "to start" then return false end
  end
  return true
end

return function()
  repeat rille.sleep(0) until have_started()
end
