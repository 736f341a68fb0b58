-- docs/reference.md: all of the API on one page, made of the annotations for editors (lua/rille/meta), each name a link to where
-- it is told of: `rille run docs/site/reference.lua` writes it, which script/docs does. A spec fails where it is stale.
--
--   ---@class rille.app, ---@field state table, local app = {}        ->  a value `app` and its fields
--   --- A sentence.  ---@param x? string  ---@return y  function …    ->  a row; functions of one shape share it
local native = require "rille.native.core"

local M = {}

local PAGES = { -- in the order of the page: file, title
  { "app", "App" }, { "request", "Request" }, { "rille", "Responses, errors, text" }, { "response", "What responses have" },
  { "security", "Safety" }, { "task", "Tasks" }, { "client", "HTTP client" }, { "sqlite", "SQLite" }, { "testing", "Tests" },
}

local HEAD = [[
# Quick reference

The whole API on one page. Each name links to its description. `x?` may be left out; `T?` may be nil.

<!-- Made from lua/rille/meta by script/docs. Do not edit. -->
]]

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- ---- annotations ---------------------------------------------------------------------------------------------------------

local closers = { ["{"] = "}", ["("] = ")", ["["] = "]", ["<"] = ">" }

-- The type that a text begins with, and what follows it: blanks inside of brackets and after ':' and ',' are part of it.
local function cut_type(text)
  local depth, i = 0, 1
  while i <= #text do
    local c = text:sub(i, i)
    if closers[c] then depth = depth + 1
    elseif c:find "[})%]>]" then depth = depth - 1
    elseif c == " " and depth == 0 and not text:sub(1, i - 1):find "[:,|]$" then break end
    i = i + 1
  end
  return text:sub(1, i - 1), text:sub(i + 1)
end

local function new_block() return { words = {}, params = {}, returns = {}, fields = {} } end

local readers = {}

