local rille = require "rille"
local testing = require "rille.testing"

-- A PNG of one pixel.
local pixel = ("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003"
  .. "010100c9fe92ef0000000049454e44ae426082"):gsub("..", function(hex) return string.char(tonumber(hex, 16)) end)

describe("uploads", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
  end)

  local function post(image)
    return client:post("/new", { form = { title = "Picture", text = "…", owner = "Ada" }, files = { image = image } })
  end

  it("are kept with their post, and sent again", function()
    local res = post { filename = "pixel.png", content_type = "image/png", body = pixel }
    assert.equal(303, res.status)
    assert.matches('<img src="/1/image"', client:get("/1"):text(), 1, true)
    local image = client:get("/1/image")
    assert.equal("image/jpeg", image.content_type)
    assert.equal("jpeg", rille.image.info(image:bytes()).format)
    assert.equal(304, client:get("/1/image", { headers = { ["If-None-Match"] = image.headers.etag } }).status)
  end)

  it("may be left out", function()
    assert.equal(303, post({ filename = "", content_type = "application/octet-stream", body = "" }).status)
    assert.is_nil(client:get("/1"):text():find("<img", 1, true))
    assert.equal(404, client:get("/1/image").status)
  end)

  it("are refused where they are no picture", function()
    local res = post { filename = "page.html", content_type = "text/html", body = "<script>" }
    assert.equal(422, res.status)
    assert.matches("Image must be of type image/jpeg", res:text(), 1, true)
    assert.equal(415, post({ filename = "lie.png", content_type = "image/png", body = "<script>" }).status)
  end)

  it("are read as they arrive", function()
    local res = client:post("/digest", {
      files = { large = { filename = "../x.bin", body = ("x"):rep(3000000) } } })
    assert.same({ { name = "large", filename = "x.bin", size = 3000000 } }, res:json())
  end)
end)
