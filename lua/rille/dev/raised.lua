-- Notes the variables of each frame when an error is raised, before the stack unwinds; the error page shows them. Every error in
-- the program's state comes by here (vm/error.c), even if the program catches it. So little is noted of each, only so many are
-- noted in a second, and only the last ones are remembered.
local native = require "rille.native.core"
local value = require "rille.dev.value"

local M = {}

local MOST_FRAMES = 20
local MOST_LOCALS = 40 -- of one frame
local MOST_A_SECOND = 100
local MOST_RAISED = 64

local getinfo, getlocal, getupvalue = debug.getinfo, debug.getlocal, debug.getupvalue

-- ---- a frame ------------------------------------------------------------------------------------------------------

local function is_own(info) return info.what ~= "C" and info.source:sub(1, 7) ~= "=rille/" end

local modules -- value -> true: what `require` has returned is no news

local function is_module(v)
  if not modules then
    modules = {}
    for _, module in next, package.loaded do
      if module ~= true and module ~= nil then modules[module] = true end
    end
  end
  return modules[v] == true
end

local function entry(name, v) return { value.name(name), value.text(v, name) } end

-- A name that hides another one of the same function is the one that counts.
local function locals_of(level, is_main)
  local list, at = native.array {}, {}
  for i = 1, 200 do
    local name, v = getlocal(level + 1, i)
    if not name then break end
    if name:sub(1, 1) ~= "(" and (at[name] or #list < MOST_LOCALS) then
      at[name] = at[name] or #list + 1
      list[at[name]] = entry(name, v)
    end
  end
  for i = 1, is_main and 0 or 10 do
    local name, v = getlocal(level + 1, -i)
    if not name then break end
    list[#list + 1] = { ("... %d"):format(i), value.text(v) }
  end
  return list
end

-- The upvalues of the function, without functions and modules.
local function upvalues_of(f)
  local list = native.array {}
  for i = 1, MOST_LOCALS do
    local name, v = getupvalue(f, i)
    if not name then break end
    if name ~= "_ENV" and type(v) ~= "function" and not is_module(v) then list[#list + 1] = entry(name, v) end
  end
  return list
end

-- A template's frame holds what its code was made of; people know the variables of the page.
local function variables_of(level)
  local name, context = getlocal(level + 1, 1)
  local vars = name and type(context) == "table" and rawget(context, "vars")
  local list = native.array {}
  for key, v in next, type(vars) == "table" and vars or {} do
    if #list == MOST_LOCALS then break end
    if type(key) == "string" and type(v) ~= "function" then list[#list + 1] = entry(key, v) end
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

local function name_of(info)
  if info.what == "main" then return "main chunk" end
  if info.name and info.namewhat ~= "" and info.namewhat ~= "for iterator" then return value.name(info.name) end
  return nil
end

local function frame_at(level, info)
  local file = info.source:sub(1, 1) == "@" and info.source:sub(2) or info.short_src
  local frame = { file = file, short = info.short_src, line = info.currentline, name = name_of(info), from = info.linedefined }
  local templates = package.loaded["rille.template.failure"]
  if templates and templates.is_template(info.source) then
    frame.template, frame.locals = true, variables_of(level + 1)
    return frame
  end
  frame.locals = locals_of(level + 1, info.what == "main")
  frame.upvalues = upvalues_of(info.func)
  return frame
end

-- The frames of the program from this level on, the innermost first.
local function frames_from(level)
  local frames = {}
  for at = level + 1, level + 200 do
    local info = getinfo(at, "Slnf")
    if not info or #frames == MOST_FRAMES then break end
    if is_own(info) then frames[#frames + 1] = frame_at(at, info) end
  end
  modules = nil
  return frames
end

-- ---- the last that were raised -------------------------------------------------------------------------------------

local frames_of, order = {}, {} -- what was raised -> its frames; the same values, the oldest first

local function forget(raised)
  for i = #order, 1, -1 do
    if rawequal(order[i], raised) then return table.remove(order, i) end
  end
end

local function remember(raised, frames)
  if frames_of[raised] then forget(raised) end
  order[#order + 1], frames_of[raised] = raised, frames
  if #order > MOST_RAISED then frames_of[table.remove(order, 1)] = nil end
end

local second, taken = 0, 0

local function may_take()
  local now = native.now() // 1
  if now ~= second then second, taken = now, 0 end
  taken = taken + 1
  return taken <= MOST_A_SECOND
end

-- Level 1 is this function, 2 C's message handler, 3 what raised.
local function on_raise(raised)
  if raised == nil or raised ~= raised or raised == "not enough memory" or not may_take() then return end
  remember(raised, frames_from(3))
end

local MOST_CAUSES = 100 -- an error may be its own cause

local function cause_of(raised) return type(raised) == "table" and rawget(raised, "cause") or nil end

--- frames(raised) -> list of {file, line, name, from, template, locals = {{name, text}}, upvalues}, or nil
function M.frames(raised)
  for _ = 1, MOST_CAUSES do
    if raised == nil or raised ~= raised then return nil end
    if frames_of[raised] then return frames_of[raised] end
    raised = cause_of(raised)
  end
end

--- frames_of_text(text) -> the same, of the last value that reads so
function M.frames_of_text(text)
  if frames_of[text] then return frames_of[text] end
  for i = #order, 1, -1 do
    if type(order[i]) == "table" and rawget(order[i], "message") == text then return frames_of[order[i]] end
  end
end

--- install(): from now on.
function M.install() native.on_raise(on_raise) end

return M
