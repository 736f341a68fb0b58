-- Checks of the machine: versions, what is installed, disk, descriptors, ports, the clock.
local native = require "rille.native.core"
local paths = require "rille.paths"

local FEW_DESCRIPTORS = 1024
local SLOW_FLUSH, QUICK_FLUSH = 0.05, 0.00002
local LITTLE_SPACE = 256 << 20
local FEW_WATCHES = 8192
local YEAR_2025 = 1735689600

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "a"
  if file then file:close() end
  return text
end

local function is_there(program) return os.execute(("command -v %s > /dev/null 2>&1"):format(program)) == true end

local function output_of(command)
  local pipe <close> = assert(io.popen(command .. " 2> /dev/null"))
  return native.trim_right(pipe:read "a" or "", "\n")
end

local function size_text(bytes)
  if bytes < 1 << 30 then return ("%d MB"):format(bytes >> 20) end
  return ("%.1f GB"):format(bytes / (1 << 30))
end

local function time_text(seconds)
  if seconds < 0.001 then return ("%.0f µs"):format(seconds * 1e6) end
  return ("%.1f ms"):format(seconds * 1000)
end

-- ---- what is installed ---------------------------------------------------------------------------------------------

local function versions(report)
  local known = native.machine_versions()
  local db <close> = require("rille.sqlite").open ":memory:"
  report:ok("rille %s, %s, SQLite %s, libuv %s, %s", native.version, known.lua, db:value "SELECT sqlite_version()", known.libuv,
    known.libcurl and (known.libcurl:match "^(libcurl/%S+ %S+)" or known.libcurl) or "no libcurl")
  for _, sentence in ipairs(require("rille.doctor.sqlite").lacks(db)) do
    report:warn(sentence, "apt install libsqlite3-0: Debian's has all of it")
  end
  report:ok("%s, %d core%s", known.system or "an unknown system", native.machine_limits().cores,
    native.machine_limits().cores == 1 and "" or "s")
end

local function library(name) return output_of("ldconfig -p || /sbin/ldconfig -p"):find(name, 1, true) ~= nil end

local function has_busted() return package.searchpath("busted.runner", package.path) ~= nil end

