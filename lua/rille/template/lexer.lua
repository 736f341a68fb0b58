-- From the text of a template to tokens, by the rules of Jinja2 3.1's lexer. Tokens are columns of four lists:
--
--   kind    "data" "{{" "}}" "{%" "%}" "name" "string" "integer" "float", an operator as it is written, or "eof" at the end
--   value   of data, names and literals
--   at      the byte of the source where it starts
--   line    its line
--
-- Newlines are "\n" from here on. Whitespace control (-, +, trim_blocks, lstrip_blocks) is dealt with here, so that data is
-- what will be printed.
local failure = require "rille.template.failure"
local literal = require "rille.template.literal"

local M = {}

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

local operators = {}
for operator in ("+ - / // * % ** ~ [ ] ( ) { } == != > >= < <= = . : | , ;"):gmatch "%S+" do operators[operator] = true end
local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local is_closing = { [")"] = true, ["]"] = true, ["}"] = true }

-- Names with a meaning of their own: whether they occur at all.
local special_names = { loop = true, self = true, super = true, caller = true, kwargs = true, varargs = true }

-- By byte: what a name starts with, what the end of a tag does.
local starts_name, ends_tag = {}, { [37] = true, [125] = true, [43] = true, [45] = true }
for c = 0, 255 do starts_name[c] = string.char(c):find "^[%a_\x80-\xFF]" ~= nil end

local Lexer = {}
Lexer.__index = Lexer

function Lexer:fail(at, message)
  local _, newlines = self.source:sub(1, at - 1):gsub("\n", "")
  failure.syntax(self.origin, newlines + 1, at, message)
end

-- Tokens come in the order of their bytes, so lines are counted as they pass.
local function add(self, kind, value, at)
  local newline = self.newline
  while newline and newline < at do
    self.current_line = self.current_line + 1
    newline = find(self.source, "\n", newline + 1, true)
  end
  self.newline = newline
  local count = self.count + 1
  self.count = count
  self.kind[count], self.value[count], self.at[count], self.line[count] = kind, value, at, self.current_line
end

-- ---- outside of tags ------------------------------------------------------------------------------------------------

-- Data from `from` to `to`, in front of a tag with this sign. What lstrip_blocks takes is spaces between a line's start and
-- a block or comment.
function Lexer:add_data(from, to, sign, is_variable)
  if sign == "-" then
    to = self:last_solid(from, to)
  elseif sign ~= "+" and self.lstrip and not is_variable then
    to = self:before_indent(from, to)
  end
  if to >= from then add(self, "data", sub(self.source, from, to), from) end
end

-- The last byte from `from` to `to` that is no whitespace, or from - 1.
function Lexer:last_solid(from, to)
  while to >= from and find(self.source, "^%s", to) do to = to - 1 end
  return to
end

function Lexer:before_indent(from, to)
  local at = to
  while at >= from and byte(self.source, at) ~= 10 and find(self.source, "^%s", at) do at = at - 1 end
  if at >= from then return byte(self.source, at) == 10 and at or to end
  local at_line_start = from == 1 or byte(self.source, from - 1) == 10
  return at_line_start and at or to
end

-- Behind the end of a tag at `at`: `-` takes all whitespace, a block's end one newline where trim_blocks says so.
function Lexer:behind(at, sign, trims)
  if sign == "-" then return (find(self.source, "%S", at)) or #self.source + 1 end
  if sign ~= "+" and trims and self.trim and byte(self.source, at) == 10 then return at + 1 end
  return at
end

