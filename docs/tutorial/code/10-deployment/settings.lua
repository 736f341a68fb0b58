-- Everything that differs from machine to machine.
local M = {}

local function optional(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

local function required(name)
  return optional(name) or error(name .. " is missing: put it into the environment, or into .env", 0)
end

-- "10.0.0.1, 10.0.0.2" -> { "10.0.0.1", "10.0.0.2" }
local function list(text)
  local items = {}
  for item in text:gmatch "[^,%s]+" do items[#items + 1] = item end
  return items
end

function M.from_environment()
  local proxies = optional "PROXIES"
  return {
    secret = required "SECRET",
    key = optional "API_KEY",
    database = optional "DATABASE" or "blog.db",
    weather = optional "WEATHER",
    proxies = proxies and list(proxies),
  }
end

return M
