-- rille.compress{min=1024}: a middleware that compresses responses for clients that accept it (gzip, brotli). Not for tiny
-- bodies, not for what is compressed already, never twice.
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local options = require "rille.options"
local vary = require "rille.vary"

-- The bytes change, so a strong validator no longer names them (RFC 9110 section 8.8.1).
local function weaken(res)
  local etag = res.headers.etag
  if etag and not etag:find "^W/" then res:header("ETag", "W/" .. etag) end
end

local function may_compress(res, min)
  if res.headers["content-encoding"] or res.status == 206 or res.status < 200 or res.status == 204 or res.status == 304 then
    return false
  end
  local cache = res.headers["cache-control"]
  if cache and cache:lower():find("no-transform", 1, true) then return false end
  if not native_http.is_compressible(res.headers["content-type"] or "") then return false end
  return native_http.is_stream(res) or (res.body ~= nil and #res.body >= min)
end

-- A stream whose pieces pass through a compressor: each out:write can be decoded by the client at once.
local function compress_stream(res, encoding)
  native_http.wrap_stream(res, function(f)
    return function(out)
      local compressor = native_http.compressor(encoding)
      f { write = function(self, bytes)
        if #bytes > 0 then out:write(compressor:write(bytes)) end
        return self
      end, trailer = function(self, name, value)
        out:trailer(name, value)
        return self
      end }
      out:write(compressor:finish())
    end
  end)
end

return function(opts)
  local min = options.only(opts, { min = "number" }, "compress").min or 1024
  if native.mode == "dev" then return function(req, handler) return handler(req) end end -- pages get a script at their end
  return function(req, handler)
    local res = handler(req)
    if res.status == 304 then vary(res, "Accept-Encoding") end -- as the 200 would have it (RFC 9110 section 15.4.5)
    if not may_compress(res, min) then return res end
    vary(res, "Accept-Encoding")
    local encoding = native_http.choose_encoding(req.headers["accept-encoding"])
    if encoding == "identity" then return res end
    -- HEAD too: its length and validator are those of GET (RFC 9110 sections 8.6 and 9.3.2)
    if native_http.is_stream(res) then
      compress_stream(res, encoding)
    else
      local bytes = native_http.compress(res.body, encoding)
      if not bytes then return res end -- the cores are busy with others
      res.body = bytes
    end
    weaken(res)
    return res:header("Content-Encoding", encoding)
  end
end
