local rille = require "rille"

local M = {}

--- The temperature of a city as its service says.
function M.ask(city)
  local res = rille.fetch("https://weather.test/now", { query = { city = city }, timeout = 2, raise = true })
  return res:json().degrees
end

function M.record(db, city)
  local degrees = M.ask(city)
  db:exec("INSERT INTO readings (city, degrees, at) VALUES (?, ?, ?)", city, degrees, math.floor(rille.time()))
  return degrees
end

function M.average(db, city)
  return db:value("SELECT avg(degrees) FROM readings WHERE city = ?", city)
end

--- Records a city again and again, whatever goes wrong.
function M.watch(db, city, seconds)
  while true do
    local _, err = rille.try(M.record, db, city)
    if err then rille.log.warn("no reading", { city = city, why = err.message }) end
    rille.sleep(seconds)
  end
end

return M
