local rille = require "rille"

local M = {}

function M.connect(url, key)
  return rille.client { base_url = url, timeout = 5, retries = 2, raise = true, headers = { ["X-API-Key"] = key } }
end

function M.list(client)
  return client:get("/api"):json().data
end

function M.show(client, id)
  local res = client:get("/api/" .. rille.url_encode(id), { raise = false })
  if res.status == 404 then return nil end
  return res:raise_for_status():json().data
end

function M.create(client, post)
  return client:post("/api", { json = post }):json().data
end

function M.read_all(client)
  return rille.map(M.list(client), function(post) return M.show(client, post.id) end, { limit = 5 })
end

local commands = {}

function commands.list(client)
  for _, post in ipairs(M.list(client)) do
    print(("%d  %s, by %s"):format(post.id, post.title, post.owner))
  end
end

function commands.show(client, id)
  local post = M.show(client, id or "") or error("there is no such post", 0)
  print(post.title .. "\n\n" .. post.text)
end

function commands.create(client, title, text, owner)
  local post = M.create(client, { title = title, text = text, owner = owner })
  print("made post " .. post.id)
end

function commands.read(client)
  for _, post in ipairs(M.read_all(client)) do
    print(post.title .. ": " .. post.text)
  end
end

function M.main(name, ...)
  local command = commands[name]
  if not command then
    io.stderr:write "usage: rille run client.lua list | show ID | create TITLE TEXT OWNER | read\n"
    return 2
  end
  local client <close> = M.connect(os.getenv "BLOG" or "http://127.0.0.1:8080", os.getenv "API_KEY")
  command(client, ...)
end

return M
