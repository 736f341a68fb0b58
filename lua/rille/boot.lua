-- The commands, from Lua's side: each is a function that gets the arguments C has sorted out and returns an exit status.
local locate = require "rille.locate"
local native = require "rille.native.core"
local paths = require "rille.paths"
local source = require "rille.source"

local boot = {}

-- Loaded by the commands that need it, as everything is here.
local function load_app(path) return require("rille.loader").load_app(path) end

-- Returns true if a traceback is worth showing: it has a line of the program, or the fault is the library's.
local function tells_something(trace, message)
  if message:find "^rille/" then return true end
  for file in trace:gmatch "\n[ \t]+([^\n:]+):%d+:" do
    if not file:find "^rille/" and not file:find "^%[" then return true end
  end
  return false
end

local function report(command, err)
  if native.mode == "dev" and command ~= "dashboard" then -- the dashboard shows it
    native.failed(native.json_encode(require("rille.dev.failure").describe(err)))
    return
  end
  local failure = require("rille.error").wrap(err)
  local message = tostring(failure)
  local trace = failure.traceback or native.error_trace(err)
  io.stderr:write("rille: ", message:find ":%d+:" and paths.without_root(message) or message, "\n")
  local told = type(err) == "string" and not err:find "^[^\n]-:%d+:" -- error(text, 0): for whoever typed the command
  if trace and not told and tells_something(trace, message) then io.stderr:write(paths.without_root(trace), "\n") end
end

-- Loads, starts what the program opens, answers until it is told to stop, ends what it has opened.
local function serve(path, prepare)
  local app = load_app(path)
  require("rille.secret").check_app(app)
  if prepare then prepare(app) end
  local compiled = require("rille.compile").compile(app)
  local lifespans = require("rille.lifespan").start(app)
  native.ready(compiled)
  return native.shield(function() -- a stop that came while it was loading has nothing to cancel any more
    native.wait_stop()
    require("rille.background").finish(native.shutdown_timeout())
    return lifespans:stop() and 0 or 1
  end)
end

function boot.serve(path) return serve(path) end

--- The program under `rille dev`; the dashboard runs beside it.
function boot.dev(path)
  require("rille.dev.raised").install() -- what does not load is explained too
  return serve(path, function(app)
    local _, wrong = require("rille.page").check(app)
    if wrong[1] then error(wrong[1], 0) end
    require("rille.dev.record").install(app)
  end)
end

-- C calls it by this name.
function boot.dashboard(path)
  locate.app(path) -- a name that is none is a mistake of the command line; what does not load is told in the browser
  local dashboard = require("rille.dev.dashboard").new()
  native.ready((require("rille.compile").compile(dashboard.app)))
  dashboard:run()
  native.wait_stop()
  return 0
end

-- Arguments as lua5.4 gives them: `arg` and `...`; a function, or a table with main, is called with them.
function boot.run(file, ...)
  file = locate.script(file)
  local args = table.pack(...)
  if args[1] == "--" then table.remove(args, 1); args.n = args.n - 1 end
  _G.arg = { [0] = file, table.unpack(args, 1, args.n) }
  local chunk, message = load(source.read(file), "@" .. file, "t")
  if not chunk then error(message, 0) end
  local value = chunk(table.unpack(args, 1, args.n))
  if type(value) == "table" and type(rawget(value, "main")) == "function" then value = value.main end
  if type(value) == "function" then value = value(table.unpack(args, 1, args.n)) end
  return math.tointeger(value) or 0
end

