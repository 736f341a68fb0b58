-- How warm it is outside: asked every hour, kept in the database.
local rille = require "rille"

local M = {}

local service = "https://api.open-meteo.com/v1/forecast"

--- The degrees at a place such as "50.73,7.10", as the service says.
function M.ask(place)
  local latitude, longitude = place:match "^(.-),(.*)$"
  local res = rille.fetch(service, {
    query = { latitude = latitude, longitude = longitude, current = "temperature_2m" }, timeout = 5, raise = true })
  return res:json().current.temperature_2m
end

function M.record(db, place)
  db:exec("INSERT INTO weather (degrees, at) VALUES (?, ?)", M.ask(place), math.floor(rille.time()))
end

--- The degrees that were recorded last, or nil.
function M.latest(db)
  return db:value "SELECT degrees FROM weather ORDER BY rowid DESC LIMIT 1"
end

--- Records every hour, whatever goes wrong.
function M.watch(db, place)
  while true do
    local _, err = rille.try(M.record, db, place)
    if err then rille.log.warn("no weather", { why = err.message }) end
    rille.sleep(3600)
  end
end

return M
