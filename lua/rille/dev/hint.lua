-- Hints of the error page, for the mistakes that everybody makes once. A rule looks at the message, at the line at fault and at
-- the variables of the frame. It says in a sentence or two what was probably meant and how to write it. If no rule applies,
-- there is no hint. `known` has names to compare with, asked only when a rule wants them:
--
--   known.columns() -> list of names    known.tables()    known.templates()
local native = require "rille.native.core"
local options = require "rille.options"

local M = {}

-- ---- the source ---------------------------------------------------------------------------------------------------

local function lines_of(what)
  local failure = package.loaded["rille.dev.failure"]
  local path = failure and what.file and what.line and failure.path_of(what.file)
  local file = path and io.open(path, "rb")
  if not file then return {} end
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = #line <= 1000 and line or ""
    if #lines > 20000 then break end
  end
  file:close()
  return lines
end

-- The frame in which it happened, where that is known.
local function frame_of(what)
  for _, frame in ipairs(what.frames or {}) do
    if frame.file == what.file and frame.line == what.line then return frame end
  end
end

-- A name as a pattern that finds it alone.
local function plain(text) return (text:gsub("%W", "%%%0")) end

local function word(name) return "%f[%w_]" .. plain(name) .. "%f[^%w_]" end

-- Returns what was assigned to a name last, above the line at fault and inside of its function.
local function assigned(about, name)
  local first = math.max(1, about.frame and about.frame.from or about.what.line - 60, about.what.line - 200)
  for number = about.what.line, first, -1 do
    local before, value = (about.lines[number] or ""):match "^(.-)%f[=]=%f[^=]%s*(.+)$"
    before = before and not before:find "[<>~]$" and before:gsub("^.*[()]", "")
    if before and before:find(word(name)) then return value end
  end
end

-- ---- something is nil ---------------------------------------------------------------------------------------------

-- Pattern of the code a value came from -> what nil means there.
local origins = {
  { ":one%s*[%(\"'%[]", "`%s` comes from db:one, which returns nil if no row matches: "
    .. "`if not %s then rille.abort(404) end` before this line answers 404." },
  { ":value%s*[%(\"'%[]", "`%s` comes from db:value, which returns nil if no row matches or the column is NULL." },
  { "os%.getenv", "`%s` comes from the environment, where it is not set. You can set it in `.env`." },
  { "io%.open", "`%s` comes from io.open, which returns nil and a message if the file cannot be opened: `assert(io.open(…))` "
    .. "says why." },
  { "rille%.try", "`%s` comes from rille.try, which returns nil and the error if something was raised: look at "
    .. "its second value." },
  { "tonumber%s*%(", "`%s` comes from tonumber, which returns nil for text that is no number." },
  { ":match%s*[%(\"']", "`%s` comes from a pattern, and is nil if the pattern does not match." },
  { "string%.match", "`%s` comes from a pattern, and is nil if the pattern does not match." },
  { ":find%s*[%(\"']", "`%s` comes from a search, and is nil if nothing was found." },
  { "[%.:]query[%.%[]", "`%s` comes from the query, and this request has none of that name: `… or \"default\"`, or "
    .. "rille.validate." },
  { "[%.:]params[%.%[]", "`%s` comes from req.params: is it the name in the route's path?" },
  { "[%.:]cookies[%.%[]", "`%s` is a cookie, and this request has none of that name." },
  { "[%.:]headers[%.%[]", "`%s` is a header, and this request has none of that name." },
  { "[%.:]session[%.%[]", "`%s` comes from the session, which is empty until something is stored in it: is a user logged in?" },
  { ":form%s*%(", "`%s` comes from the form, and this request has no such field: rille.validate says which are missing." },
  { ":json%s*%(", "`%s` comes from the client's JSON, which has no such field: rille.validate says which are missing." },
}

local function by_origin(name, text)
  for _, origin in ipairs(origins) do
    if text:find(origin[1]) then
      local sentence = origin[2]
      return (sentence:gsub("%%s", function() return name end))
    end
  end
