-- rille serve --supervise: the parent keeps a worker running, whatever becomes of it. And SIGUSR2, with a supervisor and without.
-- runtime/cli/supervise.c, runtime/cli/supervisor.c, runtime/cli/upgrade.c, runtime/cli/handover.c, runtime/cli/serve.c
-- runtime/vm/crash.c, runtime/vm/inspect.c
local processes = require "spec.support.process"
local rille = require "rille"
local scratches = require "spec.support.scratch"

local program = [[
local rille = require "rille"
local app = rille.app()
app:get("/", function() return "hello" end)
app:get("/abort", function() os.execute "exec python3 abort.py $PPID" end)
app:get("/exit", function() os.exit(7) end)
app:get("/loop", function() while true do end end)
app:get("/slow", function() rille.sleep(0.5) return "slow" end)
return app
]]

describe("a supervised server", function()
  local place
  before_each(function()
    place = scratches.new()
    place:write("app.lua", program)
    -- on the main thread
    place:write("abort.py", "import ctypes, sys\npid = int(sys.argv[1])\nctypes.CDLL(None).tgkill(pid, pid, 6)")
  end)
  after_each(function() place:close() end)

  local function start(...) return processes.start(place, { "serve", "app.lua", "--port", "0", "--supervise", ... }) end

  -- The pid of the worker that listened as the n-th.
  local function worker(process, number)
    process:says("listening at=", number)
    local pids = {}
    for pid in process:log():gmatch "listening at=[^\n]- pid=(%d+)" do pids[#pids + 1] = pid end
    return pids[number or #pids]
  end

  local function ask(url, path)
    local res, err = rille.try(rille.fetch, url .. (path or "/"), { headers = { Connection = "close" }, timeout = 20 })
    return res and res:text() or err.code
  end

  local function state_of(pid)
    local file = io.open("/proc/" .. pid .. "/stat")
    local text = file and file:read "a" or ""
    if file then file:close() end
    return text:match "%) (%a) " or "X"
  end

  local function is_alive(pid) return not state_of(pid):find "[ZX]" end

  -- Nothing of it runs any more: no connection is accepted.
  local function freeze(process, pid)
    process:signal("STOP", pid)
    local threads = io.popen(("ls /proc/%s/task"):format(pid)):read "a"
    for thread in threads:gmatch "%d+" do
      process:until_true("stop", function() return state_of(pid .. "/task/" .. thread):find "[TX]" end)
    end
  end

  local function ends(process, pid)
    process:until_true("end of " .. pid, function() return not is_alive(pid) end)
  end

  it("is started again when it is killed, on the same port; what asks meanwhile is answered", function()
    for _, threads in ipairs { 1, 3 } do
      local process <close> = start("--threads", threads)
      local url = process:url()
      for round = 1, 3 do
        local pid = worker(process, round)
        freeze(process, pid)
        local answers = {}
        for i = 1, 12 do answers[i] = rille.spawn(ask, url) end
        rille.sleep(0.05)
        process:signal("KILL", pid)
        for i = 1, 12 do assert.equal("hello", answers[i]:wait()) end
      end
      assert.matches("the worker died pid=%d+ signal=SIGKILL", process:log())
      process:signal "TERM"
      assert.equal(0, process:wait(), process:log())
    end
  end)

  it("tells how it died: the signal, the line of Lua, the functions of C; or its status", function()
    local process <close> = start()
    local url = process:url()
    ask(url, "/abort")
    worker(process, 2)
    local log = process:log()
    assert.matches("rille: SIGABRT, pid %d+\n  in Lua:\n.-    app%.lua:4\n.-  in C:\n.*rille.-the worker died", log)
    assert.matches("signal=SIGABRT [^\n]*at=app%.lua:4", log)
    ask(url, "/exit")
    worker(process, 3)
    assert.matches("the worker died pid=%d+ status=7", process:log())
    assert.equal("hello", ask(url))
  end)

  it("waits longer and longer where it dies young, and starts anew once it has lived", function()
    local process <close> = start()
    local url = process:url()
    rille.sleep(0.6)
    for _ = 1, 3 do ask(url, "/exit") end
    worker(process, 4)
    local pauses = {}
    for pause in process:log():gmatch "the next one starts in (%d+) ms" do pauses[#pauses + 1] = math.tointeger(pause) end
    assert.same({ 50, 100 }, pauses)
    rille.sleep(0.6)
    ask(url, "/exit")
    worker(process, 5)
    assert.equal(2, select(2, process:log():gsub("died soon after its start", "")), "the fourth had lived")
  end)

  it("that does not even start the first time ends with its status", function()
    place:write("app.lua", "error 'no way'")
    local process <close> = start()
    assert.equal(1, process:wait())
    assert.matches("no way.*the program did not start pid=%d+ status=1", process:log())
    place:write("app.lua", "os.exit(5)")
    local other <close> = start()
    assert.equal(5, other:wait())
  end)

  it("that does not start later is tried again until it does", function()
    local process <close> = start()
    local url = process:url()
    place:write("app.lua", "error 'broken meanwhile'")
    process:signal("KILL", worker(process, 1))
    process:says("the worker died", 3)
    place:write("app.lua", program)
    assert.equal("hello", ask(url))
    assert.matches("broken meanwhile", process:log())
  end)

  it("says that the port is taken before it starts anything", function()
    local first <close> = start()
    local port = first:url():match ":(%d+)$"
    local second <close> = processes.start(place, { "serve", "app.lua", "--port", port, "--supervise" })
    assert.equal(1, second:wait())
    assert.matches("Address already in use", second:log())
    assert.not_matches("supervising", second:log())
  end)

  it("gets the signals that its parent gets", function()
    local process <close> = start("--threads", "2")
    local url = process:url()
    place:write("app.lua", (program:gsub("hello", "changed")))
    process:signal "HUP"
    process:says("info  reloaded", 2)
    assert.equal("changed", ask(url))
    process:signal "USR1"
    process:says("info  tasks", 2)
    local slow = rille.spawn(ask, url, "/slow")
    rille.sleep(0.1)
    process:signal "INT"
    assert.equal(0, process:wait(), process:log())
    assert.equal("slow", slow:wait())
  end)

  it("ends when the whole group is told to, without a second signal's haste", function()
    local process <close> = start()
    local url = process:url()
    local slow = rille.spawn(ask, url, "/slow")
    rille.sleep(0.1)
    process:signal("TERM", worker(process, 1))
    process:signal "TERM"
    assert.equal(0, process:wait(), process:log())
    assert.equal("slow", slow:wait())
  end)

  it("is killed by the second signal, even where its code never ends", function()
    local process <close> = start()
    local url, pid = process:url(), worker(process, 1)
    local loop = rille.spawn(ask, url, "/loop")
    rille.sleep(0.2)
    process:signal "TERM"
    rille.sleep(0.2)
    process:signal "TERM"
    assert.equal(143, process:wait())
    assert.is_false(is_alive(pid))
    loop:wait()
  end)

  it("does not survive its parent", function()
    local process <close> = start()
    local url, pid = process:url(), worker(process, 1)
    local slow = rille.spawn(ask, url, "/slow")
    rille.sleep(0.1)
    process:signal "KILL"
    ends(process, pid)
    assert.equal("slow", slow:wait(), "what was under way is finished")
    assert.matches("the supervisor is gone", process:log())
  end)

  it("that is told to stop by somebody else has its place taken at once", function()
    local process <close> = start()
    local url = process:url()
    local slow, since = rille.spawn(ask, url, "/slow"), rille.now()
    rille.sleep(0.1)
    process:signal("TERM", worker(process, 1))
    worker(process, 2)
    assert.equal("hello", ask(url))
    assert.equal("slow", slow:wait())
    assert.is_true(rille.now() - since < 15)
    process:signal "TERM"
    assert.equal(0, process:wait(), process:log())
  end)

  it("is ended by --watchdog where it is stuck, and the line is told", function()
    local process <close> = start("--watchdog", "0.5")
    local url = process:url()
    local loop = rille.spawn(ask, url, "/loop")
    worker(process, 2)
    assert.equal("hello", ask(url))
    assert.matches("the worker died pid=%d+ signal=SIGABRT [^\n]*at=app%.lua:6", process:log())
    loop:wait()
  end)

  it("listens on a unix socket, which goes with the parent and not with the worker", function()
    local process <close> = processes.start(place, { "serve", "app.lua", "--unix", "socket", "--supervise" })
    process:signal("KILL", worker(process, 1))
    worker(process, 2)
    assert.equal("hello", rille.fetch("http://x/", { unix = place:path "socket" }):text())
    process:signal "TERM"
    assert.equal(0, process:wait())
    assert.is_nil((os.rename(place:path "socket", place:path "other")))
  end)

  it("listens on sockets of systemd", function()
    local process <close> = processes.start(place, { io.popen("pwd"):read() .. "/script/support/activate", place:path "socket",
      place.rille, "serve", "app.lua", "--supervise", "--threads", "2" }, { program = "python3" })
    process:signal("KILL", worker(process, 1))
    worker(process, 2)
    assert.equal("hello", rille.fetch("http://x/", { unix = place:path "socket" }):text())
  end)

  it("takes nothing that only rille hands over from anybody else", function()
    local whole = "1 role=1 from=1 line=-1 log=0 timeout=0 kind=0 addresses=1 device=0 inode=0 sockets="
    for _, text in ipairs { "1", "nonsense", whole, whole .. "0-2", whole .. "3-99999", whole .. "x" } do
      local process <close> = processes.start(place, { "serve", "app.lua", "--port", "0" },
        { env = "RILLE_HANDOVER='" .. text .. "'" })
      assert.equal(2, process:wait())
      assert.matches("RILLE_HANDOVER is set", process:log())
    end
  end)

  describe("upgrades: SIGUSR2", function()
    local binary
    before_each(function()
      binary = place:path "rille"
      assert(os.execute(("cp %s %s"):format(place.rille, binary)))
    end)

    local function replace_by(command)
      assert(os.execute(("cd %s && %s && mv -f new rille"):format(place.directory, command)))
    end

    for _, how in ipairs { "--supervise", "--log=text" } do
      local supervised = how == "--supervise"
      describe(supervised and "with a supervisor" or "without one", function()
        local function begin(...)
          return processes.start(place, { "serve", "app.lua", how, ... }, { program = binary })
        end

        it("replaces the binary; the port, and what is under way, stay", function()
          local process <close> = begin("--port", "0", "--threads", "2")
          local url, first = process:url(), worker(process, 1)
          local slow = rille.spawn(ask, url, "/slow")
          rille.sleep(0.1)
          replace_by("cp rille new && echo more >> new")
          place:write("app.lua", (program:gsub("hello", "changed")))
          process:signal "USR2"
          local second = worker(process, 2)
          process:says "the new binary serves"
          assert.equal("slow", slow:wait())
          ends(process, first)
          for _ = 1, 8 do assert.equal("changed", ask(url)) end
          local main = supervised and process.pid or second
          if supervised then process:says "it runs the new binary too"
          else assert.equal(0, process:wait(), process:log()) end
          local runs = io.popen(("cmp /proc/%s/exe %s && echo same"):format(main, binary)):read "a"
          assert.equal("same\n", runs)
          process:signal("TERM", main)
          ends(process, second)
          ends(process, main)
          if supervised then assert.equal(0, process:wait(), process:log()) end
        end)

        it("changes nothing where the new one does not start", function()
          local process <close> = begin("--port", "0")
          local url = process:url()
          local told = supervised and "the old one goes on" or "this one goes on"
          local failures = {
            "printf 'no binary' > new && chmod 755 new", -- no format that can be executed
            "printf '#!/bin/sh\\nexit 3\\n' > new && chmod 755 new",
            "printf '#!/bin/sh\\nkill -9 $$\\n' > new && chmod 755 new",
          }
          for i, failure in ipairs(failures) do
            replace_by(failure)
            process:signal "USR2"
            if supervised and i == 1 then process:says "cannot start"
            else process:says(told, supervised and i - 1 or i) end
            assert.equal("hello", ask(url))
          end
          os.remove(binary)
          process:signal "USR2"
          process:says("cannot start", 2)
          assert(os.execute(("cp %s %s"):format(place.rille, binary)))
          place:write("app.lua", "error 'broken'")
          process:signal "USR2"
          process:says(told, supervised and 3 or 5)
          assert.equal("hello", ask(url))
          assert.is_true(is_alive(worker(process, 1)))
          process:signal "TERM"
          assert.equal(0, process:wait(), process:log())
        end)

        it("hands a unix socket over, whose file is removed by the last one", function()
          local process <close> = begin("--unix", "socket")
          local first = worker(process, 1)
          process:signal "USR2"
          local second = worker(process, 2)
          ends(process, first)
          assert.equal("hello", rille.fetch("http://x/", { unix = place:path "socket" }):text())
          local main = supervised and process.pid or second
          process:signal("TERM", main)
          ends(process, main)
          assert.is_nil((os.rename(place:path "socket", place:path "other")))
        end)

        it("ends with what it has started where it is told to stop meanwhile", function()
          local process <close> = begin("--port", "0")
          process:url()
          place:write("app.lua",
            "io.stderr:write('new ', io.open('/proc/self/stat'):read 'n', '\\n') require 'rille'.sleep(1000)")
          process:signal "USR2"
          local log = process:says "new "
          process:signal "TERM"
          assert.equal(0, process:wait(), process:log())
          ends(process, log:match "new (%d+)")
        end)
      end)
    end

    it("alone does it: a crash starts what was running, whatever has become of the file", function()
      local process <close> = processes.start(place, { "serve", "app.lua", "--port", "0", "--supervise" }, { program = binary })
      local url = process:url()
      local function runs(pid)
        return io.popen(("cmp -s /proc/%s/exe %s && echo same"):format(pid, binary)):read "a" == "same\n"
      end
      replace_by("cp rille new && echo more >> new")
      process:signal("KILL", worker(process, 1))
      assert.is_false(runs(worker(process, 2)))
      process:signal "USR2"
      assert.is_true(runs(worker(process, 3)))
      process:says "it runs the new binary too"
      process:signal("KILL", worker(process, 3))
      assert.is_true(runs(worker(process, 4)))
      assert.equal("hello", ask(url))
    end)

    it("tells systemd who the main process is", function()
      place:write("notify.py", [[
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
print("bound", flush=True)
while True:
    print(s.recv(1000).decode(), flush=True)
]])
      local systemd <close> = processes.start(place, { "notify.py" }, { program = "python3" })
      systemd:until_true("socket", function() return systemd:output():find "bound" end)
      local function heard(text) systemd:until_true(text, function() return systemd:output():find(text, 1, true) end) end
      local env = "NOTIFY_SOCKET=" .. place:path "notify"
      local process <close> = processes.start(place, { "serve", "app.lua", "--port", "0" }, { program = binary, env = env })
      process:url()
      heard "READY=1"
      process:signal "USR2"
      local second = worker(process, 2)
      heard("MAINPID=" .. second)
      process:signal("TERM", second)
      heard "STOPPING=1"
      ends(process, second)
      local supervised <close> = processes.start(place, { "serve", "app.lua", "--port", "0", "--supervise" },
        { program = binary, env = env })
      systemd:until_true("READY", function() return select(2, systemd:output():gsub("READY=1", "")) == 3 end)
      supervised:signal "TERM"
      assert.equal(0, supervised:wait(), supervised:log())
      assert.equal(2, select(2, systemd:output():gsub("STOPPING=1", "")))
    end)

    it("refuses where the end of the process would be that of the service", function()
      local process <close> = processes.start(place, { "-c", "SYSTEMD_EXEC_PID=$$ exec " .. binary .. " serve app.lua --port 0" },
        { program = "sh" })
      process:url()
      process:signal "USR2"
      process:says "systemd would take the end of this process for the end of the service"
    end)
  end)
end)
