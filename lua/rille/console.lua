-- rille console: a prompt in which Lua may wait. The app is loaded and its lifespans have started; `app`, `client` (requests
-- to it without a socket), `db` (app.state.db) and `rille` are there. An expression's values are shown; what is not local
-- stays until the end.
local loader = require "rille.loader"
local locate = require "rille.locate"
local native = require "rille.native.core"
local rille = require "rille"

local M = {}

-- ---- showing values ---------------------------------------------------------------------------------------------------

local MOST_ITEMS, MOST_DEPTH = 100, 4

local function key_text(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key end
  return "[" .. (type(key) == "string" and ("%q"):format(key) or tostring(key)) .. "]"
end

local function sorted_keys(t)
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= #t) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local show

local function show_table(t, depth, seen)
  if seen[t] then return "(itself)" end
  if depth > MOST_DEPTH then return "{…}" end
  seen[t] = true
  local out = {}
  for i = 1, math.min(#t, MOST_ITEMS) do out[#out + 1] = show(t[i], depth + 1, seen) end
  for _, key in ipairs(sorted_keys(t)) do
    if #out >= MOST_ITEMS then out[#out + 1] = "…" break end
    out[#out + 1] = key_text(key) .. " = " .. show(t[key], depth + 1, seen)
  end
  seen[t] = nil
  local line = "{ " .. table.concat(out, ", ") .. " }"
  if #out == 0 then return "{}" end
  if #line <= 100 and not line:find "\n" then return line end
  local indent = ("  "):rep(depth)
  return "{\n" .. indent .. "  " .. table.concat(out, ",\n" .. indent .. "  ") .. "\n" .. indent .. "}"
end

--- show(value) -> text: tables with what is in them, strings quoted, whatever has a __tostring by that
function show(value, depth, seen)
  if type(value) == "string" then return native.utf8_valid(value) and '"' .. value:gsub('[%c"\\]', function(c)
    return ({ ["\n"] = "\\n", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" })[c] or ("\\%d"):format(c:byte())
  end) .. '"' or ("%q"):format(value) end
  local meta = debug.getmetatable(value)
  if type(value) ~= "table" or (meta and meta.__tostring) then return tostring(value) end
  if meta and meta.__name and meta.__name ~= "rille.array" then return tostring(value) end
  return show_table(value, depth or 0, seen or {})
end

M.show = show

-- ---- evaluating ---------------------------------------------------------------------------------------------------------

local function is_incomplete(message) return message:find "<eof>'?$" ~= nil end

--- compile(text, env) -> function, or nil, message, whether more lines may make it one
function M.compile(text, env)
  local chunk = load("return " .. text, "=console", "t", env)
  if chunk then return chunk end
  local message
  chunk, message = load(text, "=console", "t", env)
  if chunk then return chunk end
  return nil, message, is_incomplete(message)
end

local function tell(err)
  io.stdout:write(tostring(err), "\n")
  if type(err) == "table" and err.traceback then io.stdout:write((err.traceback:gsub("\n[^\n]*rille/console.*", "")), "\n") end
end

-- A task of its own, so that Ctrl-C can cancel it and the prompt goes on.
local function evaluate(chunk)
  local task = native.spawn(function()
    native.prompt_evaluates(true)
    return table.pack(chunk())
  end)
  local results, err = native.try(function() return task:wait() end)
  native.prompt_evaluates(false)
  if err then return tell(err) end
  for i = 1, results.n do io.stdout:write(show(results[i]), "\n") end
end

-- ---- completing -----------------------------------------------------------------------------------------------------------

local function fields_of(value, add)
  local seen = 0
  while value ~= nil and seen < 5 do
    seen = seen + 1
    if type(value) == "table" then
      for key in next, value do
        if type(key) == "string" and key:find "^[%a_][%w_]*$" then add(key) end
      end
    end
    local meta = debug.getmetatable(value)
    value = meta and type(meta.__index) == "table" and meta.__index or nil
  end
end

local NAME_BYTES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
local keywords = "and break do else elseif end false for function if in local nil not or repeat return then true until while"

--- candidates(text, env) -> sorted list of what `text` ("app.sta", "client:g") may become
function M.candidates(text, env)
  local front = native.trim_right(text, NAME_BYTES)
  local start, separator = text:sub(#front + 1), front:match "[.:]$" or ""
  local path = front:sub(1, #front - #separator)
  local value = env
  for name in path:gmatch "[%w_]+" do
    local ok, inner = pcall(function() return value[name] end)
    value = ok and inner or nil
    if value == nil then return {} end
  end
  local found, list = {}, {}
  local function add(name)
    if name:sub(1, #start) ~= start or found[name] then return end
    found[name] = true
    list[#list + 1] = path .. separator .. name
  end
  fields_of(value, add)
  if separator == "" then
    fields_of(_G, add)
    for word in keywords:gmatch "%a+" do add(word) end
  end
  table.sort(list)
  return list
end

-- ---- the loop ----------------------------------------------------------------------------------------------

local function history_file()
  local home = os.getenv "HOME" or "/tmp"
  local state = os.getenv "XDG_STATE_HOME" or home .. "/.local/state"
  for _, directory in ipairs { home .. "/.local", state, state .. "/rille" } do native.make_directory(directory) end
  return state .. "/rille/history"
end

-- The app, where there is one: without it a console is still good for Lua and the library.
local function environment(path)
  local env = setmetatable({ rille = rille }, { __index = _G })
  local file = path:find "^/" and path or native.root .. "/" .. path
  if path ~= "app" or pcall(locate.app, file) then
    locate.app(file) -- who names one means it
  else
    io.stdout:write("no app at '", path, "': only rille is there\n")
    return env
  end
  env.app = loader.load_app(file)
  env.client = require("rille.testing.client").new(env.app)
  env.db = env.app.state.db
  return env
end

local function reader(env)
  local list
  local function complete(text, i)
    if i == 1 then list = M.candidates(text, env) end
    return list[i]
  end
  if native.prompt_open(complete, history_file()) then return native.prompt_read end
  return function() return io.stdin:read "l" end
end

-- Lines until they are a chunk, or cannot become one.
local function read_chunk(read, env)
  local text
  while true do
    local line = read(text and ">> " or "> ")
    if not line then return nil end
    text = text and text .. "\n" .. line or line
    local chunk, message, incomplete = M.compile(text, env)
    if chunk or not incomplete or line == "" then return chunk or message, text end
  end
end

local closing = { __close = function() native.prompt_close() end }

--- run(path) -> exit status
function M.run(path)
  local env = environment(path)
  local client <close> = env.client -- luacheck: ignore 211
  local read = reader(env)
  local close <close> = setmetatable({}, closing) -- luacheck: ignore 211
  while true do
    local chunk, text = read_chunk(read, env)
    if not chunk then return 0 end
    if text:find "%S" then native.prompt_remember((text:gsub("\n", " "))) end
    if type(chunk) == "function" then evaluate(chunk) else io.stdout:write(chunk, "\n") end
    io.stdout:flush()
  end
end

return M
