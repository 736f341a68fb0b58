-- Templates: Jinja2's language, compiled to Lua. How it works is told in the files of template/, from the top:
--
--   source -> lexer -> parser (expression) -> tree (ast) -> compiler (compile_expression, compile_loop; symbols, code) -> Lua
--   environment (loader) -> template -> render (inherit, call, macro, lookup, operators, value) -> page (bind/template/render.c)
local Environment = require "rille.template.environment"
local options = require "rille.options"
local value = require "rille.template.value"

local M = {}

local compile_options = {
  templates = "table", autoescape = "boolean", trim_blocks = "boolean", lstrip_blocks = "boolean",
  keep_trailing_newline = "boolean", strict = "boolean", filters = "table", tests = "table", globals = "table",
  limit = "number",
}

local CHUNK = "<template>"

--- rille.template.compile(source, {templates={name=source}, autoescape=true, trim_blocks=, lstrip_blocks=,
--- keep_trailing_newline=, strict=, filters=, tests=, globals=, limit=}) -> function(context) -> string
---
--- Raises error values with code "syntax" here, "undefined", "not_found" or "template" when it is called.
function M.compile(source, opts)
  if type(source) ~= "string" then options.raise("template.compile: a template's source was expected, got a %s", type(source)) end
  opts = options.check(opts, compile_options, "template.compile")
  local autoescape = opts.autoescape
  local env = Environment.new {
    sources = { opts.templates }, autoescape = autoescape == nil and true or autoescape, trim_blocks = opts.trim_blocks,
    lstrip_blocks = opts.lstrip_blocks, keep_trailing_newline = opts.keep_trailing_newline, strict = opts.strict,
    filters = opts.filters, tests = opts.tests, globals = opts.globals, limit = opts.limit and options.size(opts.limit, "limit"),
  }
  local template = env:compile(source, CHUNK, CHUNK)
  return function(context)
    if context ~= nil and type(context) ~= "table" then
      options.raise("a template's context is a table, got a %s", type(context))
    end
    return env:render(template, context)
  end
end

--- rille.template.markup(s): text that is HTML already and is printed as it is.
function M.markup(s)
  if type(s) ~= "string" then options.raise("template.markup: a string was expected, got a %s", type(s)) end
  return value.markup(s)
end

return M
