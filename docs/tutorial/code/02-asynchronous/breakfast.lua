local rille = require "rille"

local M = {}

local function brew()
  rille.sleep(2)
  return "coffee"
end

local function toast()
  rille.sleep(1)
  return "toast"
end

function M.one_by_one()
  return { brew(), toast() }
end

function M.at_once()
  local coffee, bread = rille.all(brew, toast)
  return { coffee, bread }
end

local function fry(number)
  rille.sleep(1)
  return "egg " .. number
end

function M.eggs()
  return rille.map({ 1, 2, 3, 4 }, fry, { limit = 2 })
end

function M.hurry(seconds)
  local breakfast, err = rille.try(rille.timeout, seconds or 1, M.at_once)
  if err then return { "no breakfast: " .. err.code } end
  return breakfast
end

function M.main(name)
  local start = rille.now()
  local breakfast = M[name]()
  print(("%s after %.0f s"):format(table.concat(breakfast, ", "), rille.now() - start))
end

return M
