-- script/floorplan on small houses that are made up here: each fault is found, with its place, and a clean house passes.
local scratch_new = require("spec.support.scratch").new

local function absolute(path)
  local pipe = assert(io.popen("realpath " .. path))
  local found = pipe:read "l"
  pipe:close()
  return found
end

local floorplan = absolute "script/floorplan"

-- A house without a fault: two rooms, a .c that includes what its header includes, lazy and top-level requires.
local clean = {
  ["runtime/base/slice.h"] = "typedef struct rl_slice {\n  const char *data;\n} rl_slice;\ntypedef struct rl_hidden rl_hidden;\n"
    .. "void rl_slice_init(rl_slice *slice);\n",
  ["runtime/base/slice.c"] = '#include "base/slice.h"\n\nstruct rl_hidden {\n  int x;\n};\n\n'
    .. "void rl_slice_init(rl_slice *slice) { slice->data = \"{\"; }\n",
  ["runtime/http/conn.h"] = '#include "base/slice.h"\n\ntypedef struct rl_hidden rl_hidden;\nenum { RL_A, RL_B };\n'
    .. "typedef void (*rl_on_data)(rl_slice bytes);\n"
    .. "__attribute__((format(printf, 1, 2))) void rl_conn_say(const char *f, ...);\n"
    .. "static inline int rl_conn_two(void) { return 2; }\n",
  ["runtime/http/conn.c"] = '#include "http/conn.h"\n\nvoid rl_conn_say(const char *f, ...) { (void)f; }\n',
  ["lua/rille/init.lua"] = 'local page = require "rille.page"\nreturn page\n',
  ["lua/rille/page.lua"] = 'local M = {}\nfunction M.all()\n  for _ = 1, 2 do if M then local n = 1 end end\n'
    .. '  return require "rille" -- one day\nend\nreturn M\n',
}

local function run(changes, ...)
  local scratch <close> = scratch_new()
  for _, files in ipairs { clean, changes } do
    for name, text in pairs(files) do scratch:write(name, text) end
  end
  return scratch:run(floorplan, "--root", scratch.directory, ...)
end

