local rille = require "rille"
local testing = require "rille.testing"

local service = "https://api.open-meteo.com/v1/forecast"

local function degrees(number) return { json = { current = { temperature_2m = number } } } end

describe("the weather", function()
  local weather, db, fake

  before_each(function()
    weather = require "weather"
    db = testing.database "migrations"
    fake = testing.mock()
  end)

  it("is unknown at first", function()
    assert.is_nil(weather.latest(db))
  end)

  it("is what the service said last", function()
    fake:on("GET", service, degrees(20))
    fake:on("GET", service, degrees(21.5))
    weather.record(db, "50.73,7.10")
    weather.record(db, "50.73,7.10")
    assert.equal(21.5, weather.latest(db))
    assert.equal("50.73", fake.calls[1].query.latitude)
  end)

  it("raises if the service fails", function()
    fake:on("GET", service, { error = "timeout" })
    local _, err = rille.try(weather.record, db, "50.73,7.10")
    assert.equal("timeout", err.code)
    assert.is_nil(weather.latest(db))
  end)

  it("is asked for every hour, and after a failure too", function()
    local clock = testing.clock()
    fake:on("GET", service, degrees(10))
    fake:on("GET", service, { status = 500 })
    fake:on("GET", service, degrees(12))
    local client = testing.client(require "app" { database = ":memory:", weather = "50.73,7.10" })
    clock:advance(1)
    assert.matches("10 °C outside", client:get("/"):text(), 1, true)
    clock:advance(3600)
    assert.matches("10 °C outside", client:get("/"):text(), 1, true)
    clock:advance(3600)
    assert.matches("12 °C outside", client:get("/"):text(), 1, true)
    assert.equal(3, #fake.calls)
  end)
end)
