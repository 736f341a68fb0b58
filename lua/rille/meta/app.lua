---@meta _
-- The app, for editors: see rille.lua beside this file.

---@class rille.app
---@field state table for the program's own use
local app = {}

---@class rille.route_options
---@field name? string
---@field use? rille.middleware[]
---@field body_limit? number
---@field timeout? number

---@class rille.group_of_routes: rille.app

--- Registers a handler for a path; HEAD follows GET.
---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:get(path, handler, options) end

---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:post(path, handler, options) end

---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:put(path, handler, options) end

---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:patch(path, handler, options) end

---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:delete(path, handler, options) end

---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:head(path, handler, options) end

---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:options(path, handler, options) end

---@param path string
---@param handler rille.handler
---@param options? rille.route_options
---@return rille.app
function app:any(path, handler, options) end

--- Registers a route, given as one table.
---@param options {method?: string|string[], path: string, handler: rille.handler, name?: string, use?: rille.middleware[], body_limit?: number, timeout?: number}
---@return rille.app
function app:route(options) end

--- Makes a group that takes routes like an app.
---@param options? {prefix?: string, use?: rille.middleware[], name?: string, body_limit?: number, timeout?: number}
---@return rille.group_of_routes
function app:group(options) end

--- Adds a middleware; the first one is outermost.
---@param middleware rille.middleware
---@return rille.app
function app:use(middleware) end

--- Answers errors of a status, of a code, or "*" for any.
---@param which integer|string a status, a code, or "*"
---@param handler fun(req: rille.request, err: rille.error): rille.handler_result, integer?
---@return rille.app
function app:on_error(which, handler) end

--- Registers a function that is called before any response is sent, errors included.
---@param hook fun(req: rille.request, res: rille.response)
---@return rille.app
function app:on_response(hook) end

--- Mounts another app below a prefix.
---@param prefix string
---@param sub rille.app
---@return rille.app
function app:mount(prefix, sub) end

--- Serves the files of a directory below a prefix.
---@param prefix string
---@param directory string
---@param options? {index?: boolean, max_age?: number, precompressed?: boolean, listing?: boolean, dotfiles?: boolean, fallback?: string, hash?: boolean}
---@return rille.app
function app:static(prefix, directory, options) end

--- Defines a type of path parameters: {x:name}.
---@param name string
---@param options {pattern?: string, parse?: (fun(s: string): any), format?: (fun(value: any): string)}
---@return rille.app
function app:converter(name, options) end

--- Returns the path of a named route.
---@param name string
---@param params? table<string, any>
---@param query? table<string, any>
---@return string
function app:url_for(name, params, query) end

--- f(self, running) opens, calls running(), closes. If it returns without calling running(), the app does not start.
---@param f fun(self: rille.app, running: fun())
---@return rille.app
function app:lifespan(f) end

--- Starts a task that outlives its request.
---@param f function
---@param ... any
---@return rille.task
function app:background(f, ...) end

--- Keeps plain data across a reload: returns the table, filled with what the previous version kept under this name.
---@generic T: table
---@param name string
---@param value T
---@return T
function app:keep(name, value) end

--- Returns the text of a page.
---@param name string
---@param context? table
---@return string
function app:render(name, context) end

--- Adds variables to every page that answers a request.
---@param f fun(req: rille.request): table?
---@return rille.app
function app:context(f) end

--- Defines a filter of templates: {{ value | name }}.
---@param name string
---@param f fun(value: any, ...): any
---@return rille.app
function app:filter(name, f) end

--- Defines a test of templates: {% if value is name %}.
---@param name string
---@param f fun(value: any, ...): boolean
---@return rille.app
function app:test(name, f) end

--- Defines a variable of all pages.
---@param name string
---@param value any
---@return rille.app
function app:global(name, value) end

return app