local function installed(report)
  local wanted = {
    { has_busted(), "busted", "rille test", "apt install lua-busted" },
    { is_there "luacheck", "luacheck", "rille check looks for undefined variables by it", "apt install lua-check" },
    { library "libcurl.so.4", "libcurl", "https:// needs it", "apt install libcurl4" },
    { library "libgd.so.3", "libgd", "rille.image makes thumbnails by it", "apt install libgd3" },
  }
  local present = {}
  for _, row in ipairs(wanted) do
    if row[1] then present[#present + 1] = row[2]
    else report:warn(("%s is not installed (%s)"):format(row[2], row[3]), row[4]) end
  end
  if #present > 0 then report:ok("%s", table.concat(present, ", ")) end
end

-- Only whoever tests in a browser needs one: no warning.
local function browser(report)
  local name = is_there "chromium" and "chromium" or is_there "google-chrome" and "google-chrome"
  if name and is_there "node" then report:ok("%s and node, for tests in a browser", output_of(name .. " --version"))
  elseif name then report:ok("%s, without node: tests in a browser need both (apt install nodejs npm)", name)
  else report:ok "no Chromium, which only tests in a browser need (apt install chromium nodejs npm)" end
end

local function certificates(report)
  local known = { os.getenv "SSL_CERT_FILE" or "", "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt" }
  for _, path in ipairs(known) do
    local found = path ~= "" and native.file_info(path)
    if found and found.size > 0 then return report:ok("https is verified by %s", path) end
  end
  report:warn("there are no certificates to verify https with: rille.fetch of https fails", "apt install ca-certificates")
end

-- ---- the disk ------------------------------------------------------------------------------------------------------

local function unescaped(text)
  return (text:gsub("\\(%d%d%d)", function(digits) return string.char(tonumber(digits, 8)) end))
end

-- The mount that holds a folder -> {at, kind, options}: the longest path that begins it, and of equal ones the last.
local function mount_of(folder, text)
  local best = { at = "", kind = "?", options = "" }
  for line in text:gmatch "[^\n]+" do
    local at, flags, kind, more = line:match "^%d+ %d+ %S+ %S+ (%S+) (%S+).- %- (%S+) %S+ ?(%S*)"
    at = at and unescaped(at)
    local holds = at and (at == "/" or folder == at or folder:sub(1, #at + 1) == at .. "/")
    if holds and #at >= #best.at then best = { at = at, kind = kind, options = flags .. "," .. more } end
  end
  return best
end

local in_memory = { tmpfs = true, ramfs = true }
local over_network = { nfs = true, nfs4 = true, cifs = true, smb3 = true, smbfs = true, ["fuse.sshfs"] = true, ["9p"] = true,
  vboxsf = true, ceph = true, glusterfs = true }

-- Returns the mount option that stops the disk from flushing, or nil.
local function skips_flushes(options)
  for _, word in ipairs { "nobarrier", "barrier=0", "nofail_flush" } do
    if ("," .. options .. ","):find("," .. word .. ",", 1, true) then return word end
  end
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function tell_flushes(report, folder, kind, times)
  local middle = median(times)
  if middle > SLOW_FLUSH then
    report:warn(("a flush to %s (%s) takes %s: each write of the database waits for one"):format(folder, kind, time_text(middle)),
      "put the database on a faster disk; rille lets writes of one moment share a flush")
  elseif middle < QUICK_FLUSH then
    report:warn(("a flush to %s (%s) takes %s, which is too fast for a disk: the disk seems to ignore it, and what was "
      .. "acknowledged may be lost when the power fails"):format(folder, kind, time_text(middle)),
      "fine if a battery backs the disk's cache; else check the settings of the disk or of the virtual machine")
  else
    report:ok("a flush to %s (%s) takes %s", folder, kind, time_text(middle))
  end
end

local function data_folder()
  local named = os.getenv "DATABASE"
  local folder = named and named ~= ":memory:" and named:match "^(.*)/[^/]*$" or "."
  local here = native.working_directory() or "/"
  if folder == "" then return "/" end
  return folder:find "^/" and folder or folder == "." and here or here .. "/" .. folder
end

local function disk(report, context)
  local folder = context.folder or data_folder()
  local shown = paths.relative(folder) == "." and folder or paths.relative(folder)
  local mount = mount_of(folder, context.mounts or read "/proc/self/mountinfo" or "")
  if (os.getenv "LD_PRELOAD" or ""):find("eatmydata", 1, true) then
    report:fault("LD_PRELOAD has libeatmydata, which makes flushes do nothing", "start without it")
  end
  if in_memory[mount.kind] then
    report:warn(("%s is kept in memory (%s): a database there is gone when the machine restarts"):format(shown, mount.kind),
      "DATABASE=/var/lib/NAME/NAME.db")
  elseif over_network[mount.kind] then
    report:warn(("%s is on a network or shared disk (%s): locks and shared memory of SQLite do not work over all of them")
      :format(shown, mount.kind), "put the database on a disk of this machine")
  end
  local skipped = skips_flushes(mount.options)
  if skipped then
    report:fault(("%s is mounted with '%s': what was acknowledged may be lost when the power fails"):format(mount.at, skipped),
      "mount it without that")
  end
  local times, why = native.machine_flushes(folder)
  if not times then return report:fault(("%s cannot be written to: %s"):format(shown, why), "set DATABASE, or repair it") end
  if not in_memory[mount.kind] then tell_flushes(report, shown, mount.kind, times) end
end

local function space(report, context)
  local places = { { context.folder or data_folder(), "the database" } }
  local temporary = os.getenv "TMPDIR" or (native.file_info "/var/tmp" and "/var/tmp") or "/tmp"
  places[2] = { temporary, "uploads while they arrive" }
  for _, row in ipairs(places) do
    local found, why = native.machine_space(row[1])
    if not found then report:fault(("%s (%s): %s"):format(row[1], row[2], why), "make that folder")
    elseif found.read_only or not native.machine_may_write(row[1]) then
      report:fault(("%s, for %s, may not be written to"):format(row[1], row[2]), "give it to the user of the server")
    elseif found.free < LITTLE_SPACE then
      report:warn(("only %s are free in %s, for %s"):format(size_text(found.free), row[1], row[2]), "make room")
    else report:ok("%s free in %s, for %s", size_text(found.free), row[1], row[2]) end
  end
end

-- ---- limits of the kernel ------------------------------------------------------------------------------------------

local function descriptors(report)
  local limits = native.machine_limits()
  if limits.descriptors < FEW_DESCRIPTORS then
    return report:warn(("this process may open %d files and connections"):format(limits.descriptors),
      "ulimit -Hn 65536 before the start, LimitNOFILE=65536 in a unit, --ulimit nofile=65536 of docker run")
  end
  report:ok("%d files and connections at once", limits.descriptors)
end

local function watches(report)
  local count = tonumber(read "/proc/sys/fs/inotify/max_user_watches" or "")
  if count and count < FEW_WATCHES then
    return report:warn(("rille dev can watch %d folders and files"):format(count), "sysctl fs.inotify.max_user_watches=524288")
  end
  if count then report:ok("rille dev can watch %d folders", count) end
end

-- ---- ports ---------------------------------------------------------------------------------------------------------

-- The inodes of sockets that listen on a port.
local function listeners(port)
  local found = {}
  for _, path in ipairs { "/proc/net/tcp", "/proc/net/tcp6" } do
    for line in (read(path) or ""):gmatch "[^\n]+" do
      local digits, inode = line:match "^%s*%d+: %x+:(%x+) %x+:%x+ 0A %S+ %S+ %S+%s+%d+%s+%d+ (%d+)"
      if digits and tonumber(digits, 16) == port then found[#found + 1] = inode end
    end
  end
  return found
end

-- -> pid, name of who listens, as far as this user may see
local function holder(port)
  for _, inode in ipairs(listeners(port)) do
    local path = output_of(("find /proc/[0-9]*/fd -lname 'socket:\\[%s\\]' -print -quit"):format(inode))
    local pid = path:match "^/proc/(%d+)/"
    if pid then return pid, native.trim_right(read("/proc/" .. pid .. "/comm") or "?", "\n") end
  end
end

local function port(report, context)
  local number = context.port
  for _, host in ipairs(context.hosts) do
    local free, why = native.machine_try_port(host, number)
    local pid, name
    if not free then pid, name = holder(number) end
    if free then report:ok("%s:%d is free", host, number)
    elseif name == "rille" then report:ok("%s:%d is served by rille already (process %s)", host, number, pid)
    elseif number > 0 and number < 1024 and not pid and native.machine_limits().user ~= 0 then
      report:fault(why,
        "ports below 1024 are root's: let a proxy listen there, or AmbientCapabilities=CAP_NET_BIND_SERVICE in a unit")
    else
      report:fault(pid and ("%s:%d is taken by %s (process %s)"):format(host, number, name, pid) or why,
        pid and "end that, or take another port: --port N, or PORT" or "take another address or port: --host, --port")
    end
  end
end

-- ---- the clock -----------------------------------------------------------------------------------------------------

local function clock(report, context)
  local now = context.now or os.time()
  if now < YEAR_2025 then
    return report:fault(("the clock says %s"):format(os.date("!%Y-%m-%d %H:%M UTC", now)),
      "set it: certificates, cookies and sessions depend on it")
  end
  local shown = os.date("!%Y-%m-%d %H:%M UTC", now)
  if native.machine_clock_is_kept() then return report:ok("%s, kept right by another clock", shown) end
  report:warn(("%s, and nothing keeps the clock right"):format(shown),
    "timedatectl set-ntp true, or chrony; in a container the host does it")
end

return {
  { "rille", versions },
  { "installed", installed },
  { "browser", browser },
  { "certificates", certificates },
  { "disk", disk },
  { "space", space },
  { "descriptors", descriptors },
  { "watches", watches },
  { "port", port },
  { "clock", clock },
  mount_of = mount_of,
}
