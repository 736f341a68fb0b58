-- rille new NAME: a project that runs, tests and deploys. Its files are those of lua/skeleton, carried by the binary; NAME stands
-- in them for the project's name.
local native = require "rille.native"

local M = {}

local PREFIX = "skeleton/"

-- A directory that several names can be made of: a host's, a database's, an image's.
local function check_name(name)
  local last = native.trim_right(name, "/"):match "[^/]+$"
  if not last or not last:find "^%a[%w_-]*$" then
    error(("new: a name of letters, digits, '-' and '_' was expected, got '%s'"):format(name), 0)
  end
  return last
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

--- make(directory) -> list of the files made
function M.make(directory)
  local name = check_name(directory)
  directory = native.trim_right(directory, "/")
  if native.file_info(directory) then error(("new: '%s' is there already"):format(directory), 0) end
  make_directory(directory)
  local made, files = { [""] = true }, {}
  for _, path in ipairs(native.embedded_names(PREFIX)) do
    local relative = path:sub(#PREFIX + 1)
    for at in relative:gmatch "()/" do
      local folder = relative:sub(1, at - 1)
      if not made[folder] then make_directory(directory .. "/" .. folder) end
      made[folder] = true
    end
    write(directory .. "/" .. relative, (native.embedded(path):gsub("NAME", name)))
    files[#files + 1] = relative
  end
  write_secret(directory)
  return files
end

--- run(name) -> exit status
function M.run(name, ...)
  if not name or ... then
    io.stderr:write "rille: new needs a NAME, see: rille help new\n"
    return 2
  end
  local files = M.make(name)
  print(("%s: %d files and a secret in .env\n\n  cd %s\n  rille test\n  rille dev"):format(name, #files, name))
  return 0
end

return M
