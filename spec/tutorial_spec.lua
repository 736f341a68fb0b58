-- The tutorial cannot rot: the specs of each chapter's program (docs/tutorial/code/NN-…/spec) run here with that folder as
-- root, each code block that is marked with a file stands in that file to the letter, and each program loads.
local native = require "rille.native"

local tutorial = native.root .. "/docs/tutorial"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function list(folder, pattern)
  local names = {}
  for _, name in ipairs(native.list_directory(folder) or {}) do
    if name:find(pattern) then names[#names + 1] = name end
  end
  return names
end

local chapters = {}
for _, name in ipairs(list(tutorial, "^%d%d%-.*%.md$")) do chapters[#chapters + 1] = name:gsub("%.md$", "") end

-- Inside, the folder of a chapter is the root, and what it requires is its own.
local function at_home_in(folder)
  local root, path, loaded

  setup(function()
    root, path, loaded = native.root, package.path, {}
    for name, module in pairs(package.loaded) do loaded[name] = module end
    package.loaded.app = nil
    native.root, package.path = folder, folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. path
  end)

  before_each(function() -- each test loads the program anew, as in a process of its own
    for name in pairs(package.loaded) do
      if not loaded[name] or name == "app" then package.loaded[name] = nil end
    end
  end)

  teardown(function()
    native.root, package.path = root, path
    for name in pairs(package.loaded) do
      if not loaded[name] then package.loaded[name] = nil end
    end
    for name, module in pairs(loaded) do package.loaded[name] = module end
  end)
end

describe("the tutorial", function()
  it("has ten chapters, each with a program, exercises and their solutions", function()
    assert.equal(10, #chapters)
    for i, chapter in ipairs(chapters) do
      assert.equal(i, tonumber(chapter:sub(1, 2)))
      assert.truthy(native.file_info(tutorial .. "/code/" .. chapter), chapter)
      local text = read(tutorial .. "/" .. chapter .. ".md")
      assert.truthy(text:find("\n## Exercises\n", 1, true), chapter)
      assert.truthy(text:find("\n## Solutions\n", 1, true), chapter)
    end
  end)

  it("shows code that stands in the program", function()
    local wrong, count = {}, 0
    for _, chapter in ipairs(chapters) do
      local text = "\n" .. read(tutorial .. "/" .. chapter .. ".md")
      for file, code in text:gmatch "\n```%w+ ([^\n]+)\n(.-)\n```" do
        local path = tutorial .. "/code/" .. chapter .. "/" .. file
        count = count + 1
        local source = native.file_info(path) and read(path)
        if not source or not source:find(code, 1, true) then wrong[#wrong + 1] = chapter .. ": " .. file .. ": " .. code end
      end
    end
    assert.same({}, wrong)
    assert.is_true(count >= 25, count .. " blocks are marked with a file")
  end)
end)

for _, chapter in ipairs(chapters) do
  describe("chapter " .. chapter, function()
    local folder = tutorial .. "/code/" .. chapter
    at_home_in(folder)
    for _, name in ipairs(list(folder .. "/spec", "_spec%.lua$")) do
      assert(load(read(folder .. "/spec/" .. name), "@docs/tutorial/code/" .. chapter .. "/spec/" .. name, "t", _ENV))()
    end
  end)
end
