---@meta _
-- Responses, ours and those of the HTTP client, for editors: see rille.lua beside this file.

--- The response that a handler returns and a middleware may change.
---@class rille.response
---@field status integer
---@field headers table<string, string> in any case; assigning sets
---@field body? string nil in a file and in a stream
local res = {}

--- Sets a header and replaces earlier values; nil removes it.
---@param name string
---@param value string|number|nil
---@return rille.response
function res:header(name, value) end

--- Adds another header of that name.
---@param name string
---@param value string|number
---@return rille.response
function res:add_header(name, value) end

--- Sets a cookie.
---@param name string
---@param value string|number
---@param options? {max_age?: number, path?: string, domain?: string, secure?: boolean, http_only?: boolean, same_site?: string}
---@return rille.response
function res:cookie(name, value, options) end

--- Deletes a cookie.
---@param name string
---@param options? {path?: string, domain?: string}
---@return rille.response
function res:delete_cookie(name, options) end

--- Sets the ETag, the version of the content; quotes are added.
---@param value string
---@return rille.response
function res:etag(value) end

--- Sets Last-Modified.
---@param time number seconds since 1970
---@return rille.response
function res:last_modified(time) end

--- A response of the HTTP client.
---@class rille.client_response
---@field status integer
---@field headers table<string, string>
---@field url string of the last request, after redirects
---@field method string by which it was asked for
---@field ok boolean true if the status is from 200 to 299
---@field version string of HTTP
---@field history rille.client_response[] the redirects on the way
---@field cookies table<string, string> that it sets
---@field content_type? string without parameters
---@field charset? string that it says
---@field encoding? string the charset to read it by, instead of `charset`
local res = {} -- luacheck: ignore 411

--- Returns all values of a header.
---@param name string
---@return string[]
function res:header_all(name) end

--- Returns the whole body as UTF-8.
---@param options? string|{encoding?: string}
---@return string
function res:text(options) end

--- Returns the whole body as it is.
---@return string
function res:bytes() end

--- Returns the decoded body.
---@param options? string|{encoding?: string}
---@return any
function res:json(options) end

--- Iterates over the body as it arrives.
---@return fun(): string?
function res:chunks() end

--- Writes the body into a file, which appears only when it is complete.
---@param path string
---@return integer size
function res:save(path) end

--- Returns the response, or raises code "status" from 400 on.
---@return rille.client_response
function res:raise_for_status() end

--- Drops the rest of the body.
function res:close() end

return res
