-- Brings a schema into one form, from the short ways of writing it and from the words of JSON Schema.
--
--   "string"                              {type = "string"}
--   {title = "string", tags = {…}}        {type = "object", fields = {…}}: a table without a type is one of fields
--   {enum = {…}}, {fields = {…}}          the type follows
--
--   {type = {"string", "null"}}           {type = "string", nullable = true}
--
-- A spec is {type, optional, nullable, default, enum, min, max, pattern, format, items, fields, order, values, unknown, types,
-- description, keeps_null}; `order` is the names of the fields, sorted; keeps_null: something in it is
-- nullable.
local native = require "rille.native.core"
local native_client = require "rille.native.client"
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
  type = "string|table", optional = "boolean", nullable = "boolean", required = "boolean|table", default = true, enum = "table",
  min = "number", max = "number", pattern = "string", format = "string", items = "string|table", fields = "table",
  values = "string|table", unknown = "string|boolean", types = "table", description = "string", title = "string",
}

-- The words that go with each type.
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
    return not s:find "^[Hh][Tt][Tt][Pp][Ss]?:" or native_client.url_parse(s) ~= nil
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

local function is_time(h, m, sec) return tonumber(h) <= 23 and tonumber(m) <= 59 and tonumber(sec) <= 60 end

local function is_offset(zone)
  if zone:upper() == "Z" then return true end
  local h, m = zone:match "^[+-](%d%d):(%d%d)$"
  return h ~= nil and is_time(h, m, 0)
end

-- RFC 3339 section 5.6.
M.formats["date-time"] = function(s)
  local date, h, m, sec, rest = s:match "^(%d%d%d%d%-%d%d%-%d%d)[Tt ](%d%d):(%d%d):(%d%d)(.+)$"
  if not date or not M.formats.date(date) or not is_time(h, m, sec) then return false end
  return is_offset(rest:match "^%.%d+(.+)$" or rest)
end

local function fail(where, message, ...)
  options.raise("validate: %s" .. message, where ~= "" and where .. ": " or "", ...)
end

-- ---- one form of many ---------------------------------------------------------------------------------------------

-- JSON Schema's {"string", "null"} -> "string", true
local function take_null(kind, where)
  if type(kind) ~= "table" then return kind, false end
  local rest, null = {}, false
  for _, name in ipairs(kind) do
    if name == "null" then null = true else rest[#rest + 1] = name end
  end
  if #rest ~= 1 or type(rest[1]) ~= "string" then fail(where, "a list of types holds one type, and 'null'") end
  return rest[1], null
end

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

-- Returns true if a table is a schema itself, false if it is the fields of an object.
local function is_schema(schema)
  local kind = schema.type
  if type(kind) == "table" then kind = kind[1] == "null" and kind[2] or kind[1] end
  if type(kind) == "string" and (types[kind] or type_aliases[kind]) then return true end
  if kind ~= nil then return false end
  return (type(schema.enum) == "table" and #schema.enum > 0) or type(schema.fields) == "table"
    or type(schema.properties) == "table"
end

local function with_our_words(schema, where)
  local own = {}
  for key, value in pairs(schema) do
    local name = aliases[key] or key
    if own[name] ~= nil then fail(where, "%s is given twice", name) end
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
    if not ok then fail(where, "the pattern is not valid: %s", message) end
  end
  if spec.format and not M.formats[spec.format] then fail(where, "there is no format '%s'", spec.format) end
  if spec.min and spec.max and spec.min > spec.max then fail(where, "min is more than max") end
end

-- A default as JSON has it: what a schema calls a list is one, empty or not.
local function shaped(spec, value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do
    local inner = spec and (spec.type == "list" and spec.items or (spec.fields and spec.fields[key]) or spec.values)
    out[key] = shaped(inner, item)
  end
  return spec and spec.type == "list" and native.array(out) or setmetatable(out, getmetatable(value))
end

local function keeps_null(spec)
  if spec.nullable or (spec.items and spec.items.keeps_null) or (spec.values and spec.values.keeps_null) then return true end
  for _, field in pairs(spec.fields or {}) do
    if field.keeps_null then return true end
  end
  return false
end

local function allows_null(enum)
  for _, allowed in ipairs(enum or {}) do
    if allowed == native.null then return true end
  end
  return false
end

--- normalize(schema, where, seen) -> spec; raises what is wrong with it at the program's line
function normalize(schema, where, seen)
  local named = type(schema) == "string" -- a type's name: a schema whatever it says
  if named then schema = { type = schema } end
  if type(schema) ~= "table" then fail(where, "a type's name or a table was expected, got a %s", type(schema)) end
  if seen[schema] then fail(where, "the schema contains itself") end
  seen[schema] = true
  local own = with_our_words((named or is_schema(schema)) and schema or { type = "object", fields = schema }, where)
  local kind, null = take_null(own.type, where)
  local spec = { type = type_of({ type = kind, fields = own.fields, values = own.values }, where),
    nullable = own.nullable or null or allows_null(own.enum), enum = own.enum, min = own.min, max = own.max,
    pattern = own.pattern, format = own.format, types = own.types, description = own.description or own.title }
  spec.optional = own.optional or own.required == false or own.default ~= nil
  if own.items then spec.items = normalize(own.items, where .. "[]", seen) end
  if own.values then spec.values = normalize(own.values, where .. ".*", seen) end
  if spec.type == "object" then normalize_fields(spec, own, where, seen) end
  check_words(spec, where)
  spec.default, spec.keeps_null = shaped(spec, own.default), keeps_null(spec)
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

local function json_type(spec)
  local name = spec.type ~= "any" and (json_types[spec.type] or spec.type) or nil
  return name and spec.nullable and native.array { name, "null" } or name
end

local function json_enum(spec)
  local list = spec.enum and native.array(table.move(spec.enum, 1, #spec.enum, 1, {}))
  if list and spec.nullable and not allows_null(list) then list[#list + 1] = native.null end
  return list
end

--- to_json_schema(spec) -> table (JSON Schema 2020-12, as OpenAPI 3.1 takes it)
function M.to_json_schema(spec)
  local out = {
    type = json_type(spec), description = spec.description, enum = json_enum(spec), default = spec.default,
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
