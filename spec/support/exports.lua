-- What programs can name, asked of the library itself: "rille.text", "app.get", "req.path", "db.query". docs_spec compares it
-- with the headings of docs/, meta_spec with the annotations of lua/rille/meta/. Owners are called as the docs call them.
local native = require "rille.native.http"
local native_data = require "rille.native.data"
local rille = require "rille"

local M = {}

-- Names that are reachable and are the library's own affair.
local internal = {
  app = { "new", "current", "is", "root", "find_converter", "find_error_handler" },
  db = { "apply_migrations", "image", "load_image", "open_transaction", "read_rows", "take_left", "end_transaction" },
  tx = { "read_rows", "savepoint" },
  fake = { "check" }, ["rille.sqlite"] = { "opened" }, -- what a test's end asks
  client = {}, jar = { "take", "header" }, ["rille.client"] = { "new", "fetch" },
  ["rille.session"] = { "has_cookie", "id_of", "make_id", "own_ring" },
  test_client = { "new" }, event = { "is_set" },
}

-- Fields of values, which no metatable tells of.
local fields = {
  app = { "state" },
  res = { "status", "headers", "body", "url", "method" },
  task = { "status" },
  err = { "status", "code", "message", "cause", "traceback" },
  file = { "name", "filename", "raw_filename", "content_type", "size" },
  part = { "name", "filename", "raw_filename", "content_type", "headers" },
  client = { "cookies" },
  server = { "url", "port", "ca" },
  fake = { "calls" },
  test_client = { "cookies" },
}

local function is_internal(owner, name)
  for _, other in ipairs(internal[owner] or {}) do
    if name == other then return true end
  end
  return type(name) ~= "string" or name:find "^_" ~= nil or name:find "_$" ~= nil
end

-- The upvalue of a function by its name.
local function upvalue(f, wanted)
  for i = 1, 60 do
    local name, value = debug.getupvalue(f, i)
    if not name then error("no upvalue named " .. wanted) end
    if name == wanted then return value end
  end
end

local function methods_of(value) return getmetatable(value).__index end

-- Loads what is slow to load by naming it. A noun that this build lacks is not exported.
local function load_lazy()
  for name in pairs(upvalue(getmetatable(rille).__index, "lazy")) do
    local ok, message = pcall(function() return rille[name] end)
    if not ok and not tostring(message):find("module 'rille%." .. name .. "' not found") then error(message) end
  end
end

-- rille itself and the tables below it.
local function collect_rille(add)
  load_lazy()
  for name, value in pairs(rille) do
    add("rille", name)
    if type(value) == "table" and name ~= "null" then
      for field in pairs(value) do add("rille." .. name, field) end
    end
  end
end

local function collect_testing(add)
  local testing = require "rille.testing"
  for name in pairs(testing) do add("testing", name) end
  local mock = require "rille.testing.mock"
  return {
    test_client = require "rille.testing.client", clock = upvalue(testing.clock, "Clock"),
    server = upvalue(testing.server, "Server"), fake = upvalue(mock.new, "Mock"),
  }
end

local function collect_client()
  local response = require "rille.client.response"
  local index = upvalue(response.new, "Response").__index
  local client <close> = rille.client {}
  return { client = methods_of(client), jar = methods_of(rille.client.cookies()) },
    { upvalue(index, "methods"), upvalue(index, "getters") }
end

--- of_rille() -> set of dotted names
function M.of_rille()
  local set = {}
  local function add(owner, name)
    if not is_internal(owner, name) then set[owner .. "." .. name] = true end
  end
  local function add_all(owner, list)
    for name in pairs(list) do add(owner, name) end
  end
  collect_rille(add)
  add_all("app", methods_of(rille.app()))
  add_all("req", native.request_methods)
  add_all("req", native.request_getters)
  add_all("res", native.response_methods)
  add_all("out", debug.getregistry()["rille.out"].__index)
  add_all("task", debug.getregistry()["rille.task"])
  add_all("group", upvalue(rille.group, "Group"))
  add_all("semaphore", methods_of(rille.semaphore(1)))
  add_all("lock", methods_of(rille.lock()))
  add_all("event", methods_of(rille.event()))
  add_all("channel", methods_of(rille.channel()))
  add_all("db", native_data.database_methods)
  add_all("tx", native_data.transaction_methods)
  add_all("file", upvalue(require("rille.upload").new, "File"))
  add_all("part", upvalue(upvalue(require("rille.part").read, "Reader").next_part, "Part"))
  local of_client, of_response = collect_client()
  for owner, list in pairs(of_client) do add_all(owner, list) end
  for _, list in ipairs(of_response) do add_all("res", list) end
  for owner, list in pairs(collect_testing(add)) do add_all(owner, list) end
  for owner, names in pairs(fields) do
    for _, name in ipairs(names) do add(owner, name) end
  end
  return set
end

--- missing(a, b) -> sorted list of what a has and b lacks
function M.missing(a, b)
  local list = {}
  for name in pairs(a) do
    if not b[name] then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

return M
