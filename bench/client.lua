-- 64 concurrent keep-alive GETs of one URL: prints the CPU time of each request in microseconds.   URL REQUESTS
local rille = require "rille"
local url, requests = ..., tonumber((select(2, ...)))

local function get_all(client, count)
  local left = count
  rille.group(function(group)
    for _ = 1, 64 do
      group:spawn(function()
        while left > 0 do
          left = left - 1
          assert(#client:get(url):text() > 0)
        end
      end)
    end
  end)
end

return function()
  local client <close> = rille.client { limit = 64 }
  get_all(client, 2000)
  local start = os.clock()
  get_all(client, requests)
  print((os.clock() - start) / requests * 1e6)
end
