-- Decodes the bytes of a request to text. Browsers still send the charsets UTF-8, ASCII and Latin-1. Content codings of
-- requests are refused.
local errors = require "rille.error"
local native = require "rille.native.core"

local M = {}

-- The characters of windows-1252 from 0x80 to 0x9F, where Latin-1 has control characters; "" if it has none either.
local of_windows = { [0] = "€", "", "‚", "ƒ", "„", "…", "†", "‡", "ˆ", "‰", "Š", "‹", "Œ", "", "Ž", "",
  "", "‘", "’", "“", "”", "•", "–", "—", "˜", "™", "š", "›", "œ", "", "ž", "Ÿ" }

local function from_windows_1252(bytes)
  return (native.from_latin1(bytes):gsub("\xC2([\x80-\x9F])", function(c)
    local text = of_windows[c:byte() - 0x80]
    return text ~= "" and text or nil
  end))
end

local known = {
  ["utf-8"] = true, utf8 = true, ["us-ascii"] = true, ascii = true,
  ["iso-8859-1"] = native.from_latin1, latin1 = native.from_latin1, ["windows-1252"] = from_windows_1252,
}

--- converter(charset) -> function(bytes) -> UTF-8; true where it is UTF-8 or a part of it; nil where it is not known
function M.converter(charset) return known[charset] end

--- Returns the text without the byte order mark that editors and PowerShell put before it.
function M.unmarked(text)
  return text:byte() == 0xEF and text:sub(1, 3) == "\xEF\xBB\xBF" and text:sub(4) or text
end

--- Raises 415 for a body that is compressed.
function M.check_content(req)
  local coding = req.headers["content-encoding"]
  if coding and coding ~= "" and coding:lower() ~= "identity" then
    errors.abort(415, "this content coding is not accepted here")
  end
end

--- Raises 415 for a charset that is not known. True where it is UTF-8 or a part of it; nil is UTF-8.
function M.check_charset(charset)
  local converter = known[charset and charset:lower() or "utf-8"]
  if not converter then errors.abort(415, "this charset is not known here") end
  return converter == true
end

--- to_utf8(bytes, charset, status): raises `status` (415) where the bytes are not of that charset
function M.to_utf8(bytes, charset, status)
  if not M.check_charset(charset) then return known[charset:lower()](bytes) end
  if not native.utf8_valid(bytes) then errors.abort(status or 415, "the text is not " .. (charset or "utf-8")) end
  return bytes
end

return M
