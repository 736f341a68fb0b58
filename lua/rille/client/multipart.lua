-- multipart/form-data (RFC 7578) as a client writes it: fields and files in one body, files streamed from disk.
--
--   parts   {name=, body=string}  {name=, filename=, content_type=, path= | body=string | body=iterator}
--
-- Names, file names and content types stand inside the body's own little heads: CR, LF and NUL in them would begin another
-- header there, so they raise (CVE-2026-34514, CVE-2026-50269). A quote becomes %22, as browsers write it.
local options = require "rille.options"
local native = require "rille.native.core"
local query = require "rille.client.query"

local mistake = options.mistake

local M = {}

local types = {
  avif = "image/avif", css = "text/css", csv = "text/csv", gif = "image/gif", gz = "application/gzip", html = "text/html",
  ico = "image/x-icon", jpeg = "image/jpeg", jpg = "image/jpeg", js = "text/javascript", json = "application/json",
  md = "text/markdown", mp3 = "audio/mpeg", mp4 = "video/mp4", pdf = "application/pdf", png = "image/png",
  svg = "image/svg+xml", txt = "text/plain", webm = "video/webm", webp = "image/webp", xml = "application/xml",
  zip = "application/zip",
}

local function type_of(filename)
  local extension = filename:match "%.(%w+)$"
  return extension and types[extension:lower()] or "application/octet-stream"
end

local function check_text(what, text)
  if type(text) ~= "string" then mistake(("multipart: %s is a string, got a %s"):format(what, type(text))) end
  if text:find "[\r\n\0]" then mistake(("multipart: %s holds a line break or NUL"):format(what)) end
  return text
end

local function quoted(text) return '"' .. text:gsub('"', "%%22") .. '"' end

-- ---- parts ----------------------------------------------------------------------------------------------------------

local part_options = { name = "string", path = "string", filename = "string", content_type = "string", body = true }

local function check_contents(name, body)
  if body == nil or type(body) == "string" or options.is_callable(body) then return end
  mistake(("multipart: the body of '%s' is a string or an iterator, got a %s"):format(name, type(body)))
end

-- A file of a request that came in (req:file) goes out again as it is.
local function as_spec(name, given)
  if type(given) == "userdata" or (type(given) == "table" and getmetatable(given) ~= nil) then return given end
  if type(given) == "table" then
    check_contents(name, given.body)
    return options.check(given, part_options, "multipart")
  end
  mistake(("files: '%s' is a table {path=} or {filename=, content_type=, body=}, got a %s"):format(name, type(given)))
end

local function file_part(name, given)
  local spec = as_spec(name, given)
  local part = { name = name, path = spec.path, body = spec.body }
  if not part.path and part.body == nil and spec.chunks then part.body = spec:chunks() end
  if (part.path == nil) == (part.body == nil) then mistake(("files: '%s' needs a path or a body"):format(name)) end
  part.filename = spec.filename or (part.path and part.path:match "[^/]*$") or name
  part.content_type = spec.content_type or type_of(part.filename)
  return part
end

local function is_list(value) return type(value) == "table" and value[1] ~= nil end