-- {# … #}, whose text starts at `at`. Returns where to go on.
function Lexer:comment(at, start)
  local stop = find(self.source, "#}", at, true)
  if not stop then self:fail(start, "this comment is not closed: '#}' is missing") end
  local sign = stop > at and sub(self.source, stop - 1, stop - 1) or ""
  return self:behind(stop + 2, sign, true)
end

-- {% raw %} whose tag ends before `at`: one token of data. Returns where to go on.
function Lexer:raw(at, start)
  local from = at
  while true do
    local stop = find(self.source, "{%", from, true)
    if not stop then self:fail(start, "this raw block is not closed: '{% endraw %}' is missing") end
    local before, after, behind = match(self.source, "^{%%([-+]?)%s*endraw%s*([-+]?)%%}()", stop)
    if behind then
      self:add_data(at, stop - 1, before)
      return self:behind(behind, after, true)
    end
    from = stop + 2
  end
end

-- ---- inside of tags -------------------------------------------------------------------------------------------------

-- Where the tag ends if its end is at `at`: kind, sign and where to go on.
local function tag_end(source, at, is_block)
  if is_block then
    local sign, behind = match(source, "^([-+]?)%%}()", at)
    return sign, behind
  end
  local sign, behind = match(source, "^(-?)}}()", at)
  return sign, behind
end

function Lexer:operator(at)
  local text = sub(self.source, at, at + 1)
  if not operators[text] then text = sub(text, 1, 1) end
  if not operators[text] then
    local char = match(self.source, "^" .. utf8.charpattern, at) or text
    self:fail(at, (char == "'" or char == '"') and "this string is not closed" or ("unexpected character '%s'"):format(char))
  end
  local open = self.open
  if closing[text] then
    open[#open + 1] = closing[text]
  elseif is_closing[text] then
    local expected = table.remove(open)
    if not expected then self:fail(at, ("unexpected '%s'"):format(text)) end
    if expected ~= text then self:fail(at, ("unexpected '%s', expected '%s'"):format(text, expected)) end
  end
  add(self, text, nil, at)
  return at + #text
end

local function name_at(self, at)
  local name, behind = match(self.source, "^([%w_\x80-\xFF]+)()", at)
  if special_names[name] then self.specials[name] = true end
  add(self, "name", name, at)
  return behind
end

-- A number, string or operator at `at`, whose first byte is c. Returns where to go on.
function Lexer:token(at, c)
  local source = self.source
  if c >= 48 and c <= 57 then
    local kind, value, stop = literal.number(source, at)
    add(self, kind, value, at)
    return stop + 1
  end
  if c == 39 or c == 34 then
    local value, stop = literal.string(source, at, function(message) self:fail(at, message) end)
    if value then
      add(self, "string", value, at)
      return stop + 1
    end
  end
  return self:operator(at)
end

-- The inside of {{ }} or {% %}. Returns where to go on behind it, with the end's whitespace dealt with.
function Lexer:tag(at, is_block, start)
  local source = self.source
  self.open = {}
  while true do
    local c = byte(source, at)
    if c == 32 then at, c = at + 1, byte(source, at + 1) end -- one space is the most there mostly is
    if not c or c <= 32 then
      at = find(source, "%S", at)
      if not at then self:fail(start, ("this tag is not closed: '%s' is missing"):format(is_block and "%}" or "}}")) end
      c = byte(source, at)
    end
    if starts_name[c] then
      at = name_at(self, at)
    else
      local sign, behind
      if ends_tag[c] and #self.open == 0 then sign, behind = tag_end(source, at, is_block) end
      if sign then
        add(self, is_block and "%}" or "}}", nil, at)
        return self:behind(behind, sign, is_block)
      end
      at = self:token(at, c)
    end
  end
end

-- ---- the whole ------------------------------------------------------------------------------------------------------

-- One tag whose '{' is at `start`, behind data from `from`. Returns where to go on.
function Lexer:opening(from, start)
  local source = self.source
  local what, sign, behind = match(source, "^{([{%%#])([-+]?)()", start)
  self:add_data(from, start - 1, sign, what == "{")
  if what == "#" then return self:comment(behind, start) end
  local raw_sign, raw_behind = match(source, "^%s*raw%s*(-?)%%}()", behind)
  if what == "%" and raw_sign then return self:raw(self:behind(raw_behind, raw_sign, false), start) end
  add(self, what == "%" and "{%" or "{{", nil, start)
  return self:tag(behind, what == "%", start)
end

local function normalize(source, keep_trailing_newline)
  if find(source, "\r", 1, true) then source = source:gsub("\r\n?", "\n") end
  if not keep_trailing_newline and sub(source, -1) == "\n" then source = sub(source, 1, -2) end
  return source
end

--- tokens(source, origin, options) -> {kind, value, at, line, count, specials}, and origin.source set to what they refer to.
--- Options: trim_blocks, lstrip_blocks, keep_trailing_newline.
function M.tokens(source, origin, options)
  source = normalize(source, options.keep_trailing_newline)
  origin.source = source
  local self = setmetatable({
    source = source, origin = origin, trim = options.trim_blocks, lstrip = options.lstrip_blocks,
    kind = {}, value = {}, at = {}, line = {}, count = 0, current_line = 1, newline = find(source, "\n", 1, true), open = {},
    specials = {},
  }, Lexer)
  local at = 1
  while true do
    local start = find(source, "{[{%%#]", at)
    if not start then break end
    at = self:opening(at, start)
  end
  self:add_data(at, #source, "+")
  add(self, "eof", nil, #source + 1)
  return self
end

return M
