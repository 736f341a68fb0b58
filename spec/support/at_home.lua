-- The specs of a program that stands in a folder of the repository, run with that folder as the root, as `rille test` there does.
--
--   at_home(_ENV, "examples/shortener")     its spec/*_spec.lua; what they require is the folder's own
--
-- _ENV is that of the spec which asks: busted's words are in it.
local native = require "rille.native.core"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- Inside, the folder is the root, and each test loads the program anew, as in a process of its own.
local function move_in(env, folder)
  local root, path, loaded

  env.setup(function()
    root, path, loaded = native.root, package.path, {}
    for name, module in pairs(package.loaded) do loaded[name] = module end
    native.root, package.path = folder, folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. path
  end)

  env.before_each(function()
    for name in pairs(package.loaded) do
      if name == "app" or name:find "^app%." then package.loaded[name] = nil end
    end
  end)

  env.teardown(function()
    native.root, package.path = root, path
    for name in pairs(package.loaded) do
      if not loaded[name] or name == "app" or name:find "^app%." then package.loaded[name] = nil end
    end
    for name, module in pairs(loaded) do package.loaded[name] = module end
  end)
end

return function(env, where)
  local folder = native.root .. "/" .. where
  env.describe(where .. ":", function()
    move_in(env, folder)
    for _, name in ipairs(native.list_directory(folder .. "/spec")) do
      if name:find "_spec%.lua$" then
        local chunk = assert(load(read(folder .. "/spec/" .. name), "@" .. where .. "/spec/" .. name, "t", env))
        env.describe(name, chunk) -- which runs after the setup above
      end
    end
  end)
end
