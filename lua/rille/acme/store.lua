-- The folder of certificates, which several processes may share.
--
--   DIR/lock                               whose turn it is (flock: a dead process holds no turn)
--   DIR/accounts/SERVER/key.pem            the account's key, and account.json: its URL
--   DIR/challenges/TOKEN                   answers to HTTP-01, while they are asked for
--   DIR/NAME/fullchain.pem, key.pem        the certificate of a set of names, after the first of them
--   DIR/NAME/next-key.pem                  the key of a certificate that is being asked for
--   DIR/NAME/state.json                    what failed, when to try again, when to renew, what is wanted
--
-- Every file has its old bytes or its new ones, whatever happens. Chain and key are two files: if the process dies between the
-- two, the chain fits next-key.pem, and `recover` finishes what was begun.
local native = require "rille.native.core"
local problem = require "rille.acme.problem"

local VERSION = 1
local SECRET, OPEN = 384, 420 -- 0600, 0644

local Store = {}
Store.__index = Store

local M = {}

local function must(done, why)
  if not done then problem.raise("certificates: " .. why) end
end

local function decode(text)
  local value = text and native.try(native.json_decode, text)
  return type(value) == "table" and value or nil
end

-- ---- the folder -----------------------------------------------------------------------------------------------------

local function make_parents(path)
  local parent = path:match "^(.+)/[^/]+$"
  if not parent or native.file_info(parent) then return end
  make_parents(parent)
  native.make_private_directory(parent)
end

--- open(directory) -> store; makes the folder. Raises a line for whoever started the program.
function M.open(directory)
  directory = #directory > 1 and directory:gsub("/+$", "") or directory
  make_parents(directory)
  local made, why = native.make_private_directory(directory)
  if not made then error("--acme-dir: " .. why, 0) end
  if not native.may_write(directory) then error(("--acme-dir: %s cannot be written to by this user"):format(directory), 0) end
  local self = setmetatable({ directory = directory }, Store)
  for _, name in ipairs { "accounts", "challenges" } do must(native.make_private_directory(self:path(name))) end
  return self
end

--- at(directory) -> store, for looking only: makes nothing
function M.at(directory) return setmetatable({ directory = directory }, Store) end

function Store:path(...) return table.concat({ self.directory, ... }, "/") end

--- store:complaint() -> a line if others may read what is secret, or nil
function Store:complaint()
  local info = native.file_info(self.directory)
  if info and info.mode & 63 ~= 0 then -- 077
    return ("%s can be opened by other users (mode %o): chmod 700 it, it holds keys"):format(self.directory, info.mode)
  end
end

function Store:read(...) return (native.read_file(self:path(...))) end

function Store:write(bytes, mode, ...) must(native.write_durably(self:path(...), bytes, mode)) end

--- store:turn(holder) -> a lock, to be closed | nil, who holds it
function Store:turn(holder)
  local turn, other, why = native.take_turn(self:path "lock", holder)
  if why then must(nil, why) end
  return turn, other
end

-- ---- accounts -------------------------------------------------------------------------------------------------------

-- The server's host and a digest: two directories of one host are two servers.
local function folder_of(url)
  return (url:match "^%a+://([^/?#]*)" or "server"):gsub("[^%w.-]", "_"):sub(1, 80) .. "-" .. native.sha256(url):sub(1, 8)
end

function Store:account_folder(url)
  local name = folder_of(url)
  must(native.make_private_directory(self:path("accounts", name)))
  return name
end

local function is_key(text) return text and native.try(native.ec_key_public, text) ~= nil end

--- store:account_key(url) -> PEM; made where there is none
function Store:account_key(url)
  local folder = self:account_folder(url)
  local key = self:read("accounts", folder, "key.pem")
  if is_key(key) then return key end
  if key and key ~= "" then
    must(nil, self:path("accounts", folder, "key.pem") .. " is no key: remove it, and a new account is made")
  end
  key = native.ec_key()
  self:write(key, SECRET, "accounts", folder, "key.pem")
  return key
end

--- store:account(url) -> {url, email} | nil
function Store:account(url)
  local saved = decode(self:read("accounts", folder_of(url), "account.json"))
  return saved and type(saved.url) == "string" and saved or nil
end

function Store:write_account(url, account)
  local text = native.json_encode { version = VERSION, server = url, url = account.url, email = account.email }
  self:write(text .. "\n", SECRET, "accounts", self:account_folder(url), "account.json")
