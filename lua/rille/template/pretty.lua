-- Values for people (pprint): as they print in a list, on several lines where one line of 80 is too short.
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local WIDTH, MOST_DEPTH = 80, 20

local write -- function(v, indent, room, depth)

-- Items below each other, the first behind the opening bracket.
local function below(open, close, pieces, indent)
  return open .. table.concat(pieces, ",\n" .. (" "):rep(indent + 1)) .. close
end

local function write_list(v, indent, room, depth, open, close)
  local pieces = {}
  for i = 1, #v do pieces[i] = write(v[i], indent + 1, i == #v and room + 1 or 1, depth) end
  return below(open, close, pieces, indent)
end

local function write_mapping(v, indent, room, depth)
  local keys, pieces = {}, {}
  for key in next, v do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return value.repr(a) < value.repr(b) end)
  for i, key in ipairs(keys) do
    local head = value.repr(key) .. ": "
    pieces[i] = head .. write(v[key], indent + 1 + text.len(head), i == #keys and room + 1 or 1, depth)
  end
  return below("{", "}", pieces, indent)
end

-- `indent` is the column where it starts, `room` what must fit behind it.
function write(v, indent, room, depth)
  local line = value.repr(v)
  local kind = value.kind(v)
  if text.len(line) <= WIDTH - indent - room or depth > MOST_DEPTH then
    return line
  end
  if kind == "list" then return write_list(v, indent, room, depth + 1, "[", "]") end
  if kind == "tuple" then return write_list(v, indent, room, depth + 1, "(", ")") end
  if kind == "mapping" then return write_mapping(v, indent, room, depth + 1) end
  return line
end

function M.text(v) return write(v, 0, 0, 1) end

return M
