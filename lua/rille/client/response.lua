-- The response to a request: fields for what is there, methods for what may wait. One type for everybody: the HTTP client,
-- testing.client (which asks an app without a socket) and testing.mock.
--
--   res.status res.headers res.url res.method res.history res.ok res.cookies res.version
--   res:text() res:bytes() res:json() res:chunks() res:save(path) res:header_all(name) res:raise_for_status() res:close()
--
-- A response is made of status, headers and a body source, an object with
--
--   source:next() -> the next bytes, or nil at the end; may wait, may raise
--   source:close() -> nothing more is wanted
--   source:all() -> the rest as one string (optional)
--
-- From plain data:   response.of{status = 201, headers = {Location = "/x"}, body = "…" or a source, json = value, url = "…"}
local coding = require "rille.coding"
local errors = require "rille.error"
local headers = require "rille.client.headers"
local mistake = require("rille.options").mistake
local options = require "rille.options"
local names = require "rille.names"
local native = require "rille.native.core"
local native_client = require "rille.native.client"
local native_http = require "rille.native.http"

local M = {}
local methods, getters = {}, {}
local Response = { __name = "rille.client_response" }
local unknown = native.unknown("response", { url = true, method = true })

function Response.__index(self, key)
  local method = methods[key]
  if method then return method end
  local getter = getters[key]
  if not getter then return unknown(self, key) end
  local value = getter(self)
  if key ~= "encoding" then rawset(self, key, value) end
  return value
end

local function checked_encoding(encoding, what)
  if type(encoding) ~= "string" then mistake(("%s: an encoding is a string, got a %s"):format(what, type(encoding))) end
  if not native.charset_is_known(encoding) then
    mistake(("%s: encoding: '%s' is no charset that is known here"):format(what, encoding))
  end
  return encoding:lower()
end

-- res.encoding is the charset that the program names, and may be set.
function Response.__newindex(self, key, value)
  if key ~= "encoding" then return rawset(self, key, value) end
  self.encoding_ = value ~= nil and checked_encoding(value, "res.encoding")
end

function Response.__tostring(self) return ("response (%d)"):format(self.status) end

--- new(status, headers, source, url, method) -> response; headers as native_client.client_headers makes them
function M.new(status, head, source, url, method)
  return setmetatable({ status = status, headers = head, url = url, method = method,
    source_ = source, bytes_ = false, encoding_ = false }, Response)
end

function M.is(value) return getmetatable(value) == Response end

-- ---- from plain data ------------------------------------------------------------------------------------------------

local Text = {}
Text.__index = Text
function Text:next()
  local text = self.text
  self.text = nil
  return text ~= "" and text or nil
end
function Text:all() return self:next() or "" end
function Text:close() self.text = nil end

--- source(text) -> a body source of one string
function M.source(text) return setmetatable({ text = text }, Text) end

local function head_of(given)
  local list = headers.of(given.headers or {})
  if given.json ~= nil and not list["content-type"] then headers.add(list, "Content-Type", "application/json") end
  return native_client.client_headers(list)
end

local plain_fields = { status = "number", headers = "table", body = "string|table|userdata", json = true, url = "string",
  method = "string", error = true, delay = true }

--- parts{status=, headers=, body=, json=} -> status, headers, source
function M.parts(given)
  options.check(given, plain_fields, "response")
  local status = given.status or 200
  if math.type(status) ~= "integer" or status < 100 or status > 599 then
    mistake("a response's status is an integer from 100 to 599, got " .. tostring(status))
  end
  local body = given.json ~= nil and native.json_encode(given.json) or given.body or ""
  return status, head_of(given), type(body) == "string" and M.source(body) or body
end

--- of{status=, headers=, body=, json=, url=, method=} -> response
function M.of(given)
  local status, head, source = M.parts(given)
  return M.new(status, head, source, given.url, given.method)
end

-- ---- fields that are made when asked for ----------------------------------------------------------------------------

function getters.history() return native.array {} end

function getters.ok(self) return self.status >= 200 and self.status <= 299 end

--- The version of HTTP that carried it: "1.1", "2".
function getters.version(self) return self.source_.version and self.source_:version() or "1.1" end

--- The cookies that this response sets: name -> value.
function getters.cookies(self)
  local found = {}
  for _, text in ipairs(methods.header_all(self, "set-cookie")) do
    local name, value = native_client.set_cookie_cut(text)
    if name then found[name] = value end
  end
  return found
end

function getters.content_type(self)
  local value = self.headers["content-type"]
  return value and value:match "^%s*([^;%s]*)":lower() or nil
end

local last_type, last_charset -- one answer is often like the one before it

function getters.charset(self)
  local value = self.headers["content-type"]
  if not value then return nil end
  if value ~= last_type then
    local charset = value:match ';%s*[cC][hH][aA][rR][sS][eE][tT]%s*=%s*"?([^";%s]+)'
    last_type, last_charset = value, charset and charset:lower() or nil
  end
  return last_charset
end

--- The charset that the program names, by the option of this name or here.
function getters.encoding(self) return self.encoding_ or nil end

--- res:header_all(name) -> list of values, each as it came
function methods.header_all(self, name) return native_client.header_all(self.headers, name) end

-- ---- the body -------------------------------------------------------------------------------------------------------

