-- Forms: req:form(), req:form_all(), req:file(), and req:parts() for those who take the parts as they arrive. Text is kept
-- in memory, files as rille/upload.lua says; a form is read once, whoever asks for it first.
local coding = require "rille.coding"
local errors = require "rille.error"
local names = require "rille.names"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local parts = require "rille.part"
local upload = require "rille.upload"

local M = {}
local methods = native_http.request_methods
local parsed = "parsed form" -- under which a request keeps its form; no field of req is called so
native_http.request_keeps(parsed)

--- Tables that came from req:form() -> all values of each name. Those values are text, so rille.validate reads numbers in
--- them.
M.forms = setmetatable({}, { __mode = "k" })

local Form = {}
Form.__index = Form

-- fields[name] is the first value of a name; all of them stand in order in lists[name].
function Form:add(name, value)
  local list = self.lists[name]
  if list then
    list[#list + 1] = value
  else
    self.lists[name] = native.array { value }
    self.fields[name] = value
  end
end

-- ---- multipart ----------------------------------------------------------------------------------------------------

local function check_part(part)
  if not part.form_data or not part.name then
    errors.abort(400, "a part of the form has no Content-Disposition: form-data with a name")
  end
  if not native.utf8_valid(part.name) then errors.abort(400, "the name of a part is not UTF-8") end
end

local function read_file(req, form, part)
  local spool = parts.spool(part, native_http.spool(req))
  if part.raw_filename == "" and spool:size() == 0 then return spool:close() end -- an input left empty
  local file = upload.new(part, spool, form.saves)
  form:add(part.name, file)
  form.parts[#form.parts + 1] = parts.keep(part, file, form.saves)
end

local function read_text(form, part)
  local bytes = parts.gather(part, native_http.limit_form_text - form.text_size)
  form.text_size = form.text_size + #bytes
  if part.name == "_charset_" and not form.charset then form.charset = bytes end -- RFC 7578 section 4.6
  local text = coding.to_utf8(bytes, parts.charset_of(part.content_type) or form.charset, 400)
  if text:find("\0", 1, true) then errors.abort(400, "a field of the form holds NUL") end
  form:add(part.name, text)
  form.parts[#form.parts + 1] = parts.keep(part, text, form.saves)
end

local function read_multipart(req, form)
  local reader = parts.read(req)
  form.parts, form.text_size, form.saves = {}, 0, {}
  for part in reader.next_part, reader do
    check_part(part)
    if part.raw_filename then read_file(req, form, part) else read_text(form, part) end
  end
end

--- req:parts() -> iterator over the parts of a multipart body as they arrive
function methods.parts(req)
  local form, index = req[parsed], 0
  if not form or not form.parts then
    local reader = parts.read(req)
    return reader.next_part, reader
  end
  return function()
    index = index + 1
    return form.parts[index]
  end
end

-- ---- urlencoded ---------------------------------------------------------------------------------------------------

local function read_urlencoded(req, form)
  coding.check_content(req)
  local utf8 = coding.check_charset(req.charset)
  local list = native_http.form_decode(methods.bytes(req), utf8)
  for i = 1, #list, 2 do
    local name, value = list[i], list[i + 1]
    if not utf8 then name, value = coding.to_utf8(name, req.charset), coding.to_utf8(value, req.charset) end
    form:add(name, value)
  end
end

-- ---- either -------------------------------------------------------------------------------------------------------

-- A request without any body is an empty form.
local function has_no_body(req)
  return req.content_type == nil and (req.content_length == 0 or (req.content_length == nil and methods.bytes(req) == ""))
end

local function form_of(req)
  local form = req[parsed]
  if form then return form end
  form = setmetatable({ fields = {}, lists = {} }, Form)
  if req.content_type == "application/x-www-form-urlencoded" then
    read_urlencoded(req, form)
  elseif req.content_type == "multipart/form-data" then
    read_multipart(req, form)
  elseif not has_no_body(req) then
    errors.abort(415, "a form was expected: application/x-www-form-urlencoded or multipart/form-data")
  end
  M.forms[form.fields] = form.lists
  native_http.request_keep(req, parsed, form)
  return form
end

--- req:form() -> fields: the first value of each name, a string or a file
function methods.form(req) return form_of(req).fields end

--- req:form_all(name) -> list of all values of that name
function methods.form_all(req, name) return form_of(req).lists[name] or native.array {} end

--- req:file(name) -> the first file of that name, or nil
function methods.file(req, name)
  for _, value in ipairs(form_of(req).lists[name] or {}) do
    if upload.is(value) then return value end
  end
  return nil
end

names.again "req"

return M
