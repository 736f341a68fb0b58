-- Values for people (pprint): as they print in a list, on several lines where one line of 80 is too short.
local failure = require "rille.template.failure"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = {}

local WIDTH, MOST_DEPTH, MOST_BYTES = 80, 20, 256 << 20

local write -- function(v, indent, room, walk)

-- Writes items below each other, the first after the opening bracket.
local function below(open, close, pieces, indent)
  return open .. table.concat(pieces, ",\n" .. (" "):rep(indent + 1)) .. close
end

local function write_items(v, indent, room, walk, open, close)
  local pieces = {}
  for i = 1, #v do pieces[i] = write(v[i], indent + 1, i == #v and room + 1 or 1, walk) end
  return below(open, close, pieces, indent)
end

local function write_list(v, indent, room, walk) return write_items(v, indent, room, walk, "[", "]") end

local function write_tuple(v, indent, room, walk) return write_items(v, indent, room, walk, "(", ")") end

local function write_mapping(v, indent, room, walk)
  local keys, heads, pieces = value.fields(v), {}, {}
  for _, key in ipairs(keys) do heads[key] = value.repr(key) .. ": " end
  table.sort(keys, function(a, b) return heads[a] < heads[b] end)
  for i, key in ipairs(keys) do
    local head = heads[key]
    pieces[i] = head .. write(v[key], indent + 1 + text.len(head), i == #keys and room + 1 or 1, walk)
  end
  return below("{", "}", pieces, indent)
end

local writers = { list = write_list, tuple = write_tuple, mapping = write_mapping }

-- `indent` is the column where it starts, `room` what must fit after it. Each level writes what is below it on one line first,
-- to see whether that fits: walk.bytes is what may still be written so.
function write(v, indent, room, walk)
  local line = value.repr(v)
  walk.bytes = walk.bytes - #line - indent - 1
  if walk.bytes < 0 then failure.fail "this value is too large to be printed" end
  local writer = writers[value.kind(v)]
  if not writer or walk.on[v] or walk.depth > MOST_DEPTH or text.len(line) <= WIDTH - indent - room then return line end
  walk.depth, walk.on[v] = walk.depth + 1, true
  local result = writer(v, indent, room, walk)
  walk.depth, walk.on[v] = walk.depth - 1, nil
  return result
end

function M.text(v) return write(v, 0, 0, { depth = 1, on = {}, bytes = MOST_BYTES }) end

return M
