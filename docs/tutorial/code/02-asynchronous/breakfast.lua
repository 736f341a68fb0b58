local rille = require "rille"

local M = {}

local function brew()
  rille.sleep(3)
  return "coffee"
end

local function toast()
  rille.sleep(2)
  return "toast"
end

function M.one_by_one()
  return { brew(), toast() }
end

function M.at_once()
  local coffee, bread = rille.all(brew, toast)
  return { coffee, bread }
end

local function fry(egg)
  rille.sleep(1)
  return "fried " .. egg
end

function M.fry_all(eggs, pans)
  return rille.map(eggs, fry, { limit = pans })
end

function M.hurry(seconds)
  local breakfast, err = rille.try(rille.timeout, seconds, M.at_once)
  if err then return "no breakfast: " .. err.code end
  return table.concat(breakfast, " and ")
end

function M.main()
  for _, name in ipairs { "one_by_one", "at_once" } do
    local start = rille.now()
    local breakfast = M[name]()
    print(("%s: %s after %.1f s"):format(name, table.concat(breakfast, " and "), rille.now() - start))
  end
  print(M.hurry(1))
end

return M