local function faults_of(output)
  local faults = {}
  for line in output:gmatch "[^\n]+" do
    if not line:find "^floor %d" then faults[#faults + 1] = line end
  end
  return faults
end

local function fault(changes, ...)
  local faults = faults_of((run(changes, ...)))
  assert.equal(1, #faults, table.concat(faults, "\n"))
  return faults[1]
end

describe("script/floorplan", function()
  it("prints the floors of a house without a fault, and nothing else", function()
    local output = run({}, "--strict")
    assert.same({}, faults_of(output))
    assert.truthy(output:find("floor 3  http/       2 files   -> base (1)", 1, true))
    assert.truthy(output:find("floor 0  base/       2 files   -> nothing of ours", 1, true))
  end)

  it("refuses an include that points up, or at a neighbour", function()
    local up = fault { ["runtime/base/a.c"] = '#include "http/conn.h"\n' }
    assert.truthy(up:find("^runtime/base/a.c:1: includes http/conn.h, which points up %(floor 0 to 3%)"))
    local beside = fault { ["runtime/data/a.c"] = '\n#include "client/b.h"\n', ["runtime/client/b.h"] = "" }
    assert.truthy(beside:find("^runtime/data/a.c:2: includes client/b.h, which points at a neighbour"))
  end)

  it("lets only vm, app, bind and cli see Lua", function()
    assert.truthy(fault({ ["runtime/data/a.c"] = "#include <lua.h>\n" }):find "only vm, app, bind, cli see Lua")
    for _, room in ipairs { "vm", "app", "bind", "cli" } do
      assert.same({}, faults_of((run({ ["runtime/" .. room .. "/a.c"] = "#include <lua.h>\n" }, "--strict"))))
    end
  end)

  it("refuses a room that is on no floor", function()
    assert.truthy(fault({ ["runtime/attic/a.c"] = "" }):find "^runtime/attic/a.c:1: this room is on no floor")
  end)

  it("refuses a document that is not in the repository", function()
    local said = fault { ["runtime/base/a.c"] = "/* See docs/design/a.md and LOST.md. */\n", ["docs/design/a.md"] = "" }
    assert.truthy(said:find "^runtime/base/a.c:1: cites LOST.md, which is not in the repository")
  end)

  it("refuses a circle of includes inside a room, where a .c and its .h are one module, sub-folders included", function()
    local said = fault({
      ["runtime/http/a.h"] = "\n#include \"http/h1/b.h\"\n", ["runtime/http/h1/b.h"] = "int rl_b(void);\n",
      ["runtime/http/h1/b.c"] = '#include "http/c.h"\n', ["runtime/http/c.h"] = '#include "http/a.h"\n',
    }, "--strict")
    assert.truthy(said:find("^runtime/http/a.h:2: a circle of includes: http/a %-> http/h1/b %-> http/c %-> http/a;"))
    assert.truthy(said:find("runtime/http/h1/b.c:1 includes http/c", 1, true))
    assert.truthy(said:find "callback$")
  end)

  it("takes no commented include for one", function()
    local changes = { ["runtime/http/a.h"] = '/*\n#include "http/b.h"\n*/\n', ["runtime/http/b.h"] = '#include "http/a.h"\n' }
    assert.same({}, faults_of((run(changes, "--strict"))))
  end)

  it("refuses one type name for two types, wherever the second body stands", function()
    local struct = fault({ ["runtime/data/a.h"] = "typedef struct rl_slice { int n; } rl_slice;\n" }, "--strict")
    assert.truthy(struct:find("^runtime/base/slice.h:1: the type rl_slice is declared again in runtime/data/a.h:1: "))
    local hidden = fault({ ["runtime/data/a.c"] = "\nstruct rl_hidden {\n  struct { int y; } inner;\n};\n" }, "--strict")
    assert.truthy(hidden:find("rl_hidden is declared again in runtime/data/a.c:2", 1, true))
    local pointer = fault({ ["runtime/net/a.h"] = "typedef bool (*rl_on_data)(int code);\n" }, "--strict")
    assert.truthy(pointer:find("rl_on_data is declared again", 1, true))
    local enum = fault({ ["runtime/net/a.h"] = "typedef enum { RL_UP } rl_way;\n",
      ["runtime/net/b.h"] = "enum rl_way { RL_DOWN };\n" }, "--strict")
    assert.truthy(enum:find("^runtime/net/a.h:1: the type rl_way is declared again in runtime/net/b.h:1"))
  end)

  it("allows two files the same private type", function()
    local changes = { ["runtime/net/a.c"] = "struct seat { int a; };\n", ["runtime/net/b.c"] = "struct seat { long b; };\n" }
    assert.same({}, faults_of((run(changes, "--strict"))))
  end)

  it("refuses a header whose function lives in another folder", function()
    local said = fault({ ["runtime/http/h1/far.c"] = "int rl_far(int a) {\n  return a;\n}\n",
      ["runtime/http/far.h"] = "\nint rl_far(int a);\n" }, "--strict")
    assert.truthy(said:find("^runtime/http/far.h:2: declares rl_far, which runtime/http/h1/far.c:1 defines: "))
    assert.same({}, faults_of((run({ ["runtime/http/far.c"] = "int rl_far(int a) { return a; }\n",
      ["runtime/http/h1/far.c"] = "static int rl_far(int a) { return a; }\n", ["runtime/http/far.h"] = "int rl_far(int a);\n" },
      "--strict"))))
  end)

  it("refuses a circle of require at load time, and none where one of them is inside a function", function()
    local said = fault({ ["lua/rille/page.lua"] = 'local M = {}\nlocal a = require("rille.a")\nfunction M.x() end\nreturn M\n',
      ["lua/rille/a/init.lua"] = "-- [[ require 'no' ]]\nlocal list = { require 'rille' }\nreturn list\n" }, "--strict")
    assert.truthy(said:find("a circle of require: rille -> rille.page -> rille.a -> rille;", 1, true))
    assert.truthy(said:find("lua/rille/a/init.lua:2 requires rille", 1, true))
  end)

  it("reports what --strict asks for only with --strict", function()
    assert.same({}, faults_of((run { ["lua/rille/page.lua"] = 'return require "rille"\n' })))
  end)
end)

describe("script/floorplan --draw", function()
  local function drawn(changes)
    local scratch = scratch_new()
    for _, files in ipairs { clean, changes or {} } do
      for name, text in pairs(files) do scratch:write(name, text) end
    end
    scratch:run(floorplan, "--root", scratch.directory, "--draw")
    return scratch
  end

  it("draws rooms, arrows and the modules that are required late", function()
    local scratch <close> = drawn()
    local svg = scratch:read "docs/images/house.svg"
    assert.truthy(svg:find("http/</text>", 1, true))
    assert.truthy(svg:find("<title>http includes base</title>", 1, true))
    assert.truthy(svg:find("page → rille", 1, true))
    assert.truthy(svg:find("prefers-color-scheme:dark", 1, true))
  end)

  it("is checked by --check-drawing, which a few more lines do not disturb and a new arrow does", function()
    local scratch <close> = drawn()
    local function check() return faults_of(scratch:run(floorplan, "--root", scratch.directory, "--check-drawing")) end
    assert.same({}, check())
    scratch:write("runtime/base/slice.c", clean["runtime/base/slice.c"] .. "\n\n\n")
    assert.same({}, check())
    scratch:write("runtime/net/tcp.c", '#include "base/slice.h"\n')
    assert.same({ "docs/images/house.svg:1: is not what the sources say: run script/floorplan --draw" }, check())
  end)
end)

describe("this house", function()
  it("stands on its floors", function()
    local scratch <close> = scratch_new()
    assert.same({}, faults_of(scratch:run(floorplan)))
  end)
end)
