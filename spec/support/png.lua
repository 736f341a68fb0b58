-- Pictures for specs: png(width, height) -> the bytes of a PNG of one grey, stored without compression.
local function checksum(bytes)
  local crc = 0xFFFFFFFF
  for i = 1, #bytes do
    crc = crc ~ bytes:byte(i)
    for _ = 1, 8 do crc = crc & 1 == 1 and (crc >> 1) ~ 0xEDB88320 or crc >> 1 end
  end
  return crc ~ 0xFFFFFFFF
end

local function adler(bytes)
  local a, b = 1, 0
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

local function chunk(kind, bytes) return (">I4"):pack(#bytes) .. kind .. bytes .. (">I4"):pack(checksum(kind .. bytes)) end

return function(width, height)
  local raw = (("\0" .. ("\x80"):rep(width))):rep(height) -- each row begins with its filter: none
  assert(#raw <= 65535, "a picture of one stored block")
  local stored = "\x78\x01" .. ("<BI2I2"):pack(1, #raw, ~#raw & 0xFFFF) .. raw .. (">I4"):pack(adler(raw))
  return "\x89PNG\r\n\x1a\n" .. chunk("IHDR", (">I4I4BBBBB"):pack(width, height, 8, 0, 0, 0, 0)) .. chunk("IDAT", stored)
    .. chunk("IEND", "")
end
