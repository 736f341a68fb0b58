-- Ten requests to a server that takes a second for each: ten seconds one after another, one second at once.
--
--   rille run examples/parallel-fetch/main.lua
--
-- The server is an app of this very program, on a free port of 127.0.0.1: a handler that sleeps holds up nobody else.
local rille = require "rille"
local testing = require "rille.testing"

local M = {}

--- The slow server: /pages/7 is "page 7", a second later.
function M.slow_server()
  local app = rille.app()
  app:get("/pages/{number:int}", function(req)
    rille.sleep(1)
    return rille.text("page " .. req.params.number)
  end)
  return app
end

--- The paths of `count` pages.
function M.paths(count)
  local paths = {}
  for i = 1, count do paths[i] = "/pages/" .. i end
  return paths
end

--- The texts at `paths`, in order: each is asked for when the one before has come.
function M.one_after_another(client, paths)
  local texts = {}
  for i, path in ipairs(paths) do texts[i] = client:get(path, { raise = true }):text() end
  return texts
end

--- The same, all asked for together; with `limit` so many at a time. If one fails, the others are cancelled.
function M.at_once(client, paths, limit)
  return rille.map(paths, function(path) return client:get(path, { raise = true }):text() end, { limit = limit })
end

function M.main()
  local server <close> = testing.server(M.slow_server())
  local client <close> = rille.client { base_url = server.url }
  for _, way in ipairs { "one_after_another", "at_once" } do
    local start = rille.now()
    local texts = M[way](client, M.paths(10))
    print(("%s: %d pages in %.1f s"):format(way:gsub("_", " "), #texts, rille.now() - start))
  end
end

return M
