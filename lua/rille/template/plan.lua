-- A plan under construction: what C runs instead of generated Lua (bind/template/plan.c). It has steps, and cells: parts of a
-- template that C may be unable to do (a value that is no plain one). Each cell has a leaf, a Lua function that does the
-- whole of it in the general way:
--
--   steps   {op, slot, a, b, cell}      a and b are numbers, labels where the step jumps, or {slot = name}
--   cells   {kind, leaf, params, to}    kind says what becomes of the leaf's results: bind/template/plan.h
--   leaves  F[n] = function(c, o, …) … end, a chunk of their own (code.lua), in which the template's lines are the chunk's
--
-- Variables are slots. Those that the code around the plan has are its first slots, which are passed as arguments.
local Plan = {}
Plan.__index = Plan

local MOST_KEYS, MOST_SLOTS, MOST_ARGUMENTS, MOST_CELLS = 200, 120, 40, 60000

--- Returns an empty plan, whose leaves are written to `leaves` (a Code).
function Plan.new(leaves)
  return setmetatable({ leaves = leaves, steps = {}, cells = {}, texts = {}, length = 0, keys = {}, key_numbers = {},
    own = {}, own_numbers = {}, outer = {}, outer_numbers = {}, weight = 0 }, Plan)
end

-- ---- steps ----------------------------------------------------------------------------------------------------------

--- Adds a step. `slot` is the name of a variable.
function Plan:step(op, slot, a, b, cell)
  self.steps[#self.steps + 1] = { op, slot or false, a or 0, b or 0, cell or 0 }
end

--- Returns a label, which a step may name before place() says where it is.
function Plan.label() return {} end

function Plan:place(label)
  label.at, self.placed = #self.steps, #self.steps
end

--- Adds text, which is printed as it is.
function Plan:text(text)
  if text == "" then return end
  local last = self.steps[#self.steps]
  if last and last[1] == "text" and self.placed ~= #self.steps then last[4] = last[4] + #text
  else self:step("text", nil, self.length, #text) end
  self.texts[#self.texts + 1], self.length = text, self.length + #text
end

-- Returns the number of an item in a list of distinct ones.
local function number_of(list, numbers, item)
  if not numbers[item] then
    list[#list + 1] = item
    numbers[item] = #list - 1
  end
  return numbers[item]
end

--- Returns the number of a constant: the name of a field, or a value to compare with.
function Plan:key(key) return number_of(self.keys, self.key_numbers, key) end

--- Declares a variable of the plan's own.
function Plan:declare(name)
  number_of(self.own, self.own_numbers, name)
  return name
end

--- Notes that a variable is used. If it is not the plan's own, it is the code's around it.
function Plan:use(name)
  if not self.own_numbers[name] then number_of(self.outer, self.outer_numbers, name) end
  return name
end

-- ---- cells ----------------------------------------------------------------------------------------------------------

-- Returns which of the names occur in code, as identifiers.
local function names_in(code, names)
  local found, seen = {}, {}
  for word in code:gmatch "[%a_][%w_]*" do
    if names[word] and not seen[word] then
      seen[word] = true
      found[#found + 1] = word
    end
  end
  return found
end

--- Adds a cell whose leaf runs `code`, in which `names` (a set) are variables. Returns its number. `fields` are its kind and
--- what this needs: bind/template/plan.h
function Plan:cell(kind, code, names, fields)
  local leaves, params = self.leaves, names_in(code, names)
  for _, name in ipairs(params) do self:use(name) end
  leaves.count_of_leaves = (leaves.count_of_leaves or 0) + 1
  leaves:write(("F[%d] = function(c, o%s%s) %s end "):format(leaves.count_of_leaves, params[1] and ", " or "",
    table.concat(params, ", "), code))
  local cell = { kind = kind, leaf = leaves.count_of_leaves, params = params, to = 0, want = 0, slots = {} }
  for key, v in pairs(fields or {}) do cell[key] = v end
  self.cells[#self.cells + 1] = cell
  return #self.cells - 1
end

--- Says where a cell ends: there the plan goes on after its leaf.
function Plan:close(cell) self.cells[cell + 1].done = #self.steps end

-- ---- the whole ------------------------------------------------------------------------------------------------------

--- Returns true if C takes a plan of this size.
function Plan:fits()
  return #self.keys <= MOST_KEYS and #self.own + #self.outer <= MOST_SLOTS and #self.outer <= MOST_ARGUMENTS
    and #self.cells <= MOST_CELLS
end

--- Returns what native plan() takes: {steps =, cells =, keys =, text =, slots =}, the first two flat.
function Plan:finish()
  local slots, steps, cells = {}, {}, {}
  for name, number in pairs(self.outer_numbers) do slots[name] = number end
  for name, number in pairs(self.own_numbers) do slots[name] = #self.outer + number end
  local function at(v) return type(v) == "table" and (v.at or slots[v.slot]) or v end
  for _, step in ipairs(self.steps) do
    local n = #steps
    steps[n + 1], steps[n + 2], steps[n + 3] = step[1], step[2] and slots[step[2]] or 0, at(step[3])
    steps[n + 4], steps[n + 5] = at(step[4]), step[5]
  end
  for _, cell in ipairs(self.cells) do
    local n = #cells
    cells[n + 1], cells[n + 2], cells[n + 3], cells[n + 4] = cell.kind, cell.leaf, cell.done, at(cell.to)
    cells[n + 5], cells[n + 6], cells[n + 7] = cell.want, #cell.params, #cell.slots
    for _, name in ipairs(cell.params) do cells[#cells + 1] = slots[name] end
    for _, name in ipairs(cell.slots) do cells[#cells + 1] = slots[name] end
  end
  return { steps = steps, cells = cells, keys = self.keys, text = table.concat(self.texts),
    slots = #self.own + #self.outer, count = #self.steps, cell_count = #self.cells }
end

return Plan
