-- What a schema says, brought into one form: from the short ways of writing it, and from the words of JSON Schema.
--
--   "string"                              {type = "string"}
--   {title = "string", tags = {…}}        {type = "object", fields = {…}}: a table without a type is one of fields
--   {enum = {…}}, {fields = {…}}          the type follows
--
-- A spec is {type, optional, default, enum, min, max, pattern, format, items, fields, order, values, unknown, types,
-- description}; `order` is the names of the fields, sorted.
local native = require "rille.native"
local options = require "rille.options"

local M = {}

local types = {
  string = true, integer = true, number = true, boolean = true, list = true, object = true, any = true, file = true,
}
local type_aliases = { array = "list", float = "number", int = "integer", bool = "boolean", table = "object" }

-- JSON Schema's words for ours.
local aliases = {
  minLength = "min", maxLength = "max", minimum = "min", maximum = "max", minItems = "min", maxItems = "max",
  properties = "fields", additionalProperties = "unknown",
}

local known = {
  type = "string", optional = "boolean", required = "boolean|table", default = true, enum = "table", min = "number",
  max = "number", pattern = "string", format = "string", items = "string|table", fields = "table", values = "string|table",
  unknown = "string|boolean", types = "table", description = "string", title = "string",
}

-- Which words go with which type.
local belongs = {
  min = { string = true, integer = true, number = true, list = true },
  max = { string = true, integer = true, number = true, list = true, file = true },
  pattern = { string = true }, format = { string = true }, items = { list = true }, fields = { object = true },
  values = { object = true }, unknown = { object = true }, types = { file = true },
}

local uuid = "^" .. ("%x"):rep(8) .. ("%-" .. ("%x"):rep(4)):rep(3) .. "%-" .. ("%x"):rep(12) .. "$"