function readers.param(block, rest)
  local name, optional, text = rest:match "^([%w_.]+)(%??)%s+(.*)$"
  local kind, note = cut_type(text)
  block.params[#block.params + 1] = { name = name, optional = optional == "?", type = kind, note = note }
end

readers["return"] = function(block, rest) block.returns[#block.returns + 1] = (cut_type(rest)) end

function readers.field(block, rest)
  local name, optional, text = rest:match "^([%w_]+)(%??)%s+(.*)$"
  local kind, note = cut_type(text)
  block.fields[#block.fields + 1] = { name = name, optional = optional == "?", type = kind, note = note }
end

function readers.class(block, rest) block.class = rest:match "^[%w_.]+" end

function readers.overload(block, rest)
  local inside, result = rest:match "^fun%((.-)%): (.*)$"
  for name, optional, kind in inside:gmatch "([%w_]+)(%??): ([^,]+)" do
    block.params[#block.params + 1] = { name = name, optional = optional == "?", type = kind }
  end
  block.called, block.returns = true, { result }
end

-- A file's values and functions, in order: {owner, sign, name, block, about = what its class is, if it is the first of it}; and
-- the classes by name.
local function parse(text, classes)
  local list, block, about = {}, new_block(), nil
  local function add(owner, sign, name, what)
    if owner == "rille" and what.type and what.type:find "^rille%." then return end -- a table of functions, which follow
    list[#list + 1] = { owner = owner, sign = sign, name = name, block = what, about = about }
    about = nil
  end
  local function end_of_class(owner)
    if block.class then classes[block.class] = block end
    if not owner then return end
    if block.class and block.words[1] then about = table.concat(block.words, " ") end
    for _, field in ipairs(block.fields) do add(owner, ".", field.name, field) end
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local tag, rest = line:match "^%-%-%-@(%l+) ?(.*)$"
    local owner, sign, name = line:match "^function ([%w_.]-)([.:])([%w_]+)%("
    if not owner then owner, sign, name = line:match "^([%w_.]+)(%.)([%w_]+) = {}" end
    local value = line:match "^local ([%w_]+) = {}"
    if tag then if readers[tag] then readers[tag](block, rest) end
    elseif line:find "^%-%-%- " then block.words[#block.words + 1] = line:sub(5)
    elseif owner then
      if block.class then classes[block.class] = block end
      if line:find "^function" or block.called then add(owner, sign, name, block) end
      block = new_block()
    elseif value then
      end_of_class(value)
      block = new_block()
    elseif line == "" then
      end_of_class(nil)
      block = new_block()
    end
  end
  return list
end

-- ---- links ---------------------------------------------------------------------------------------------------------------

-- "app:get" -> "app.md#appgetpath-handler-options-apppost": the heading of a page of the docs that names it.
local function links()
  local found = {}
  local anchor_of = require("docs.site.build").anchor
  for _, page in ipairs(native.list_directory "docs") do
    if page:find "%.md$" and page ~= "reference.md" then
      for heading in ("\n" .. read("docs/" .. page)):gmatch "\n##+ ([^\n]*`[^\n]*)" do
        local target = page .. "#" .. anchor_of((heading:gsub("`", "")))
        for code in heading:gmatch "`([^`]+)`" do
          local name = code:match "^[%a_][%w_]*[.:][%w_.:]+"
          if name then found[name:gsub(":", ".")] = target end
        end
      end
    end
  end
  return found
end

-- ---- rows ----------------------------------------------------------------------------------------------------------------

local function plain_type(kind) return (kind:gsub("rille%.", ""):gsub("%s+", " ")) end

local function code(text) return "`" .. text:gsub("|", "\\|") .. "`" end

-- The names that a table of options may have.
local function option_names(kind, classes)
  local class, names = classes[kind:match "^[%w_.]+$" or ""], {}
  if class then
    for _, field in ipairs(class.fields) do names[#names + 1] = field.name end
  elseif kind:find "^{" then
    local outer = kind:sub(2, -2) -- names of inner tables and functions do not count
      :gsub("%b()", ""):gsub("%b{}", "")
    for name in outer:gmatch "([%w_]+)%??:" do names[#names + 1] = name end
  end
  return names
end

local function signature(item)
  local params = {}
  for i, param in ipairs(item.block.params) do params[i] = param.name .. (param.optional and "?" or "") end
  return ("(%s)"):format(table.concat(params, ", "))
end

local function shown(item, with_owner)
  local name = (with_owner and item.owner or "") .. item.sign .. item.name
  return item.block.params and name .. (with_owner and signature(item) or "") or name
end

local function linked(item, with_owner, targets)
  local target = targets[item.owner:gsub(":", ".") .. "." .. item.name]
  local text = code(shown(item, with_owner))
  return target and ("[%s](%s)"):format(text, target) or text
end

local function shape_of(item)
  if not item.block.params then return nil end
  local pieces = { item.owner, item.sign, signature(item), table.concat(item.block.returns, ",") }
  for _, param in ipairs(item.block.params) do pieces[#pieces + 1] = param.type end
  return table.concat(pieces, "|")
end

local function options_of(item, classes)
  for _, param in ipairs(item.block.params or {}) do
    if param.name == "options" and (item.name == "fetch" or not param.type:find "fetch_options") then
      local names = option_names(param.type, classes)
      if #names > 0 then return "`" .. table.concat(names, "`, `") .. "`" end
    end
  end
end

local function result_of(item)
  if item.block.returns and item.block.returns[1] then return code(plain_type(item.block.returns[1])) end
  return item.block.type and code(plain_type(item.block.type) .. (item.block.optional and "?" or "")) or ""
end

local function words_of(item, classes)
  local words = item.block.words and table.concat(item.block.words, " ") or item.block.note or ""
  local options = options_of(item, classes)
  if options then words = words .. (words ~= "" and " " or "") .. "Options: " .. options end
  return (words:gsub("|", "\\|"):gsub("<", "&lt;"))
end

local TABLE = "| | returns | |\n|---|---|---|"

local function add_rows(out, list, classes, targets)
  local i = 1
  while i <= #list do
    local item, shape = list[i], shape_of(list[i])
    if item.about then out[#out + 1] = ("\n%s\n\n%s"):format(item.about, TABLE) end
    local names = { linked(item, true, targets) }
    while list[i + 1] and shape and shape_of(list[i + 1]) == shape and #list[i + 1].block.words == 0 do
      i = i + 1
      names[#names + 1] = linked(list[i], false, targets)
    end
    out[#out + 1] = ("| %s | %s | %s |"):format(table.concat(names, ", "), result_of(item), words_of(item, classes))
    i = i + 1
  end
end

-- ---- the page ------------------------------------------------------------------------------------------------------------

--- make() -> the text of docs/reference.md
function M.make()
  local out, classes, lists, targets = { HEAD }, {}, {}, links()
  for _, page in ipairs(PAGES) do lists[page[1]] = parse(read("lua/rille/meta/" .. page[1] .. ".lua"), classes) end
  for _, page in ipairs(PAGES) do
    out[#out + 1] = "## " .. page[2]
    if not lists[page[1]][1].about then out[#out + 1] = "\n" .. TABLE end
    add_rows(out, lists[page[1]], classes, targets)
    out[#out + 1] = ""
  end
  return table.concat(out, "\n")
end

function M.main()
  local file <close> = assert(io.open("docs/reference.md", "wb"))
  file:write(M.make())
end

return M
