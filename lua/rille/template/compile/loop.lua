-- Compiles {% for %}. A loop has one of three shapes, the plainest that will do:
--
--   plain      for i = 1, n do local x = t[i] … end           nothing asks for `loop`
--   counted    the same, and loop.index is (i), loop.last (i == n), …: `loop` is only asked for such attributes
--   object     `loop` is a value of its own: it is passed on, called, asked for its state
--
-- A loop goes over a list, or calls a function for each item. If the number of items must be known before (loop.last,
-- loop.length …), all are asked for first.
--
-- break drops the captures that are open inside the loop. Jinja's else runs if the loop's body never came to its end, so also
-- after a break in the first round.
local ast = require "rille.template.ast"

local M = {}

-- Attributes of a counted loop: code of i, n, t. Those of the second table need all items first.
local counted = {
  index = { "%s", "i", "number" }, index0 = { "(%s - 1)", "i", "number" }, first = { "(%s == 1)", "i", "boolean" },
  depth = { "1", "", "number" }, depth0 = { "0", "", "number" },
}
local counted_of_all = {
  last = { "(%s == %s)", "in", "boolean" }, length = { "%s", "n", "number" },
  revindex = { "(%s - %s + 1)", "ni", "number" }, revindex0 = { "(%s - %s)", "ni", "number" },
}
local neighbours = { previtem = "- 1", nextitem = "+ 1" }

-- The ways a loop's body uses `loop`: "none", "counted", "all" if its end must be known, or "object".
local rank = { none = 0, counted = 1, all = 2, object = 3 }

local function worse(a, b) return rank[a] > rank[b] and a or b end

-- Returns how one node, with those below it, uses `loop`. Inner loops have their own, except in what they loop over.
local function use_of(node)
  local use = "none"
  local function look(child) use = worse(use, use_of(child)) end
  if node.t == "Name" then return node.name == "loop" and "object" or "none" end
  if node.t == "Getattr" and node.node.t == "Name" and node.node.name == "loop" then
    if counted[node.attr] then return "counted" end
    return (counted_of_all[node.attr] or neighbours[node.attr]) and "all" or "object"
  end
  if node.t == "Call" and node.node.t == "Getattr" and node.node.attr == "cycle" and node.node.node.name == "loop"
    and node.args[1] and not node.kwargs[1] and not node.dyn_args and not node.dyn_kwargs then
    for _, arg in ipairs(node.args) do look(arg) end
    return worse(use, "counted")
  end
  if node.t == "Block" then return node.scoped and "object" or "none" end
  if node.t == "For" then
    look(node.iter)
    if node.test then look(node.test) end
    for _, child in ipairs(node.else_ or {}) do look(child) end
    return use
  end
  ast.each_child(node, look)
  return use
end

local function is_scoped_block(node) return node.t == "Block" and node.scoped end

--- Returns the same for a whole loop. If its locals are handed on, `loop` goes with them. A scoped block may be replaced by one
-- that uses it.
function M:use_of_loop(node)
  if node.recursive or (self.has_scoped_blocks and ast.any(node, is_scoped_block)) then return "object" end
  local use = "none"
  if not self.specials.loop then return use end
  for _, child in ipairs(node.body) do use = worse(use, use_of(child)) end
  return use ~= "none" and ast.any(node, ast.passes_locals) and "object" or use
end

-- ---- `loop` without an object ---------------------------------------------------------------------------------------

-- Returns the counted loop that a Name means, or nil.
local function counted_loop(node, frame)
  if node.t ~= "Name" or node.name ~= "loop" or node.ctx ~= "load" then return nil end
  local ref = frame.symbols:find "loop"
  return ref and ref.counter
end

