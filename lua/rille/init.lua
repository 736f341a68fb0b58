-- rille, as a program sees it: `local rille = require "rille"`. Everything is a function here or a noun of its own beside
-- this file; what is slow to load is loaded when it is first named.
local names = require "rille.names"
local native = require "rille.native.core"
local native_http = require "rille.native.http"
local native_data = require "rille.native.data"
local options = require "rille.options"
local App = require "rille.app"
local errors = require "rille.error"
local task = require "rille.task"
local traits = require "rille.traits"
require "rille.request"
require "rille.form"
require "rille.response"

local rille = {
  version = native.version,
  worker = { id = native.worker, count = native.workers },

  app = App.new,
  text = native_http.text, html = native_http.html, json = native_http.json,
  empty = native_http.empty, redirect = native_http.redirect,
  stream = native_http.stream,

  error = function(kind, message, fields) return errors.new(kind, message, fields, 2) end,
  abort = errors.abort,
  try = native.try,

  null = native.null, array = native.array,
  json_encode = native.json_encode, json_decode = native.json_decode,
  blob = native_data.blob, list = native_data.list,
  url_encode = native.url_encode, url_decode = native.url_decode, html_escape = native.html_escape,
  now = native.now, time = native.time,
  sha256 = native.sha256, hmac_sha256 = native.hmac_sha256, random_token = native.random_token,
  secure_compare = native.secure_compare,
}

for name, value in pairs(task) do rille[name] = value end

local log = {}
for _, level in ipairs { "debug", "info", "warn", "error" } do
  log[level] = function(message, fields)
    if message == log then names.check_colon(log, "rille.log." .. level) end
    if type(message) == "table" and getmetatable(message) == nil then
      options.raise("rille.log.%s(message, fields): message is text, got a table: fields come second", level)
    end
    if fields ~= nil and type(fields) ~= "table" then
      options.raise("rille.log.%s(message, fields): fields is a table such as {id = 7}, got %s", level, names.describe(fields))
    end
    native.log(level, message, fields)
  end
end
rille.log = names.module("rille.log", log)
names.module("rille.worker", rille.worker)
names.known("rille", rille, { "version", "worker", "null", "log" })

local response_options = { status = "number", content_type = "string", headers = "table", body = "string" }

--- rille.response{status=200, content_type=, headers={}, body=""} -> response
function rille.response(opts)
  opts = options.only(opts, response_options, "response")
  local res = native_http.text(opts.body or "", opts.status)
  res.headers["Content-Type"] = opts.content_type or (opts.body and "text/plain; charset=utf-8") or nil
  for _, name in ipairs(options.sorted(opts.headers or {})) do
    local value = opts.headers[name]
    if type(name) ~= "string" then
      options.raise("response: headers has names, such as { [\"X-A\"] = \"b\" }, got [%s]", tostring(name))
    end
    if type(value) == "table" then
      for _, item in ipairs(options.list(value, "response: header " .. name)) do res:add_header(name, item) end
    else
      res:header(name, value)
    end
  end
  return res
end

local file_options = {
  content_type = "string", filename = "string", inline = "boolean", root = "string", dotfiles = "boolean",
}

-- A file name in a header: as it is where it is plain, and in UTF-8 for those who know (RFC 6266, RFC 8187). It is a name that
-- somebody will save a file under, and often one that somebody else has sent: no folders, no control characters.
local function disposition(kind, name)
  if not name then return kind end
  name = native_http.filename_safe(name)
  local plain = name:gsub("[^%w%-_. ]", "_")
  local text = ('%s; filename="%s"'):format(kind, plain)
  return plain == name and text or ("%s; filename*=UTF-8''%s"):format(text, native.url_encode(name))
end

local function absolute(path) return path:sub(1, 1) == "/" and path or native.root .. "/" .. path end

--- rille.file(path, {content_type=, filename=, inline=, root=, dotfiles=false}) -> response; the path starts at the program's
--- root. With `root` it starts at that directory and stays below it, whatever it says, and no part of it begins with a dot
--- unless `dotfiles`: for paths that come from a request. Raises code "not_found".
function rille.file(path, opts)
  names.check_colon(path, "rille.file")
  if type(path) ~= "string" then error("file: a path was expected, got a " .. type(path), 2) end
  opts = options.check(opts, file_options, "file")
  if opts.dotfiles ~= nil and not opts.root then options.raise "file: dotfiles goes with root" end
  local root = opts.root and absolute(opts.root)
  local res = native_http.file(root and path or absolute(path), opts.content_type, root, opts.dotfiles)
  if opts.filename or opts.inline ~= nil then
    res:header("Content-Disposition", disposition(opts.inline and "inline" or "attachment", opts.filename))
  end
  return res
end

local pages -- loaded with the first one

--- rille.render(name, context, status) -> response: a template of the app that answers the request, as HTML
function rille.render(name, context, status)
  pages = pages or require "rille.page"
  return pages.response(name, context, status)
end

--- rille.render_stream(name, context, status) -> response: the same, sent while it is made
function rille.render_stream(name, context, status) return require("rille.page").stream(name, context, status) end

-- name -> module that is its value, or {module, field of it}; loaded when it is first named
local lazy = {
  auth = "rille.auth", client = "rille.client", compress = "rille.compress", cors = "rille.cors", csrf = "rille.csrf",
  fetch = "rille.fetch", healthz = { "rille.watch", "healthz" }, image = "rille.image",
  limit = "rille.limit", metrics = { "rille.watch", "metrics" }, normalize_path = "rille.normalize_path",
  password = "rille.password",
  request_id = "rille.request_id", security_headers = "rille.security_headers", session = "rille.session",
  sqlite = "rille.sqlite", template = "rille.template", trust_proxy = "rille.trust_proxy", validate = "rille.validate",
  seal = { "rille.seal", "seal" }, unseal = { "rille.seal", "unseal" },
  verify_signature = { "rille.seal", "verify_signature" },
}

-- Functions that make a middleware or a handler, and how they are called.
local makers = {
  session = "{}", csrf = "{}", cors = "{}", compress = "{}", security_headers = "{}", request_id = "{}", normalize_path = "{}",
  limit = "{rate=}", trust_proxy = '{"10.0.0.0/8"}', healthz = "{}",
}

local unknown = native.unknown("rille", {})
names.known("rille", lazy, { "auth", "client", "image", "password", "sqlite", "template", "validate" })

return setmetatable(rille, {
  __name = "rille",
  __index = function(self, name)
    local module = lazy[name]
    if not module then return unknown(self, name) end
    local value = type(module) == "table" and require(module[1])[module[2]] or require(module)
    if type(value) == "table" then names.module("rille." .. name, value) end
    if makers[name] then traits.is_maker(value, "rille." .. name, "rille." .. name .. makers[name]) end
    rawset(self, name, value)
    return value
  end,
})
