-- Queries and urlencoded forms: a table of names and values as `a=1&b=2`. Names are sorted, so that the same table always
-- makes the same text; a list as a value repeats its name; a list of {name, value} pairs keeps its order.
local options = require "rille.options"
local mistake = options.mistake
local native = require "rille.native.core"

local M = {}

local function text_of(what, name, value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" or kind == "boolean" then return tostring(value) end
  mistake(("%s: the value of '%s' is a string, a number or a boolean, got a %s"):format(what, name, kind))
end

local function check_list(what, name, list)
  for key in pairs(list) do
    if math.type(key) ~= "integer" then
      mistake(("%s: the value of '%s' is a table of names; a list is what repeats a name"):format(what, name))
    end
  end
end

local function is_list_of_pairs(given) return type(given[1]) == "table" and given[1][2] ~= nil end

local function sorted_names(what, given)
  local names = {}
  for name in pairs(given) do
    if type(name) ~= "string" then mistake(what .. ": names are strings") end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- pairs_of(what, given) -> list of {name, text}
function M.pairs_of(what, given)
  local list = {}
  local function add(name, value) list[#list + 1] = { name, text_of(what, name, value) } end
  if is_list_of_pairs(given) then
    options.list(given, what)
    for _, pair in ipairs(given) do add(tostring(pair[1]), pair[2]) end
    return list
  end
  for _, name in ipairs(sorted_names(what, given)) do
    local value = given[name]
    if type(value) ~= "table" then
      add(name, value)
    else
      check_list(what, name, value)
      for _, item in ipairs(value) do add(name, item) end
    end
  end
  return list
end

--- encode(what, given) -> "a=1&b=2"; `plus` writes a space as '+', as forms do
function M.encode(what, given, plus)
  local pieces = M.pairs_of(what, given)
  for i, pair in ipairs(pieces) do
    pieces[i] = native.url_encode(pair[1]) .. "=" .. native.url_encode(pair[2])
  end
  local text = table.concat(pieces, "&")
  return plus and (text:gsub("%%20", "+")) or text
end

--- append(url, query): a table, or a text that is encoded already
function M.append(url, query)
  local text = type(query) == "table" and M.encode("query", query) or query:gsub("^%?", ""):gsub("#", "%%23")
  if text == "" then return url end
  local front, fragment = url:match "^([^#]*)(.*)$"
  local joint = front:find("?", 1, true) and (front:find "[?&]$" and "" or "&") or "?"
  return front .. joint .. text .. fragment
end

return M
