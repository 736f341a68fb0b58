-- The tutorial cannot rot. Each page is typed as a reader would type it, from its printed blocks alone (spec/support/typist.lua):
-- what is printed below a command is what comes, and what the page has built in the end is docs/tutorial/code/NN-…. Then that
-- code, and each solution, is asked for nonsense. The specs of some chapters run here too, with that folder as root.
local native = require "rille.native.core"
local printed = require "spec.support.printed"
local prober = require "spec.support.prober"
local rille = require "rille"
local testing = require "rille.testing"
local Typist = require "spec.support.typist"

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

describe("the tutorial", function()
  it("has ten chapters, each with its complete code, exercises and as many solutions", function()
    assert.equal(10, #chapters)
    for i, chapter in ipairs(chapters) do
      assert.equal(i, tonumber(chapter:sub(1, 2)))
      local text = read(tutorial .. "/" .. chapter .. ".md")
      assert.truthy(text:find(("The complete code: [code/%s](code/%s)"):format(chapter, chapter), 1, true), chapter)
      local exercises, solutions = text:match "\n## Exercises\n(.-)\n## Solutions\n(.*)$"
      assert.equal(select(2, exercises:gsub("\n%d+%. ", "")), select(2, solutions:gsub("\n### %d+%. ", "")), chapter)
    end
  end)
end)

-- ---- as a reader types it ------------------------------------------------------------------------------------------------

local function differ_from_end(typist)
  return not os.execute(([[cd %s/end && for f in *.lua templates/*; do [ ! -e "$f" ] || cmp -s "$f" '%s'/"$f" || exit 1; done]])
    :format(typist.room, typist.project))
end

-- Every route of the project that the page has built so far is asked for nonsense.
local function probe(typist, what)
  local settings = "DATABASE=probe.db API_KEY=only-for-me SECRET=" .. ("s"):rep(32) .. " "
  local routes = typist:run(settings .. "rille routes app.lua")
  typist:start { command = settings .. "rille serve app.lua", output = "…listening at=http://127.0.0.1:8080 …" }
  local wrong = prober.probe("http://127.0.0.1:" .. typist.port, routes)
  if #wrong > 0 then
    table.sort(wrong)
    error(("%s: %s answers wrong requests wrongly:\n  %s"):format(typist.path, what, table.concat(wrong, "\n  ", 1,
      math.min(#wrong, 20))), 0)
  end
  typist:stop()
  typist:run "rm -f probe.db*"
end

local function look_at_project(typist, what)
  if what == "the chapter" then
    local folder = "docs/tutorial/code/" .. typist.path:match "([^/]+)%.md$"
    local differences = native.file_info(folder) and typist:differences(folder) or {}
    if #differences > 0 then
      error(("%s does not build %s:\n%s"):format(typist.path, folder, table.concat(differences, "\n")), 0)
    end
  elseif not differ_from_end(typist) or typist.printed_errors > typist.errors_before then -- nothing new, or broken on purpose
    return
  end
  if native.file_info(typist.project .. "/app.lua") then probe(typist, what) end
end

-- With sanitizers all of it would take minutes: they are there for other faults, and see the specs below.
local is_sanitized = os.execute 'grep -q __asan_init "$(readlink /proc/$PPID/exe)"'

local pages = { "docs/README.md", "docs/tutorial/README.md" }
for i, chapter in ipairs(chapters) do
  if not is_sanitized or i == 3 or i == 6 or i == 8 then pages[#pages + 1] = "docs/tutorial/" .. chapter .. ".md" end
end

describe("typed as printed", function()
  local failures = {}

  -- Not in the tests, which have a deadline. Some pages at once, since most of it is waiting; the long ones first.
  setup(function()
    local longest_first = {}
    for i, path in ipairs(pages) do longest_first[#pages + 1 - i] = path end
    rille.map(longest_first, function(path)
      local typist <close> = Typist.new(path)
      local done, failure = pcall(typist.type, typist, function(what) look_at_project(typist, what) end)
      failures[path] = not done and failure or nil
    end, { limit = 4 })
  end)

  for _, path in ipairs(pages) do
    it(path, function()
      if failures[path] then error(failures[path], 0) end
    end)
  end
end)

describe("the typist", function()
  -- What a page with these lines fails with.
  local function type_page(lines)
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "wb"))
    file:write(table.concat(lines, "\n"), "\n")
    file:close()
    local typist <close> = Typist.new(path)
    local done, failure = pcall(typist.type, typist)
    os.remove(path)
    return not done and failure:gsub(path, "PAGE") or nil
  end

  local program = { "Write `a.lua`:", "", "```lua a.lua", 'print "one"', "print(2)", "```", "",
    "```console", "$ rille run a.lua" }

  local function with(lines)
    local all = table.move(program, 1, #program, 1, {})
    return table.move(lines, 1, #lines, #all + 1, all)
  end

  it("is content with a page that is right", function()
    assert.is_nil(type_page(with { "one", "…", "$ false", "$ echo $?", "1", "```" }))
  end)

  it("names page, line, command and difference", function()
    local failure = type_page(with { "one", "3", "```" })
    assert.matches("^PAGE:9: %$ rille run a.lua: printed is\n    one\n    3\nwhat came is\n    one\n    2\n", failure)
    assert.matches("the first difference: printed is '3', what came is '2'", failure, 1, true)
    assert.matches("printed is the end, what came is '2'", type_page(with { "one", "```" }), 1, true)
  end)

  it("wants changes that fit in one place, and the file's name above a block", function()
    local failure = type_page(with { "…", "```", "Change `a.lua`:", "", "```diff a.lua", " print \"two\"", "+x", "```" })
    assert.matches("PAGE:14: a.lua: the change fits nowhere; the file lacks the line: print \"two\"", failure, 1, true)
    failure = type_page(with { "…", "```", "Change it:", "", "```diff a.lua", " print \"one\"", "+x", "```" })
    assert.matches("PAGE:14: the paragraph above does not name the file `a.lua`", failure, 1, true)
  end)

  it("wants curl -s where a terminal would show curl's progress", function()
    for _, command in ipairs { "curl localhost:8080 | grep x", "curl -o page localhost:8080", "curl localhost:8080 > page" } do
      assert.matches("shows curl's progress too; write curl -s", type_page { "```console", "$ " .. command, "```" }, 1, true)
    end
    assert.is_nil(type_page { "```console", '$ echo "curl -s a" | grep -c "a|b"', "0", "```" })
  end)

  it("matches … in a line, and lines of …", function()
    assert.is_true(printed.matches("a … c\n…\nz", "a b c\n1\n2\nz\n"))
    assert.is_false(printed.matches("a … c", "a b d"))
    assert.is_false(printed.matches("…\nz", "1\n2"))
    assert.is_false(printed.matches("", "noise"))
  end)

  it("fails where a server answers 500 and the page does not say so", function()
    local app = { "Write `app.lua`:", "", "```lua app.lua", "local app = require('rille').app()",
      "app:get('/', function() error 'x' end)", "return app", "```", "", "```console", "$ rille serve app.lua",
      "… info  listening at=http://127.0.0.1:8080 …", "$ curl localhost:8080", "…", "```" }
    assert.matches("$ rille serve app.lua (line 10): answered 500, which is not printed", type_page(app), 1, true)
  end)

  it("finds handlers that trust their clients", function()
    local app = rille.app()
    app:post("/posts/{id:int}", function(req) return req:json().title or "" end)
    local wrong = prober.probe(testing.server(app).url, "POST    /posts/{id:int}  -  0  app.lua:1\n")
    assert.is_true(#wrong > 0)
    assert.matches("POST /posts/1 with application/json '3': 500", table.concat(wrong, "\n"), 1, true)
  end)
end)

-- ---- the specs of the complete code --------------------------------------------------------------------------------------

-- Inside, the folder of a chapter is the root, and what it requires is its own.
local function move_to(folder)
  local state = { root = native.root, path = package.path, loaded = {} }
  for name, module in pairs(package.loaded) do state.loaded[name] = module end
  native.root, package.path = folder, folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. state.path
  package.loaded.app = nil
  return state
end

-- The program is loaded anew, as in a process of its own.
local function forget(state)
  for name in pairs(package.loaded) do
    if not state.loaded[name] or name == "app" then package.loaded[name] = nil end
  end
end

local function move_back(state)
  forget(state)
  native.root, package.path = state.root, state.path
  for name, module in pairs(state.loaded) do package.loaded[name] = module end
end

local function at_home_in(folder)
  local state
  setup(function() state = move_to(folder) end)
  before_each(function() forget(state) end)
  teardown(function() move_back(state) end)
end

-- Each page runs its specs, in processes of their own. Those of the last chapter have nearly all of the others' with them.
for _, chapter in ipairs { chapters[1], chapters[2], chapters[#chapters] } do
  describe("chapter " .. chapter, function()
    local folder = tutorial .. "/code/" .. chapter
    at_home_in(folder)
    for _, name in ipairs(list(folder .. "/spec", "_spec%.lua$")) do
      local state = move_to(folder)
      assert(load(read(folder .. "/spec/" .. name), "@docs/tutorial/code/" .. chapter .. "/spec/" .. name, "t", _ENV))()
      move_back(state)
    end
  end)
end
