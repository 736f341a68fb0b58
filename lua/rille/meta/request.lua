---@meta _
-- The request that a handler gets, for editors: see rille.lua in this folder.

---@class rille.ClientCertificate
---@field subject string "CN=ada,O=Example"
---@field issuer string
---@field serial string hexadecimal
---@field fingerprint string SHA-256, hexadecimal
---@field sans string[] "DNS:a.example", "email:ada@a.example"
---@field not_before string "2026-11-30T20:37:00Z"
---@field not_after string

---@class rille.request
---@field method string "GET"
---@field path string decoded
---@field raw_path string as sent, without the query
---@field target string as sent
---@field url string absolute
---@field query table<string, string> the first value of each name
---@field headers table<string, string> in any case; repeated ones are joined with ", "
---@field trailers table<string, string> the fields after a chunked body
---@field client_certificate? rille.ClientCertificate what the client has shown (`--client-ca`)
---@field params table<string, any> of the path, converted
---@field cookies table<string, string> the first of each name
---@field content_type? string without parameters, in lower case
---@field charset? string that the Content-Type names
---@field content_length? integer nil for a body in chunks
---@field remote string the client's IP
---@field scheme string "http" or "https"
---@field host string of the Host header
---@field version string "1.0", "1.1" or "2"
---@field id string random; the log shows it too
---@field route? string its name
---@field app rille.app the app that the route belongs to
---@field state table for your own use in this request
---@field session table what JSON can hold; with rille.session
local req = {}

--- Returns all values of a header.
---@param name string
---@return string[]
function req:header_all(name) end

--- Tells the client before the response what it will need (103 Early Hints). Raises once the response has begun.
---@param headers table<string, string|string[]>
---@return rille.request
function req:early_hints(headers) end

--- Returns all values of a name in the query.
---@param name string
---@return string[]
function req:query_all(name) end

--- Returns the type that the client prefers, or nil.
---@param ... string
---@return string?
function req:accepts(...) end

--- Returns the whole body, converted from its charset to UTF-8.
---@return string
function req:text() end

--- Returns the whole body as it is.
---@return string
function req:bytes() end

--- Returns the decoded body, whatever its Content-Type. With `null = true` a JSON null is rille.null, not absent.
---@param options? {null?: boolean}
---@return any
function req:json(options) end

--- Iterates over the body as it arrives.
---@return fun(): string?
function req:chunks() end

--- Returns the fields of a form; a file is a table.
---@return table<string, string|rille.file>
function req:form() end

--- Returns all values of a name.
---@param name string
---@return (string|rille.file)[]
function req:form_all(name) end

--- Returns the first file of a name.
---@param name string
---@return rille.file?
function req:file(name) end

--- Iterates over the parts of a multipart body as they arrive.
---@return fun(): rille.part?
function req:parts() end

--- Returns the absolute URL of a named route.
---@param name string
---@param params? table<string, any>
---@param query? table<string, any>
---@return string
function req:url_for(name, params, query) end

--- Gives the session a new id with the same data. Call it at login.
function req:renew_session() end

--- Forgets the session's data and id. Call it at logout.
function req:clear_session() end

--- Keeps a message for the next page.
---@param text string
function req:flash(text) end

--- Returns the messages and forgets them.
---@return string[]
function req:flashes() end

--- Returns the token for forms of this session.
---@return string
function req:csrf_token() end

--- Returns the token as a hidden input.
---@return string
function req:csrf_field() end

--- Returns a nonce for inline scripts of this response.
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

--- Returns the whole content.
---@return string
function file:bytes() end

--- Iterates over the content.
---@return fun(): string?
function file:chunks() end

--- Writes the file to disk. It appears only when it is complete.
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

--- Returns the whole content, at most 1 MiB.
---@return string
function part:bytes() end

--- Returns the whole content as UTF-8.
---@return string
function part:text() end

--- Iterates over the content as it arrives.
---@return fun(): string?
function part:chunks() end

--- Writes the part to disk as it arrives.
---@param path string
---@param options? {root?: string, overwrite?: boolean}
---@return integer size
function part:save(path, options) end

return req
