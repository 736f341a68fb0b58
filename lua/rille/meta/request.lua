---@meta _
-- The request that a handler gets, for editors: see rille.lua in this folder.

---@class rille.request
---@field method string "GET"
---@field path string decoded
---@field raw_path string as sent, without the query
---@field target string as sent
---@field url string absolute
---@field query table<string, string> the first value of each name
---@field headers table<string, string> in any case; repeated ones are joined with ", "
---@field trailers table<string, string> the fields after a chunked body
---@field params table<string, any> of the path, converted
---@field cookies table<string, string> the first of each name
---@field content_type? string without parameters, in lower case
---@field charset? string that the Content-Type names
---@field content_length? integer nil for a body in chunks
---@field remote string the client's IP
---@field scheme string "http" or "https"
---@field host string what the client says
---@field version string "1.1" or "1.0"
---@field id string random; that of the log
---@field route? string its name
---@field app rille.app whose route it is
---@field state table free, for this request
---@field session table what JSON can hold; with rille.session
local req = {}

--- All values of a header.
---@param name string
---@return string[]
function req:header_all(name) end

--- All values of a name in the query.
---@param name string
---@return string[]
function req:query_all(name) end

--- The best of the given types, or nil.
---@param ... string
---@return string?
function req:accepts(...) end

--- The whole body as UTF-8, by its charset.
---@return string
function req:text() end

--- The whole body as it is.
---@return string
function req:bytes() end

--- The decoded body, whatever its Content-Type. With `null = true` a JSON null is rille.null, and not absent.
---@param options? {null?: boolean}
---@return any
function req:json(options) end

--- The body as it arrives.
---@return fun(): string?
function req:chunks() end

--- Fields of a form of either kind; a file is a table.
---@return table<string, string|rille.file>
function req:form() end

--- All values of a name.
---@param name string
---@return (string|rille.file)[]
function req:form_all(name) end

--- The first file of a name.
---@param name string
---@return rille.file?
function req:file(name) end

--- Parts of a multipart body as they arrive.
---@return fun(): rille.part?
function req:parts() end

--- The absolute URL of a named route.
---@param name string
---@param params? table<string, any>
---@param query? table<string, any>
---@return string
function req:url_for(name, params, query) end

--- A new identity with the same data: call it at login.
function req:renew_session() end

--- Forgets data and identity: logout.
function req:clear_session() end

--- A message for the next page.
---@param text string
function req:flash(text) end

--- The messages, which are gone then.
---@return string[]
function req:flashes() end

--- The token of the forms of this session.
---@return string
function req:csrf_token() end

--- The same as a hidden input.
---@return string
function req:csrf_field() end

--- A number for inline scripts of this response.
---@return string
function req:csp_nonce() end

--- A file of a form.
---@class rille.file
---@field name string of the input
---@field filename string safe as the last part of a path
---@field raw_filename string as sent: never build a path of it
---@field content_type string what the client says
---@field size integer bytes
local file = {}

--- All of it.
---@return string
function file:bytes() end

--- Its bytes, piece by piece.
---@return fun(): string?
function file:chunks() end

--- Writes it to disk; it is there whole or not at all.
---@param path string
---@param options? {root?: string, overwrite?: boolean}
---@return integer size
function file:save(path, options) end

--- A part of a multipart body, as it arrives.
---@class rille.part
---@field name? string of the input
---@field filename? string safe as the last part of a path
---@field raw_filename? string as sent
---@field content_type? string what the client says
---@field headers table<string, string> of the part
local part = {}

--- All of it, 1 MiB at most.
---@return string
function part:bytes() end

--- The same as UTF-8.
---@return string
function part:text() end

--- Its bytes as they arrive.
---@return fun(): string?
function part:chunks() end

--- Writes it to disk as it arrives.
---@param path string
---@param options? {root?: string, overwrite?: boolean}
---@return integer size
function part:save(path, options) end

return req
