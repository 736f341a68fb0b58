-- Values as templates see them. Strings, numbers, booleans and tables are Lua's own; native.null is none. Tables are told
-- apart by their metatables:
--
--   none, array's     a list where it has an item 1 or is marked by rille.array, else a mapping
--   Tuple             a list that prints in parentheses
--   a mapping's own   of a {…} in a template: keeps the order of its keys (KEYS)
--   Markup            {text}: HTML already, not to be escaped
--   Undefined         {message} or {false, object, key}: prints nothing, is false and empty; anything else raises.
--                     Strict: everything raises
--   others            objects: of the program, or of the runtime (macros, loops …), which say how they behave in `kinds`
--
-- Internals of our own stand at integer keys, so that no name in a template reaches them.
local M = {}

local function add(functions)
  for name, f in pairs(functions) do M[name] = f end
end

add(require "rille.template.value.kind")
add(require "rille.template.value.mapping")
add(require "rille.template.value.text")

return M