M.formats = {
  email = function(s)
    return #s <= 254 and s:find "^[%w.!#$%%&'*+/=?^_`{|}~-]+@[%w-]+%.[%w.-]*%w$" ~= nil and not s:find("..", 1, true)
  end,
  uuid = function(s) return s:find(uuid) ~= nil end,
  uri = function(s) -- one of the web must be such that it can be asked for: a host that no name may have is none
    if not s:find "^%a[%w+.-]*://[^%s<>\"{}|\\^`]+$" then return false end
    return not s:find "^[Hh][Tt][Tt][Pp][Ss]?:" or native.url_parse(s) ~= nil
  end,
  slug = function(s) return s:find "^[%l%d][%l%d-]*$" ~= nil and s:sub(-1) ~= "-" and not s:find("--", 1, true) end,
  date = function(s)
    local y, m, d = s:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
    if not y then return false end
    y, m, d = tonumber(y), tonumber(m), tonumber(d)
    local leap = y % 4 == 0 and (y % 100 ~= 0 or y % 400 == 0)
    local days = { 31, leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
    return days[m] ~= nil and d >= 1 and d <= days[m]
  end,
}
M.formats["date-time"] = function(s)
  local date, h, m, sec, zone = s:match "^(%d%d%d%d%-%d%d%-%d%d)[Tt ](%d%d):(%d%d):(%d%d)%.?%d*([Zz+-][%d:]*)$"
  if not date or not M.formats.date(date) or tonumber(h) > 23 or tonumber(m) > 59 or tonumber(sec) > 60 then return false end
  return zone:upper() == "Z" or zone:find "^[+-][0-2]%d:[0-5]%d$" ~= nil
end

local function fail(where, message, ...)
  options.raise("validate: %s" .. message, where ~= "" and where .. ": " or "", ...)
end

-- ---- one form of many ---------------------------------------------------------------------------------------------

local function type_of(schema, where)
  if schema.type then
    local kind = type_aliases[schema.type] or schema.type
    if not types[kind] then
      local near = options.nearest(schema.type, types)
      fail(where, "there is no type '%s'%s", schema.type, near and (", did you mean '" .. near .. "'?") or "")
    end
    return kind
  end
  return (schema.fields or schema.values) and "object" or "any"
end

-- Whether a table is a schema itself, or the fields of an object.
local function is_schema(schema)
  if type(schema.type) == "string" and (types[schema.type] or type_aliases[schema.type]) then return true end
  if schema.type ~= nil then return false end
  return (type(schema.enum) == "table" and #schema.enum > 0) or type(schema.fields) == "table"
    or type(schema.properties) == "table"
end

local function with_our_words(schema, where)
  local own = {}
  for key, value in pairs(schema) do
    local name = aliases[key] or key
    if own[name] ~= nil then fail(where, "%s is said twice", name) end
    own[name] = value
  end
  return options.check(own, known, "validate: " .. (where ~= "" and where or "the schema"))
end

local policies = { refuse = "refuse", drop = "drop", keep = "keep", [true] = "keep", [false] = "refuse" }

local normalize

local function normalize_fields(spec, own, where, seen)
  spec.fields, spec.order = {}, {}
  local listed = type(own.required) == "table" and own.required -- JSON Schema: only these are required
  local required = {}
  for _, name in ipairs(listed or {}) do required[name] = true end
  for name, schema in pairs(own.fields or {}) do
    if type(name) ~= "string" then fail(where, "the fields of an object have names, got %s", tostring(name)) end
    local field = normalize(schema, where == "" and name or where .. "." .. name, seen)
    if listed then field.optional = not required[name] end
    spec.fields[name], spec.order[#spec.order + 1] = field, name
  end
  for name in pairs(required) do
    if not spec.fields[name] then fail(where, "'%s' is required, but there is no such field", name) end
  end
  table.sort(spec.order)
  spec.unknown = policies[own.unknown == nil and (own.fields and "drop" or "keep") or own.unknown]
  if not spec.unknown then fail(where, "unknown is 'refuse', 'drop' or 'keep'") end
end

local function check_words(spec, where)
  for word, kinds in pairs(belongs) do
    if spec[word] ~= nil and not kinds[spec.type] then fail(where, "%s does not go with a %s", word, spec.type) end
  end
  if spec.pattern then
    local ok, message = pcall(string.find, "", spec.pattern)
    if not ok then fail(where, "the pattern is none: %s", message) end
  end
  if spec.format and not M.formats[spec.format] then fail(where, "there is no format '%s'", spec.format) end
  if spec.min and spec.max and spec.min > spec.max then fail(where, "min is more than max") end
end

--- normalize(schema, where, seen) -> spec; raises what is wrong with it at the program's line
function normalize(schema, where, seen)
  local named = type(schema) == "string" -- a type's name: a schema whatever it says
  if named then schema = { type = schema } end
  if type(schema) ~= "table" then fail(where, "a type's name or a table was expected, got a %s", type(schema)) end
  if seen[schema] then fail(where, "the schema contains itself") end
  seen[schema] = true
  local own = with_our_words((named or is_schema(schema)) and schema or { type = "object", fields = schema }, where)
  local spec = { type = type_of(own, where), default = own.default, enum = own.enum, min = own.min, max = own.max,
    pattern = own.pattern, format = own.format, types = own.types, description = own.description or own.title }
  spec.optional = own.optional or own.required == false or own.default ~= nil
  if own.items then spec.items = normalize(own.items, where .. "[]", seen) end
  if own.values then spec.values = normalize(own.values, where .. ".*", seen) end
  if spec.type == "object" then normalize_fields(spec, own, where, seen) end
  check_words(spec, where)
  seen[schema] = nil
  return spec
end

function M.normalize(schema) return normalize(schema, "", {}) end

-- ---- as JSON Schema -----------------------------------------------------------------------------------------------

local bounds = {
  string = { "minLength", "maxLength" }, list = { "minItems", "maxItems" }, integer = { "minimum", "maximum" },
  number = { "minimum", "maximum" },
}
local json_types = { list = "array", file = "string" }

--- to_json_schema(spec) -> table (JSON Schema 2020-12, as OpenAPI 3.1 takes it)
function M.to_json_schema(spec)
  local out = {
    type = spec.type ~= "any" and (json_types[spec.type] or spec.type) or nil, description = spec.description,
    enum = spec.enum and native.array(table.move(spec.enum, 1, #spec.enum, 1, {})), default = spec.default,
    format = spec.format ~= "slug" and spec.format or nil,
    contentMediaType = spec.type == "file" and "application/octet-stream" or nil,
  }
  local names = bounds[spec.type]
  if names then out[names[1]], out[names[2]] = spec.min, spec.max end
  if spec.items then out.items = M.to_json_schema(spec.items) end
  if spec.values then out.additionalProperties = M.to_json_schema(spec.values) end
  if spec.order and #spec.order > 0 then
    local required = native.array {}
    out.properties = {}
    for _, name in ipairs(spec.order) do
      out.properties[name] = M.to_json_schema(spec.fields[name])
      if not spec.fields[name].optional then required[#required + 1] = name end
    end
    out.required = #required > 0 and required or nil
    if spec.unknown == "refuse" then out.additionalProperties = false end
  end
  return out
end

return M
