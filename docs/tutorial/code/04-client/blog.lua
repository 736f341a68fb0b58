local rille = require "rille"

local M = {}

function M.connect(url)
  return rille.client { base_url = url, timeout = 5, retries = 2, raise = true }
end

function M.list(client)
  return client:get("/api"):json().data
end

function M.show(client, id)
  local res = client:get("/api/" .. id, { raise = false })
  if res.status == 404 then return nil end
  return res:raise_for_status():json().data
end

function M.create(client, post)
  return client:post("/api", { json = post }):json().data
end

-- All posts with their texts, five at a time.
function M.read_all(client)
  return rille.map(M.list(client), function(post) return M.show(client, post.id) end, { limit = 5 })
end

function M.main(command, ...)
  local client <close> = M.connect(os.getenv "BLOG" or "http://127.0.0.1:8080")
  if command == "list" then
    for _, post in ipairs(M.list(client)) do print(post.id, post.title) end
  elseif command == "show" then
    local post = M.show(client, (...)) or error("no such post", 0)
    print(post.title .. "\n\n" .. post.text)
  elseif command == "create" then
    local title, text, owner = ...
    print("created " .. M.create(client, { title = title, text = text, owner = owner }).id)
  else
    io.stderr:write("usage: rille run blog.lua list | show ID | create TITLE TEXT OWNER\n")
    return 2
  end
end

return M
