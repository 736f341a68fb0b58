-- rille.validate(schema) -> function(value) -> the checked value, or raises 422 with every failure by path. What a schema
-- may say: rille/validate/schema.lua. The result holds what the schema names and nothing else, defaults filled in.
--
-- Values that came from req:form() or from a query are text: numbers and booleans are read in them, a list takes all values
-- of its name, and what was left empty is absent. An unticked box is in no form; a query has no boxes.
local errors = require "rille.error"
local forms = require "rille.form"
local is_list = require("rille.list").is_list
local native = require "rille.native.core"
local options = require "rille.options"
local schemas = require "rille.validate.schema"
local traits = require "rille.traits"
local upload = require "rille.upload"

local M = {}

local MOST_FAILURES = 100 -- told about; a list of a million wrong items needs no million messages

-- ---- failures -----------------------------------------------------------------------------------------------------

local Failures = {}
Failures.__index = Failures

function Failures:add(path, message, ...)
  if self.count >= MOST_FAILURES or self.by_path[path] then return nil end
  self.count = self.count + 1
  self.by_path[path] = select("#", ...) > 0 and message:format(...) or message
  return nil
end

function Failures:raise()
  local paths, pieces = {}, {}
  for path in pairs(self.by_path) do paths[#paths + 1] = path end
  table.sort(paths)
  for i, path in ipairs(paths) do pieces[i] = (path == "" and "the value" or path) .. " " .. self.by_path[path] end
  error(errors.new(422, table.concat(pieces, "; "), { failures = self.by_path }), 0)
end

local function below(path, name) return path == "" and name or path .. "." .. name end

-- ---- one value, by its type ---------------------------------------------------------------------------------------

local function plural(n, word) return ("%d %s%s"):format(n, word, n == 1 and "" or "s") end

local function check_count(spec, count, word, path, failures)
  if spec.min and count < spec.min then return failures:add(path, "must have at least %s", plural(spec.min, word)) end
  if spec.max and count > spec.max then return failures:add(path, "must have at most %s", plural(spec.max, word)) end
  return true
end

local function check_range(spec, value, path, failures)
  if spec.min and value < spec.min then return failures:add(path, "must be at least %s", spec.min) end
  if spec.max and value > spec.max then return failures:add(path, "must be at most %s", spec.max) end
  return value
end

local readers = {} -- of text: -> value, or the text itself where it is none

function readers.integer(text) return native.number_kind(text) == "integer" and math.tointeger(tonumber(text)) or text end

function readers.number(text) return native.number_kind(text) and tonumber(text) or text end

local words = { ["true"] = true, ["1"] = true, on = true, yes = true, ["false"] = false, ["0"] = false, off = false, no = false }

function readers.boolean(text)
  local value = words[text:lower()]
  if value == nil then return text end
  return value
end

local checks = {}

function checks.any(_, value) return value end

function checks.string(spec, value, path, failures)
  if type(value) ~= "string" then return failures:add(path, "must be a string") end
  local length = utf8.len(value)
  if not length then return failures:add(path, "must be UTF-8") end
  if not check_count(spec, length, "character", path, failures) then return nil end
  if spec.pattern and not value:find(spec.pattern) then return failures:add(path, "does not have the right form") end
  if spec.format and not schemas.formats[spec.format](value) then return failures:add(path, "is not a valid %s", spec.format) end
  return value
end

function checks.integer(spec, value, path, failures)
  local integer = math.type(value) and math.tointeger(value)
  if not integer then return failures:add(path, "must be a whole number") end
  return check_range(spec, integer, path, failures)
end

function checks.number(spec, value, path, failures)
  if not math.type(value) or value ~= value or value == math.huge or value == -math.huge then
    return failures:add(path, "must be a number")
  end
  return check_range(spec, value, path, failures)
end

function checks.boolean(_, value, path, failures)
  if type(value) ~= "boolean" then return failures:add(path, "must be true or false") end
  return value
end

function checks.file(spec, value, path, failures)
  if not upload.is(value) then return failures:add(path, "must be a file") end
  if spec.max and value.size > spec.max then return failures:add(path, "must have at most %s", plural(spec.max, "byte")) end
  if not spec.types then return value end
  for _, content_type in ipairs(spec.types) do
    if value.content_type == content_type then return value end
  end
  return failures:add(path, "must be of type %s", table.concat(spec.types, ", "))
end

local run

function checks.list(spec, value, path, failures, text)
  if type(value) ~= "table" or upload.is(value) or not is_list(value) then return failures:add(path, "must be a list") end
  if not check_count(spec, #value, "item", path, failures) then return nil end
  local out = native.array {}
  for i, item in ipairs(value) do
    if failures.count >= MOST_FAILURES then break end
    if spec.items then item = run(spec.items, item, ("%s[%d]"):format(path, i), failures, text and true) end
    out[i] = item
  end
  return out
end

local silent = { csrf_token = true, _charset_ = true } -- fields of a form that are nobody's mistake

local function check_unknown(spec, value, out, path, failures, text)
  for name, item in pairs(value) do
    if spec.fields[name] == nil then
      if spec.values then out[name] = run(spec.values, item, below(path, tostring(name)), failures, text)
      elseif spec.unknown == "keep" then out[name] = item
      elseif spec.unknown == "refuse" and not (text and silent[name]) then
        failures:add(below(path, tostring(name)), "is not known here")
      end
    end
  end
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = copy(item) end
  return setmetatable(out, getmetatable(value))
end

local function holds_text(spec) return spec == nil or spec.type == "string" or spec.type == "any" end

-- All values of a list, without the inputs that were left empty; nil where nothing is left.
local function filled(spec, list)
  if list == nil or holds_text(spec.items) then return list end
  local out = {}
  for _, item in ipairs(list) do
    if item ~= "" then out[#out + 1] = item end
  end
  return #out > 0 and out or nil
end

-- Returns the value of a field. In a form a list gets all values of its name, an input that was left empty is nil, and a checkbox
-- that was not ticked is false.
local function value_of(spec, value, name, text)
  local item = value[name]
  if not text then return item end
  if spec.type == "list" and text ~= true then return filled(spec, text.all(name)) end
  if item == "" and not holds_text(spec) then return nil end
  if item == nil and spec.type == "boolean" and spec.default == nil and text ~= true and text.has_boxes then return false end
  return item
end

function checks.object(spec, value, path, failures, text)
  if type(value) ~= "table" or upload.is(value) or (#value > 0 and is_list(value)) then
    return failures:add(path, "must be an object")
  end
  local out = {}
  for _, name in ipairs(spec.order) do
    local field = spec.fields[name]
    local item = value_of(field, value, name, text)
    if item == native.null and field.nullable then
      out[name] = item
    elseif item == nil or item == native.null then
      if field.default ~= nil then out[name] = copy(field.default)
      elseif not field.optional then failures:add(below(path, name), "is required") end
    else
      out[name] = run(field, item, below(path, name), failures, text and true)
    end
  end
  check_unknown(spec, value, out, path, failures, text)
  return out
end

local function check_enum(spec, value, path, failures)
  for _, allowed in ipairs(spec.enum) do
    if value == allowed then return value end
  end
  local list = {}
  for i, allowed in ipairs(spec.enum) do list[i] = tostring(allowed) end
  return failures:add(path, "must be one of %s", table.concat(list, ", "))
end

-- `text`: nil, or true where strings are to be read, or, of the outermost object, {all = function of a name that gives all
-- its values, has_boxes = whether an unticked box is absent}.
function run(spec, value, path, failures, text)
  if value == native.null and spec.nullable then return value end
  if text and type(value) == "string" and readers[spec.type] then value = readers[spec.type](value) end
  value = checks[spec.type](spec, value, path, failures, text)
  if value ~= nil and spec.enum then value = check_enum(spec, value, path, failures) end
  return value
end

-- ---- what programs call -------------------------------------------------------------------------------------------

local specs = setmetatable({}, { __mode = "k" }) -- check -> spec, for middleware and openapi

local function check_with(spec, value, text)
  local failures = setmetatable({ count = 0, by_path = {} }, Failures)
  if value == nil then failures:add("", "is required") end
  local checked = value ~= nil and run(spec, value, "", failures, text)
  if failures.count > 0 then failures:raise() end
  return checked
end

local function text_of_form(value)
  local lists = type(value) == "table" and forms.forms[value]
  return lists and { all = function(name) return lists[name] end, has_boxes = true } or nil
end

local function validate(_, schema)
  local spec = schemas.normalize(schema)
  local function check(value) return check_with(spec, value, text_of_form(value)) end
  specs[check] = spec
  return check
end

local function spec_of(schema, what)
  local spec = specs[schema]
  if type(schema) == "function" and not spec then
    options.raise("%s: a schema, or what rille.validate made, was expected", what)
  end
  return spec or schemas.normalize(schema)
end

local URLENCODED = "application/x-www-form-urlencoded"
local form_types = { [URLENCODED] = true, ["multipart/form-data"] = true }

-- `curl -d '{"a": 1}'` says that it sends a form. No browser's form begins so: in one, such a byte would be encoded.
local function is_json_after_all(req)
  return req.content_type == URLENCODED and req:bytes():find "^[ \t\r\n]*[{%[]" ~= nil
end

-- Raises for a body that is neither JSON nor a form, and says how it came.
local function refuse_body(req, err)
  local kind = req.content_type
  if not kind or kind:find "json" then error(err, 0) end
  local text = "%s (the body came as %s: send JSON, with Content-Type: application/json, or a form)"
  errors.abort(400, text:format(err.message, kind), { code = "json" })
end

-- -> value, whether it is a form's
local function read_body(req, keeps_null)
  if form_types[req.content_type] and not is_json_after_all(req) then return req:form(), true end
  if req.content_type == nil and req:bytes() == "" then
    errors.abort(422, "the body is empty: JSON or a form was expected", { failures = { [""] = "is required" } })
  end
  local value, err = native.try(req.json, req, { null = keeps_null })
  if err and err.code == "json" then refuse_body(req, err) end
  if err then error(err, 0) end
  return value, false
end

--- rille.validate.body(schema) -> middleware: the body, a form or JSON, checked, as req.state.body
function M.body(schema)
  local spec = spec_of(schema, "validate.body")
  return traits.mark(function(req, handler)
    local value, is_form = read_body(req, spec.keeps_null)
    req.state.body = check_with(spec, value, is_form and text_of_form(value) or nil)
    return handler(req)
  end, { body = spec })
end

--- rille.validate.query(schema) -> middleware: the query, checked, as req.state.query
function M.query(schema)
  local spec = spec_of(schema, "validate.query")
  return traits.mark(function(req, handler)
    req.state.query = check_with(spec, req.query, { all = function(name)
      local list = req:query_all(name)
      return #list > 0 and list or nil
    end })
    return handler(req)
  end, { query = spec })
end

traits.is_maker(M.body, "rille.validate.body", "rille.validate.body{…}")
traits.is_maker(M.query, "rille.validate.query", "rille.validate.query{…}")

return setmetatable(M, { __call = validate })
