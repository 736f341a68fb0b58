-- Parses a template's text and tags in order: statements, and the bodies between a tag and the one that ends it. These are
-- methods of the parser (parser.lua).
local tags = require "rille.template.parse.tags"

local M = {}

local MOST_NESTING = 50

local function unexpected_end(p, name, i)
  local parts = { name and ("unknown tag '%s'"):format(name) or "the template ends here" }
  local ends = p.ends[#p.ends]
  if ends then parts[#parts + 1] = ("'%s' was expected"):format(table.concat(ends, "' or '")) end
  if p.tags[1] then
    local tag = p.tags[#p.tags]
    parts[#parts + 1] = ("the innermost tag to be closed is '%s' in line %d"):format(tag.name, tag.line)
  end
  p:fail(table.concat(parts, "; "), i)
end

local function is_one_of(p, ends)
  if p.kind[p.i] ~= "name" then return false end
  for _, name in ipairs(ends) do
    if p.value[p.i] == name then return true end
  end
  return false
end

--- Parses statements up to a tag whose name is in `ends`, which is then looked at, or up to the end. Returns them as a list.
function M:statements(ends)
  local body, output = {}, nil
  local function add(node)
    if not output then
      output = { t = "Output", line = node.line, nodes = {} }
      body[#body + 1] = output
    end
    output.nodes[#output.nodes + 1] = node
  end
  while self.kind[self.i] ~= "eof" do
    local i, kind = self.i, self.kind[self.i]
    self.i = i + 1
    if kind == "data" then
      add { t = "Data", line = self.line[i], text = self.value[i] }
    elseif kind == "{{" then
      add(self:tuple {})
      self:expect "}}"
    else
      output = nil
      if ends and is_one_of(self, ends) then return body end
      body[#body + 1] = self:statement()
      self:expect "%}"
    end
  end
  if ends then unexpected_end(self, nil, self.i) end
  return body
end

--- Parses the body of a tag, up to a tag of one of these names, which is then looked at.
function M:body(...)
  local ends = { ... }
  self:skip ":"
  self:expect "%}"
  self.ends[#self.ends + 1] = ends
  self.depth = self.depth + 1
  if self.depth > MOST_NESTING then self:fail("these tags are nested too deeply", self.i) end
  local result = self:statements(ends)
  self.depth = self.depth - 1
  self.ends[#self.ends] = nil
  return result
end

--- Parses a body and steps over the name that ends it.
function M:closed_body(name)
  local result = self:body(name)
  self.i = self.i + 1
  return result
end

--- Parses the statement whose name is looked at, up to the end of its last tag, which stays looked at.
function M:statement()
  local i, line = self.i, self.line[self.i]
  if self.kind[i] ~= "name" then self:fail("a tag's name was expected, got " .. self:describe(i), i) end
  local name = self.value[i]
  local tag = tags[name]
  if not tag then unexpected_end(self, name, i) end
  self.tags[#self.tags + 1] = { name = name, line = line }
  self.i = i + 1
  local node = tag(self, line)
  self.tags[#self.tags] = nil
  return node
end

return M
