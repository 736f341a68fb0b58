---@meta rille
-- `require "rille"` for editors: LuaCATS annotations, read by lua-language-server and never run. A spec
-- (spec/rille/meta_spec.lua) compares them with what is exported.

---@alias rille.handler_result string|rille.response|nil
---@alias rille.handler fun(req: rille.request): rille.handler_result, integer?
---@alias rille.middleware fun(req: rille.request, handler: fun(req: rille.request): rille.response): rille.handler_result, integer?
---@alias rille.secret string|string[]

---@class rille
---@field version string the version of rille
---@field null userdata SQL's NULL and JSON's null, in places that cannot hold nil
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

--- Makes an app.
---@param options? rille.app_options
---@return rille.app
function rille.app(options) end

-- ---- responses -----------------------------------------------------------------------------------------------------

--- Answers with text in UTF-8.
---@param s string
---@param status? integer 200
---@return rille.response
function rille.text(s, status) end

--- Answers with HTML in UTF-8.
---@param s string
---@param status? integer 200
---@return rille.response
function rille.html(s, status) end

--- Answers with the value as JSON.
---@param value any
---@param status? integer 200
---@return rille.response
function rille.json(value, status) end

--- Answers without a body.
---@param status? integer 204
---@return rille.response
function rille.empty(status) end

--- Redirects; the browser follows with GET.
---@param url string
---@param status? integer 303
---@return rille.response
function rille.redirect(url, status) end

--- Streams a file, relative to the program's root. With `root` the path stays below that directory: for paths that
--- come from a request. Raises code "not_found".
---@param path string
---@param options? {content_type?: string, filename?: string, inline?: boolean, root?: string, dotfiles?: boolean}
---@return rille.response
function rille.file(path, options) end

--- Answers with a body that f writes piece by piece.
---@param content_type string
---@param f fun(out: rille.out)
---@param status? integer 200
---@return rille.response
function rille.stream(content_type, f, status) end

--- Makes any response.
---@param options? {status?: integer, content_type?: string, headers?: table<string, string|string[]>, body?: string}
---@return rille.response
function rille.response(options) end

--- Answers with a page.
---@param name string
---@param context? table
---@param status? integer 200
---@return rille.response
function rille.render(name, context, status) end

--- Answers with a page, sent while it is rendered.
---@param name string
---@param context? table
---@param status? integer 200
---@return rille.response
function rille.render_stream(name, context, status) end

rille.template = {}

--- Returns a function that takes a context and returns the text of one template.
---@param source string
---@param options? {templates?: table<string, string>, autoescape?: boolean, trim_blocks?: boolean, lstrip_blocks?: boolean, keep_trailing_newline?: boolean, strict?: boolean, filters?: table, tests?: table, globals?: table, limit?: number}
---@return fun(context?: table): string
function rille.template.compile(source, options) end

--- Marks text as HTML.
---@param s string
---@return table
function rille.template.markup(s) end

rille.image = {}

--- Makes a smaller picture, as bytes, on a thread.
---@param bytes string
---@param options {width?: integer, height?: integer, format?: "jpeg"|"png"|"gif"|"webp", fit?: "cover"|"contain", quality?: integer}
---@return string
function rille.image.thumbnail(bytes, options) end

--- Format and size of a picture, without decoding it; nil if the data is no picture.
---@param bytes string
---@return {format: string, width: integer, height: integer}?
function rille.image.info(bytes) end

---@class rille.out
local out = {}

--- Sends the string; waits if the client is slower than the program.
---@param s string
---@return rille.out
function out:write(s) end

--- Adds a field after the body.
---@param name string
---@param value string
---@return rille.out
function out:trailer(name, value) end

-- ---- errors and the log -------------------------------------------------------------------------------------------

--- An error value, as it is raised.
---@class rille.error
---@field status integer of HTTP
---@field code string a short word, such as "timeout"
---@field message string a sentence
---@field cause? any the original error
---@field traceback? string where it was raised
---@field headers? table<string, string> that go into the response
---@field failures? table<string, string> of validation, by path
---@field response? rille.client_response of code "status"
---@field sqlstate? string of code "sql": five characters, such as "23505"
---@field violation? "unique"|"primary_key"|"not_null"|"check"|"foreign_key"|"trigger"|"datatype"|"other" the kind of constraint that failed
---@field constraint? string its name, or its columns
---@field statement? string of SQL, that failed
---@field line? integer of the text of SQL, or of the migration's file
---@field column? integer
---@field sqlite? integer SQLite's extended code
---@field sqlite_name? string such as "SQLITE_CONSTRAINT_UNIQUE"
---@field migration? string the file of the migration that failed
local err = {} -- luacheck: ignore 211

--- Makes an error value without raising it.
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

--- Returns the results of f, or nil and an error value.
---@param f function
---@param ... any
---@return any ...
function rille.try(f, ...) end

rille.log = {}

--- Writes a line to the log, shown only if RILLE_DEBUG is set.
---@param message string
---@param fields? table<string, any>
function rille.log.debug(message, fields) end

--- Writes a line to the log.
---@param message string
---@param fields? table<string, any>
function rille.log.info(message, fields) end

--- Writes a line to the log.
---@param message string
---@param fields? table<string, any>
function rille.log.warn(message, fields) end

--- Writes a line to the log.
---@param message string
---@param fields? table<string, any>
function rille.log.error(message, fields) end

-- ---- text ------------------------------------------------------------------------------------------------------------

--- Marks a table as a list, even if it is empty, and returns it.
---@generic T: table
---@param t T
---@return T
function rille.array(t) end

--- Returns the value as JSON text; raises if JSON cannot express it.
---@param value any
---@return string
function rille.json_encode(value) end

--- Returns the value of a JSON text; raises code "json" with line and column.
---@param s string
---@param options? {null?: boolean}
---@return any
function rille.json_decode(s, options) end

--- Marks a string as a BLOB, for a statement.
---@param s string
---@return userdata
function rille.blob(s) end

--- Makes one parameter of several values, for IN (?).
---@param values any[]
---@return userdata
function rille.list(values) end

--- Percent-encodes one part of a URL.
---@param s string
---@return string
function rille.url_encode(s) end

--- Decodes one part of a URL; "+" is a space.
---@param s string
---@return string
function rille.url_decode(s) end

--- Escapes text for use between tags and in quoted attributes.
---@param s string
---@return string
function rille.html_escape(s) end

--- Returns seconds on a monotonic clock.
---@return number
function rille.now() end

--- Returns seconds since 1970, with fractions.
---@return number
function rille.time() end

return rille
