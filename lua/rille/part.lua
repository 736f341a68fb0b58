-- req:parts(): the parts of a multipart body as they arrive, in constant memory. Each is read, saved or skipped before the
-- next one is asked for. The parser is C's (http/multipart.c).
local coding = require "rille.coding"
local errors = require "rille.error"
local names = require "rille.names"
local native = require "rille.native.http"
local upload = require "rille.upload"

local M = {}

-- ---- the body as events -------------------------------------------------------------------------------------------

local Reader = {}
Reader.__index = Reader

-- The next event of the parser, fed with more of the body as it needs it; nil at the end.
function Reader:event()
  while true do
    local kind, a, i, j = self.parser:next()
    if kind then return kind, a, i, j end
    local chunk = self.pull()
    if not chunk then
      self.parser:finish() -- raises where the body was cut off
      return nil
    end
    self.parser:feed(chunk)
  end
end

--- reader:data() -> data of the part under way as string, i, j; nil at its end
function Reader:data()
  local kind, s, i, j = self:event()
  if kind == "data" then return s, i, j end
  self.part = nil
  return nil
end

-- ---- parts --------------------------------------------------------------------------------------------------------

local Part = {}
Part.__index = Part
Part.__name = "rille.part"
Part.__hidden = { save = true }

local readers = setmetatable({}, { __mode = "k" }) -- part -> the reader whose part it is

local function check_open(part)
  local reader = readers[part]
  if reader.part ~= part then error("this part has ended: read a part before you ask for the next one", 3) end
  if reader.lost then error("reading this part has failed before, and what was read is lost", 3) end
end

local function next_data(part, _)
  local reader = readers[part]
  if reader.part == part then return reader:data() end
  return nil
end

local function next_chunk(part, _)
  local s, i, j = next_data(part)
  return s and ((i == 1 and j == #s) and s or s:sub(i, j))
end

--- part:chunks() -> iterator over its bytes as they arrive: a function that needs no state
function Part:chunks()
  check_open(self)
  return function() return next_chunk(self) end
end

--- gather(part, limit) -> all of it; raises 413 where it is more than `limit` bytes
function M.gather(part, limit)
  local pieces, size, reader = {}, 0, readers[part]
  reader.lost = true -- until all of it is there
  for piece in next_chunk, part do
    size = size + #piece
    if size > limit then
      errors.abort(413, ("the text of '%s' is longer than %d bytes"):format(part.name or "a part", limit))
    end
    pieces[#pieces + 1] = piece
  end
  local bytes = table.concat(pieces)
  reader.lost = nil
  return bytes
end

--- The charset that a Content-Type names, or nil.
function M.charset_of(content_type)
  return content_type and content_type:lower():match ";%s*charset%s*=%s*\"?([^\";%s]+)"
end

--- part:bytes() -> all of it, at most 1 MiB
function Part:bytes()
  check_open(self)
  return M.gather(self, native.limit_form_text)
end

--- part:text() -> all of it as UTF-8, at most 1 MiB
function Part:text()
  check_open(self)
  return coding.to_utf8(M.gather(self, native.limit_form_text), M.charset_of(self.content_type), 400)
end

local function next_to_save(part)
  readers[part].lost = true -- until all of it is saved
  return next_data(part)
end

--- part:save(path, {root=, overwrite=}) -> its size. Where the path will not do, nothing was read, and another one may.
function Part:save(path, opts)
  check_open(self)
  local reader = readers[self]
  local size = upload.save(self, path, opts, reader.saves, "part:save", next_to_save, self)
  reader.lost = nil
  return size
end

--- Moves what is left of a part into a spool.
function M.spool(part, spool)
  for s, i, j in next_data, part do spool:write(s, i, j) end
  return spool
end

-- ---- one after another --------------------------------------------------------------------------------------------

-- Base64 and quoted-printable parts are history (RFC 7578 section 4.7).
local plain = { ["7bit"] = true, ["8bit"] = true, binary = true }

local function check_encoding(part)
  local encoding = part.headers["content-transfer-encoding"]
  if encoding and not plain[encoding:lower()] then
    errors.abort(415, "a part with this Content-Transfer-Encoding is not accepted here")
  end
end

local any_case = { __index = function(headers, name)
  return type(name) == "string" and rawget(headers, name:lower()) or nil
end }

--- reader:next_part() -> part | nil. What is left of the one before is skipped.
function Reader:next_part()
  while self.part do self:data() end
  local kind, part = self:event()
  if kind ~= "part" then
    while kind do kind = self:event() end -- what follows is dropped, so that the connection can be used again
    return nil
  end
  setmetatable(part.headers, any_case)
  check_encoding(part)
  readers[part], self.part, self.lost = self, setmetatable(part, Part), nil
  return part
end

-- The body in pieces, whether it was read already or not.
local function pull_body(req)
  local whole = native.request_body(req)
  if not whole then return req:chunks() end
  return function()
    local piece = whole
    whole = nil
    return piece ~= "" and piece or nil
  end
end

--- read(req) -> reader; raises where the body is not multipart
function M.read(req)
  local parser = native.multipart(req.headers["content-type"] or "")
  coding.check_content(req)
  return setmetatable({ parser = parser, pull = pull_body(req), saves = {} }, Reader)
end

-- ---- parts of a form that was read already ------------------------------------------------------------------------

local Kept = {}
Kept.__index = Kept
Kept.__name = "rille.part"
Kept.__hidden = { save = true } -- from templates

local texts, files = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
local saves_of = setmetatable({}, { __mode = "k" })

function Kept:chunks()
  if files[self] then return files[self]:chunks() end
  local text = texts[self] ~= "" and texts[self] or nil
  return function()
    local piece = text
    text = nil
    return piece
  end
end

function Kept:bytes() return texts[self] or files[self]:bytes() end

function Kept:text() return texts[self] or coding.to_utf8(files[self]:bytes(), M.charset_of(self.content_type), 400) end

function Kept:save(path, opts)
  return upload.save(files[self] or self, path, opts, saves_of[self], "part:save", self:chunks())
end

--- keep(part, text or file, saves) -> the same part, with what was read of it
function M.keep(part, content, saves)
  local kept = setmetatable({
    name = part.name, filename = part.filename, raw_filename = part.raw_filename, content_type = part.content_type,
    headers = part.headers,
  }, Kept)
  saves_of[kept] = saves
  if type(content) == "string" then texts[kept] = content else files[kept] = content end
  return kept
end

local fields = { "name", "filename", "raw_filename", "content_type", "headers" }
names.class("part", Part, { fields = fields, absent = { "form_data" } })
names.class("part", Kept, { fields = fields })

return M
