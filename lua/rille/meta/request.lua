---@meta _
-- What a handler gets, for editors: see rille.lua beside this file.

---@class rille.request
---@field method string
---@field path string decoded
---@field raw_path string as sent, without the query
---@field target string as sent
---@field url string
---@field query table<string, string>
---@field headers table<string, string>
---@field trailers table<string, string>
---@field params table<string, any>
---@field cookies table<string, string>
---@field content_type? string
---@field charset? string
---@field content_length? integer
---@field remote string
---@field scheme string
---@field host string
---@field version string
---@field id string
---@field route? string
---@field app rille.app
---@field state table
---@field session table
local req = {}

---@param name string
---@return string[]
function req:header_all(name) end

---@param name string
---@return string[]
function req:query_all(name) end

--- The best of the given types, or nil.
---@param ... string
---@return string?
function req:accepts(...) end

---@return string
function req:text() end

---@return string
function req:bytes() end

---@param options? {null?: boolean}
---@return any
function req:json(options) end

--- The body as it arrives.
---@return fun(): string?
function req:chunks() end

---@return table<string, string|rille.file>
function req:form() end

---@param name string
---@return (string|rille.file)[]
function req:form_all(name) end

---@param name string
---@return rille.file?
function req:file(name) end

---@return fun(): rille.part?
function req:parts() end

---@param name string
---@param params? table<string, any>
---@param query? table<string, any>
---@return string
function req:url_for(name, params, query) end

function req:renew_session() end

function req:clear_session() end

---@param text string
function req:flash(text) end

---@return string[]
function req:flashes() end

---@return string
function req:csrf_token() end

---@return string
function req:csrf_field() end

---@return string
function req:csp_nonce() end

---@class rille.file
---@field name string
---@field filename string safe as the last part of a path
---@field raw_filename string
---@field content_type string
---@field size integer
local file = {}

---@return string
function file:bytes() end

---@return fun(): string?
function file:chunks() end

---@param path string
---@param options? {root?: string, overwrite?: boolean}
---@return integer size
function file:save(path, options) end

---@class rille.part
---@field name? string
---@field filename? string
---@field raw_filename? string
---@field content_type? string
---@field headers table<string, string>
local part = {}

---@return string
function part:bytes() end

---@return string
function part:text() end

---@return fun(): string?
function part:chunks() end

---@param path string
---@param options? {root?: string, overwrite?: boolean}
---@return integer size
function part:save(path, options) end

return req
