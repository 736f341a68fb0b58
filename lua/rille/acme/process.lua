-- The keeper in a process that serves: what the command line says, and the host around it (runtime/cli/acme_thread.h).
local hosts = require "rille.acme.hosts"
local keepers = require "rille.acme.keeper"
local native = require "rille.native.core"
local stores = require "rille.acme.store"

local M = {}

local function given(text) return text ~= "" and text or nil end

-- Each certificate has a folder, named after its first name.
local function sets_of(...)
  local sets, folders = {}, {}
  for i, text in ipairs { ... } do
    sets[i] = hosts.check(hosts.split(text))
    local name = sets[i][1]
    if folders[name] then error(("--acme: two certificates begin with %s: name it first in one of them only"):format(name), 0) end
    folders[name] = true
  end
  return sets
end

local function check_email(email)
  if email and not email:find "^[^%s@,]+@[^%s@,]+$" then
    error(("--acme-email: expected an address such as me@example.org, got '%s'"):format(email), 0)
  end
  return email
end

--- run(directory, server, email, authority, ports, holder, names…): until it is cancelled
function M.run(directory, server, email, authority, ports, holder, ...)
  local host = { has_http = ports:find "http" ~= nil, has_tls = ports:find "tls" ~= nil,
    set_challenge = native.acme_set_challenge, clear_challenge = native.acme_clear_challenge, reload = native.acme_reload }
  local sets = sets_of(...)
  keepers.new({ store = stores.open(directory), host = host, sets = sets, server = given(server), ca = given(authority),
    email = check_email(given(email)), holder = holder }):run()
end

return M
