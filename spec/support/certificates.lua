-- Certificates in the files of a scratch, signed by an authority of the tests (lua/rille/testing/certificate.lua).
--
--   local names = certificates.write(scratch, "a", { "localhost", "127.0.0.1" })     -> "a.pem,a-key.pem", for --tls
--   certificates.authority(scratch) -> path of the authority's certificate, for `ca`
local made = require "rille.testing.certificate"

local M = {}

local function write(scratch, name, certificate, key)
  scratch:write(name .. ".pem", certificate)
  os.execute(("chmod 600 '%s'"):format(scratch:write(name .. "-key.pem", key)))
  return ("%s.pem,%s-key.pem"):format(name, name)
end

function M.write(scratch, name, names) return write(scratch, name, made.for_server(names or { "localhost", "127.0.0.1" })) end

--- client(scratch, name, title) -> the two files' paths: a certificate for a client
function M.client(scratch, name, title)
  write(scratch, name, made.for_client(title))
  return scratch:path(name .. ".pem"), scratch:path(name .. "-key.pem")
end

function M.authority(scratch)
  local file = made.authority_file()
  local handle <close> = assert(io.open(file, "rb"))
  local path = scratch:write("authority.pem", handle:read "a")
  made.release(file)
  return path
end

return M
