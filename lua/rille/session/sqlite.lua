-- Sessions in a table of a database: they survive a restart, can be taken back, and may be as large as 64 KiB. The key is a
-- hash of the id, so that whoever reads the table can be nobody with it.
local errors = require "rille.error"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local native_data = require "rille.native.data"

local M = {}
local Store = {}
Store.__index = Store

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
local sweep_every, sweep_most, refreshes = 60, 200, 10

-- The database: opened here, or the program's own (a handle, or a function of the app that gives it; app.state.db unless
-- said).
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
  return setmetatable({ db = db, name = config.name, max_age = config.max_age, lifetime = config.lifetime, next_sweep = 0 },
    Store)
end

function Store:load(token)
  local key, id = native_http.session_key(self.name, token)
  if not key then return nil end
  local now = native.time()
  local row = self.db:one("SELECT data, created, saved, version FROM rille_sessions WHERE key = ? AND expires > ?",
    native_data.blob(key), now)
  if not row or now - row.created >= self.lifetime then return nil end
  return { id = id, created = row.created, saved = row.saved, version = row.version, data = row.data,
    refresh = now - row.saved >= self.max_age / refreshes }
end

-- The row of a session that was loaded before: what is wrong where it could not be written.
local function update(self, key, record, now, expires)
  local done = self.db:exec("UPDATE rille_sessions SET data = ?, saved = ?, expires = ?, version = version + 1 "
    .. "WHERE key = ? AND version = ?", record.data, now, expires, key, record.version)
  if done.changes == 1 then return nil end
  return self.db:value("SELECT 1 FROM rille_sessions WHERE key = ?", key) and "conflict" or "gone"
end

function Store:save(record)
  if #record.data > native_http.limit_session then return nil, "large" end
  local token = native.base64url_encode(record.id)
  local now = native.time()
  local expires = math.min(now + self.max_age, record.created + self.lifetime)
  local key = native_data.blob((native_http.session_key(self.name, token)))
  if record.version == 0 then
    self.db:exec("INSERT INTO rille_sessions (key, data, created, saved, expires, version) VALUES (?, ?, ?, ?, ?, 1)",
      key, record.data, record.created, now, expires)
    record.version = 1
  else
    local wrong = update(self, key, record, now, expires)
    if wrong then return nil, wrong end
    record.version = record.version + 1
  end
  self:sweep(now)
  return token
end

function Store:revoke(record)
  local key = native_http.session_key(self.name, native.base64url_encode(record.id))
  self.db:exec("DELETE FROM rille_sessions WHERE key = ?", native_data.blob(key))
end

-- Now and then a save takes some of the expired rows along.
function Store:sweep(now)
  if now < self.next_sweep then return end
  self.next_sweep = now + sweep_every
  self.db:exec("DELETE FROM rille_sessions WHERE rowid IN "
    .. "(SELECT rowid FROM rille_sessions WHERE expires <= ? ORDER BY expires LIMIT ?)", now, sweep_most)
end

return M