--- Returns code and kind of loop.index and the like, if there is no object; else nil.
function M:loop_attribute(node, frame)
  local loop = counted_loop(node.node, frame)
  if not loop then return nil end
  if neighbours[node.attr] then
    local missing = self:undefined(node.attr == "previtem" and "there is no previous item" or "there is no next item")
    return ("%s(%s[%s %s], %s)"):format(self.code:use "either", loop.items, loop.i, neighbours[node.attr], missing), "any"
  end
  local format, values, kind = table.unpack(counted[node.attr] or counted_of_all[node.attr])
  local codes = {}
  for letter in values:gmatch "." do codes[#codes + 1] = letter == "i" and loop.i or loop.n end
  return format:format(table.unpack(codes)), kind
end

--- Returns code of loop.cycle(a, b), if there is no object; else nil.
function M:loop_cycle(node, frame)
  local callee = node.node
  local loop = callee.t == "Getattr" and counted_loop(callee.node, frame)
  if not loop then return nil end
  local codes = {}
  for i, arg in ipairs(node.args) do codes[i] = self:expression(arg, frame) end
  return ("%s(%s, %s)"):format(self.code:use "cycle", loop.i, table.concat(codes, ", "))
end

-- ---- pieces ---------------------------------------------------------------------------------------------------------

--- Declares the names of a target as parameters, with their values taken from the code `item`.
function M:unpack_target(node, frame, item)
  if node.t == "Name" then
    local ref = frame.symbols:find(node.name)
    if ref.code then self.code:write(("%s = %s "):format(ref.code, item)) -- the same name twice in one target
    else self.code:set_parameter(frame, ref, item) end
    return
  end
  local names = {}
  for i = 1, #node.items do names[i] = self.code:fresh "p" end
  self.code:count_locals(frame, #names)
  local left = names[1] and ("local %s = "):format(table.concat(names, ", ")) or "local _ = "
  self.code:write(("%s%s(%s, %d) "):format(left, self.code:use "unpack", item, #names))
  for i, child in ipairs(node.items) do self:unpack_target(child, frame, names[i]) end
end

-- Writes local t, n, f: the items, how many, and the function that gives more. Returns the names of the three.
local function write_items(self, frame, iterable, all)
  local code = self.code
  local names = { items = code:fresh "t", n = code:fresh "n", more = not all and code:fresh "f" or nil, i = code:fresh "i" }
  code:count_locals(frame, 3)
  code:write(("local %s, %s%s = %s(c, %s) "):format(names.items, names.n, names.more and ", " .. names.more or "",
    code:use(all and "all_items" or "items"), iterable))
  return names
end

-- A loop of more tokens than this is a while loop: the jump back of Lua's for loop is limited to 2^17 instructions.
local MOST_TOKENS = 5000

-- Writes the head of a loop of so many tokens, and local item. Returns the name of the item.
local function write_head(self, frame, names, tokens)
  local code, item = self.code, self.code:fresh "x"
  if tokens > MOST_TOKENS then
    code:write(("local k%s = 0 while k%s < %s do k%s = k%s + 1 local %s = k%s "):format(names.i, names.i, names.n, names.i,
      names.i, names.i, names.i))
    code:count_locals(frame, 1)
  else
    code:write(("for %s = 1, %s do "):format(names.i, names.n))
  end
  code:count_locals(frame, 5)
  code:write(("local %s = %s[%s] "):format(item, names.items, names.i))
  if names.more then
    code:write(("if %s == nil then if %s then %s = %s(c, %s) end if %s == nil then break end end "):format(item, names.more,
      item, code:use "pull", names.more, item))
  end
  return item
end

-- ---- the test in {% for x in y if test %} ---------------------------------------------------------------------------

-- Looks up the variables of the test once, before the loop. Returns their frame.
local function test_frame(self, node, frame)
  local inner = self:inner(frame)
  inner.symbols:analyze(node, "test")
  self.code:start_frame(inner)
  return inner
end

-- Writes code that makes a list of the items that pass. Returns the names of the list.
local function write_filtered(self, node, frame, iterable)
  local code = self.code
  local filtered = { items = code:fresh "t", n = code:fresh "n", i = code:fresh "i" }
  code:count_locals(frame, 3)
  code:write(("local %s, %s = {}, 0 do "):format(filtered.items, filtered.n))
  local inner = test_frame(self, node, frame)
  local names = write_items(self, inner, iterable)
  local item = write_head(self, inner, names, 0)
  self:unpack_target(node.target, inner, item)
  code:write(("if %s then %s = %s + 1 %s[%s] = %s end end end "):format(self:condition(node.test, inner), filtered.n, filtered.n,
    filtered.items, filtered.n, item))
  code:leave(inner)
  return filtered
end

-- ---- the loop -------------------------------------------------------------------------------------------------------

local function is_constant(symbols)
  return function(ref) return ref.load == "context" and not symbols.stores[ref.name] end
end

-- Declares `loop` in the body: a counter, or an object.
local function declare_loop(self, frame, use, names, depth, recurse)
  if use == "none" then return end
  local ref = frame.symbols:declare "loop"
  if use ~= "object" then
    ref.code, ref.counter = "nil", names
    return
  end
  ref.code = self.code:fresh "loop"
  self.code:count_locals(frame, 1)
  self.code:write(("local %s = %s(c, %s, %s, %s, %s) "):format(ref.code, self.code:use "new_loop", names.items, names.n,
    depth or "1", recurse or "nil"))
end

local function write_body(self, node, frame, names, ran, inner_test)
  local code = self.code
  local item = write_head(self, frame, names, node.tokens)
  local ref = frame.symbols:find "loop"
  if ref and ref.level == frame.symbols.level and ref.code and not ref.counter then
    code:write(("%s[3] = %s "):format(ref.code, names.i))
  end
  self:unpack_target(node.target, inner_test or frame, item)
  if inner_test then
    code:write(("if %s then "):format(self:condition(node.test, inner_test)))
    self:unpack_target(node.target, frame, item)
  end
  code:start_frame(frame)
  frame.loop = { continue = code:fresh "continue", captures = #code.captures }
  self:statements(node.body, frame)
  if ran then code:write(ran .. " = true ") end
  if inner_test then code:write "end " end
  code:write(("if c.stream then %s(c) end "):format(code:use "pause"))
  if frame.loop.continued then code:write(("::%s:: "):format(frame.loop.continue)) end -- only the block's end follows
  code:write "end "
end

local function write_else(self, node, frame, ran)
  if not node.else_ then return end
  local inner = self:inner(frame)
  inner.symbols:analyze(node, "else")
  self.code:write(("if not %s then "):format(ran))
  self.code:start_frame(inner)
  self:statements(node.else_, inner)
  self.code:leave(inner)
  self.code:write "end "
end

-- Writes everything from the items on; `iterable` is code.
local function write_loop(self, node, frame, iterable, depth, recurse)
  local code, use = self.code, self:use_of_loop(node)
  local loop_frame = self:inner(frame)
  local plain = use == "none" or use == "counted"
  local names, inner_test
  if node.test and use ~= "none" then
    names = write_filtered(self, node, loop_frame, iterable)
  else
    names = write_items(self, loop_frame, iterable, not plain)
    inner_test = node.test and test_frame(self, node, frame)
  end
  declare_loop(self, loop_frame, use, names, depth, recurse)
  loop_frame.symbols:analyze(node, "body")
  code:start_frame(loop_frame, is_constant(loop_frame.symbols))
  local ran = node.else_ and code:fresh "ran"
  if ran then
    code:count_locals(loop_frame, 1)
    code:write(("local %s = false "):format(ran))
  end
  write_body(self, node, loop_frame, names, ran, inner_test)
  if inner_test then code:leave(inner_test) end
  code:leave(loop_frame)
  write_else(self, node, frame, ran)
end

-- Writes a recursive loop: a function of what it loops over and of how deep it is.
local function write_recursive(self, node, frame)
  local code, name = self.code, self.code:fresh "recurse"
  code:write(("local function %s(inner, level) "):format(name))
  local outer = code:begin_function()
  code.locals = 2
  write_loop(self, node, frame, "inner", "level", name)
  code:end_function(outer)
  code:write(("end %s(%s, 1) "):format(name, (self:loose(node.iter, frame))))
end

--- Raises for a loop that assigns to `loop`.
function M:check_loop_names(node)
  if not self.specials.loop then return end
  ast.each(node, "Name", function(name)
    if name.ctx == "store" and name.name == "loop" then
      self:fail(name, "'loop' cannot be assigned to inside of a loop")
    end
  end)
end

function M:For(node, frame)
  self:check_loop_names(node)
  self.code:write "do "
  if node.recursive then write_recursive(self, node, frame)
  else write_loop(self, node, frame, (self:loose(node.iter, frame))) end
  self.code:write "end "
end

-- ---- break and continue ---------------------------------------------------------------------------------------------

-- Returns the loop around a frame.
local function loop_of(frame)
  while not frame.loop do frame = frame.outer end
  return frame.loop
end

local function drop_captures(self, loop)
  local mark = self.code.captures[loop.captures + 1]
  if mark then self.code:write(("%s(o, %s) "):format(self.code:use "drop", mark)) end
end

function M:Break(_, frame)
  drop_captures(self, loop_of(frame))
  self.code:write "break "
end

function M:Continue(_, frame)
  local loop = loop_of(frame)
  loop.continued = true
  drop_captures(self, loop)
  self.code:write(("goto %s "):format(loop.continue))
end

return M
