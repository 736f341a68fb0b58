-- Lua source under construction. A unit is one function of a template (its body, or one block) and a chunk of its own:
--
--   local R, K = ...                      the runtime's functions, the template's constants
--   local put, attr = R.put, R.attr       those that are used
--   return function(c, o, depth) … end    c is the context, o the page
--
-- A template's line N is the unit's line N, so that Lua's own messages and tracebacks name the template's lines: code is
-- written in the order of the source, and sync() goes down to a line before code for it is written.
--
-- Frames are blocks (do … end). Lua allows 200 local variables in a function: what exceeds MOST_LOCALS lives in a table of
-- its frame.
local native = require "rille.native.template"

local Code = {}
Code.__index = Code

local MOST_LOCALS = 60
local MOST_CACHED = 32 -- see cache()
local MOST_AT_ONCE = 30 -- values in one assignment

local concat = table.concat

--- Returns a string as a Lua literal without line breaks.
Code.quote = native.quoted

--- Returns a new unit whose first line is `line`. `constants` is the list K of the template, which units share.
function Code.new(line, constants)
  return setmetatable({
    first_line = line, line = line, pieces = {}, helpers = {}, helper_list = {}, constants = constants, count = 0,
    locals = 0, captures = {}, cached = {}, cached_by_key = {},
  }, Code)
end

function Code:write(text) self.pieces[#self.pieces + 1] = text end

--- Moves down to a line; the lines above cannot be reached any more.
function Code:sync(line)
  if line > self.line then
    self:write(("\n"):rep(line - self.line))
    self.line = line
  end
end

--- Returns the line breaks that bring an expression's code down to a line, to be put before it.
function Code:breaks(line)
  if line <= self.line then return "" end
  local text = ("\n"):rep(line - self.line)
  self.line = line
  return text
end

--- Returns the name of a function of the runtime, and notes that the unit uses it.
function Code:use(name)
  if not self.helpers[name] then
    self.helpers[name] = true
    self.helper_list[#self.helper_list + 1] = name
  end
  return name
end

--- Returns code for a constant that cannot be written in Lua.
function Code:constant(value)
  local index = #self.constants + 1
  self.constants[index] = value
  return ("K[%d]"):format(index)
end

--- Returns a new name, which nobody else has.
function Code:fresh(prefix)
  self.count = self.count + 1
  return prefix .. self.count
end

-- ---- variables ------------------------------------------------------------------------------------------------------

-- Any name, as part of a Lua identifier.
local function identifier(name)
  return (name:gsub("[\x80-\xFF]", function(c) return ("_%02X"):format(c:byte()) end))
end

--- Returns the name that the variable of a ref has as a local.
function Code.local_name(ref) return ("l%d_%s"):format(ref.level, identifier(ref.name)) end

--- Declares a variable of a frame: a local, or a field of the frame's table. Returns true if it is a local.
function Code:declare(frame, ref)
  local name = Code.local_name(ref)
  if self.locals < MOST_LOCALS then
    self:count_locals(frame, 1)
    ref.code = name
    return true
  end
  if not frame.spill then
    frame.spill = self:fresh "s"
    self:write(("local %s = {} "):format(frame.spill))
  end
  ref.code = frame.spill .. "." .. name
  return false
end

--- Adds to the count of local variables; leave() takes a frame's off again.
function Code:count_locals(frame, count)
  self.locals = self.locals + count
  frame.locals = frame.locals + count
end

function Code:leave(frame)
  self.locals = self.locals - frame.locals
  frame.locals = 0
end

local function start_value(ref)
  if ref.load == "context" then return ("V[%s]"):format(Code.quote(ref.name)) end
  return ref.load == "outer" and ref.from.code or "nil"
end

-- Several at a time, which is one instruction each all the same, but less to read.
local function assign(self, refs, keyword)
  for first = 1, #refs, MOST_AT_ONCE do
    local names, values = {}, {}
    for i = first, math.min(first + MOST_AT_ONCE - 1, #refs) do
      names[#names + 1], values[#values + 1] = refs[i].code, start_value(refs[i])
    end
    self:write(("%s%s = %s "):format(keyword, concat(names, ", "), concat(values, ", ")))
  end
end

--- Writes the start values of a frame's refs for which `wanted(ref)`; of parameters there is none.
function Code:start_frame(frame, wanted)
  local locals, spilled = {}, {}
  for _, ref in ipairs(frame.symbols.order) do
    if ref.load ~= "param" and not ref.code and (not wanted or wanted(ref)) then
      local list = self:declare(frame, ref) and locals or spilled
      list[#list + 1] = ref
    end
  end
  if locals[1] then assign(self, locals, "local ") end
  if spilled[1] then assign(self, spilled, "") end
end

--- Declares a parameter, and writes code that gives it the value.
function Code:set_parameter(frame, ref, value)
  self:write(("%s%s = %s "):format(self:declare(frame, ref) and "local " or "", ref.code, value))
end

-- ---- caches of a unit -----------------------------------------------------------------------------------------------

--- Returns the names of `count` variables of the unit's function that cache something while it runs; the same ones for the same
--- key. They start as `put`, a value that no template can have. Returns nil if there are too many of them.
function Code:cache(key, count)
  local names = self.cached_by_key[key]
  if names or #self.cached + count > MOST_CACHED then return names end
  names = {}
  for i = 1, count do
    names[i] = self:fresh "cached"
    self.cached[#self.cached + 1] = names[i]
  end
  self.cached_by_key[key] = names
  return names
end

--- Writes the unit's head. end_unit() adds its caches there.
function Code:begin_unit(head)
  self:write(head)
  self.head = #self.pieces
end

function Code:end_unit()
  if not self.cached[1] then return end
  local names, values = concat(self.cached, ", "), (self:use "put" .. ", "):rep(#self.cached):sub(1, -3)
  self.pieces[self.head] = ("%slocal %s = %s "):format(self.pieces[self.head], names, values)
end

-- ---- functions inside of a unit -------------------------------------------------------------------------------------

--- Begins a function, whose locals and captures are its own. Returns what end_function needs.
function Code:begin_function()
  local outer = { locals = self.locals, captures = self.captures }
  self.locals, self.captures = 0, {}
  return outer
end

function Code:end_function(outer) self.locals, self.captures = outer.locals, outer.captures end

-- ---- the whole ------------------------------------------------------------------------------------------------------

--- Returns the unit's source.
function Code:source()
  local parts = { ("\n"):rep(self.first_line - 1), "local R, K = ... " }
  if self.helper_list[1] then
    local values = {}
    for i, name in ipairs(self.helper_list) do values[i] = "R." .. name end
    parts[#parts + 1] = ("local %s = %s "):format(concat(self.helper_list, ", "), concat(values, ", "))
  end
  parts[#parts + 1] = concat(self.pieces)
  return concat(parts)
end

return Code
