---@meta rille.testing
-- `require "rille.testing"`, for editors: see rille.lua beside this file.

---@class rille.testing
local testing = {}

--- Makes a client that calls the app in process; it starts the lifespans.
---@param app rille.app
---@param options? {cookies?: boolean, headers?: table<string, string>, scheme?: string, host?: string}
---@return rille.test_client
function testing.client(app, options) end

--- Starts a server on a real port of 127.0.0.1; with `tls` it speaks https, and server.ca verifies it.
---@param app rille.app
---@param options? {tls?: boolean|{names?: string[], client_ca?: string}}
---@return rille.test_server
function testing.server(app, options) end

--- Stops the clock, so that the test moves it.
---@return rille.test_clock
function testing.clock() end

--- Answers outgoing requests instead of the network.
---@return rille.mock
function testing.mock() end

--- Returns a fresh database in memory, migrated if a directory is given.
---@param directory? string
---@return rille.database
function testing.database(directory) end

--- Waits until all work of app:background has ended.
function testing.background() end

---@class rille.test_client
---@field cookies? rille.jar
local test_client = {}

--- Sends a request; the method is in the options.
---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:request(path, options) end

--- Adds a hook around each request.
---@param hook fun(req: table, send: fun(req: table): rille.client_response): rille.client_response|table
---@return rille.test_client
function test_client:use(hook) end

--- Sends a request; the options are those of rille.fetch.
---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:get(path, options) end

---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:post(path, options) end

---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:put(path, options) end

---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:patch(path, options) end

---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:delete(path, options) end

---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:head(path, options) end

---@param path string
---@param options? rille.fetch_options
---@return rille.client_response
function test_client:options(path, options) end

function test_client:close() end

---@class rille.test_server
---@field url string
---@field port integer
---@field ca? string path of the authority that has signed its certificate
local server = {}

function server:close() end

---@class rille.test_clock
local clock = {}

--- Moves the clock to each timer in turn; rille.now and rille.time follow.
---@param seconds number
function clock:advance(seconds) end

--- Starts the real clock again.
function clock:close() end

---@class rille.mock
---@field calls table[]
local fake = {}

--- Sets the answer for a method and a URL; * matches anything.
---@param method string
---@param wanted string|fun(url: string): boolean
---@param answer table|string|(fun(req: table): table)
---@return rille.mock
function fake:on(method, wanted, answer) end

function fake:close() end

return testing
