-- The account with an ACME server (RFC 8555 section 7.3): made once, found again by its key, which lies in the store.
local native = require "rille.native.core"
local problem = require "rille.acme.problem"

local M = {}

local function contact_of(email) return email and native.array { "mailto:" .. email } or native.array {} end

local function register(server, store, email)
  local meta = server:meta()
  if meta.externalAccountRequired == true then
    problem.raise(server.url .. " wants an account that was made elsewhere (external account binding), which rille cannot bind")
  end
  server.account = nil
  local answer = server:post(server:directory().newAccount, { termsOfServiceAgreed = true, contact = contact_of(email) })
  server.account = server:location(answer, "the account")
  store:write_account(server.url, { url = server.account, email = email })
  native.log("info", answer.status == 201 and "certificates: made an account" or "certificates: found the account",
    { server = server.url, email = email or "-", terms = type(meta.termsOfService) == "string" and meta.termsOfService or "-" })
end

local function update(server, store, email)
  server:post(server.account, { contact = contact_of(email) })
  store:write_account(server.url, { url = server.account, email = email })
end

--- open(server, store, email): the server's requests are signed with the account from now on
function M.open(server, store, email)
  server.key = store:account_key(server.url)
  local saved = store:account(server.url)
  if not saved then return register(server, store, email) end
  server.account = server:check_url(saved.url)
  if saved.email ~= email then update(server, store, email) end
end

--- with(server, store, email, f) -> what f returns. An account that the server has forgotten is made once more, with its key.
function M.with(server, store, email, f)
  local opened, err = native.try(function()
    M.open(server, store, email)
    return table.pack(f())
  end)
  if opened then return table.unpack(opened, 1, opened.n) end
  if err.problem ~= "accountDoesNotExist" then error(err, 0) end
  store:forget_account(server.url)
  M.open(server, store, email)
  return f()
end

return M
