-- Certificates for servers of tests, signed by an authority that is made once for each run and that nobody else trusts. Its
-- file is removed with the last server.
local native = require "rille.native.core"

local M = {}

local DAY = 86400
local authority -- {key=, certificate=}
local files = {} -- path -> how many servers show it

local function period() return native.time() // 1 - DAY, native.time() // 1 + 30 * DAY end

local function make_authority()
  local from, to = period()
  local key = native.ec_key()
  return { key = key, certificate = native.certificate_make(key, { title = "rille test authority", authority = true, from = from,
    to = to }) }
end

local function sign(options)
  authority = authority or make_authority()
  options.from, options.to = period()
  options.issuer, options.issuer_key = authority.certificate, authority.key
  local key = native.ec_key()
  return native.certificate_make(key, options), key
end

local function write(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  files[path] = true
  return path
end

--- for_server(names) -> certificate, key (PEM)
function M.for_server(names) return sign { names = names } end

--- for_client(title) -> certificate, key (PEM), signed by the same authority
function M.for_client(title) return sign { title = title, names = { title }, client = true } end

--- authority_file() -> path of the authority's certificate, until release(path)
function M.authority_file()
  authority = authority or make_authority()
  return write(authority.certificate)
end

function M.release(path)
  if files[path] then os.remove(path) end
  files[path] = nil
end

return M
