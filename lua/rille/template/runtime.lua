-- The functions that generated code calls, in one table R; one for templates that are strict about what is undefined and
-- one for the others. What R holds of C is described in bind/template/render.c.
local call = require "rille.template.call"
local failure = require "rille.template.failure"
local inherit = require "rille.template.inherit"
local items = require "rille.template.items"
local lookup = require "rille.template.lookup"
local macro = require "rille.template.macro"
local methods = require "rille.template.methods"
local native = require "rille.native.core"
local native_template = require "rille.native.template"
local operators = require "rille.template.operators"
local value = require "rille.template.value"

local M = {}

-- The names of what lists and mappings have beside their fields.
local method_names = {}
for _, kind in ipairs { "list", "tuple", "mapping" } do
  for name in pairs(methods.by_kind[kind]) do method_names[name] = true end
end

local function add(R, from, names)
  for name in names:gmatch "%S+" do R[name] = from[name] end
end

local function new(strict)
  local lookups = strict and lookup.strict or lookup.lenient
  local R = native_template.page_functions {
    array = value.Array, tuple = value.Tuple, markup = value.Markup, undefined = value.Undefined, strict = value.Strict,
    text = lookups.text, attribute_text = lookups.attribute_text, attr = lookups.attr, peek = lookups.peek, item = lookups.item,
    truth = value.truth_of_object, truth_of_attribute = lookups.truth_of_attribute, items = items.items,
    all_items = items.all_items, unpack = items.unpack, methods = not strict and method_names or nil,
  }
  local truth = R.truth
  function R.pick(v) return truth(v) and v end

  function R.falsy(v)
    if truth(v) then return nil end
    return v == false and operators.NO or v
  end

  R.none = native.null
  add(R, operators, [[add sub mul div floordiv mod pow neg pos join eq lt le gt ge contains compare_all NO unbox either cycle
    as_markup]])
  add(R, value, "list tuple dict dict_with")
  add(R, items, "spread pull")
  add(R, lookup, "slice")
  add(R, call, "call put_call method put_method call_lua apply merge_kwargs")
  add(R, macro, "macro site too_deep template_self super_block new_loop set_attribute")
  add(R, inherit, "derive put_block extend put_parent include import imported member_site pause")
  R.fail = failure.fail
  return R
end

M.lenient, M.strict = new(false), new(true)

return M
