-- Pictures: small ones of large ones, made by libgd on a thread while the task waits. JPEG, PNG, GIF and WebP; what a phone
-- stored lying is turned upright; the size is read before anything is decoded, so that a bomb costs nothing.
local native = require "rille.native.core"
local options = require "rille.options"

local LARGEST = 4096 -- RL_LIMIT_IMAGE_SIDE

local formats = { jpeg = "jpeg", jpg = "jpeg", png = "png", gif = "gif", webp = "webp" }
local fits = { cover = true, contain = true }

local known = { width = "number", height = "number", format = "string", quality = "number", fit = "string" }

local function check_side(opts, name)
  local side = opts[name]
  if side == nil then return 0 end
  local whole = math.tointeger(side)
  if not whole or whole < 1 or whole > LARGEST then
    options.raise("image.thumbnail: %s is a whole number from 1 to %d, got %s", name, LARGEST, side)
  end
  return whole
end

local M = {}

--- image.thumbnail(bytes, {width=, height=, format="jpeg", fit="cover", quality=85}) -> bytes
--- With both sides given the result has exactly that size and what juts out is cut off; fit = "contain" keeps all of it,
--- inside that size and never larger than it was. With one side the other follows.
--- Raises codes unsupported (415: no picture), invalid (400: a broken one), too_large (413: more than 40 million pixels, or
--- too many scans for its size) and busy (503).
function M.thumbnail(bytes, opts)
  if type(bytes) ~= "string" then options.raise("image.thumbnail: bytes were expected, got a %s", type(bytes)) end
  opts = options.check(opts, known, "image.thumbnail")
  local width, height = check_side(opts, "width"), check_side(opts, "height")
  if width == 0 and height == 0 then options.raise "image.thumbnail: width or height is needed" end
  local format = formats[opts.format or "jpeg"]
  if not format then options.raise("image.thumbnail: format is jpeg, png, gif or webp, got '%s'", opts.format) end
  local fit = opts.fit or "cover"
  if not fits[fit] then options.raise("image.thumbnail: fit is cover or contain, got '%s'", fit) end
  local quality = math.tointeger(opts.quality or 85)
  if not quality or quality < 1 or quality > 100 then
    options.raise("image.thumbnail: quality is 1 to 100, whole, got %s", opts.quality)
  end
  return native.image_thumbnail(bytes, width, height, format, quality, fit == "contain")
end

--- image.info(bytes) -> {format=, width=, height=} as a viewer shows it, or nil where it is no picture. Decodes nothing.
function M.info(bytes)
  local format, width, height = native.image_info(bytes)
  return format and { format = format, width = width, height = height } or nil
end

return M
