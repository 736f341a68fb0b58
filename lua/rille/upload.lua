-- Files that a client has sent: in memory up to 64 KiB, in a file without a name beyond, and gone when the request ends.
-- The bytes are held by C (vm/bind/spill.c).
local native = require "rille.native"

local M = {}

local File = {}
File.__index = File
File.__name = "rille.file"
File.__hidden = { save = true } -- from templates

local spills = setmetatable({}, { __mode = "k" }) -- file -> where its bytes are

--- save(path, what, iterator, …) -> size: writes what the iterator gives (a string, or a string and the positions in it) to
--- `path`. The file is there whole or not at all, and on the disk when this returns.
function M.save(path, what, ...)
  if type(path) ~= "string" or path == "" then error(what .. ": a path was expected, got a " .. type(path), 3) end
  local saver <close> = native.saver(path)
  for s, i, j in ... do saver:write(s, i, j) end
  return saver:commit()
end

local function next_piece(state, _)
  local piece = state.spill:read(state.offset)
  if piece then state.offset = state.offset + #piece end
  return piece
end

--- file:chunks() -> iterator over its bytes, some 64 KiB at a time
function File:chunks() return next_piece, { spill = spills[self], offset = 0 } end

--- file:bytes() -> all of it
function File:bytes()
  local pieces = {}
  for piece in self:chunks() do pieces[#pieces + 1] = piece end
  return table.concat(pieces)
end

--- file:save(path) -> its size
function File:save(path) return M.save(path, "file:save", self:chunks()) end

function File:__tostring() return ("file (%s, %d bytes)"):format(self.filename, self.size) end

--- new(part, spill) -> file with the names and the type of that part
function M.new(part, spill)
  local file = setmetatable({
    name = part.name, filename = part.filename, raw_filename = part.raw_filename,
    content_type = part.content_type or "application/octet-stream", size = spill:size(),
  }, File)
  spills[file] = spill
  return file
end

function M.is(value) return getmetatable(value) == File end

return M
