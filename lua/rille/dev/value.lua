-- A value as a line of text: what a local held, a field of a log line, an entry of a session. It runs no code of the program's
-- (no __tostring, no __index, no __pairs), for it is called while an error is raised; and it is short, whatever the value is.
local native = require "rille.native.core"
local secrets = require "rille.dev.secrets"

local M = {}

local LONGEST = 300 -- bytes of a string
local MOST_KEYS = 12 -- of one table
local MOST_LOOKED_AT = 500
local DEEPEST = 3
local BUDGET = 1200 -- bytes of all

local getinfo, metatable_of = debug.getinfo, debug.getmetatable -- as they are before a program can change them

local escapes = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }

local function escaped(c) return escapes[c] or ("\\x%02x"):format(c:byte()) end

local escaped_mask = secrets.MASK:gsub("[\128-\255]", escaped)

-- Secrets are hidden first: escaped or cut they would not be known.
local function string_text(text)
  local shown, whole = secrets.head(text, LONGEST)
  local is_utf8 = native.utf8_valid(shown)
  shown = shown:gsub(is_utf8 and '[%c"\\]' or '[%c"\\\128-\255]', escaped)
  if not is_utf8 then shown = shown:gsub(escaped_mask, secrets.MASK) end
  return '"' .. shown .. '"' .. (whole and "" or ("… (%d bytes)"):format(#text))
end

local LONGEST_NAME = 60

-- Returns a name that a program chose, cut to a length and without secrets.
local function name_text(name)
  local shown, whole = secrets.head(name, LONGEST_NAME)
  return secrets.readable(shown) .. (whole and "" or "…")
end

local function function_text(f)
  local info = getinfo(f, "S")
  return info.what == "C" and "function of C" or ("function %s:%d"):format(name_text(info.short_src), info.linedefined)
end

-- Objects go by the name of their kind.
local function kind_of(value)
  local meta = metatable_of(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name_text(name) or nil
end

local text_of

local function is_name(key) return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil end

local function key_text(key)
  if is_name(key) and #key <= LONGEST_NAME then return name_text(key) end
  if type(key) == "string" then return "[" .. string_text(key) .. "]" end
  return "[" .. (type(key) == "table" and "{…}" or text_of(key, nil, DEEPEST, { left = 100 })) .. "]"
end

local function add(out, text, budget)
  out[#out + 1] = text
  budget.left = budget.left - #text - 2
end

-- Names in order, so that two pages can be compared; a table with very many is shown as it comes.
local function keys_of(t, count)
  local keys, looked = {}, 0
  for key in next, t do
    looked = looked + 1
    if looked > MOST_LOOKED_AT then break end
    if not (math.type(key) == "integer" and key >= 1 and key <= count) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) < type(b) end
    return type(a) == "string" and a < b or type(a) == "number" and a < b
  end)
  return keys
end

local function table_text(t, depth, budget)
  local count = math.min(rawlen(t), 1000000)
  if depth >= DEEPEST then return next(t) == nil and "{}" or "{…}" end
  local out, keys = {}, keys_of(t, count)
  for i = 1, math.min(count, MOST_KEYS) do
    if budget.left < 0 then break end
    add(out, text_of(rawget(t, i), nil, depth + 1, budget), budget)
  end
  for _, key in ipairs(keys) do
    if #out >= MOST_KEYS or budget.left < 0 then break end
    add(out, key_text(key) .. " = " .. text_of(rawget(t, key), key, depth + 1, budget), budget)
  end
  local left = count + #keys - #out
  if left > 0 then out[#out + 1] = ("… %d more"):format(left) end
  return out[1] and "{ " .. table.concat(out, ", ") .. " }" or "{}"
end

-- Returns the text of a request. Its fields come from C, so no code of the program runs.
local function request_text(req)
  local ok, text = pcall(function() return req.method .. " " .. req.path end)
  return ok and "rille.request " .. string_text(text) or "rille.request"
end

local function object_text(value, depth, budget)
  local kind = kind_of(value)
  if kind == "rille.request" and type(value) == "userdata" then return request_text(value) end
  if type(value) == "userdata" then return kind or (value == native.null and "rille.null" or "userdata") end
  if kind == "rille.error" then
    return ("error %s %s"):format(text_of(rawget(value, "code"), nil, depth, budget),
      text_of(rawget(value, "message"), nil, depth, budget))
  end
  local inside = table_text(value, depth, budget)
  return kind and kind ~= "rille.array" and kind .. " " .. inside or inside
end

function text_of(value, name, depth, budget)
  local kind = type(value)
  if kind == "nil" or kind == "boolean" then return tostring(value) end
  if kind == "function" then return function_text(value) end
  if kind == "thread" then return "coroutine" end
  if secrets.is_secret(name) then return secrets.MASK end
  if kind == "number" then return tostring(value) end
  if kind == "string" then return string_text(value) end
  return object_text(value, depth, budget)
end

--- name(text) -> what a program calls something, as it can be shown
M.name = name_text

--- text(value, name?) -> one line; of what has a secret's name, nothing but that it is there
function M.text(value, name)
  if rawequal(value, native.null) then return "rille.null" end
  return text_of(value, name, 0, { left = BUDGET })
end

return M
