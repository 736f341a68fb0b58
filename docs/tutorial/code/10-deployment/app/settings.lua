-- Everything that differs from machine to machine, read in one place.
local rille = require "rille"

local function required(name)
  return os.getenv(name) or error(name .. " is missing in the environment (or in .env)", 0)
end

local M = {}

function M.from_environment()
  return {
    secret = required "SECRET",
    database = os.getenv "DATABASE" or "blog.db",
    proxies = rille.json_decode(os.getenv "PROXIES" or "[]"),
  }
end

return M
