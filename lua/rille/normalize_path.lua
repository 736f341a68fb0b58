-- rille.normalize_path{}: a path that has no route, but would have one with or without a slash at its end, or with runs of
-- slashes made one, is answered with a redirect to that. The method and the body go along (308).
--
-- The target begins with exactly one slash and is never taken for another host: "//evil.example/" leads to "/evil.example"
-- (aiohttp's CVE-2021-21330).
local native = require "rille.native.http"
local options = require "rille.options"

-- Candidates for a path, best first. It is the path as it was sent, so nothing is decoded twice.
local function candidates(path)
  local merged = path:gsub("/+", "/")
  local other = merged:sub(-1) == "/" and merged:sub(1, -2) or merged .. "/"
  local list = {}
  if merged ~= path then list[#list + 1] = merged end
  if other ~= "" then list[#list + 1] = other end
  return list
end

--- rille.normalize_path{status=308} -> middleware
return function(opts)
  local status = options.only(opts, { status = "number" }, "normalize_path").status or 308
  if not ({ [301] = true, [302] = true, [303] = true, [307] = true, [308] = true })[status] then
    options.raise "normalize_path: status is 301, 302, 303, 307 or 308"
  end
  return function(req, handler)
    if native.request_miss(req) ~= 404 then return handler(req) end
    for _, path in ipairs(candidates(req.raw_path)) do
      if native.request_has_route(req, path) then
        local query = req.target:match "^[^?]*(%?.*)$" or ""
        return native.redirect(path .. query, math.tointeger(status))
      end
    end
    return handler(req)
  end
end
