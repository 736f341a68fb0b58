-- The app of test_faults.c: each route has memory of another kind allocated by what the client sends.
local rille = require "rille"
local app = rille.app { body_limit = 1 << 20 }

app:get("/", function() return "hello" end)
app:get("/json", function(req) return rille.json { path = req.path, list = { 1, 2.5, "three" }, query = req.query } end)
app:get("/items/{id:int}/{rest:path}", function(req) return rille.json(req.params) end)
app:post("/text", function(req) return req:text() end)
app:post("/json", function(req) return rille.json(req:json()) end)
app:post("/form", function(req)
  local form, names = req:form(), {}
  for name, value in pairs(form) do
    names[#names + 1] = type(value) == "table" and value.filename .. #value:bytes() or name .. #value
  end
  table.sort(names)
  return table.concat(names, " ")
end)
app:post("/parts", function(req)
  local size = 0
  for part in req:parts() do
    for chunk in part:chunks() do size = size + #chunk end
  end
  return tostring(size)
end)
app:post("/chunks", function(req)
  return rille.stream("text/plain", function(out)
    for chunk in req:chunks() do out:write(chunk) end
  end)
end)
app:get("/cookies", function(req)
  return rille.json(req.cookies)
end)
app:get("/tasks", function()
  local a = rille.spawn(function() rille.sleep(0.01) return "a" end)
  local b = rille.spawn(function() return "b" end)
  return a:wait() .. b:wait()
end)
app:get("/fails", function() error { code = "mine" } end)

return app
