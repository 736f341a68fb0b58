-- Asks every route of a server for what it does not expect: numbers that are none, bodies of the wrong kind, files where text
-- belongs. Whatever a client sends is the client's mistake, so nothing may be answered with 500.
--
--   prober.probe(url, routes) -> list of "POST /api with '3': 500 …"; routes is what `rille routes` prints
local rille = require "rille"

local M = {}

local PATIENCE = 60

local values = {
  int = { "1", "0", "-1", "9223372036854775807", "9223372036854775808", "99", "x", "1.5", "%31" },
  str = { "Ada", "%2F", "%00", "%C3%28", "%ff", "..", "'%22%3B--", "%E2%80%A6", ("a"):rep(3000) },
}

local queries = { "?owner=%ff", "?owner=%00", "?owner=", "?times=x", "?times=1e999", "?times=nan", "?times=-9223372036854775808",
  "?times=0x7fffffffffffffff", "?times=", "?next=//evil.example", "?next=/a%0d%0aX:y", "?next=%ff", "?next=", "?&&=&a", "?%zz" }

local texts = { "3", '"x"', "null", "true", "[]", "{}", "[null]", "[3]", "[[]]", "[{}]", "{", "", "\xff", '"\\ud800"', "1e400",
  "-0", '{"title":3}', '{"title":null,"text":null}', '{"title":{},"text":[],"owner":true}', '{"title":"","text":"","owner":""}',
  '{"title":"\\u0000","text":"\\u0000","owner":"\\u0000"}', '{"title":"t","text":"x","owner":"o"}',
  '{"title":"t","text":"x","owner":"o","image":"x"}', '{"title":"t","text":"x","owner":"o","image":{"content_type":"image/png"}}',
  '[{"title":"t","text":"x","owner":"o"},{"title":3}]', '{"id":1,"title":"t"}', ("["):rep(5000),
  '{"title":"' .. ("x"):rep(5000) .. '"}' }

local forms = { "title=&text=&owner=", "title=%00&text=%00&owner=%00", "title=%ff&text=%ff&owner=%ff", "title=t&title=u&text=x",
  "title[]=t&text.a=x", "title=t&text=x&owner=o", "title=t&text=x&owner=o&image=x", "name=%ff&password=%ff",
  "name=a&password=%00", "name=&password=", "name=a&name=b&password=longenough", "name=probe&password=longenough", "=", "&&&",
  "%zz=1", "x=1" }

local function files(fields)
  local parts = {}
  for i, field in ipairs(fields) do
    parts[i] = { name = field, filename = field .. ".png", content_type = "image/png", body = "no picture\0\xff" }
  end
  return parts
end

local multiparts = { files { "title", "text", "owner" }, files { "name", "password" }, files { "image" },
  { { name = "title", body = "t" }, { name = "text", body = "x" }, { name = "image", body = "text" } },
  { { name = "title", body = "t" }, { name = "text", body = "x" }, files({ "image" })[1] },
  { { name = "title", body = "\xff" }, { name = "text", body = "\0" }, { name = "owner", body = "x" } } }

-- The path of a route with its parameters in all ways.
local function paths_of(route)
  local kind = route:match "{[%w_]+:?(%w*)}"
  if not kind then return { route } end
  local list = {}
  for i, value in ipairs(values[kind == "int" and "int" or "str"]) do list[i] = route:gsub("{.-}", (value:gsub("%%", "%%%%"))) end
  return list
end

local function requests_of(method, route)
  local list, paths = {}, paths_of(route)
  local function add(path, options, what)
    options.method = method
    list[#list + 1] = { path = path, options = options, what = ("%s %s with %s"):format(method, path:sub(1, 80), what) }
  end
  for _, path in ipairs(paths) do add(path, {}, "nothing") end
  for _, query in ipairs(queries) do add(paths[1] .. query, {}, "nothing") end
  if method == "GET" or method == "DELETE" then return list end
  for _, text in ipairs(texts) do
    for _, kind in ipairs { "application/json", "text/plain" } do
      add(paths[1], { body = text, headers = { ["Content-Type"] = kind } }, ("%s '%s'"):format(kind, text:sub(1, 80)))
    end
  end
  for _, form in ipairs(forms) do
    add(paths[1], { body = form, headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } }, "the form " .. form)
  end
  for i, parts in ipairs(multiparts) do add(paths[1], { multipart = parts }, "multipart form " .. i) end
  add(paths[1], { body = "--x\r\n\r\nno end", headers = { ["Content-Type"] = "multipart/form-data; boundary=x" } }, "half a form")
  return list
end

-- Two who ask: one whom nobody knows, and one with the key and an account, where there are such things.
local function clients(url, routes)
  local stranger = rille.client { base_url = url, timeout = PATIENCE }
  local user = rille.client { base_url = url, timeout = PATIENCE, headers = { ["X-API-Key"] = "only-for-me",
    ["Sec-Fetch-Site"] = "same-origin" } }
  if routes:find "POST%s+/register" then
    local res = user:post("/register", { form = { name = "prober", password = "correct horse" }, follow = false })
    assert(res.status == 303, "the prober cannot register")
    res:close()
  end
  return { stranger, user }
end

local function readers(requests)
  local list = {}
  for _, request in ipairs(requests) do
    if request.options.method == "GET" then list[#list + 1] = request end
  end
  return list
end

--- probe(url, routes) -> list of what was answered with 500, or not at all
function M.probe(url, routes)
  local requests, wrong = {}, {}
  for method, route in ("\n" .. routes):gmatch "\n(%u+)%s+(/%S*)" do
    if route ~= "/logout" then
      for _, request in ipairs(requests_of(method, route)) do requests[#requests + 1] = request end
    end
  end
  local function ask(client, request)
    local options = { follow = false }
    for name, value in pairs(request.options) do options[name] = value end
    local res, err = rille.try(client.request, client, request.path, options)
    if err then wrong[#wrong + 1] = ("%s: %s"):format(request.what, err.message)
    elseif res.status >= 500 then wrong[#wrong + 1] = ("%s: %d %s"):format(request.what, res.status, res:text():sub(1, 200))
    else res:close() end
  end
  for _, client in ipairs(clients(url, routes)) do
    for _, list in ipairs { requests, readers(requests) } do -- what has been kept is shown, too
      rille.map(list, function(request) ask(client, request) end, { limit = 8 })
    end
    client:close()
  end
  return wrong, #requests
end

return M
