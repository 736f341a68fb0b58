-- SQL in development: each statement with how long it took and where it came from; those that one line runs again and again;
-- how SQLite goes about one, for who clicks on it. A record (rille/dev/record.lua) is sent as JSON, so what cannot be sent is
-- noted beside it: handles of databases, the statement as it was written.
local failure = require "rille.dev.failure"
local native = require "rille.native.core"
local native_data = require "rille.native.data"
local options = require "rille.options"
local secrets = require "rille.dev.secrets"

local M = {}

local MOST = 200 -- statements of one request
local MANY = 5 -- times one statement in one request: a loop that could be a query

local function count_rows(entry, ...)
  local first = ...
  if type(first) == "table" and #first > 0 then entry.rows = #first end
  return ...
end

local function statement(name, sql)
  if type(sql) == "string" then return secrets.visible((sql:gsub("%s+", " "))) end
  return type(sql) == "table" and name .. " of " .. #sql or name:upper()
end

local function list_of(count)
  local values = {}
  for i = 1, count do values[i] = 0 end
  return native_data.list(values)
end

-- Parameters of the same kinds: a plan depends on no more, and nobody's data is kept for it.
local function shape_of(v)
  if type(v) == "number" then return 0 end
  if type(v) == "boolean" or v == native.null then return v end
  if native_data.is_list(v) then return list_of(#v) end
  if type(v) ~= "table" then return "" end
  local shape = {}
  for key, item in next, v do shape[key] = type(item) == "table" and "" or shape_of(item) end
  return shape
end

local function shapes_of(...)
  local shapes = table.pack(...)
  for i = 1, shapes.n do shapes[i] = shape_of(shapes[i]) end
  return shapes
end

-- Returns a statement without the values a program has written into it: the part that two runs of it have in common.
local function without_values(sql) return (sql:gsub("'[^']*'", "?"):gsub("%f[%w_]%d+%f[^%w_]", "?")) end

local function count(beside, entry)
  local key = without_values(entry.sql) .. "\0" .. entry.at
  local counted = beside.counts[key]
  if not counted then
    if #beside.counted == MOST then return end
    counted = { sql = entry.sql, at = entry.at, count = 0 }
    beside.counts[key], beside.counted[#beside.counted + 1] = counted, counted
  end
  counted.count = counted.count + 1
end

local function database_of(handle)
  local meta = debug.getmetatable(handle)
  return meta and meta.__name == "rille.transaction" and debug.getuservalue(handle, 1) or handle
end

local function note(self, record, beside, entry, sql, ...)
  if #record.sql < MOST then record.sql[#record.sql + 1] = entry end
  if type(sql) ~= "string" then return end
  count(beside, entry)
  beside.last = database_of(self)
  if record.sql[#record.sql] ~= entry then return end
  entry.plan = #record.sql
  beside.statements[#record.sql] = { database = beside.last, sql = sql, values = shapes_of(...) }
end

local function watched(name, run, current, ended)
  return function(self, sql, ...)
    local record, beside = current()
    if not record then return run(self, sql, ...) end
    local entry = { sql = statement(name, sql), at = failure.relative(options.caller()), from = native.now() }
    note(self, record, beside, entry, sql, ...)
    local timing <close> = setmetatable(entry, ended) -- luacheck: ignore 211
    return count_rows(entry, run(self, sql, ...))
  end
end

local ask_database -- db:query that is noted nowhere

local watched_methods = {
  "query", "one", "value", "json", "json_one", "read_rows", "exec", "batch", "begin", "commit", "rollback",
}

--- watch(current, ended): from now on statements are noted in the record that current() gives, with what is noted beside it;
--- `ended` is the metatable of entries whose end is noted.
function M.watch(current, ended)
  require "rille.sqlite"
  ask_database = native_data.database_methods.query
  for _, methods in ipairs { native_data.database_methods, native_data.transaction_methods } do
    for _, name in ipairs(watched_methods) do
      if methods[name] then methods[name] = watched(name, methods[name], current, ended) end
    end
  end
end

--- Returns what is noted of a request's statements outside of its record, which is sent as JSON.
function M.new() return { statements = {}, counts = {}, counted = {} } end

--- Statements that ran many times, each from one line.
function M.repeated(beside)
  local list = native.array {}
  for _, counted in ipairs(beside.counted) do
    if counted.count >= MANY then list[#list + 1] = counted end
  end
  return list
end

-- ---- plans: how SQLite goes about a statement, for who clicks on it -----------------------------------------------

local MOST_PLANS = 100 -- requests whose statements can be explained

local explained, explained_order = {}, {} -- id of a request -> its statements

--- keep(id, beside): the statements of a request that has ended can be explained from now on.
function M.keep(id, beside)
  if not beside.statements[1] then return end
  if not explained[id] then explained_order[#explained_order + 1] = id end
  explained[id] = beside.statements
  if #explained_order > MOST_PLANS then explained[table.remove(explained_order, 1)] = nil end
end

local explainable = { SELECT = true, INSERT = true, UPDATE = true, DELETE = true, REPLACE = true, WITH = true, VALUES = true }

-- To prepare a PRAGMA may already do what it says, so what is explained is named.
local function can_be_explained(sql)
  sql = sql:gsub("^%s+", "")
  while sql:find "^%-%-" do sql = sql:gsub("^[^\n]*%s*", "") end
  return explainable[(sql:match "^%a+" or ""):upper()]
end

local function plan_of(known)
  if not known then return { error = "This statement is not known any more: the program was loaded again." } end
  if not can_be_explained(known.sql) then return { error = "SQLite has no plan for this kind of statement." } end
  local rows, err = native.try(ask_database, known.database, "EXPLAIN QUERY PLAN " .. known.sql,
    table.unpack(known.values, 1, known.values.n))
  if not rows then return { error = secrets.visible(err) } end
  local plan = native.array {}
  for i, row in ipairs(rows) do plan[i] = { id = row.id, parent = row.parent, detail = secrets.visible(row.detail) } end
  return { plan = plan }
end

--- Asks the database for the plan of a statement. The dashboard cannot wait inside this state, so the plan is sent to it as a
--- message. Returns true.
function M.explain(id, number)
  local known = explained[id] and explained[id][number]
  native.spawn_root(function()
    local message = plan_of(known)
    message.explains = id .. " " .. number
    native.record(native.json_encode(message))
  end)
  return true
end

-- ---- names, for hints ---------------------------------------------------------------------------------------------

local tables = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' ORDER BY name "
  .. "LIMIT 500"
local columns = "SELECT DISTINCT lower(c.name) AS name FROM sqlite_schema t, pragma_table_info(t.name) c "
  .. "WHERE t.type IN ('table', 'view') LIMIT 2000"

local function names_in(database, sql)
  return function()
    local rows, names = ask_database(database, sql), {}
    for i, row in ipairs(rows) do names[i] = row.name end
    return names
  end
end

--- names(beside) -> {tables = f, columns = f}: of the database that was asked last, or of any that is open
function M.names(beside)
  local database = beside and beside.last or next(require("rille.sqlite").opened)
  if not database then return {} end
  return { tables = names_in(database, tables), columns = names_in(database, columns) }
end

return M
