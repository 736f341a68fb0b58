-- The numbers of runtime/base/limits.h, which stand in no header of Lua's: {body = 1048576, …}.
local M = {}

local function number_of(text)
  text = text:gsub("/%*.-%*/", ""):gsub("%(uint64_t%)", ""):gsub("%(size_t%)", ""):gsub("(%d)u", "%1")
  local f = load("return " .. text, "=limits.h", "t", {})
  local ok, value = pcall(f or error)
  return ok and value or nil
end

function M.read()
  local file <close> = assert(io.open("runtime/base/limits.h", "rb"))
  local known = {}
  for name, text in file:read("a"):gmatch "#define RL_LIMIT_([%u%d_]+) ([^\n]+)" do known[name:lower()] = number_of(text) end
  return known
end

return M