-- Whose response it is, without the query: that may hold what a log must not.
local function label(self) return ("%s %s"):format(self.method or "GET", (self.url or ""):match "^[^?#]*") end

-- A body that this side cannot read is the other side's fault: 502 to our own client.
local function upstream_error(self, code, message, fields)
  fields = fields or {}
  fields.status, fields.url, fields.method = 502, self.url, self.method
  return errors.new(code, message, fields)
end

local function unreadable(self, code, message)
  error(upstream_error(self, code, label(self) .. ": " .. message), 0)
end

-- bytes_: the whole body where it was asked for; true where it was read in pieces, or closed; false before.
local function take_unread(self)
  if self.bytes_ then mistake "the body of this response was read in pieces already, or closed" end
  self.bytes_ = true
end

local function read_all(source)
  if source.all then return source:all() end
  local pieces = {}
  for bytes in function() return source:next() end do pieces[#pieces + 1] = bytes end
  return table.concat(pieces)
end

--- res:bytes() -> the whole body as it is; may be asked for again
function methods.bytes(self)
  local bytes = self.bytes_
  if bytes and bytes ~= true then return bytes end
  take_unread(self)
  bytes = read_all(self.source_)
  self.bytes_ = bytes
  return bytes
end

local unmarked = coding.unmarked

local known_options = { text = { encoding = "string" }, json = { encoding = "string", null = "boolean" } }

-- The charset that a call says, or nil.
local function said_encoding(opts, what)
  if type(opts) == "table" then opts = options.check(opts, known_options[what], what).encoding end
  return opts ~= nil and checked_encoding(opts, what) or nil
end

-- A server may name one of a few charsets; the program may name any.
local function decode(self, bytes, charset, convert, is_said)
  if convert then return convert(bytes) end
  if not is_said then
    unreadable(self, "charset", ("its charset is not known: %s; name another one with encoding="):format(charset))
  end
  local text = native.charset_decode(bytes, charset)
  return text and unmarked(text)
end

--- res:text{encoding=} -> the whole body as UTF-8: by that charset, by res.encoding, else by that of Content-Type. Raises code
--- "charset".
function methods.text(self, opts)
  local encoding = opts ~= nil and said_encoding(opts, "text") or self.encoding_
  local bytes, charset = methods.bytes(self), encoding or self.charset or "utf-8"
  local convert = coding.converter(charset)
  local text
  if convert == true then text = native.utf8_text(bytes) else text = decode(self, bytes, charset, convert, encoding) end
  return text or unreadable(self, "charset", "the body is not " .. charset)
end

--- res:json{encoding=, null=} -> the decoded body, whatever its Content-Type says. Raises code "json". null: a member that is
--- null is rille.null, not absent.
function methods.json(self, opts)
  local encoding = opts ~= nil and said_encoding(opts, "json") or self.encoding_
  local bytes = encoding and methods.text(self, encoding) or unmarked(methods.bytes(self))
  local ok, value = pcall(native.json_decode, bytes, type(opts) == "table" and { null = opts.null } or nil)
  if ok then return value end
  if type(value) ~= "table" or value.code ~= "json" then error(value, 0) end
  return unreadable(self, "json", "the body is not JSON: " .. tostring(value))
end

local Closing = { __close = function(closing) closing.source:close() end }

--- for bytes in res:chunks() do … end: the body as it arrives; leaving the loop early closes the response
function methods.chunks(self)
  local kept = self.bytes_ ~= true and self.bytes_
  local source = kept and M.source(kept) or self.source_
  if not kept then take_unread(self) end
  return function() return source:next() end, nil, nil, setmetatable({ source = source }, Closing)
end

-- No half-written file is left: the bytes gather beside it and take its name at the end.
local Unfinished = { __close = function(unfinished)
  unfinished.file:close()
  if unfinished.path then os.remove(unfinished.path) end
end }

--- res:save(path) -> how many bytes were written
function methods.save(self, path)
  if type(path) ~= "string" then error("save: a path was expected, got a " .. type(path), 2) end
  local beside = path .. "." .. native.random_id() .. ".part"
  local file, why = native.file_open(beside, "w")
  if not file then error(errors.new("io", "cannot write " .. why), 0) end
  local unfinished <close> = setmetatable({ file = file, path = beside }, Unfinished)
  local size = 0
  for bytes in methods.chunks(self) do
    file:write(bytes)
    size = size + #bytes
  end
  local renamed, message = os.rename(beside, path)
  if not renamed then error(errors.new("io", ("cannot write %s: %s"):format(path, message)), 0) end
  unfinished.path = nil
  return size
end

--- res:raise_for_status() -> res; from 400 on raises code "status" with err.response
function methods.raise_for_status(self)
  if self.status < 400 then return self end
  local text = native_http.status_text(self.status)
  error(upstream_error(self, "status", ("%s: %d%s"):format(label(self), self.status, text ~= "" and " " .. text or ""),
    { response = self }), 0)
end

--- res:close(): what was not read is not wanted
function methods.close(self)
  self.bytes_ = self.bytes_ or true
  self.source_:close()
end

Response.__close = methods.close

names.known("response", methods, { "status", "headers", "url", "method", "history", "ok", "version", "cookies", "content_type",
  "charset", "encoding" }, M.is, Response)

return M