end

function Store:forget_account(url) os.remove(self:path("accounts", folder_of(url), "account.json")) end

-- ---- challenges -----------------------------------------------------------------------------------------------------

function Store:put_challenge(token, text) self:write(text, SECRET, "challenges", token) end
function Store:remove_challenge(token) os.remove(self:path("challenges", token)) end

--- store:clean(): removes answers that a dead process has left. For whose turn it is.
function Store:clean()
  for _, name in ipairs(native.list_directory(self:path "challenges") or {}) do self:remove_challenge(name) end
end

-- ---- certificates ---------------------------------------------------------------------------------------------------

--- store:prepare(name): makes its folder
function Store:prepare(name) must(native.make_private_directory(self:path(name))) end

--- store:next_key(name) -> PEM of a new key, which is in a file already
function Store:next_key(name)
  local key = native.ec_key()
  self:write(key, SECRET, name, "next-key.pem")
  return key
end

local function take_next_key(self, name)
  must(os.rename(self:path(name, "next-key.pem"), self:path(name, "key.pem")))
end

--- store:install(name, chain): the chain of the next key
function Store:install(name, chain)
  self:write(chain, OPEN, name, "fullchain.pem")
  take_next_key(self, name)
end

local function fits(chain, key) return key and native.try(native.certificate_fits, chain, key) or false end

--- store:recover(name): finishes an installation that was interrupted. For whose turn it is.
function Store:recover(name)
  local chain = self:read(name, "fullchain.pem")
  if not chain or fits(chain, self:read(name, "key.pem")) then return end
  if fits(chain, self:read(name, "next-key.pem")) then take_next_key(self, name) end
end

--- store:certificate(name) -> facts with `chain` | nil, why it is of no use
function Store:certificate(name)
  local chain = self:read(name, "fullchain.pem")
  if not chain then return nil, "there is none yet" end
  local facts = native.try(native.certificate_describe, chain)
  if not facts then return nil, "fullchain.pem cannot be read" end
  if not fits(chain, self:read(name, "key.pem")) then return nil, "key.pem is not the key of fullchain.pem" end
  facts.chain = chain
  facts.id = native.sha256(chain)
  return facts
end

--- store:mark(name) -> text that is another one after any of its files was written
function Store:mark(name)
  local parts = {}
  for i, file in ipairs { "state.json", "fullchain.pem", "key.pem" } do
    local info = native.file_info(self:path(name, file))
    parts[i] = info and ("%.9f %d"):format(info.modified, info.size) or "-"
  end
  return table.concat(parts, " ")
end

--- store:names() -> sorted list of those that have a folder
function Store:names()
  local names = {}
  for _, name in ipairs(native.list_directory(self.directory) or {}) do
    if native.file_info(self:path(name, "state.json")) or native.file_info(self:path(name, "fullchain.pem")) then
      names[#names + 1] = name
    end
  end
  return names
end

-- ---- state ----------------------------------------------------------------------------------------------------------

local kinds = { failures = "integer", next_try = "number", error = "string", error_at = "number", failed_for = "string",
  failed_order = "boolean", warned_at = "number", renew_at = "number", chosen_for = "string", issued_at = "number",
  wanted = "string", server = "string", ca = "string", works = "string", names = "table", orders = "table", ari = "table" }

local function is_of(v, kind) return type(v) == kind or math.type(v) == kind end

-- A field that is none would fail every look at the folder, and so at every certificate of it.
local function drop_what_is_none(state)
  for key, kind in pairs(kinds) do
    if not is_of(state[key], kind) then state[key] = nil end
  end
  if state.ari and not (is_of(state.ari.id, "string") and is_of(state.ari.at, "number")) then state.ari = nil end
  for _, name in ipairs(state.names or {}) do
    if type(name) ~= "string" then state.names = nil end
  end
end

--- store:state(name) -> table, empty where there is none that can be read
function Store:state(name)
  local state = decode(self:read(name, "state.json"))
  if not state or state.version ~= VERSION then state = { version = VERSION } end
  drop_what_is_none(state)
  state.orders = state.orders or native.array {}
  return state
end

--- store:write_state(name, state): touches no disk where nothing has changed
function Store:write_state(name, state)
  local text = native.json_encode(state) .. "\n"
  if self:read(name, "state.json") ~= text then self:write(text, SECRET, name, "state.json") end
end

return M
