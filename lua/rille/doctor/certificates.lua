-- Checks of the certificate that RILLE_TLS names: is it there, does the key fit, for which names and how long, who can read the
-- key.
local native = require "rille.native.core"

local DAY, SOON = 86400, 14
local OTHERS = 7 -- the bits of everybody else in a mode

local function read(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local text = file:read "a"
  file:close()
  return text
end

local function read_pair(report, pair)
  local certificate_file, key_file = pair:match "^([^,]+),([^,]+)$"
  certificate_file = certificate_file or pair
  local certificate, why = read(certificate_file)
  local key = certificate
  if certificate and key_file then key, why = read(key_file) end
  if certificate and key then return certificate, key, key_file or certificate_file end
  report:fault("RILLE_TLS: " .. why, "name files that this user can read: RILLE_TLS=CERT.pem,KEY.pem")
end

local function check_time(report, facts, names)
  local days = (facts.to - native.time()) // DAY
  if days < 0 then report:fault(("the certificate for %s has expired"):format(names), "renew it")
  elseif days < SOON then report:warn(("the certificate for %s ends in %d days"):format(names, days), "renew it")
  else report:ok("the certificate for %s lasts %d days", names, days) end
end

local function check_mode(report, file)
  local info = native.file_info(file)
  if info and info.mode & OTHERS ~= 0 then
    report:warn(("everybody on this machine can read the key in %s"):format(file), "chmod 600 " .. file)
  end
end

local function certificates(report)
  local pair = os.getenv "RILLE_TLS"
  if not pair or pair == "" then return end
  local certificate, key, key_file = read_pair(report, pair)
  if not certificate then return end
  local facts = native.certificate_describe(certificate)
  if native.try(native.certificate_fits, certificate, key) == false then -- nil: PEM of an older kind, which the server reads
    report:fault(key_file .. " is not the key of the certificate", "name the key that belongs to it")
  end
  check_time(report, facts, #facts.names > 0 and table.concat(facts.names, ", ") or facts.subject)
  check_mode(report, key_file)
end

return { { "tls", certificates } }
