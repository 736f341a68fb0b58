---@meta _
-- Middleware, secrets and schemas, for editors: see rille.lua beside this file.

---@class rille
local rille = {}

---@param options? {store?: "cookie"|"memory"|"sqlite", secret?: rille.secret, name?: string, max_age?: number, lifetime?: number, path?: string, secure?: boolean, same_site?: string, database?: any}
---@return rille.middleware
function rille.session(options) end

---@param options? {trusted?: string[], field?: string, header?: string}
---@return rille.middleware
function rille.csrf(options) end

---@param options? {origins?: string|string[]|(fun(origin: string): boolean), methods?: string[], headers?: string|string[], expose?: string[], credentials?: boolean, max_age?: number}
---@return rille.middleware
function rille.cors(options) end

---@param options? {csp?: string|table|boolean, hsts?: string|boolean, frame?: string|boolean, referrer?: string|boolean, opener?: string|boolean, permissions?: string|boolean}
---@return rille.middleware
function rille.security_headers(options) end

---@param options {rate: number, burst?: number, by?: (fun(req: rille.request): any), name?: string}
---@return rille.middleware
function rille.limit(options) end

---@param options? {min?: number}
---@return rille.middleware
function rille.compress(options) end

---@param networks table addresses, and headers="forwarded"|"x-forwarded"
---@return rille.middleware
function rille.trust_proxy(networks) end

---@param options? {header?: string, trust?: boolean}
---@return rille.middleware
function rille.request_id(options) end

---@param options? {status?: integer}
---@return rille.middleware
function rille.normalize_path(options) end

rille.auth = {}

---@param options {verify: (fun(name: string, password: string, req: rille.request): any), realm?: string}
---@return rille.middleware
function rille.auth.basic(options) end

---@param options {verify: (fun(token: string, req: rille.request): any), realm?: string}
---@return rille.middleware
function rille.auth.bearer(options) end

rille.password = {}

---@param password string
---@return string
function rille.password.hash(password) end

---@param password string
---@param hash string?
---@return boolean
function rille.password.verify(password, hash) end

---@param hash string
---@return boolean
function rille.password.needs_rehash(hash) end

---@param value any
---@param purpose string
---@return string
function rille.seal(value, purpose) end

---@param text string?
---@param purpose string
---@param max_age? number
---@return any
function rille.unseal(text, purpose, max_age) end

---@param secret string
---@param body string
---@param signature string?
---@return boolean
function rille.verify_signature(secret, body, signature) end

--- A handler: what all workers have done, in Prometheus' text format.
---@return rille.response
function rille.metrics() end

--- A handler: 200 while every check is content, else 503 and the names of those that are not.
---@param checks? table<string, fun(req: rille.request): any>
---@return fun(req: rille.request): rille.response
function rille.healthz(checks) end

---@param s string
---@return string
function rille.sha256(s) end

---@param key string
---@param s string
---@return string
function rille.hmac_sha256(key, s) end

---@param n? integer 32
---@return string
function rille.random_token(n) end

---@param a string?
---@param b string?
---@return boolean
function rille.secure_compare(a, b) end

---@alias rille.schema string|table

---@class rille.validate
---@overload fun(schema: rille.schema): fun(value: any): any
rille.validate = {}

---@param schema rille.schema|function
---@return rille.middleware
function rille.validate.body(schema) end

---@param schema rille.schema|function
---@return rille.middleware
function rille.validate.query(schema) end

return rille
