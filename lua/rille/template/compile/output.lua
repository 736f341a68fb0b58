-- Compiles what a template prints. Neighbouring pieces are printed by one call of the runtime's put, whose first argument
-- has a letter for each piece: how it is written, and whether it is escaped.
local ast = require "rille.template.ast"
local Code = require "rille.template.code"
local native = require "rille.native.core"

local M = {}

local concat, quote = table.concat, Code.quote

local MOST_ARGUMENTS = 40

-- The letters and arguments of one call of put.
local Group = {}
Group.__index = Group

local function new_group(self, frame)
  return setmetatable({ compiler = self, frame = frame, kinds = {}, args = {}, literal = nil, has_value = false }, Group)
end

function Group:add_literal(text)
  self.literal = self.literal or {}
  self.literal[#self.literal + 1] = text
end

-- Returns code for the literal text so far, and starts anew.
function Group:literal_code()
  local code = quote(concat(self.literal))
  self.literal = nil
  return code
end

function Group:take_literal()
  if not self.literal then return end
  self.kinds[#self.kinds + 1], self.args[#self.args + 1] = "l", self:literal_code()
end

-- Starts a value. Only values of one line share a call, so that an error in one of them names its line.
function Group:start_value(line)
  local code = self.compiler.code
  if #self.args >= MOST_ARGUMENTS or (self.has_value and line > code.line) then self:flush() end
  if not self.has_value then code:sync(line) end
  self.has_value = true
  self:take_literal()
end

function Group:add(kind, ...)
  self.kinds[#self.kinds + 1] = kind
  for i = 1, select("#", ...) do self.args[#self.args + 1] = (select(i, ...)) end
end

-- Letters that say to escape, and those that do not.
local raw_letters = { e = "r", a = "b", l = "l", o = "o" }

-- Returns code for letters in a frame that escapes, does not, or may.
local function letters_code(esc, letters)
  local raw = letters:gsub("%l", raw_letters)
  if esc == "true" or letters == raw then return quote(letters) end
  return esc == "false" and quote(raw) or ("%s and %s or %s"):format(esc, quote(letters), quote(raw))
end

function Group:flush()
  local code = self.compiler.code
  if not self.has_value and self.literal then
    code:write(("%s(o, %s) "):format(code:use "text", self:literal_code()))
    return
  end
  self:take_literal()
  if self.args[1] then code:write(("%s(o, %s, %s) "):format(code:use "put",
    letters_code(self.frame.esc, concat(self.kinds)), concat(self.args, ", "))) end
  self.kinds, self.args, self.has_value = {}, {}, false
end

--- constant_text(node, esc) -> the text that a constant prints, or nil
function M.constant_text(node, esc)
  if node.t == "Data" then return node.text end
  if node.t ~= "Const" or node.none then return nil end
  if math.type(node.value) == "integer" or type(node.value) == "boolean" then return tostring(node.value) end
  if type(node.value) ~= "string" or (esc ~= "true" and esc ~= "false") then return nil end
  return esc == "true" and native.html_escape(node.value) or node.value
end

local constant_text = M.constant_text

local function put_call(self, group, node, frame)
  group:flush()
  self.code:sync(node.line)
  self:write_put_call(node, frame)
end

local function put_value(self, group, node, frame)
  group:start_value(node.line)
  if node.t == "Getattr" and not self:loop_attribute(node, frame) then
    group:add("a", (self:expression(node.node, frame)), quote(node.attr))
  else
    group:add("e", (self:loose(node, frame)))
  end
end

local function add_output(self, group, node, frame)
  for _, child in ipairs(node.nodes) do
    local text = constant_text(child, frame.esc)
    if text then
      if not group.has_value and not group.literal then self.code:sync(child.line) end
      group:add_literal(text)
    elseif child.t == "Call" and not self:loop_cycle(child, frame) then
      put_call(self, group, child, frame)
    else
      put_value(self, group, child, frame)
    end
  end
end

function M:Output(node, frame)
  if frame.checks_output and self.has_known_parent then return end
  if frame.checks_output then self.code:write "if not parent then " end
  local group = new_group(self, frame)
  add_output(self, group, node, frame)
  group:flush()
  if frame.checks_output then self.code:write "end " end
end

-- Returns the text that statements print, if they do nothing else; else nil.
local function text_of(nodes, frame)
  local texts = {}
  for _, node in ipairs(nodes) do
    if node.t ~= "Output" then return nil end
    for _, child in ipairs(node.nodes) do
      local text = constant_text(child, frame.esc)
      if not text then return nil end
      texts[#texts + 1] = text
    end
  end
  return concat(texts)
end

local light = { Name = true, Const = true, Getattr = true, Not = true, And = true, Or = true, Compare = true }

local function is_heavy(node) return not light[node.t] end

-- Makes {% if a %}text{% else %}text{% endif %} an argument of put: a and "text" or "text". Returns false if it is none.
local function put_choice(self, group, node, frame)
  if node.t ~= "If" or node.elifs[1] or frame.checks_output or ast.any(node.test, is_heavy) then return false end
  local yes, no = text_of(node.body, frame), text_of(node.else_ or {}, frame)
  if not yes or not no then return false end
  group:start_value(node.line)
  local choice = ("%s and %s"):format(self:condition(node.test, frame), quote(yes))
  group:add("o", no == "" and choice or ("%s or %s"):format(choice, quote(no)))
  return true
end

-- Writes statements in Lua. What neighbours print is joined.
local function write_statements(self, nodes, first, last, frame)
  local group = new_group(self, frame)
  for i = first, last do
    local node = nodes[i]
    if node.t == "Output" and not frame.checks_output then
      add_output(self, group, node, frame)
    elseif not put_choice(self, group, node, frame) then
      group:flush()
      if node.t ~= "Output" then self.code:sync(node.line) end
      self[node.t](self, node, frame)
    end
  end
  group:flush()
end

--- Writes statements: as plans what is straight and worth it (compile/plan.lua), the others in Lua. A statement that may have
--- plans inside is written before the next plan is made: leaves come in the order of their lines.
function M:statements(nodes, frame)
  local at, pending = 1, 1
  local function write_to(last)
    write_statements(self, nodes, pending, last, frame)
    pending = last + 1
  end
  while nodes[at] do
    local count = self:count_straight(nodes, at, frame)
    local last = at + math.max(count, 1) - 1
    local plan, has_plans = nil, nodes[at].straight == false and nodes[at].t ~= "Output"
    if count > 0 then plan, has_plans = self:make_plan(nodes, at, last, frame) end
    if plan then
      write_to(at - 1)
      self:write_plan(plan, nodes[at].line)
      pending = last + 1
    elseif has_plans then
      write_to(last)
    end
    at = last + 1
  end
  write_to(#nodes)
end

-- ---- captures -------------------------------------------------------------------------------------------------------

--- Writes statements so that their output is captured. Returns code for the text.
function M:capture(nodes, frame)
  local code, mark = self.code, self.code:fresh "m"
  code:count_locals(frame, 1)
  code:write(("local %s = %s(o) "):format(mark, code:use "mark"))
  code.captures[#code.captures + 1] = mark
  self:statements(nodes, frame)
  code.captures[#code.captures] = nil
  return ("%s(%s, %s(o, %s))"):format(code:use "as_markup", frame.esc, code:use "take", mark)
end

function M:FilterBlock(node, frame)
  local code, inner = self.code, self:inner(frame)
  inner.symbols:analyze(node)
  code:write "do "
  code:start_frame(inner)
  local text = self:capture(node.body, inner)
  local filtered = self:filter_chain(node.filter, inner, text)
  code:write(("%s(o, %s, %s) "):format(code:use "put", letters_code(frame.esc, "e"), filtered))
  code:leave(inner)
  code:write "end "
end

return M
