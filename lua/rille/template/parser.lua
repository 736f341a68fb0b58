-- Parses a template to a tree (ast.lua). The methods are in parse/, but for those that look at tokens.
--
-- The parser looks at token number p.i and at most one further. The lexer's `specials` notes which of the names with a meaning of
-- their own (loop, self, super, caller, kwargs, varargs) occur at all, so that nobody looks for the others.
local failure = require "rille.template.failure"
local lexer = require "rille.template.lexer"

local M = {}

local Parser = {}
Parser.__index = Parser

local function add(methods)
  for name, method in pairs(methods) do Parser[name] = method end
end

add(require "rille.template.parse.expression")
add(require "rille.template.parse.postfix")
add(require "rille.template.parse.body")

-- ---- tokens ---------------------------------------------------------------------------------------------------------

local descriptions = {
  ["{%"] = "the beginning of a tag", ["%}"] = "the end of the tag", ["{{"] = "the beginning of an expression",
  ["}}"] = "the end of the expression", eof = "the end of the template", data = "text",
}

--- Returns a token in words, for messages.
function Parser:describe(i)
  local kind, value = self.kind[i], self.value[i]
  if kind == "name" then return "'" .. value .. "'" end
  if kind == "string" then return "a string" end
  if kind == "integer" or kind == "float" then return "a number" end
  return descriptions[kind] or "'" .. kind .. "'"
end

--- Raises a syntax error at token number i, or at a line where there is no such token.
function Parser:fail(message, i, line)
  failure.syntax(self.origin, line or self.line[i], i and self.at[i], message)
end

--- Returns true if the token looked at, or the one `ahead` of it, is this name.
function Parser:is_name(name, ahead)
  local i = self.i + (ahead or 0)
  return self.value[i] == name and self.kind[i] == "name"
end

function Parser:skip_name(name)
  local found = self.value[self.i] == name and self.kind[self.i] == "name"
  if found then self.i = self.i + 1 end
  return found
end

function Parser:skip(kind)
  local found = self.kind[self.i] == kind
  if found then self.i = self.i + 1 end
  return found
end

--- Steps over a token of this kind and returns its value.
function Parser:expect(kind)
  local i = self.i
  if self.kind[i] ~= kind then
    self:fail(("%s was expected, got %s"):format(descriptions[kind] or (kind == "name" and "a name") or "'" .. kind .. "'",
      self:describe(i)), i)
  end
  self.i = i + 1
  return self.value[i]
end

function Parser:expect_name(name)
  if not self:skip_name(name) then self:fail(("'%s' was expected, got %s"):format(name, self:describe(self.i)), self.i) end
end

--- parse(source, origin, options) -> Template node {body, blocks (by name, and a list), extends, specials, macros}. `macros` says
--- which names are likely a "macro" or a "module" of macros. Raises a syntax error. Options are the lexer's.
function M.parse(source, origin, options)
  local kind, value, at, line, specials = lexer.tokens(source, origin, options)
  local self = setmetatable({
    kind = kind, value = value, at = at, line = line, origin = origin,
    i = 1, nesting = 0, depth = 0, loops = 0, ends = {}, tags = {}, blocks = {}, extends = false,
    macros = { caller = "macro" },
  }, Parser)
  local nodes = self:statements()
  return { t = "Template", line = 1, body = nodes, blocks = self.blocks, extends = self.extends,
    specials = specials, macros = self.macros, at = at }
end

return M
