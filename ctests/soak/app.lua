-- What script/soak talks to.
local rille = require "rille"
local app = rille.app { body_limit = 32 << 20 }

app:get("/", function() return "hello" end)

-- 20 MiB, written as they are taken.
app:get("/stream", function()
  local piece = ("x"):rep(65536)
  return rille.stream("application/octet-stream", function(out)
    for _ = 1, 320 do out:write(piece) end
  end)
end)

app:get("/file", function() return rille.file(os.getenv "SOAK_FILE") end)

app:post("/chunks", function(req)
  local size = 0
  for chunk in req:chunks() do size = size + #chunk end
  return tostring(size)
end)

app:post("/form", function(req)
  return tostring(req:form().file.size)
end)

app:post("/parts", function(req)
  local size = 0
  for part in req:parts() do
    for chunk in part:chunks() do size = size + #chunk end
  end
  return tostring(size)
end)

app:post("/save", function(req)
  local size = 0
  for part in req:parts() do
    local path = os.tmpname()
    part:save(path)
    local file <close> = io.open(path, "rb")
    size = size + file:seek("end")
    os.remove(path)
  end
  return tostring(size)
end)

return app
