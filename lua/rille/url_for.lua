-- Paths from route names: the router's patterns, the other way round.
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"

local M = {}
local raise = options.raise

-- Every route of an app and what is mounted in it, by name; routes of a mounted app stand below its prefix.
local function collect(app, prefix, names)
  for _, route in ipairs(app.routes) do
    if route.name then
      local other = names[route.name]
      if other then
        error(("two routes are named '%s': %s and %s"):format(route.name, other.route.where, route.where), 0)
      end
      names[route.name] = { route = route, prefix = prefix, app = app }
    end
  end
  for _, mount in ipairs(app.mounts) do collect(mount.app, prefix .. mount.prefix, names) end
  return names
end

--- name -> {route, prefix, app} of all routes; raises where two share a name.
function M.names(root) return collect(root, "", {}) end

local function encode_segments(text)
  return (text:gsub("[^/]+", native.url_encode))
end

-- A link that the route itself would answer with 404 is a mistake of whoever makes it.
local function fits(custom, kind, text)
  if not custom then return native_http.convert_fits(kind, text) end
  if custom.pattern and not text:find("^" .. custom.pattern .. "$") then return false end
  if not custom.parse then return true end
  local ok, value = pcall(custom.parse, text)
  return ok and value ~= nil
end

local function has_dots(text) return ("/" .. text .. "/"):find "/%.%.?/" ~= nil end

local function format_value(entry, part, value)
  local name, kind = part[1], part[2]
  local custom = entry.app:find_converter(kind)
  if value == nil then
    raise("url_for: route '%s' needs the parameter '%s'", entry.route.name, name)
  end
  if custom and custom.format then value = custom.format(value) end
  if math.type(value) == "float" and kind == "int" then value = math.tointeger(value) or value end
  if type(value) ~= "string" and type(value) ~= "number" then
    raise("url_for: parameter '%s' is a string or a number, got a %s", name, type(value))
  end
  local text = tostring(value)
  if text == "" then raise("url_for: parameter '%s' is empty", name) end
  if has_dots(text) then
    raise("url_for: parameter '%s' is '%s': browsers take '.' and '..' for a way through folders", name, text)
  end
  if not fits(custom, kind, text) then
    raise("url_for: route '%s' takes '%s' as {%s:%s}, which '%s' is not", entry.route.name, name, name, kind, text)
  end
  return kind == "path" and encode_segments(text) or native.url_encode(text)
end

--- A query string of a table: keys in order of their names, a list gives its key once for each item, rille.null none.
function M.query(fields)
  local names, pieces = {}, {}
  for name in pairs(fields) do names[#names + 1] = tostring(name) end
  table.sort(names)
  local function put(name, value)
    if value == native.null then return end
    pieces[#pieces + 1] = native.url_encode(name) .. "=" .. native.url_encode(tostring(value))
  end
  for _, name in ipairs(names) do
    local value = fields[name]
    if type(value) == "table" then
      for _, item in ipairs(value) do put(name, item) end
    else
      put(name, value)
    end
  end
  return table.concat(pieces, "&")
end

--- Splits `values` into those that fill places in the path of a named route, and those that are left for its query.
function M.split(root, name, values)
  local names = root.route_names or M.names(root)
  local entry, params, query = names[name], {}, {}
  for key, value in pairs(values) do query[key] = value end
  for _, part in ipairs(entry and entry.route.parts or {}) do
    if type(part) == "table" then params[part[1]], query[part[1]] = query[part[1]], nil end
  end
  return params, query
end

-- A value without a place would be dropped: it was meant for the query, or its name is wrong.
local function check_params(entry, params)
  local places = {}
  for _, part in ipairs(entry.route.parts) do
    if type(part) == "table" then places[part[1]] = true end
  end
  for name in pairs(params) do
    if not places[name] then
      local near = type(name) == "string" and options.nearest(name, places)
      raise("url_for: route '%s' has no parameter '%s'%s; a query is the third argument", entry.route.name, tostring(name),
        near and (", did you mean '" .. near .. "'?") or "")
    end
  end
end

--- The path of a named route.
function M.path(root, name, params, query)
  local names = root.route_names or M.names(root)
  local entry = names[name]
  if not entry then
    local near = type(name) == "string" and options.nearest(name, names)
    raise("url_for: no route is named '%s'%s", tostring(name), near and (", did you mean '" .. near .. "'?") or "")
  end
  params = params or {}
  if type(params) ~= "table" then
    raise("url_for: parameters are a table: url_for(%q, { id = … }), got a %s", name, type(params))
  end
  check_params(entry, params)
  local pieces = {}
  for i, part in ipairs(entry.route.parts) do
    pieces[i] = type(part) == "table" and format_value(entry, part, params[part[1]]) or encode_segments(part)
  end
  local tail = table.concat(pieces, "/")
  local path = entry.prefix .. ((tail == "" and entry.prefix ~= "") and "" or "/" .. tail)
  if query and next(query) ~= nil then path = path .. "?" .. M.query(query) end
  return path
end

return M
