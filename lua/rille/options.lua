-- Checking option tables: an unknown key raises at the caller's line and names the nearest known one.
local options = {}

-- Edit distance of two short words (Levenshtein 1965), one row at a time.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

--- The name in `known` (a set or a list of names) that is most like `name`, or nil where none is close.
function options.nearest(name, known)
  local best, best_distance
  local most = math.max(2, #name // 2)
  for key, value in pairs(known) do
    local candidate = type(key) == "number" and value or key
    if type(candidate) == "string" and math.abs(#candidate - #name) <= most then -- at least so many letters apart
      local d = distance(name, candidate)
      if not best or d < best_distance or (d == best_distance and candidate < best) then best, best_distance = candidate, d end
    end
  end
  if best and best_distance <= most then return best end
end

--- Checks that `given` (nil, a string or a table) has only keys of `known` (name -> type, several in a string such as
--- "string|number", or true for any). Returns a table. A string is taken for no options: Lua 5.4's require passes one as its
--- second value.
function options.check(given, known, what)
  if given == nil or type(given) == "string" then return {} end
  if type(given) ~= "table" then options.raise("%s: options are a table, got a %s", what, type(given)) end
  for key, value in pairs(given) do
    local expected = known[key]
    if expected == nil then
      local near = type(key) == "string" and options.nearest(key, known)
      options.raise("%s: unknown option '%s'%s", what, tostring(key), near and (", did you mean '" .. near .. "'?") or "")
    end
    if expected ~= true and not ("|" .. expected .. "|"):find("|" .. type(value) .. "|", 1, true) then
      local kinds = expected:gsub("|", " or a ")
      options.raise("%s: option '%s' is a %s, got a %s", what, key, kinds, type(value))
    end
  end
  return given
end

--- Whether it can be called: a function, or what has __call.
function options.is_callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

--- Where the program stands that called the library: "app.lua:12".
function options.caller()
  for i = 2, 20 do
    local info = debug.getinfo(i, "Sl")
    if not info then break end
    if info.what ~= "C" and not info.source:find("^=rille/") then return info.short_src .. ":" .. info.currentline end
  end
  return "?"
end

--- A size in bytes: a float with an integral value will do.
function options.size(value, what)
  local size = math.tointeger(value)
  if not size or size < 0 then options.raise("%s is a size in bytes, a whole number", what) end
  return size
end

--- Raises a programmer's mistake at the line that called into the library, however deep inside it was found.
function options.mistake(message)
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info or (info.what ~= "C" and info.source:sub(1, 7) ~= "=rille/") then break end
    level = level + 1
  end
  error(message, level)
end

--- The same, with a format.
function options.raise(format, ...)
  return options.mistake(select("#", ...) > 0 and format:format(...) or format)
end

return options