end

-- The names that a table had, from its picture: "{ id = 7, title = "…" }".
local function fields_in(picture)
  local names = {}
  if not picture or picture:sub(1, 1) ~= "{" then return names end
  for name in picture:gsub('"[^"]*"', ""):gmatch "([%a_][%w_]*) = " do names[#names + 1] = name end
  return names
end

local function local_picture(about, name)
  for _, list in ipairs { about.frame and about.frame.locals or {}, about.frame and about.frame.upvalues or {} } do
    for _, entry in ipairs(list) do
      if entry[1] == name then return entry[2] end
    end
  end
end

-- Returns true if a variable holds a row of a query, judging by what was assigned to it or by the loop it belongs to.
local function is_row(about, object)
  local value = assigned(about, object)
  if value then return value:find ":one%s*[%(\"'%[]" ~= nil end
  for number = about.what.line, math.max(1, about.what.line - 30), -1 do
    local list = (about.lines[number] or ""):match("for%s.*" .. word(object) .. ".-%f[%w_]in%s+(.*)")
    if list then
      local name = list:match "i?pairs%s*%(%s*([%a_][%w_]*)%s*%)"
      list = name and assigned(about, name) or list
      return list:find(":query", 1, true) ~= nil or list:find(":rows", 1, true) ~= nil
    end
  end
  return false
end

-- `row.titel` of a row that has a title.
local function misspelt(about, field)
  local object = about.line:match("([%a_][%w_]*)%s*[%.:]%s*" .. plain(field) .. "%f[^%w_]")
  local names = object and fields_in(local_picture(about, object)) or {}
  local near = options.nearest(field, names)
  if near then return ("`%s` has no `%s`, but `%s`."):format(object, field, near) end
  if #names == 0 then return nil end
  local text = ("`%s` has no `%s`; it has %s."):format(object, field, table.concat(names, ", "))
  if not is_row(about, object) then return text end
  return text .. (" A column that is NULL is an absent field: `%s.%s or \"\"`."):format(object, field)
end

local function of_field(about, field)
  local spot = about.line:match("([%w_%.:%(%)]*[%.:]" .. plain(field) .. ")%f[^%w_]")
  return misspelt(about, field) or (spot and by_origin(spot, spot))
end

local function nil_used(about)
  local kind, name = about.message:match "%(([%a ]+) '([^']+)'%)%s*$"
  if not name then return nil end
  local value = kind ~= "field" and kind ~= "method" and assigned(about, name)
  if about.message:find("a boolean value", 1, true) then
    local module = value and value:match "require%s*%(?%s*[\"']([^\"']+)"
    return module and ("The module '%s' returns nothing, so require gives true: it ends in `return M`."):format(module)
  end
  if not about.message:find("nil value", 1, true) then return nil end
  if value then return by_origin(name, value) end
  return of_field(about, name)
end

-- ---- calls and comparisons ----------------------------------------------------------------------------------------

local function loop_over_table(about)
  local list = about.line:match "%f[%w_]in%s+(.-)%s+do%f[^%w_]"
  if list then return ("`for … in` takes an iterator: ipairs(%s) for a list, pairs(%s) for fields."):format(list, list) end
end

local function loop_over_nil(about)
  local list = about.line:match "i?pairs%s*%((.-)%)%s+do"
  if list then return ("`%s` is nil here: `ipairs(%s or {})` goes over nothing."):format(list, list) end
end

local function compared()
  return "What comes from a query, a path or a form is text: tonumber(…), `{id:int}` in the route's path, or rille.validate make "
    .. "it a number."
end

-- Fields that people call like methods.
local fields = {
  status = "A status is a field: `res.status = 404`, or the second value that a handler returns.",
  query = "The query is a table: `req.query.NAME`.", params = "The parameters are a table: `req.params.NAME`.",
  headers = "Headers are a table: `req.headers[\"name\"]`.", cookies = "Cookies are a table: `req.cookies.NAME`.",
  session = "The session is a table: `req.session.NAME`.", state = "The state is a table: `req.state.NAME`.",
  sqlite = "A database is opened by `rille.sqlite.open(path)`.", log = "A line of the log is `rille.log.info(message, fields)`.",
  method = "The method is a string: `req.method`.", path = "The path is a string: `req.path`.",
}
local calls = {
  json = "JSON is read by a call: `req:json().NAME`.", form = "A form is read by a call: `req:form().NAME`.",
  text = "A body is read by a call: `req:text()`.", file = "A file is fetched by a call: `req:file(name)`.",
}

local function called_field(_, name) return fields[name] end

local function uncalled(_, name) return calls[name] end

-- ---- a handler's return -------------------------------------------------------------------------------------------

local makers = { html = true, json = true, text = true, render = true, redirect = true, file = true, stream = true, empty = true,
  response = true, render_stream = true }

local function forgotten_return(about)
  for number = about.what.line, math.min(#about.lines, about.what.line + 60) do
    local line = about.lines[number]
    local maker = line:match "^%s*rille%.([%a_]+)%s*[%(\"'{%[]" or line:match "%)%s*rille%.([%a_]+)%s*[%(\"'{%[]"
    if maker and makers[maker] then
      return ("Line %d makes a response and does not return it: `return rille.%s(…)`."):format(number, maker)
    end
    if number > about.what.line and line:find "^end" then break end
  end
  return "A handler says `return`: a string, rille.html, rille.json, rille.render …; rille.empty() where there is nothing to say."
end

-- ---- SQL ----------------------------------------------------------------------------------------------------------

local function ask(about, what)
  local f = about.known[what]
  local names = f and native.try(f)
  return type(names) == "table" and names or {}
end

local function listed(names, most)
  local shown = table.move(names, 1, math.min(#names, most), 1, {})
  return table.concat(shown, ", ") .. (#names > most and ", …" or "")
end

local function near_column(about, name)
  local column = name:match "([^%.]+)$"
  local near = options.nearest(column:lower(), ask(about, "columns"))
  return near and ("There is no column '%s'; there is '%s'."):format(column, near)
end

local function near_table(about, name)
  local names = ask(about, "tables")
  local near = options.nearest(name:match "([^%.]+)$", names)
  if near then return ("There is no table '%s'; there is '%s'."):format(name, near) end
  if #names == 0 then return "The database has no tables yet: db:migrate(directory) in the lifespan makes them." end
  return ("The tables are %s."):format(listed(names, 12))
end

local keywords = { "SELECT", "INSERT", "INTO", "UPDATE", "DELETE", "FROM", "WHERE", "VALUES", "ORDER", "GROUP", "LIMIT", "OFFSET",
  "JOIN", "LEFT", "INNER", "SET", "CREATE", "TABLE", "INDEX", "HAVING", "DISTINCT", "UNION", "RETURNING", "CONFLICT" }

local function near_keyword(_, name)
  local near = options.nearest(name:upper(), keywords)
  return near and near ~= name:upper() and ("Is '%s' meant to be %s?"):format(name, near) or nil
end

-- ---- templates and modules ----------------------------------------------------------------------------------------

local function near_template(about, name)
  local names = ask(about, "templates")
  local near = options.nearest(name, names)
  if near then return ("There is a template '%s'."):format(near) end
  if #names == 0 then return "There are no templates yet: they are files below templates/, beside app/." end
  return ("The templates are %s."):format(listed(names, 12))
end

-- Names people know from elsewhere -> what does the same here.
local instead = {
  cjson = "rille.json_decode and rille.json_encode", dkjson = "rille.json_decode and rille.json_encode",
  json = "rille.json_decode and rille.json_encode", ["cjson.safe"] = "rille.json_decode and rille.json_encode",
  socket = "rille.fetch, which does not stop the others", ["socket.http"] = "rille.fetch, which does not stop the others",
  ["ssl.https"] = "rille.fetch, which does not stop the others", ["resty.http"] = "rille.fetch",
  ["luasql.sqlite3"] = "rille.sqlite", lsqlite3 = "rille.sqlite", ["lapis"] = "rille.app", etlua = "rille.render",
  ["resty.template"] = "rille.render", bcrypt = "rille.password", ["argon2"] = "rille.password",
}

local function add_modules(names, directory, prefix, depth)
  for _, name in ipairs(native.list_directory(directory) or {}) do
    if #names > 2000 then return end
    local path = directory .. "/" .. name
    local module = name:match "^([%w_-]+)%.lua$"
    if module then
      names[#names + 1] = module == "init" and prefix ~= "" and prefix:sub(1, -2) or prefix .. module
    elseif depth < 4 and not name:find "^%." and name ~= "node_modules" and name ~= "build" then
      local info = native.file_info(path)
      if info and info.type == "directory" then add_modules(names, path, prefix .. name .. ".", depth + 1) end
    end
  end
end

local function near_module(_, name)
  if instead[name] then return ("rille has its own: %s."):format(instead[name]) end
  local names = {}
  add_modules(names, native.root, "", 0)
  local dotted = name:gsub("/", "."):gsub("%.lua$", "")
  local near = options.nearest(dotted, names)
  if near then return ("There is a module '%s'; modules are named from %s, with dots."):format(near, "the project's folder") end
  local path = name:gsub("%.", "/")
  return ("A file %s.lua or %s/init.lua in the project's folder makes it."):format(path, path)
end

-- ---- the rules ----------------------------------------------------------------------------------------------------

-- A pattern of the message -> a sentence, or what makes one of (about, captures…).
local rules = {
  { "^attempt to call a table value", loop_over_table },
  { "^attempt to call an? %S+ value %(%l+ '(%w+)'%)", called_field },
  { "^attempt to index a function value %(%l+ '(%w+)'%)", uncalled },
  { "^attempt to [^\n]- a %l+ value", nil_used },
  { "to 'for iterator' %(table expected, got nil%)", loop_over_nil },
  { "^attempt to compare number with string", compared }, { "^attempt to compare string with number", compared },
  { "^the handler of .- returned nothing", forgotten_return },
  { "^a middleware around .- returned nothing", "A middleware returns what the next one answers: `return handler(req)`." },
  { "no such column: ([%w_%.]+)", near_column }, { "has no column named ([%w_]+)", near_column },
  { "no such table: ([%w_%.]+)", near_table },
  { "near \"([%w_]+)\": syntax error", near_keyword },
  { "UNIQUE constraint failed: ([%w_%.]+)", "It is there already. `INSERT … ON CONFLICT DO NOTHING` lets it pass; rille.try "
    .. "around the statement tells by err.violation == \"unique\"." },
  { "FOREIGN KEY constraint failed", "The row that it points to is not there, or something still points to the row that goes." },
  { "NOT NULL constraint failed: [%w_]*%.?([%w_]+)", "The column must have a value: was the field missing in the form or the "
    .. "JSON?" },
  { "^there is no template '([^']+)'", near_template },
  { "^module '([^']+)' not found", near_module },
}

local function apply(rule, about, ...)
  if type(rule) == "string" then return rule end
  return rule(about, ...)
end

local function find(what, known)
  local lines = lines_of(what)
  local about = { what = what, message = what.message, known = known, lines = lines, line = lines[what.line] or "",
    frame = frame_of(what) }
  for _, rule in ipairs(rules) do
    local captures = table.pack(what.message:match(rule[1]))
    if captures[1] then
      local sentence = apply(rule[2], about, table.unpack(captures, 1, captures.n))
      if sentence then return sentence end
    end
  end
end

--- of(what, known) -> text or nil
function M.of(what, known)
  if #what.message > 4000 then return nil end
  return (native.try(find, what, known))
end

return M
