-- An OpenAPI 3.1 document of an app: its routes, their typed parameters, and the schemas of rille.validate.body and .query
-- that stand in their way. Keys are in alphabetical order, so that the document can be kept under version control.
local native = require "rille.native.core"
local schema = require "rille.validate.schema"
local traits = require "rille.traits"

local M = {}

local method_names = { "get", "post", "put", "patch", "delete" }
local without_operation = { HEAD = true, OPTIONS = true }

local types = {
  int = { type = "integer" }, float = { type = "number" }, uuid = { type = "string", format = "uuid" },
  slug = { type = "string", pattern = "^[A-Za-z0-9_-]+$" }, str = { type = "string", minLength = 1 },
  path = { type = "string" },
}

-- "/posts/{id:int}" -> "/posts/{id}", and one parameter for each name.
local function path_of(entry)
  local parameters = native.array {}
  local path = entry.path:gsub("{([%w_]+):?([%w_]*)}", function(name, converter)
    parameters[#parameters + 1] = { name = name, ["in"] = "path", required = true,
      schema = types[converter ~= "" and converter or "str"] or { type = "string" } }
    return "{" .. name .. "}"
  end)
  return path, parameters
end

local function add_query(parameters, spec)
  for _, name in ipairs(spec.order or {}) do
    parameters[#parameters + 1] = { name = name, ["in"] = "query", required = not spec.fields[name].optional or nil,
      description = spec.fields[name].description, schema = schema.to_json_schema(spec.fields[name]) }
  end
end

local function holds_file(spec)
  if spec.type == "file" then return true end
  for _, field in pairs(spec.fields or {}) do
    if holds_file(field) then return true end
  end
  return spec.items ~= nil and holds_file(spec.items)
end

-- A schema with a file can only come as multipart; any other as JSON or as a form.
local function body_of(spec)
  local content = { schema = schema.to_json_schema(spec) }
  if holds_file(spec) then return { required = true, content = { ["multipart/form-data"] = content } } end
  return { required = true, content = { ["application/json"] = content, ["application/x-www-form-urlencoded"] = content } }
end

-- All middleware around a route, outermost first.
local function middleware_of(entry)
  local list, apps, app = {}, {}, entry.app
  while app do
    table.insert(apps, 1, app)
    app = app.parent
  end
  for _, one in ipairs(apps) do table.move(one.middleware, 1, #one.middleware, #list + 1, list) end
  return table.move(entry.route.use, 1, #entry.route.use, #list + 1, list)
end

local function operation_of(entry, parameters)
  local operation = { operationId = entry.route.name, responses = { default = { description = "an error" } } }
  operation.responses["200"] = { description = "the answer" }
  for _, middleware in ipairs(middleware_of(entry)) do
    local known = traits.of(middleware) or {}
    if known.query then add_query(parameters, known.query) end
    if known.body then operation.requestBody = body_of(known.body) end
    if known.body or known.query then
      operation.responses["422"] = { description = "the input is not valid; each failure by its path" }
    end
  end
  operation.parameters = #parameters > 0 and parameters or nil
  return operation
end

local function names_of(method)
  return method == "*" and method_names or not without_operation[method] and { method:lower() } or {}
end

--- document(app, routes) -> table; `routes` is what rille/compile.lua made of it
function M.document(app, routes)
  local paths, ids = {}, {}
  for id in pairs(routes) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    local entry = routes[id]
    for i, method in ipairs(entry.route.handler and names_of(entry.route.method) or {}) do -- files have no handler
      local path, parameters = path_of(entry)
      paths[path] = paths[path] or {}
      paths[path][method] = operation_of(entry, parameters)
      if i > 1 then paths[path][method].operationId = nil end -- each may stand once
    end
  end
  return { openapi = "3.1.0", info = { title = app.settings.name or "API", version = "1.0.0" }, paths = paths }
end

-- ---- as text ------------------------------------------------------------------------------------------------------

local array_meta = getmetatable(native.array {})

local write

local function write_object(value, out, indent)
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  if #names == 0 then out[#out + 1] = "{}" return end
  table.sort(names)
  for i, name in ipairs(names) do
    out[#out + 1] = (i == 1 and "{\n" or ",\n") .. indent .. "  " .. native.json_encode(name) .. ": "
    write(value[name], out, indent .. "  ")
  end
  out[#out + 1] = "\n" .. indent .. "}"
end

local function write_list(value, out, indent)
  for i, item in ipairs(value) do
    out[#out + 1] = (i == 1 and "[\n" or ",\n") .. indent .. "  "
    write(item, out, indent .. "  ")
  end
  out[#out + 1] = #value == 0 and "[]" or "\n" .. indent .. "]"
end

function write(value, out, indent)
  if type(value) ~= "table" then out[#out + 1] = native.json_encode(value)
  elseif #value > 0 or getmetatable(value) == array_meta then write_list(value, out, indent)
  else write_object(value, out, indent) end
end

--- text(document) -> JSON over several lines, with a newline at the end
function M.text(document)
  local out = {}
  write(document, out, "")
  out[#out + 1] = "\n"
  return table.concat(out)
end

return M
