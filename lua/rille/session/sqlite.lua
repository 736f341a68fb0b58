-- Sessions in a table of a database: finds the database and makes the table. The store itself is C's
-- (bind/data/session_store.c).
local errors = require "rille.error"
local native_data = require "rille.native.data"

local M = {}

local schema = [[
  CREATE TABLE IF NOT EXISTS rille_sessions (
    key     BLOB PRIMARY KEY,
    data    TEXT NOT NULL,
    created REAL NOT NULL,
    saved   REAL NOT NULL,
    expires REAL NOT NULL,
    version INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS rille_sessions_by_expiry ON rille_sessions (expires);
]]

-- Returns the database: opened here, or the program's own (a handle, or a function of the app that gives it; app.state.db
-- by default).
local function open_database(config, app)
  local database = config.database
  if type(database) == "string" then return require("rille.sqlite").open(database) end
  if type(database) == "function" then database = database(app) end
  database = database or app.state.db
  if not database then
    error(errors.new("session", "sessions with store = 'sqlite' need database=, or a database in app.state.db"), 0)
  end
  return database
end

function M.new(config, app)
  local db = open_database(config, app)
  db:exec(schema)
  return native_data.session_database(db, config.name, config.max_age, config.lifetime)
end

return M