function boot.routes(path)
  local app = load_app(path)
  local _, all = require("rille.compile").compile(app)
  local rows, widths = {}, { 0, 0, 0 }
  for id, entry in pairs(all) do
    local method = entry.route.method == "*" and "ANY" or entry.route.method
    rows[#rows + 1] = { id = id, method, entry.path, entry.route.name or "-",
      ("%d"):format(#entry.route.use + #entry.app.middleware), paths.without_root(entry.route.where) }
  end
  table.sort(rows, function(a, b) return a.id < b.id end)
  table.insert(rows, 1, { "METHOD", "PATH", "NAME", "MIDDLEWARE", "WHERE" })
  for _, row in ipairs(rows) do
    for i = 1, 3 do widths[i] = math.max(widths[i], #row[i]) end
  end
  for _, row in ipairs(rows) do
    print(("%-" .. widths[1] .. "s  %-" .. widths[2] .. "s  %-" .. widths[3] .. "s  %10s  %s"):format(table.unpack(row)))
  end
  return 0
end

-- Tells what luacheck finds -> what to say of it in the last line, or nil where that is an error.
local function lint(path)
  local found, why = require("rille.lint").look(locate.app(path))
  if not found then
    if why:find "not installed" then
      return "; luacheck (Debian: lua-check) is not installed, so undefined variables were not checked"
    end
    io.stderr:write("rille: ", why, "\n")
    return nil
  end
  for _, line in ipairs(found) do io.stderr:write(line, "\n") end
  if found.errors > 0 then
    io.stderr:write(("rille: luacheck finds %d error%s\n"):format(found.errors, found.errors == 1 and "" or "s"))
    return nil
  end
  return found.warnings > 0 and ("; luacheck has %d warning%s"):format(found.warnings, found.warnings == 1 and "" or "s") or ""
end

local function plural(count, noun) return ("%d %s%s"):format(count, noun, count == 1 and "" or "s") end

--- Loads the program and compiles its routes and all of its templates; tells every error of a template, and what luacheck
--- finds.
function boot.check(path)
  local app = load_app(path)
  require("rille.secret").check_app(app)
  local _, all = require("rille.compile").compile(app)
  local templates, errors = require("rille.page").check(app)
  for _, err in ipairs(errors) do io.stderr:write(tostring(err), "\n") end
  if errors[1] then
    io.stderr:write(("rille: %d of %d templates cannot be compiled\n"):format(#errors, templates))
    return 1
  end
  local more = lint(path)
  if not more then return 1 end
  for _, sentence in ipairs(require("rille.doctor.sqlite").lacks()) do io.stderr:write("rille: ", sentence, "\n") end
  print(("%s: %s, %s, no errors%s"):format(paths.relative(path), plural(#all, "route"), plural(templates, "template"), more))
  return 0
end

function boot.openapi(path)
  local openapi = require "rille.openapi"
  local app = load_app(path)
  local _, all = require("rille.compile").compile(app)
  io.write(openapi.text(openapi.document(app, all)))
  return 0
end

--- rille migrate [--status | --dry-run | --backup PATH] DB DIR
function boot.migrate(...) return require("rille.migrate").run(...) end

function boot.certificates(...) return require("rille.acme.command").run(...) end

-- C calls it by this name, in a state of its own (runtime/cli/acme_thread.h).
function boot.acme(...) return require("rille.acme.process").run(...) end

function boot.new(...) return require("rille.new").run(...) end

function boot.doctor(...) return require("rille.doctor").run(...) end

function boot.console(path) return require("rille.console").run(path) end

function boot.test(...) return require("rille.testing.runner").run(...) end

-- Bytecode can crash the machine that runs it: chunks are text unless somebody asks for more by name.
local function load_text_only()
  local original = load
  _G.load = function(chunk, name, mode, ...) return original(chunk, name, mode or "t", ...) end
end

-- Returns the exit status if a command failed only because it was told to stop, which is no error.
local function was_stopped(err)
  local status = native.stop_status()
  return status and require("rille.error").wrap(err).code == "cancelled" and status
end

--- main(command, ...) -> exit status. Whatever it raises is told on stderr and is 1.
function boot.main(command, ...)
  os.exit = native.exit -- luacheck: ignore 122
  load_text_only()
  require("rille.strict").install()
  local results = table.pack(pcall(native.bounded, boot[command], ...))
  if results[1] then return results[2] end
  local status = was_stopped(results[2])
  if status then return status end
  report(command, results[2])
  return 1
end

return boot
