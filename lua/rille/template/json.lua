-- JSON as Python's json.dumps writes it: a space after commas and colons, keys in order, ASCII only.
local failure = require "rille.template.failure"
local native = require "rille.native.core"
local native_template = require "rille.native.template"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local MOST_DEPTH = 100

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape_point(char)
  local point = utf8.codepoint(char)
  if point < 0x10000 then return ("\\u%04x"):format(point) end
  point = point - 0x10000
  return ("\\u%04x\\u%04x"):format(0xD800 + (point >> 10), 0xDC00 + (point & 0x3FF))
end

local function quoted(s)
  if not utf8.len(s) then failure.fail "tojson: a text is not UTF-8" end
  s = s:gsub('[%c"\\]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end)
  return '"' .. s:gsub("[\xC2-\xF4][\x80-\xBF]+", escape_point) .. '"'
end

local encode -- function(v, walk, depth)

-- Counts down the values and bytes that may still be written: a value that contains the same one many times over grows without
-- bound.
local function spend(walk, bytes)
  walk.values, walk.bytes = walk.values - 1, walk.bytes - bytes
  if walk.values < 0 or walk.bytes < 0 then failure.fail "tojson: the value is too large" end
end

-- Pieces between brackets, on lines of their own where there is an indent.
local function wrapped(open, close, pieces, walk, depth)
  local indent = walk.indent
  if #pieces == 0 then return open .. close end
  if not indent then return open .. table.concat(pieces, ", ") .. close end
  text.check_times((#pieces + 1) * depth, #indent)
  spend(walk, (#pieces + 1) * depth * #indent)
  local inner = "\n" .. indent:rep(depth)
  return open .. inner .. table.concat(pieces, "," .. inner) .. "\n" .. indent:rep(depth - 1) .. close
end

local function encode_list(v, walk, depth)
  local pieces = {}
  for i = 1, #v do pieces[i] = encode(v[i], walk, depth + 1) end
  return wrapped("[", "]", pieces, walk, depth)
end

local function key_text(key)
  if type(key) == "string" then return key end
  if math.type(key) or type(key) == "boolean" then return value.text(key) end
  return key == native.null and "null" or failure.fail("tojson: %s is no key in JSON", value.describe(key))
end

local function encode_mapping(v, walk, depth)
  local keys, pieces = value.fields(v), {}
  table.sort(keys, function(a, b) return key_text(a) < key_text(b) end)
  for i, key in ipairs(keys) do
    local name = quoted(key_text(key))
    spend(walk, #name)
    pieces[i] = name .. ": " .. encode(v[key], walk, depth + 1)
  end
  return wrapped("{", "}", pieces, walk, depth)
end

local function encode_number(v)
  if v ~= v then return "NaN" end
  if v == math.huge or v == -math.huge then return v > 0 and "Infinity" or "-Infinity" end
  return native_template.float_text(v)
end

local encoders = {
  none = function() return "null" end, boolean = tostring, number = encode_number, string = quoted,
  markup = function(v) return quoted(v[1]) end, list = encode_list, tuple = encode_list, mapping = encode_mapping,
}

local holds_others = { [encode_list] = true, [encode_mapping] = true }

function encode(v, walk, depth)
  if depth > MOST_DEPTH then failure.fail "tojson: the value is nested too deeply" end
  local kind = value.kind(v)
  if kind == "object" and type(v) == "table" and not value.kinds[getmetatable(v)] then
    kind = v[1] ~= nil and "list" or "mapping"
  end
  local encoder = encoders[kind]
  if not encoder then
    value.check_defined(v)
    failure.fail("tojson: %s cannot be written as JSON", value.describe(v))
  end
  if holds_others[encoder] then
    local known = walk.texts and walk.texts[v]
    spend(walk, known and #known or 2)
    local result = known or encoder(v, walk, depth)
    if walk.texts then walk.texts[v] = result end
    return result
  end
  local result = encoder(v)
  spend(walk, #result + 2)
  return result
end

--- encode(value, indent): indent is a text, or nil for one line.
function M.encode(v, indent)
  -- A value that occurs more than once is written once, if its text does not depend on how deep it is.
  return encode(v, { indent = indent, values = 1200000, bytes = text.MOST, texts = not indent and {} or nil }, 1)
end

return M