local function add_files(parts, files)
  local names = {}
  for name in pairs(files) do names[#names + 1] = check_text("a name", name) end
  table.sort(names)
  for _, name in ipairs(names) do
    for _, given in ipairs(is_list(files[name]) and files[name] or { files[name] }) do
      parts[#parts + 1] = file_part(name, given)
    end
  end
end

local function add_fields(parts, form)
  for _, pair in ipairs(query.pairs_of("form", form)) do parts[#parts + 1] = { name = pair[1], body = pair[2] } end
end

local function is_file(value) return type(value) == "userdata" or (type(value) == "table" and not is_list(value)) end

-- multipart={title="x", image={path="a.png"}}, or a list of parts {name=, …} that keeps its order
local function add_mixed(parts, mixed)
  if is_list(mixed) then
    for _, given in ipairs(mixed) do
      local name = check_text("a name", given.name)
      as_spec(name, given)
      local plain = not given.path and not given.filename and type(given.body) == "string"
      parts[#parts + 1] = plain and { name = name, body = given.body, content_type = given.content_type }
        or file_part(name, given)
    end
    return
  end
  local fields, files = {}, {}
  for name, value in pairs(mixed) do
    if is_file(value) or (is_list(value) and is_file(value[1])) then files[name] = value else fields[name] = value end
  end
  add_fields(parts, fields)
  add_files(parts, files)
end

-- ---- the body -------------------------------------------------------------------------------------------------------

local function head_of(part, boundary)
  local lines = { "--" .. boundary, "Content-Disposition: form-data; name=" .. quoted(check_text("a name", part.name)) }
  if part.filename then
    lines[2] = lines[2] .. "; filename=" .. quoted(check_text("a file name", part.filename))
  end
  if part.content_type then lines[3] = "Content-Type: " .. check_text("a content type", part.content_type) end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- The size of a part's contents, or nil where an iterator makes them.
local function size_of(part)
  if not part.path then return type(part.body) == "string" and #part.body or nil end
  local file, size = native.file_open(part.path, "r")
  if not file then mistake(("files: '%s': %s"):format(part.name, size)) end
  file:close()
  return size
end

local function send_file(part, send)
  local file, size = native.file_open(part.path, "r")
  if not file then error(size, 0) end
  local closing <close> = file -- luacheck: ignore 211
  local left = size
  for bytes in function() return file:read() end do
    left = left - #bytes
    if not send(bytes) then return false end
  end
  if left ~= 0 then error(("%s changed while it was sent"):format(part.path), 0) end
  return true
end

local function send_contents(part, send)
  if part.path then return send_file(part, send) end
  if type(part.body) == "string" then return part.body == "" or send(part.body) end
  for bytes in part.body do
    if type(bytes) ~= "string" then error(("body: the iterator gives strings, got a %s"):format(type(bytes)), 0) end
    if bytes ~= "" and not send(bytes) then return false end
  end
  return true
end

local MOST_IN_MEMORY = 64 * 1024

-- Small ones of strings only go out as one string.
local function as_string(parts, heads, tail)
  local pieces = {}
  for i, part in ipairs(parts) do
    pieces[#pieces + 1] = heads[i]
    pieces[#pieces + 1] = part.body
    pieces[#pieces + 1] = "\r\n"
  end
  pieces[#pieces + 1] = tail
  return table.concat(pieces)
end

local function measure(parts, heads, tail)
  local total, in_memory, again = #tail, true, true
  for i, part in ipairs(parts) do
    local size = size_of(part)
    in_memory = in_memory and type(part.body) == "string"
    again = again and (part.path or type(part.body) == "string") and true
    total = total and size and total + #heads[i] + size + 2
  end
  return total, in_memory and total <= MOST_IN_MEMORY, again
end

--- of(form, files, mixed) -> body (see body.lua), its content type
function M.of(form, files, mixed)
  local parts, heads = {}, {}
  if form then add_fields(parts, form) end
  if files then add_files(parts, files) end
  if type(mixed) == "table" then add_mixed(parts, mixed) end
  local boundary = "rille-" .. native.random_id() .. native.random_id()
  for i, part in ipairs(parts) do heads[i] = head_of(part, boundary) end
  local tail = "--" .. boundary .. "--\r\n"
  local content_type = "multipart/form-data; boundary=" .. boundary
  local length, small, again = measure(parts, heads, tail)
  if small then return as_string(parts, heads, tail), content_type end
  return { length = length, again = again, send = function(send)
    for i, part in ipairs(parts) do
      if not (send(heads[i]) and send_contents(part, send) and send "\r\n") then return end
    end
    send(tail)
  end }, content_type
end

return M
