-- Finds templates in sources. A source is
--
--   a directory       files in it; a path is taken from the program's root
--   a table           name -> text: templates of a string, or of a Lua module that carries them inside
--   a function        function(name) -> text, or nil; it may wait
--
-- A loader has several, and the first that knows a name wins. What it finds is {source, chunk, path, stamp}; the chunk is
-- what messages call the template.
local native = require "rille.native.core"
local without_mark = require("rille.source").without_mark

local Loader = {}
Loader.__index = Loader

--- Loader.new(list of sources)
function Loader.new(sources) return setmetatable({ sources = sources }, Loader) end

-- A name as a path below a directory, or nil: it cannot lead out of it.
local function safe_path(name)
  if name:find "[\\%z]" then return nil end
  local parts = {}
  for part in name:gmatch "[^/]+" do
    if part == ".." then return nil end
    if part ~= "." then parts[#parts + 1] = part end
  end
  return parts[1] and table.concat(parts, "/")
end

local function absolute(directory)
  return directory:sub(1, 1) == "/" and directory or native.root .. "/" .. directory
end

local function stamp_of(path)
  local info = native.file_info(path)
  return info and info.type == "file" and ("%d %.9f"):format(info.size, info.modified)
end

local function from_directory(directory, name)
  name = safe_path(name)
  local path = name and absolute(directory) .. "/" .. name
  local stamp = path and stamp_of(path)
  local source = stamp and native.read_file(path)
  if not source then return nil end
  return { source = without_mark(source), chunk = (directory:gsub("/$", "")) .. "/" .. name, path = path, stamp = stamp }
end

local function from_source(source, name)
  if type(source) == "string" then return from_directory(source, name) end
  local text
  if type(source) == "function" then text = source(name) else text = source[name] end
  return text and { source = text, chunk = name }
end

--- The template of this name, or nil.
function Loader:load(name)
  for _, source in ipairs(self.sources) do
    local found = from_source(source, name)
    if found then return found end
  end
end

--- Returns true if a file has changed, or gone, since it was found.
function Loader.has_changed(found) -- luacheck: ignore 212
  return found.path ~= nil and stamp_of(found.path) ~= found.stamp
end

-- Returns true for files that editors and desktops leave in folders: they are no templates.
local function is_litter(name) return name:sub(1, 1) == "." or name:sub(-1) == "~" end

-- Calls visit(name) for all files below a directory.
local function each_file(directory, prefix, visit)
  for _, name in ipairs(native.list_directory(directory) or {}) do
    local info = native.file_info(directory .. "/" .. name)
    if info and info.type == "directory" then each_file(directory .. "/" .. name, prefix .. name .. "/", visit)
    elseif info and info.type == "file" and not is_litter(name) then visit(prefix .. name) end
  end
end

--- The names of all templates in directories and tables, sorted, each once.
function Loader:names()
  local names, seen = {}, {}
  local function add(name)
    if not seen[name] then names[#names + 1], seen[name] = name, true end
  end
  for _, source in ipairs(self.sources) do
    if type(source) == "string" then each_file(absolute(source), "", add)
    elseif type(source) == "table" then
      for name in pairs(source) do add(name) end
    end
  end
  table.sort(names)
  return names
end

return Loader
