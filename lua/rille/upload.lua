-- Files that a client has sent: in memory up to 64 KiB, in a file without a name beyond, and gone when the request ends.
-- The bytes are held by C (bind/http/spool.c).
local errors = require "rille.error"
local names = require "rille.names"
local native = require "rille.native.http"
local options = require "rille.options"

local M = {}

local File = {}
File.__index = File
File.__name = "rille.file"
File.__hidden = { save = true } -- from templates

local spools = setmetatable({}, { __mode = "k" }) -- file -> where its bytes are
local saves_of = setmetatable({}, { __mode = "k" }) -- file -> what its request has saved

local save_options = { root = "string", overwrite = "boolean" }

-- A path below a root may be a stranger's: it leads nowhere else (C opens its folder below the root, whatever links there are),
-- and no part of it is hidden.
local function check_confined(path)
  if path:find "^/" or path:find("\0", 1, true) or ("/" .. path):find("/.", 1, true) then
    errors.abort(400, "a path that stays below its folder was expected, without names that begin with a dot")
  end
end

-- Of two uploads of one request that are saved under one name the first would be lost, and nobody would know.
local function check_first(saves, key, owner, path)
  local other = saves[key]
  if other and other ~= owner then
    error(errors.new("exists", ("two uploads of this request would both be saved as %s: give each a name of its own, or say "
      .. "overwrite = true"):format(path), { status = 409 }), 0)
  end
end

-- A name is taken while its file is written, for two may be saved at once; it is free again where that fails.
local Claim = { __close = function(claim, err)
  if err ~= nil and claim.saves[claim.key] == claim.owner then claim.saves[claim.key] = claim.before end
end }

--- save(owner, path, options, saves, what, iterator, …) -> size: writes what the iterator gives (a string, or a string and the
--- positions in it) to `path`. The file is there whole or not at all, and on the disk when this returns. `saves` is a table of
--- the request: what it has saved where, and for which owner.
function M.save(owner, path, opts, saves, what, ...)
  if type(path) ~= "string" then options.raise("%s: a path was expected, got a %s", what, type(path)) end
  opts = options.check(opts, save_options, what)
  if opts.root then check_confined(path) end
  if path == "" or path:find("\0", 1, true) then
    options.raise("%s: a path was expected, got %s", what, path == "" and "an empty one" or "one with a NUL")
  end
  local key = (opts.root or "") .. "\0" .. path
  if opts.overwrite ~= true then check_first(saves, key, owner, path) end
  -- luacheck: ignore 211
  local claim <close> = setmetatable({ saves = saves, key = key, owner = owner, before = saves[key] }, Claim)
  saves[key] = owner
  local saver <close> = native.saver(path, opts.root, opts.overwrite == false)
  for s, i, j in ... do saver:write(s, i, j) end
  return (saver:commit())
end

--- file:chunks() -> iterator over its bytes, some 64 KiB at a time: a function that needs no state, so that it can be passed on
function File:chunks()
  local spool, offset = spools[self], 0
  return function()
    local piece = spool:read(offset)
    if piece then offset = offset + #piece end
    return piece
  end
end

--- file:bytes() -> all of it
function File:bytes()
  local pieces = {}
  for piece in self:chunks() do pieces[#pieces + 1] = piece end
  return table.concat(pieces)
end

--- file:save(path, {root=, overwrite=}) -> its size
function File:save(path, opts) return M.save(self, path, opts, saves_of[self], "file:save", self:chunks()) end

function File:__tostring() return ("file (%s, %d bytes)"):format(self.filename, self.size) end

--- new(part, spool, saves) -> file with the names and the type of that part
function M.new(part, spool, saves)
  local file = setmetatable({
    name = part.name, filename = part.filename, raw_filename = part.raw_filename,
    content_type = part.content_type or "application/octet-stream", size = spool:size(),
  }, File)
  spools[file], saves_of[file] = spool, saves
  return file
end

function M.is(value) return getmetatable(value) == File end

names.class("file", File, { fields = { "name", "filename", "raw_filename", "content_type", "size" } })

return M
