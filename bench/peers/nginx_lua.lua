-- The handlers of nginx-lua.conf, for LuaJIT.
local cjson = require "cjson"
local M, items = {}, {}

function M.load(path)
  local file = assert(io.open(path, "rb"))
  items = cjson.decode(file:read "*a")
  file:close()
end

local function send(value)
  local text = cjson.encode(value)
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Content-Length"] = #text
  ngx.print(text)
end

function M.hello()
  ngx.header["Content-Length"] = 5
  ngx.print "hello"
end

function M.json()
  local list = {}
  for i, item in ipairs(items) do
    list[i] = { id = item.id, name = item.name, category = item.category, price = item.price, quantity = item.quantity,
      active = item.active, tags = item.tags, rating = item.rating, total = item.price * item.quantity }
  end
  send { items = list, count = #list }
end

local function whole(value, least) return type(value) == "number" and value % 1 == 0 and value >= least end

local function is_order(o)
  if type(o) ~= "table" or type(o.name) ~= "string" or type(o.category) ~= "string" or type(o.tags) ~= "table" then
    return false
  end
  if #o.name < 1 or #o.name > 100 or #o.category > 40 or #o.tags > 10 then return false end
  for _, tag in ipairs(o.tags) do
    if type(tag) ~= "string" then return false end
  end
  return whole(o.price, 0) and whole(o.quantity, 1) and o.quantity <= 1000
end

function M.orders()
  ngx.req.read_body()
  local ok, o = pcall(cjson.decode, ngx.req.get_body_data())
  if not ok then return ngx.exit(400) end
  if not is_order(o) then return ngx.exit(422) end
  send { name = o.name, category = o.category, price = o.price, quantity = o.quantity, tags = o.tags,
    total = o.price * o.quantity }
end

local five = { { "/backend" }, { "/backend" }, { "/backend" }, { "/backend" }, { "/backend" } }

function M.fanout()
  local texts = { ngx.location.capture_multi(five) }
  for i, answer in ipairs(texts) do texts[i] = answer.body end
  local text = tostring(#table.concat(texts))
  ngx.header["Content-Length"] = #text
  ngx.print(text)
end

return M
