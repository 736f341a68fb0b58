local rille = require "rille"
local testing = require "rille.testing"

describe("the weather", function()
  local weather, db, fake

  before_each(function()
    weather = require "weather"
    db = testing.database "migrations"
    fake = testing.mock()
  end)

  it("is recorded as the service says", function()
    fake:on("GET", "https://weather.test/now", { json = { degrees = 20 } })
    fake:on("GET", "https://weather.test/now", { json = { degrees = 23 } })
    weather.record(db, "Bonn")
    weather.record(db, "Bonn")
    assert.equal(21.5, weather.average(db, "Bonn"))
    assert.equal("Bonn", fake.calls[1].query.city)
  end)

  it("is unknown where nobody has asked", function()
    assert.is_nil(weather.average(db, "Bonn"))
  end)

  it("raises what goes wrong", function()
    fake:on("GET", "https://weather.test/now", { error = "timeout" })
    local _, err = rille.try(weather.record, db, "Bonn")
    assert.equal("timeout", err.code)
  end)
end)

describe("the app", function()
  it("records every hour, and goes on after a failure", function()
    local fake, clock = testing.mock(), testing.clock()
    fake:on("GET", "https://weather.test/now", { json = { degrees = 10 } })
    fake:on("GET", "https://weather.test/now", { status = 500 })
    fake:on("GET", "https://weather.test/now", { json = { degrees = 12 } })
    local client = testing.client(require "app" { database = ":memory:", city = "Bonn" })
    clock:advance(1)
    assert.equal(10, client:get("/Bonn"):json().average)
    clock:advance(2 * 3600)
    assert.equal(3, #fake.calls)
    assert.equal(11, client:get("/Bonn"):json().average)
    assert.equal(404, client:get("/Oslo").status)
  end)
end)
