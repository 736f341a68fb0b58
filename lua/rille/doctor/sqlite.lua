-- What the SQLite of this machine was built without. Debian's has all of it; one that somebody built may not.
local native = require "rille.native.core"

local M = {}

local wanted = {
  { name = "FTS5", what = "full-text search", sql = "CREATE VIRTUAL TABLE found USING fts5(text)" },
  { name = "the JSON functions", what = "json_extract, json_each, ->>", sql = "SELECT '{}' ->> 'a' FROM json_each('[]')" },
}

--- lacks(db?) -> list of sentences about what is missing; db: a database in memory
function M.lacks(db)
  local own <close> = not db and require("rille.sqlite").open ":memory:" or nil
  db = db or own
  local list = {}
  for _, feature in ipairs(wanted) do
    local _, err = native.try(db.exec, db, feature.sql)
    if err then list[#list + 1] = ("SQLite was built without %s (%s)"):format(feature.name, feature.what) end
  end
  return list
end

return M
