-- lua/rille/doctor.lua, lua/rille/doctor/machine.lua, lua/rille/doctor/program.lua, lua/rille/doctor/sqlite.lua
--
-- rille doctor: each thing that can be at fault, made so, is told of with what to do, and the exit status is 1.
-- runtime/bind/core/machine.c
local machine = require "rille.doctor.machine"
local native = require "rille.native.core"
local scratch = require "spec.support.scratch"
local served = require "spec.support.served"

local SECRET = ("0123456789abcdefghijklmnopqrstuv"):rep(2)

describe("rille doctor", function()
  local place
  before_each(function()
    place = scratch.new()
    place:write("app.lua", "local app = require('rille').app { secret = os.getenv 'SECRET' } app:use(require('rille').session()) "
      .. "app:get('/', function() return '' end) return app")
  end)
  after_each(function() place:close() end)

  -- -> findings by name (lists of {state, is, fix}), the whole of it
  local function examine(environment, ...)
    local shell = ("t() { env -u HOST -u PORT -u DATABASE -u SECRET %s %s doctor --json \"$@\"; }; t"):format(environment or "",
      place.rille)
    local text = place:run(shell, ...)
    local all, found = native.json_decode(text:match "{.*}" or error(text)), {}
    for _, one in ipairs(all.checks) do
      found[one.name] = found[one.name] or {}
      table.insert(found[one.name], one)
    end
    return found, all
  end

  -- The first finding of that name that is not well.
  local function wrong(found, name)
    for _, one in ipairs(found[name]) do
      if one.state ~= "ok" then return one end
    end
  end

  it("says that all is well in words, with status 0, and leaves nothing behind", function()
    place:write(".env", "SECRET=" .. SECRET)
    place:run("chmod", "600", ".env")
    local before = place:run("ls", "-a")
    local said = place:run(("t() { %s \"$@\"; echo \"status $?\"; }; t"):format(place.rille), "doctor", "--port", "0")
    assert.matches("ok +app +app.lua loads, with 1 route\n", said)
    assert.matches("ok +secret +SECRET has 64 bytes\n", said)
    assert.matches("ok +rille +rille " .. native.version:gsub("%.", "%%."), said)
    assert.matches("SQLite 3%.", said)
    assert.matches("descriptors +%d+ files and connections at once\n", said)
    assert.matches("disk +a flush to .* takes [%d.]+ %S+", said)
    assert.matches("status 0\n$", said)
    assert.equal(before:gsub("run%-%d+\n", ""):gsub("done%-%d+\n", ""), place:run("ls", "-a"):gsub("run%-%d+\n", "")
      :gsub("done%-%d+\n", ""))
  end)

  it("has the same for programs", function()
    local found, all = examine("SECRET=" .. SECRET)
    assert.is_true(all.ok)
    assert.equal(0, all.faults)
    for _, name in ipairs { "app", "secret", ".env", "database", "migrations", "rille", "installed", "browser", "certificates",
      "disk", "space", "descriptors", "port", "clock" } do
      assert.is_string(found[name] and found[name][1].is, name)
      assert.truthy(({ ok = true, warning = true, fault = true })[found[name][1].state], name)
    end
  end)

  it("knows a secret that is missing, short, or typed", function()
    local none = wrong(examine(), "secret")
    assert.equal("fault", none.state)
    assert.matches("openssl rand -base64 48", none.fix, 1, true)
    local short = wrong(examine "SECRET=hunter2", "secret")
    assert.equal("fault", short.state)
    assert.matches("7 bytes", short.is)
    assert.equal("warning", wrong(examine("SECRET=" .. ("a"):rep(40)), "secret").state)
    assert.equal("warning", wrong(examine "SECRET=changeme-changeme-0123456789-changeme", "secret").state)
    assert.is_nil(wrong(examine("SECRET=" .. SECRET), "secret"))
  end)

  it("looks at the secret alone where the app does not load, and says why it does not", function()
    place:write("app.lua", "return nosuch.thing")
    local found, all = examine "SECRET=short"
    assert.equal("fault", found.app[1].state)
    assert.matches("app.lua does not load: app.lua:1: attempt to index a nil value", found.app[1].is, 1, true)
    assert.equal("fault", found.secret[1].state)
    assert.is_false(all.ok)
  end)

  it("does without an app where none was named", function()
    os.remove(place:path "app.lua")
    local found, all = examine()
    assert.matches("there is none here", found.app[1].is)
    assert.is_true(all.ok)
    assert.matches("no app at 'nosuch'", examine(nil, "nosuch").app[1].is)
  end)

  it("knows an .env that others can read, that is in git, that cannot be understood", function()
    place:write(".env", "SECRET=" .. SECRET)
    place:run("chmod", "644", ".env")
    local open = wrong(examine(), ".env")
    assert.equal("fault", open.state)
    assert.matches("mode is 644", open.is)
    assert.equal("chmod 600 .env", open.fix)
    place:run("chmod", "600", ".env")
    assert.is_nil(wrong(examine(), ".env"))
    place:run "git init -q . && git add -f .env"
    assert.matches("in git", wrong(examine(), ".env").is)
    place:run "rm -rf .git"
    place:write(".env", "SECRET='never closed")
    assert.matches("/.env:1: ", wrong(examine(), ".env").is, 1, true)
  end)

  it("knows a database that is damaged, that is none, that cannot be made, that is in memory", function()
    local function database(path) return examine(("SECRET=%s DATABASE=%s"):format(SECRET, path)) end
    assert.matches("not there yet, and will be made", database("new.db").database[1].is)
    assert.matches("there is no folder nosuch", wrong(database "nosuch/new.db", "database").is)
    assert.equal("warning", wrong(database ":memory:", "database").state)
    place:write("text.db", ("this is no database "):rep(100))
    assert.equal("fault", wrong(database "text.db", "database").state)
    assert.matches("directory", wrong(database "/", "database").is)
    place:write("migrations/1.sql", "CREATE TABLE a (b TEXT); CREATE INDEX i ON a (b); INSERT INTO a "
      .. "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT hex(randomblob(20)) FROM n;")
    place:run(place.rille, "migrate", "x.db", "migrations")
    local found = database "x.db"
    assert.matches("^x.db opens: %d+ KB, 2 tables$", found.database[1].is)
    assert.equal("x.db: 1 applied, 0 to run", found.migrations[1].is)
    local bytes = place:read "x.db"
    place:write("x.db", bytes:sub(1, 8192) .. ("\255"):rep(#bytes - 8192))
    assert.equal("fault", wrong(database "x.db", "database").state)
  end)

  it("finds databases in the working directory, and the state of their migrations", function()
    place:write("migrations/1.sql", "CREATE TABLE a (b);")
    place:run(place.rille, "migrate", "x.db", "migrations")
    place:write("migrations/2.sql", "CREATE TABLE c (d);")
    local found = examine("SECRET=" .. SECRET)
    assert.equal("x.db: 1 applied, 1 to run (db:migrate does so at the start)", found.migrations[1].is)
    place:write("migrations/1.sql", "CREATE TABLE edited (b);")
    local edited = wrong(examine("SECRET=" .. SECRET), "migrations")
    assert.matches("1.sql was edited", edited.is)
    assert.equal("rille migrate --status x.db migrations", edited.fix)
    assert.matches("pending +2.sql", place:run(place.rille, "migrate", "--status", "x.db", "migrations")) -- nothing was run
  end)

  it("knows who has the port", function()
    local server <close> = served.start(place, { command = "serve app.lua", environment = "SECRET=" .. SECRET })
    local found = examine("SECRET=" .. SECRET, "--port", server.port)
    assert.matches(("is served by rille already (process %d)"):format(server.pid), found.port[1].is, 1, true)
    place:write("other.py", "import socket, sys\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\n"
      .. "print(s.getsockname()[1], flush=True)\nsys.stdin.read()\n")
    local other <close> = io.popen(("cd %s && exec python3 other.py > port"):format(place.directory), "w") -- luacheck: ignore 211
    local port = place:wait_for("port"):match "%d+"
    local taken = wrong(examine("SECRET=" .. SECRET, "--port", port), "port")
    assert.equal("fault", taken.state)
    assert.matches(("127.0.0.1:%s is taken by python"):format(port), taken.is, 1, true)
    assert.matches("--port N", taken.fix, 1, true)
  end)

  it("says what SQLite was built without, and nothing of Debian's", function()
    local lacks = require("rille.doctor.sqlite").lacks
    assert.same({}, lacks())
    local without = { exec = function(_, sql) error(sql:find "fts5" and "no such module" or "no such function") end }
    assert.same({ "SQLite was built without FTS5 (full-text search)",
      "SQLite was built without the JSON functions (json_extract, json_each, ->>)" }, lacks(without))
    assert.is_nil(wrong(examine(), "rille"))
  end)

  it("knows an address that is not this machine's", function()
    assert.equal("fault", wrong(examine("SECRET=" .. SECRET, "--host", "192.0.2.7"), "port").state)
  end)

  it("knows few descriptors, and flushes that are turned off", function()
    local few = wrong(examine("SECRET=" .. SECRET .. " sh -c 'ulimit -n 256; exec \"$@\"' sh"), "descriptors")
    assert.matches("256 files", few.is)
    assert.matches("libeatmydata", wrong(examine("SECRET=" .. SECRET .. " LD_PRELOAD=libeatmydata.so"), "disk").is)
  end)

  it("finds the mount of a folder", function()
    local text = table.concat({
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro",
      "30 22 0:26 / /tmp rw,nosuid shared:5 - tmpfs tmpfs rw,size=1k",
      "31 22 8:2 / /srv/my\\040data rw - ext4 /dev/sdb rw,nobarrier",
      "32 22 8:3 / /data rw - ext4 /dev/sdc rw",
      "33 22 0:50 / /data rw - nfs4 host:/x rw",
    }, "\n")
    assert.equal("ext4", machine.mount_of("/home/ada", text).kind)
    assert.equal("tmpfs", machine.mount_of("/tmp", text).kind)
    assert.equal("tmpfs", machine.mount_of("/tmp/a/b", text).kind)
    assert.equal("/", machine.mount_of("/tmpfile", text).at)
    assert.matches("nobarrier", machine.mount_of("/srv/my data/x", text).options)
    assert.equal("nfs4", machine.mount_of("/data/x", text).kind)
    assert.equal("?", machine.mount_of("/x", "").kind)
  end)

  it("looks at the certificate of RILLE_TLS", function()
    local certificates = require "spec.support.certificates"
    local a = certificates.write(place, "a", { "a.example", "b.example" })
    local found = examine("RILLE_TLS=" .. a)
    assert.equal("ok", found.tls[1].state)
    assert.matches("the certificate for a.example, b.example lasts %d+ days", found.tls[1].is)
    place:run("chmod", "644", "a-key.pem")
    assert.matches("everybody on this machine can read", wrong(examine("RILLE_TLS=" .. a), "tls").is)
    certificates.write(place, "b")
    assert.matches("b%-key.pem is not the key", wrong(examine "RILLE_TLS=a.pem,b-key.pem", "tls").is)
    assert.matches("RILLE_TLS: nowhere.pem: No such file", wrong(examine "RILLE_TLS=nowhere.pem,b-key.pem", "tls").is)
    assert.is_nil(examine().tls)
  end)

  it("tells of what the machine has by each check, whatever that is", function()
    local function told(name, context)
      local findings = {}
      local report = setmetatable({}, { __index = function(_, state)
        return function(_, is, a, b)
          findings[#findings + 1] = { state = state, is = state == "ok" and is or is, fix = state ~= "ok" and a or nil, more = b }
        end
      end })
      for _, entry in ipairs(machine) do
        if entry[1] == name then entry[2](report, context) end
      end
      return findings
    end
    local folder = place.directory
    local mounts = "1 0 8:1 / / rw - %s /dev/x rw%s"
    assert.equal("warn", told("disk", { folder = folder, mounts = mounts:format("tmpfs", "") })[1].state)
    assert.equal("warn", told("disk", { folder = folder, mounts = mounts:format("nfs4", "") })[1].state)
    assert.equal("fault", told("disk", { folder = folder, mounts = mounts:format("ext4", ",barrier=0") })[1].state)
    assert.equal("fault", told("disk", { folder = folder .. "/nosuch", mounts = mounts:format("ext4", "") })[1].state)
    assert.equal("fault", told("space", { folder = folder .. "/nosuch" })[1].state)
    assert.equal("fault", told("clock", { now = 86400 })[1].state)
    assert.equal("ok", told("space", { folder = folder })[1].state)
  end)
end)
