---@meta _
-- Responses, ours and those of the HTTP client, for editors: see rille.lua beside this file.

---@class rille.response
---@field status integer
---@field headers table<string, string>
---@field body? string
local res = {}

--- Replaces; nil takes it away.
---@param name string
---@param value string|number|nil
---@return rille.response
function res:header(name, value) end

---@param name string
---@param value string|number
---@return rille.response
function res:add_header(name, value) end

---@param name string
---@param value string|number
---@param options? {max_age?: number, path?: string, domain?: string, secure?: boolean, http_only?: boolean, same_site?: string}
---@return rille.response
function res:cookie(name, value, options) end

---@param name string
---@param options? {path?: string, domain?: string}
---@return rille.response
function res:delete_cookie(name, options) end

---@param value string
---@return rille.response
function res:etag(value) end

---@param time number seconds since 1970
---@return rille.response
function res:last_modified(time) end

---@class rille.client_response
---@field status integer
---@field headers table<string, string>
---@field url string
---@field method string
---@field ok boolean
---@field version string
---@field history rille.client_response[]
---@field cookies table<string, string>
---@field content_type? string
---@field charset? string
---@field encoding? string the charset to read it by, instead of `charset`
local res = {} -- luacheck: ignore 411

---@param name string
---@return string[]
function res:header_all(name) end

---@param options? string|{encoding?: string}
---@return string
function res:text(options) end

---@return string
function res:bytes() end

---@param options? string|{encoding?: string}
---@return any
function res:json(options) end

---@return fun(): string?
function res:chunks() end

---@param path string
---@return integer size
function res:save(path) end

---@return rille.client_response
function res:raise_for_status() end

function res:close() end

return res
