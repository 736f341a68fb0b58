---@meta rille
-- Annotations of `require "rille"` for editors (LuaCATS), read by lua-language-server and never run. A spec
-- (spec/rille/meta_spec.lua) compares them with what is exported.

---@alias rille.handler_result string|rille.response|nil
---@alias rille.handler fun(req: rille.request): rille.handler_result, integer?
---@alias rille.middleware fun(req: rille.request, handler: fun(req: rille.request): rille.response): rille.handler_result, integer?
---@alias rille.secret string|string[]

---@class rille
---@field version string of rille
---@field null userdata SQL's NULL and JSON's null, where nil cannot stand
---@field worker {id: integer, count: integer} this Lua state among those of the process
---@field sqlite rille.sqlite
---@field client rille.client_module
---@field validate rille.validate
local rille = {}

rille.worker = {}
---@type integer
rille.worker.id = nil
---@type integer
rille.worker.count = nil

---@class rille.app_options
---@field body_limit? number bytes of a request's body; 1 MiB
---@field templates? string|table
---@field secret? rille.secret
---@field cpu_limit? number seconds without a wait; none, 5 under `rille dev`
---@field debug? boolean
---@field name? string
---@field limits? table<string, number>

--- A program: what answers, and what stands around it.
---@param options? rille.app_options
---@return rille.app
function rille.app(options) end

-- ---- responses -----------------------------------------------------------------------------------------------------

--- Text in UTF-8.
---@param s string
---@param status? integer 200
---@return rille.response
function rille.text(s, status) end

--- HTML in UTF-8.
---@param s string
---@param status? integer 200
---@return rille.response
function rille.html(s, status) end

--- The value as JSON.
---@param value any
---@param status? integer 200
---@return rille.response
function rille.json(value, status) end

--- No body.
---@param status? integer 204
---@return rille.response
function rille.empty(status) end

--- Leads to another place; the browser follows with GET.
---@param url string
---@param status? integer 303
---@return rille.response
function rille.redirect(url, status) end

--- A file; the path starts at the program's root. With `root` it starts at that directory and stays below it: for paths that
--- come from a request. Raises code "not_found".
---@param path string
---@param options? {content_type?: string, filename?: string, inline?: boolean, root?: string, dotfiles?: boolean}
---@return rille.response
function rille.file(path, options) end

--- A body that is written piece by piece.
---@param content_type string
---@param f fun(out: rille.out)
---@param status? integer 200
---@return rille.response
function rille.stream(content_type, f, status) end

--- Any response.
---@param options? {status?: integer, content_type?: string, headers?: table<string, string|string[]>, body?: string}
---@return rille.response
function rille.response(options) end

--- A template of the app that answers the request.
---@param name string
---@param context? table
---@param status? integer 200
---@return rille.response
function rille.render(name, context, status) end

--- The same, sent while it is made.
---@param name string
---@param context? table
---@param status? integer 200
---@return rille.response
function rille.render_stream(name, context, status) end

rille.template = {}

--- A function of a context that gives the text of one template.
---@param source string
---@param options? {templates?: table<string, string>, autoescape?: boolean, trim_blocks?: boolean, lstrip_blocks?: boolean, keep_trailing_newline?: boolean, strict?: boolean, filters?: table, tests?: table, globals?: table, limit?: number}
---@return fun(context?: table): string
function rille.template.compile(source, options) end

--- Text that is HTML already.
---@param s string
---@return table
function rille.template.markup(s) end

rille.image = {}

--- A smaller picture of a larger one, as bytes; made on a thread.
---@param bytes string
---@param options {width?: integer, height?: integer, format?: "jpeg"|"png"|"gif"|"webp", fit?: "cover"|"contain", quality?: integer}
---@return string
function rille.image.thumbnail(bytes, options) end

--- Returns format and size of a picture, without decoding it; nil if it is none.
---@param bytes string
---@return {format: string, width: integer, height: integer}?
function rille.image.info(bytes) end

---@class rille.out
local out = {}

--- Sends the string; waits where the client is slower than the program.
---@param s string
---@return rille.out
function out:write(s) end

--- A field after the body.
---@param name string
---@param value string
---@return rille.out
function out:trailer(name, value) end

-- ---- errors and the log -------------------------------------------------------------------------------------------

--- The value that is raised.
---@class rille.error
---@field status integer of HTTP
---@field code string a short word, such as "timeout"
---@field message string a sentence
---@field cause? any what was raised first
---@field traceback? string where it came from
---@field headers? table<string, string> that go into the response
---@field failures? table<string, string> of validation, by path
---@field response? rille.client_response of code "status"
local err = {} -- luacheck: ignore 211

--- An error value, not raised.
---@param kind integer|string a status from 400 to 599, or a short lower-case word
---@param message? string
---@param fields? table
---@return rille.error
function rille.error(kind, message, fields) end

--- Raises an error value.
---@param kind integer|string
---@param message? string
---@param fields? table
---@return never
function rille.abort(kind, message, fields) end

--- Results of f, or nil and an error value.
---@param f function
---@param ... any
---@return any ...
function rille.try(f, ...) end

rille.log = {}

--- A line in the log, shown where RILLE_DEBUG is set.
---@param message string
---@param fields? table<string, any>
function rille.log.debug(message, fields) end

--- A line in the log.
---@param message string
---@param fields? table<string, any>
function rille.log.info(message, fields) end

--- A line in the log.
---@param message string
---@param fields? table<string, any>
function rille.log.warn(message, fields) end

--- A line in the log.
---@param message string
---@param fields? table<string, any>
function rille.log.error(message, fields) end

-- ---- text ------------------------------------------------------------------------------------------------------------

--- Marks a table as a list, an empty one too, and gives it back.
---@generic T: table
---@param t T
---@return T
function rille.array(t) end

--- The value as JSON; raises what has no JSON.
---@param value any
---@return string
function rille.json_encode(value) end

--- The value of a JSON text; raises code "json" with line and column.
---@param s string
---@param options? {null?: boolean}
---@return any
function rille.json_decode(s, options) end

--- The string as a BLOB, for a statement.
---@param s string
---@return userdata
function rille.blob(s) end

--- Percent-encodes one piece of a URL.
---@param s string
---@return string
function rille.url_encode(s) end

--- The other way; "+" is a space.
---@param s string
---@return string
function rille.url_decode(s) end

--- For text between tags and in quoted attributes.
---@param s string
---@return string
function rille.html_escape(s) end

--- Seconds on a clock that never goes back.
---@return number
function rille.now() end

--- Seconds since 1970.
---@return number
function rille.time() end

return rille
