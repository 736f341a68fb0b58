---@meta _
-- Middleware, secrets and schemas, for editors: see rille.lua beside this file.

---@class rille
local rille = {}

--- req.session: a table that the next request of the same browser has too.
---@param options? {store?: "cookie"|"memory"|"sqlite", secret?: rille.secret, name?: string, max_age?: number, lifetime?: number, path?: string, secure?: boolean, same_site?: string, database?: any}
---@return rille.middleware
function rille.session(options) end

--- Refuses forms of other sites.
---@param options? {trusted?: string[], field?: string, header?: string}
---@return rille.middleware
function rille.csrf(options) end

--- Lets pages of other origins call.
---@param options? {origins?: string|string[]|(fun(origin: string): boolean), methods?: string[], headers?: string|string[], expose?: string[], credentials?: boolean, max_age?: number}
---@return rille.middleware
function rille.cors(options) end

--- Adds headers that make browsers careful: CSP, HSTS, frames, sniffing.
---@param options? {csp?: string|table|boolean, hsts?: string|integer|boolean, frame?: string|boolean, referrer?: string|boolean, opener?: string|boolean, permissions?: string|boolean}
---@return rille.middleware
function rille.security_headers(options) end

--- Limits the requests a second of each client; more get a 429.
---@param options {rate: number, burst?: number, by?: (fun(req: rille.request): any), name?: string}
---@return rille.middleware
function rille.limit(options) end

--- Compresses with gzip or brotli for clients that accept it.
---@param options? {min?: number}
---@return rille.middleware
function rille.compress(options) end

--- Believes what these proxies say about the client.
---@param networks table addresses, and headers="forwarded"|"x-forwarded"
---@return rille.middleware
function rille.trust_proxy(networks) end

--- Adds req.id to the response.
---@param options? {header?: string, trust?: boolean}
---@return rille.middleware
function rille.request_id(options) end

--- Redirects /posts/ to /posts, or the other way round.
---@param options? {status?: integer}
---@return rille.middleware
function rille.normalize_path(options) end

rille.auth = {}

--- Requires a name and a password; verify returns req.state.user.
---@param options {verify: (fun(name: string, password: string, req: rille.request): any), realm?: string}
---@return rille.middleware
function rille.auth.basic(options) end

--- Requires a token; verify returns req.state.user.
---@param options {verify: (fun(token: string, req: rille.request): any), realm?: string}
---@return rille.middleware
function rille.auth.bearer(options) end

rille.password = {}

--- Hashes a password with argon2id, on a thread.
---@param password string
---@return string
function rille.password.hash(password) end

--- Checks a password. For nil it returns false after the same time.
---@param password string
---@param hash string?
---@return boolean
function rille.password.verify(password, hash) end

--- Returns true if the hash was made with weaker parameters.
---@param hash string
---@return boolean
function rille.password.needs_rehash(hash) end

--- Seals a value into a text that nobody else can read or forge.
---@param value any
---@param purpose string
---@return string
function rille.seal(value, purpose) end

--- Returns the value, or nil if the text is forged, too old, or of another purpose.
---@param text string?
---@param purpose string
---@param max_age? number
---@return any
function rille.unseal(text, purpose, max_age) end

--- Returns true if a webhook's signature fits its body.
---@param secret string
---@param body string
---@param signature string?
---@return boolean
function rille.verify_signature(secret, body, signature) end

--- A handler that answers with the metrics of all workers, in Prometheus' text format.
---@return rille.response
function rille.metrics() end

--- Makes a handler that answers 200 if all checks pass, else 503 with the names of those that failed.
---@param checks? table<string, fun(req: rille.request): any>
---@return fun(req: rille.request): rille.response
function rille.healthz(checks) end

--- Returns the digest in lower-case hex.
---@param s string
---@return string
function rille.sha256(s) end

--- Returns the digest in lower-case hex.
---@param key string
---@param s string
---@return string
function rille.hmac_sha256(key, s) end

--- Returns n random bytes as URL-safe base64.
---@param n? integer 32
---@return string
function rille.random_token(n) end

--- Returns true if the strings are equal, in constant time; nil equals nothing.
---@param a string?
---@param b string?
---@return boolean
function rille.secure_compare(a, b) end

---@alias rille.schema string|table

--- Returns a function that checks a value: it returns a checked copy, or raises 422 with each failure by its path.
---@class rille.validate
---@overload fun(schema: rille.schema): fun(value: any): any
rille.validate = {}

--- Makes a middleware that checks a body of JSON or a form, and stores it as req.state.body.
---@param schema rille.schema|function
---@return rille.middleware
function rille.validate.body(schema) end

--- Makes a middleware that checks the query, and stores it as req.state.query.
---@param schema rille.schema|function
---@return rille.middleware
function rille.validate.query(schema) end

return rille
