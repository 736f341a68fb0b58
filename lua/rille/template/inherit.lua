-- Templates that use templates: extends and its blocks, include, import. What the generated code calls for them, and the
-- contexts it runs in:
--
--   c = {vars, blocks, env, state, stream, page, R}        R: the functions of runtime.lua
--
-- vars is a table whose metatable leads on: to the context that included it, in the end to the globals. `state` is one for
-- a whole page, its first context: {depth, globals_meta, modules once there are some}.
local failure = require "rille.template.failure"
local items = require "rille.template.items"
local macro = require "rille.template.macro"
local native = require "rille.native.core"
local value = require "rille.template.value"

local M = {}

local enter, leave = macro.enter, macro.leave

-- ---- contexts -------------------------------------------------------------------------------------------------------

--- The key under which variables hold the request that a page answers. No name in a template reaches it.
M.REQUEST = {}

local REQUEST = M.REQUEST

-- Returns variables that have nothing of the context that the page was given.
local function bare_vars(c)
  local state = c.state
  return setmetatable({ [REQUEST] = rawget(state.vars, REQUEST) }, state.globals_meta)
end

--- A context of the same page with other variables and blocks.
local function another(c, vars, blocks)
  return { vars = vars, blocks = blocks, env = c.env, state = c.state, stream = c.stream, page = c.page, R = c.R }
end

-- Returns a table of variables that falls back to those of `c`.
local function below(c, locals)
  local meta = c.below
  if not meta then
    meta = { __index = c.vars }
    c.below = meta
  end
  return setmetatable(locals or {}, meta)
end

--- derive(c, locals): a scoped block's context.
function M.derive(c, locals) return locals and another(c, below(c, locals), c.blocks) or c end

-- ---- blocks ---------------------------------------------------------------------------------------------------------

--- put_block(c, page, name, required)
function M.put_block(c, page, name, required)
  local list = c.blocks[name]
  if required and #list <= 1 then failure.fail("the required block '%s' is not given", name) end
  list[1](c, page, 1)
end

-- Lists of blocks are never changed once made, so that the result of extending one by another template is kept.
local extended = setmetatable({}, { __mode = "k" }) -- blocks -> template -> blocks

local function extend_blocks(blocks, parent)
  local result = {}
  for name, list in pairs(blocks) do result[name] = list end
  for name, list in pairs(parent.blocks) do
    local mine = blocks[name]
    result[name] = mine and table.move(list, 1, #list, #mine + 1, table.move(mine, 1, #mine, 1, {})) or list
  end
  return result
end

local function blocks_with_parent(blocks, parent)
  local by_parent = extended[blocks]
  if not by_parent then
    by_parent = setmetatable({}, { __mode = "k" })
    extended[blocks] = by_parent
  end
  local result = by_parent[parent]
  if not result then
    result = extend_blocks(blocks, parent)
    by_parent[parent] = result
  end
  return result
end

-- ---- finding templates ----------------------------------------------------------------------------------------------

local function name_of(v)
  if type(v) == "string" then return v end
  if value.is_markup(v) then return v[1] end
  value.check_defined(v)
  if v == native.null then failure.not_found "there is no template named none" end
  failure.fail("the name of a template is text, got %s", value.describe(v))
end

-- The template of a name.
local function get(c, name)
  name = name_of(name)
  return c.env:find(name) or failure.not_found(c.env:missing(name))
end

-- The first that there is of a list of names, or nil and all of the names.
local function select_first(c, names)
  local tried = {}
  for i, name in ipairs((items.all_items(c, names))) do
    tried[i] = name_of(name)
    local found = c.env:find(tried[i])
    if found then return found end
  end
  return nil, tried
end

local function get_or_select(c, name)
  local found = type(name) == "string" and c.env:find(name)
  if found then return found end
  local what = value.kind(name)
  if what ~= "list" and what ~= "tuple" then
    return c.env:find(name_of(name)), ("there is no template '%s'"):format(name_of(name))
  end
  local tried
  found, tried = select_first(c, name)
  if found then return found end
  if #tried == 0 then return nil, "no template was named" end
  return nil, ("there is none of the templates '%s'"):format(table.concat(tried, "', '"))
end

-- ---- extends --------------------------------------------------------------------------------------------------------

--- extend(c, parent, name) -> the parent template, once
function M.extend(c, parent, name)
  if parent then failure.fail "a template extends one other only" end
  parent = get(c, name)
  c.blocks = blocks_with_parent(c.blocks, parent)
  return parent
end

--- put_parent(c, page, parent): what a template that extends another one prints.
function M.put_parent(c, page, parent)
  enter(c)
  parent.root(c, page)
  leave(c)
end

-- ---- include --------------------------------------------------------------------------------------------------------

local function put_template(c, template, vars)
  enter(c)
  template.root(another(c, vars, template.blocks), c.page)
  leave(c)
end

--- include(c, name or names, ignore_missing, with_context, locals)
function M.include(c, name, ignore_missing, with_context, locals)
  local template, message = get_or_select(c, name)
  if template and template.only_prints and with_context and not locals then -- needs no context of its own
    enter(c)
    template.root(c, c.page)
    leave(c)
  elseif template then
    put_template(c, template, with_context and below(c, locals) or bare_vars(c))
  elseif not ignore_missing then
    failure.not_found(message)
  end
end

-- ---- import ---------------------------------------------------------------------------------------------------------

local Module = { __name = "rille.template.module" } -- {text, name} and what it exports by name

value.kinds[Module] = { name = "template", is_html = true, text = function(module) return module[1] end }

-- The variables of a context as they are now: what is set later is not seen by what is imported.
local function snapshot(c, locals)
  local vars, meta = {}, nil
  local from = c.vars
  while from do
    for name, v in next, from do
      if vars[name] == nil then vars[name] = v end
    end
    meta = getmetatable(from)
    from = meta ~= c.state.globals_meta and meta and type(meta.__index) == "table" and meta.__index or nil
  end
  for name, v in pairs(locals or {}) do vars[name] = v end
  return setmetatable({}, { __index = setmetatable(vars, meta) })
end

-- Runs a template for what it defines.
local function run_module(c, template, vars)
  local mark = c.R.mark(c.page)
  put_template(c, template, vars)
  local module = setmetatable({ c.R.take(c.page, mark), template.name }, Module)
  for name in pairs(template.exports) do module[name] = rawget(vars, name) end
  return module
end

--- import(c, name, with_context, locals) -> module. Without the context once for a page.
function M.import(c, name, with_context, locals)
  local template = get(c, name)
  if with_context then return run_module(c, template, snapshot(c, locals)) end
  local modules = c.state.modules
  if not modules then
    modules = {}
    c.state.modules = modules
  end
  local module = modules[template]
  if not module then
    module = run_module(c, template, bare_vars(c))
    modules[template] = module
  end
  return module
end

--- imported(c, module, name): one name of {% from … import %}
function M.imported(c, module, name)
  local v = rawget(module, name)
  if v ~= nil then return v end
  return c.env:undefined(("the template '%s' does not export the name '%s'"):format(module[2], name))
end

--- member_site(c, esc, shape, module, name) -> enter: for module.name(…), see macro.lua
function M.member_site(c, esc, shape, module, name)
  local member = getmetatable(module) == Module and rawget(module, name)
  if member then return macro.site(c, esc, shape, member) end
  return macro.method_site(c, esc, shape, module, name)
end

--- pause(c): the end of a loop's round in a page that is streamed.
function M.pause(c) c.stream:pause() end

return M
