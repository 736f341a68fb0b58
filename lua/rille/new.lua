-- rille new [--api | --minimal] NAME: a project that runs, tests and deploys. Its files are those of lua/skeleton, carried by
-- the binary: a folder for each kind, and one of what all of them need but the minimal one. NAME stands in them for the
-- project's name.
local native = require "rille.native.core"
local options = require "rille.options"

local M = {}

local PREFIX = "skeleton/"

-- kind -> the folders of lua/skeleton that it is made of
local kinds = {
  pages = { "shared", "pages" },
  api = { "shared", "api" },
  minimal = { "minimal" },
}

local function is_name(text) return text:find "^%a[%w_-]*$" ~= nil end

-- Returns a hint with a valid name like the one given: "9 lives" -> "lives", "my blog" -> "my-blog".
local function near_name(text)
  local name = text:gsub("[^%w_-]+", "-"):gsub("^[^%a]+", ""):gsub("%-+$", "")
  return is_name(name) and (", such as " .. name) or ""
end

-- A directory that several names can be made of: a host's, a database's, an image's.
local function check_name(path)
  local last = native.trim_right(path, "/"):match "[^/]+$" or ""
  if is_name(last) then return last end
  local why = last:find "^%d" and " does not begin with one" or last == "." and " is a folder that is there already" or ""
  error(("new: a name of letters, digits, '-' and '_' that begins with a letter was expected%s: '%s'%s"):format(near_name(last),
    path, why), 0)
end

local function write(path, text)
  local file, message = io.open(path, "wb")
  if not file then error("new: " .. message, 0) end
  file:write(text)
  file:close()
end

local function make_directory(path)
  local made, message = native.make_directory(path)
  if not made then error("new: " .. message, 0) end
end

-- Only its owner may read the secret.
local function write_secret(directory)
  local path = directory .. "/.env"
  native.make_private_file(path)
  write(path, "SECRET=" .. native.random_token(48) .. "\n")
end

-- Returns what the words in the skeleton's files stand for. RILLE_SOURCE is the repository of rille, if the binary knows it
-- (cmake -DRILLE_REPOSITORY=…), so that CI and images can build it.
local function words_of(name)
  return { NAME = name, RILLE_SOURCE = os.getenv "RILLE_REPOSITORY" or native.repository, RILLE_VERSION = native.revision }
end

-- The words stand in the files as they are, each a whole word: braces would be a template's own.
local function filled(text, words) return (text:gsub("%f[%w_]%u[%u_]+%f[^%w_]", words)) end

local function copy(folder, directory, words, made, files)
  local prefix = PREFIX .. folder .. "/"
  for _, path in ipairs(native.embedded_names(prefix)) do
    local relative = path:sub(#prefix + 1)
    for at in relative:gmatch "()/" do
      local inner = relative:sub(1, at - 1)
      if not made[inner] then make_directory(directory .. "/" .. inner) end
      made[inner] = true
    end
    write(directory .. "/" .. relative, filled(native.embedded(path), words))
    if relative:find "^script/" then native.make_executable(directory .. "/" .. relative) end
    files[#files + 1] = relative
  end
end

--- make(directory, kind="pages") -> list of the files made
function M.make(directory, kind)
  local words = words_of(check_name(directory))
  local folders = kinds[kind or "pages"] or error(("new: there is no kind '%s'"):format(kind), 0)
  directory = native.trim_right(directory, "/")
  if native.file_info(directory) then error(("new: '%s' is there already"):format(directory), 0) end
  make_directory(directory)
  local made, files = {}, {}
  for _, folder in ipairs(folders) do copy(folder, directory, words, made, files) end
  if (kind or "pages") == "pages" then write_secret(directory) end
  return files
end

local function usage(message, ...)
  message = message:format(...)
  io.stderr:write("rille: ", message, message:find "%?$" and " See" or ", see", ": rille help new\n")
  return 2
end

local switches = { ["--api"] = "api", ["--minimal"] = "minimal" }

local function unknown(arg)
  local near = options.nearest(arg, switches)
  return usage("unknown option %s%s", arg, near and (", did you mean " .. near .. "?") or "")
end

local function say(name, kind, files)
  local more = kind and "" or " and a secret in .env"
  print(("%s: %d files%s\n\n  cd %s\n  rille test\n  rille dev"):format(name, #files, more, name))
  if kind ~= "minimal" and (os.getenv "RILLE_REPOSITORY" or native.repository) == "" then
    print "\nscript/install-rille, for CI and the Dockerfile, has a line to fill in: where the sources of rille are."
  end
end

--- run(arguments…) -> exit status
function M.run(...)
  local names, kind = {}, nil
  for _, arg in ipairs { ... } do
    if switches[arg] then
      if kind and kind ~= switches[arg] then return usage "new makes one kind: --api or --minimal, not both" end
      kind = switches[arg]
    elseif arg:find "^%-" then return unknown(arg)
    else names[#names + 1] = arg end
  end
  if #names == 0 then return usage "new needs a NAME" end
  if #names > 1 then
    return usage("new takes one NAME, got '%s': did you mean %s?", table.concat(names, "' and '"), table.concat(names, "-"))
  end
  say(names[1], kind, M.make(names[1], kind))
  return 0
end

return M
