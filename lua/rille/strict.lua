-- Strictness about globals: a typo in a name is an error and not a nil. Reading a global that does not exist, or making one
-- once the program is loaded, raises in development and tests with the nearest name, and is a warning in production.
--
-- It binds the project's own files only: others (busted, modules of the distribution) read globals that do not exist to find
-- out what there is. It costs nothing where a global exists: only misses reach a metamethod.
local native = require "rille.native.core"
local options = require "rille.options"

local M = { loaded = false }

local raises = native.mode == "dev" or native.mode == "test"
local warned = {}

-- Returns true for a file of the project: not in lua_modules, not of the library, not a spec.
local function is_own(source)
  if source:byte(1) ~= 64 then return false end -- "@file"
  local path = source:sub(2)
  if path:sub(1, #native.root + 1) == native.root .. "/" then path = path:sub(#native.root + 2) end
  if path:find "^/" or path:find "^%.%./" then return false end
  return not path:find "^lua_modules/" and not path:find "^spec/"
end

local function complain(message, info)
  if raises then error(message, 3) end
  local where = info.short_src .. ":" .. info.currentline
  if warned[where .. message] then return end -- of one line, what it reads and what it writes are two things
  warned[where .. message] = true
  native.log("warn", message, { at = where })
end

local meta = {}

function meta.__index(_, name)
  local info = debug.getinfo(2, "Sl")
  if not info or not is_own(info.source) then return nil end
  local near = type(name) == "string" and options.nearest(name, _G)
  complain(("there is no global '%s'%s"):format(tostring(name), near and (", did you mean '" .. near .. "'?") or ""), info)
  return nil
end

function meta.__newindex(globals, name, value)
  local info = debug.getinfo(2, "Sl")
  if M.loaded and info and is_own(info.source) then
    complain(("the global '%s' is written after the program was loaded: every request shares it (did you mean a local?)")
      :format(tostring(name)), info)
  end
  rawset(globals, name, value)
end

--- install(): from now on.
function M.install()
  if getmetatable(_G) == nil then setmetatable(_G, meta) end
end

return M
