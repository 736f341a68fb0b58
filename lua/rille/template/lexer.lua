-- From the text of a template to tokens: how errors and literals of runtime/bind/template/lexer.c read. Tokens are columns,
-- which are lists:
--
--   kind    "data" "{{" "}}" "{%" "%}" "name" "string" "integer" "float", an operator as it is written, or "eof" at the end
--   value   of data, names and literals
--   at      the byte of the source where it starts
--   line    its line
--
-- Newlines are "\n" from here on.
local failure = require "rille.template.failure"
local literal = require "rille.template.literal"
local native = require "rille.native.template"

local M = {}

local function normalize(source, keep_trailing_newline)
  if source:find("\r", 1, true) then source = source:gsub("\r\n?", "\n") end
  if not keep_trailing_newline and source:sub(-1) == "\n" then source = source:sub(1, -2) end
  return source
end

--- tokens(source, origin, options) -> kind, value, at, line, and a set of the names with a meaning of their own (loop, self,
--- super, caller, kwargs, varargs) that occur; origin.source is set to what they refer to. Options: trim_blocks, lstrip_blocks,
--- keep_trailing_newline.
function M.tokens(source, origin, options)
  source = normalize(source, options.keep_trailing_newline)
  origin.source = source
  local function fail(at, message)
    local _, newlines = source:sub(1, at - 1):gsub("\n", "")
    failure.syntax(origin, newlines + 1, at, message)
  end
  local function unescape(text, at)
    return literal.unescape(text, function(message) fail(at, message) end)
  end
  return native.template_tokens(source, options, fail, literal.number, unescape)
end

return M
