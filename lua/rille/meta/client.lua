---@meta _
-- The HTTP client, for editors: see rille.lua beside this file.

---@class rille
local rille = {}

---@class rille.fetch_options
---@field method? string
---@field query? table|string
---@field headers? table<string, string>
---@field json? any
---@field form? table
---@field files? table
---@field multipart? table|boolean
---@field body? string|fun(): string?
---@field cookies? table<string, string>
---@field auth? table
---@field timeout? number|table|false
---@field follow? integer|boolean
---@field retries? integer
---@field raise? boolean
---@field decompress? boolean
---@field body_limit? number
---@field encoding? string
---@field absolute? boolean
---@field verify? boolean
---@field ca? string|false
---@field cert? string|false
---@field key? string|false
---@field http2? boolean
---@field proxy? string|false
---@field no_proxy? string|false
---@field unix? string|false

---@class rille.client_options: rille.fetch_options
---@field base_url? string
---@field cookies? boolean|rille.jar
---@field limit? integer
---@field limit_per_host? integer
---@field allow? string[]
---@field deny_private? boolean

--- Sends a request and returns when the head of the response has come.
---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function rille.fetch(url, options) end

--- Makes a client with its own connections, cookies and defaults.
---@class rille.client_module
---@overload fun(options?: rille.client_options): rille.client
rille.client = {}

--- Makes an empty jar.
---@return rille.jar
function rille.client.cookies() end

--- Makes a response from plain data, for hooks and tests.
---@param options {status?: integer, headers?: table, body?: string, json?: any, url?: string, method?: string}
---@return rille.client_response
function rille.client.response(options) end

---@class rille.client
---@field cookies? rille.jar
local client = {}

--- Sends a request; the options are those of rille.fetch.
---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:get(url, options) end

---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:post(url, options) end

---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:put(url, options) end

---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:patch(url, options) end

---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:delete(url, options) end

---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:head(url, options) end

---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:options(url, options) end

--- Sends a request; the method is in the options.
---@param url string
---@param options? rille.fetch_options
---@return rille.client_response
function client:request(url, options) end

--- Adds a hook around each request; the first one is outermost.
---@param hook fun(req: table, send: fun(req: table): rille.client_response): rille.client_response|table
---@return rille.client
function client:use(hook) end

--- Returns how many requests run and wait.
---@return {running: integer, waiting: integer}
function client:stats() end

--- Closes its connections.
function client:close() end

---@class rille.jar
local jar = {}

--- Stores a cookie as if a response from that URL had set it.
---@param url string
---@param name string
---@param value string
---@param options? {path?: string, domain?: string, secure?: boolean, http_only?: boolean, max_age?: number}
function jar:set(url, name, value, options) end

--- Returns the value that would be sent there, or nil.
---@param url string
---@param name string
---@return string?
function jar:get(url, name) end

--- Returns all cookies, as plain tables.
---@return table[]
function jar:list() end

--- Removes all cookies, or those of a domain.
---@param domain? string
function jar:clear(domain) end

--- Returns plain data that JSON can hold.
---@return table
function jar:save() end

--- Reads what save returned.
---@param data table
function jar:load(data) end

return rille
