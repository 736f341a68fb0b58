local rille = require "rille"
local testing = require "rille.testing"

-- A PNG of four pixels.
local pixels = ("89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73000000144944415478da63f8cfc0c000c2"
  .. "0cffffff6700001eef04fc731c53cc0000000049454e44ae426082"):gsub("..", function(hex) return string.char(tonumber(hex, 16)) end)

describe("uploads", function()
  local client

  before_each(function()
    client = testing.client(require "app" { database = ":memory:" })
  end)

  local function post(image)
    return client:post("/new", { form = { title = "Four", text = "…", owner = "Ada" }, files = { image = image } })
  end

  it("are kept with their post, and sent again", function()
    assert.equal(303, post({ filename = "pixels.png", content_type = "image/png", body = pixels }).status)
    assert.matches('<img src="/posts/1/image"', client:get("/posts/1"):text(), 1, true)
    local res = client:get "/posts/1/image"
    assert.equal("image/jpeg", res.content_type)
    assert.equal("jpeg", rille.image.info(res:bytes()).format)
    assert.equal(304, client:get("/posts/1/image", { headers = { ["If-None-Match"] = res.headers.etag } }).status)
  end)

  it("may be left out", function()
    assert.equal(303, post({ filename = "", content_type = "application/octet-stream", body = "" }).status)
    assert.is_nil(client:get("/posts/1"):text():find("<img", 1, true))
    assert.equal(404, client:get("/posts/1/image").status)
  end)

  it("are refused if they are no picture", function()
    local res = post { filename = "page.html", content_type = "text/html", body = "<script>" }
    assert.equal(422, res.status)
    assert.matches("Picture must be of type image/jpeg", res:text(), 1, true)
    assert.equal(415, post({ filename = "lie.png", content_type = "image/png", body = "<script>" }).status)
    assert.matches("Nothing here yet", client:get("/"):text(), 1, true)
  end)

  it("are read as they arrive", function()
    local res = client:post("/sizes", { files = { large = { filename = "../x.bin", body = ("x"):rep(3000000) } } })
    assert.same({ { name = "large", filename = "x.bin", size = 3000000 } }, res:json())
  end)
end)
