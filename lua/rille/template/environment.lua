-- An environment: where templates come from, what they can use, and the templates that have been compiled.
--
--   find(name) -> template -> render(template, context, helpers) -> text
--
-- A template is {name, root, blocks, exports, only_prints, expected}: root and the functions in blocks (name -> list of
-- one) are the compiler's. `helpers` is a metatable that leads to what is there for one page (request, session, …): names are
-- looked up in the context, then there, then in the globals. Templates are cached; in development a file that has changed is
-- compiled again.
local compiler = require "rille.template.compiler"
local failure = require "rille.template.failure"
local filters = require "rille.template.filters"
local globals = require "rille.template.globals"
local inherit = require "rille.template.inherit"
local Loader = require "rille.template.loader"
local native = require "rille.native.template"
local nearest = require("rille.options").nearest
local parser = require "rille.template.parser"
local runtime = require "rille.template.runtime"
local Stream = require "rille.template.stream"
local tests = require "rille.template.tests"
local value = require "rille.template.value"

local Environment = {}
Environment.__index = Environment

local REQUEST = inherit.REQUEST
local getmetatable, setmetatable, next = getmetatable, setmetatable, next

local function with_defaults(own, shared) return setmetatable(own or {}, { __index = shared }) end

--- Returns true if a template of this name is escaped unless it says otherwise.
function Environment.escapes_by_name(name)
  local extension = name:lower():match "%.(%w+)$"
  return extension == "html" or extension == "htm" or extension == "xml"
end

--- Environment.new{sources = list, filters =, tests =, globals =, autoescape = boolean or function(name), trim_blocks =,
--- lstrip_blocks =, keep_trailing_newline =, strict =, reload =, limit = bytes of a page, parent =}; the tables of the
--- program's own are asked again each time, so that what is added later counts for templates that are compiled later. What
--- they lack, the parent's (another environment's) may have.
function Environment.new(options)
  local parent = options.parent or { filters = filters, tests = tests, globals = globals }
  local self = setmetatable({
    loader = Loader.new(options.sources or {}), templates = {}, syntax = options, strict = options.strict == true,
    R = options.strict and runtime.strict or runtime.lenient, reload = options.reload, limit = options.limit,
    no_plans = options.no_plans,
    filters = with_defaults(options.filters, parent.filters), tests = with_defaults(options.tests, parent.tests),
    globals = with_defaults(options.globals, parent.globals),
  }, Environment)
  self.autoescape = options.autoescape == nil and Environment.escapes_by_name or options.autoescape
  self.globals_meta = { __index = self.globals }
  self.no_result = self:undefined "a function returned nothing"
  return self
end

--- Returns an undefined value for templates of this environment.
function Environment:undefined(message) return value.undefined(message, self.strict) end

--- Returns one that even strict templates let pass: an inline if without else.
function Environment.lenient_undefined(_, message) return value.undefined(message, false) end

-- ---- compiling --------------------------------------------------------------------------------------------------------

local NO_GLOBALS = {} -- what templates see of Lua

-- Runs a chunk that the compiler has written. What Lua refuses is too large or too deep for it.
local function run_chunk(self, source, constants, origin)
  local chunk, message = load(source, "@" .. origin.chunk, "t", NO_GLOBALS)
  if not chunk then
    local line = tonumber(message:match ":(%d+):") or 1
    failure.syntax(origin, line, nil, "this is too much for one template: " .. message:gsub("^.-:%d+: ", ""))
  end
  return chunk(self.R, constants)
end

-- Makes a unit's function, and its plans, which are constants.
local function load_unit(self, unit, source, constants, origin)
  local leaves = unit.plans and run_chunk(self, unit.leaves, constants, origin)
  for _, plan in ipairs(unit.plans or {}) do constants[plan.index] = self.R.plan(plan.spec, leaves) end
  return run_chunk(self, source, constants, origin)
end

--- compile(source, name, chunk) -> template. Raises a syntax error.
function Environment:compile(source, name, chunk)
  local origin = { name = name, chunk = chunk, source = source }
  failure.know(chunk)
  local autoescape = self.autoescape
  if type(autoescape) == "function" then autoescape = autoescape(name) end
  local unit = compiler.compile(parser.parse(source, origin, self.syntax), origin, self, autoescape)
  local template = { name = name, chunk = chunk, exports = unit.exports, blocks = {}, expected = 0,
    only_prints = unit.only_prints }
  template.root = load_unit(self, unit, unit.root, unit.constants, origin)
  for _, block in ipairs(unit.blocks) do
    template.blocks[block.name] = { load_unit(self, block, block.source, unit.constants, origin) }
  end
  return template
end

--- The template of a name, compiled; nil where there is none.
function Environment:find(name)
  local template = self.templates[name]
  if template and not (self.reload and Loader.has_changed(template.found)) then return template end
  local found = self.loader:load(name)
  if not found then
    self.templates[name] = nil
    return nil
  end
  template = self:compile(found.source, name, found.chunk)
  template.found = { path = found.path, stamp = found.stamp }
  self.templates[name] = template
  return template
end

--- Returns the message about a template that does not exist.
function Environment:missing(name)
  local near = nearest(name, self.loader:names())
  return ("there is no template '%s'%s"):format(name, near and (", did you mean '" .. near .. "'?") or "")
end

--- The template of a name; raises where there is none.
function Environment:get(name)
  return self:find(name) or failure.not_found(self:missing(name))
end

-- ---- rendering --------------------------------------------------------------------------------------------------------

-- Returns variables for a context with a metatable, whose metamethods are respected.
local function vars_of_object(context, of_context, meta, request)
  local vars = { [REQUEST] = request }
  for name, v in next, context do
    if not value.is_hidden(context, name) then vars[name] = v end
  end
  if not of_context.__index then return setmetatable(vars, meta) end
  local beyond = setmetatable({ [REQUEST] = request }, meta)
  return setmetatable(vars, { __index = function(_, name)
    local v
    if not value.is_hidden(context, name) then v = context[name] end
    if v == nil then return beyond[name] end
    return v
  end })
end

-- Returns a table with the context's fields, and below them what `meta` leads to.
local function new_vars(context, meta, request)
  local vars = { [REQUEST] = request }
  if context then
    local of_context = getmetatable(context)
    if of_context then return vars_of_object(context, of_context, meta, request) end
    for name, v in next, context do vars[name] = v end
  end
  return setmetatable(vars, meta)
end

-- Makes the context that a page's functions run in (inherit.lua), as bind/template/render.c does. It is the page's state as well.
local function new_context(self, template, context, helpers, request, page)
  local meta = helpers or self.globals_meta
  local c = { vars = new_vars(context, meta, request), blocks = template.blocks, env = self, R = self.R, page = page, depth = 0,
    globals_meta = meta, state = false }
  c.state = c
  return c
end

--- render(template, context, helpers, request) -> text. `helpers` is nil, or the metatable of the page's variables; its __index
--- leads to what is there for one page (request, session, …), and beyond that to the globals. Variables hold `request` under
--- the key REQUEST (inherit.lua).
Environment.render = native.render_function(REQUEST, new_vars)

--- stream(template, context, helpers, request, write): calls write(text) with pieces of the page as they are done.
function Environment:stream(template, context, helpers, request, write)
  local page = native.page(self.limit, template.expected)
  local c = new_context(self, template, context, helpers, request, page)
  c.stream = Stream.new(page, self.R)
  c.stream:run(function() template.root(c, page) end, write)
end

return Environment
