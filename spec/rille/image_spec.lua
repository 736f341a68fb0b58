-- runtime/bind/core/image.c
local png = require "spec.support.png"
local rille = require "rille"

describe("image", function()
  local function fails(f, ...)
    local _, err = rille.try(f, ...)
    return err
  end

  it("makes a small JPEG of a large picture", function()
    local bytes = rille.image.thumbnail(png(200, 100), { width = 64, height = 64 })
    assert.same({ format = "jpeg", width = 64, height = 64 }, rille.image.info(bytes))
  end)

  it("keeps all of it where it is to be contained, and proportions where one side is given", function()
    local picture = png(200, 100)
    local contained = rille.image.thumbnail(picture, { width = 64, height = 64, format = "png", fit = "contain" })
    assert.same({ format = "png", width = 64, height = 32 }, rille.image.info(contained))
    local wide = rille.image.thumbnail(picture, { width = 50, format = "webp" })
    assert.same({ format = "webp", width = 50, height = 25 }, rille.image.info(wide))
    local gif = rille.image.thumbnail(picture, { height = 10, format = "gif", quality = 10 })
    assert.same({ format = "gif", width = 20, height = 10 }, rille.image.info(gif))
  end)

  it("blames the sender for what is no picture, broken, or a bomb", function()
    assert.equal(415, fails(rille.image.thumbnail, "hello", { width = 1 }).status)
    local broken = fails(rille.image.thumbnail, png(20, 20):sub(1, 60), { width = 1 })
    assert.same({ 400, "the picture is broken" }, { broken.status, broken.message })
    local bomb = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\8\6\0\0\0"
    assert.equal(413, fails(rille.image.thumbnail, bomb, { width = 1 }).status)
    assert.is_nil(rille.image.info "hello")
  end)

  it("says what is wrong with its options at the program's line", function()
    local picture = png(2, 2)
    for message, opts in pairs {
      ["width or height is needed"] = {}, ["width is a whole number from 1 to 4096, got 0"] = { width = 0 },
      ["height is a whole number from 1 to 4096, got 5000"] = { height = 5000 },
      ["format is jpeg, png, gif or webp, got 'bmp'"] = { width = 1, format = "bmp" },
      ["fit is cover or contain"] = { width = 1, fit = "crop" }, ["quality is 1 to 100"] = { width = 1, quality = 0 },
      ["quality is 1 to 100, whole, got 50.5"] = { width = 1, quality = 50.5 },
      ["did you mean 'width'"] = { widht = 1 },
    } do
      local ok, err = pcall(rille.image.thumbnail, picture, opts)
      assert.is_false(ok)
      assert.matches("image_spec.lua:%d+: .*" .. message:gsub("%p", "%%%0"), tostring(err))
    end
  end)

  it("lets others run meanwhile, and is let go of by a task that is cancelled", function()
    local picture = png(250, 250)
    local ran = false
    local task = rille.spawn(function() return rille.image.thumbnail(picture, { width = 2000, height = 2000 }) end)
    rille.spawn(function() ran = true end):wait()
    assert.is_true(ran)
    task:cancel()
    assert.equal("cancelled", fails(task.wait, task).code)
    assert.equal(2, #rille.map({ 1, 2 }, function() return rille.image.thumbnail(picture, { width = 8 }) end))
  end)

  -- A progressive JPEG, gray, with so many scans of a few bytes each.
  local function many_scans(side, count)
    local function segment(marker, payload) return "\xff" .. marker .. (">I2"):pack(#payload + 2) .. payload end
    local blocks = ((side + 7) // 8) ^ 2
    local dc = segment("\xda", "\1\1\0\0\0\0") .. ("\0"):rep((blocks + 7) // 8)
    local ac = segment("\xda", "\1\1\0\1\63\0") .. "\x7f\xff\x00"
    return table.concat {
      "\xff\xd8", segment("\xdb", "\0" .. ("\1"):rep(64)), segment("\xc2", (">BI2I2BBBB"):pack(8, side, side, 1, 1, 0x11, 0)),
      segment("\xc4", "\0\1" .. ("\0"):rep(15) .. "\0"), segment("\xc4", "\x10\1" .. ("\0"):rep(15) .. "\xe0"),
      dc, ac:rep(count - 1), "\xff\xd9",
    }
  end

  it("refuses a JPEG of thousands of scans before it decodes it", function()
    local small = rille.image.thumbnail(many_scans(64, 12), { width = 8 })
    assert.same({ format = "jpeg", width = 8, height = 8 }, rille.image.info(small))
    for _, picture in ipairs { many_scans(64, 101), many_scans(64, 10000), many_scans(6000, 60) } do
      local err = fails(rille.image.thumbnail, picture, { width = 8 })
      assert.same({ 413, "too_large" }, { err.status, err.code })
      assert.matches("too many scans", err.message)
    end
  end)
end)
