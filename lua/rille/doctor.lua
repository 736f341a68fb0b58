-- rille doctor: whether this machine is fit for the app, in plain words, with what to do. It changes nothing: the app is loaded
-- as `rille check` loads it, lifespans do not start, databases are opened for reading alone.
--
--   finding = { name = "secret", state = "ok" | "warning" | "fault", is = "what is so", fix = "what to do" | nil }
local native = require "rille.native.core"

local M = {}

local Report = {}
Report.__index = Report

function Report:add(state, is, fix)
  self[#self + 1] = { name = self.name, state = state, is = is, fix = fix }
  local count = state == "fault" and "faults" or state == "warning" and "warnings"
  if count then self[count] = self[count] + 1 end
end

function Report:ok(...) self:add("ok", (...):format(select(2, ...))) end
function Report:warn(is, fix) self:add("warning", is, fix) end
function Report:fault(is, fix) self:add("fault", is, fix) end

-- An error inside a check is a finding too.
local function run_check(report, name, check, context)
  report.name = name
  local _, err = native.try(check, report, context)
  if err then report:fault(("this could not be checked: %s"):format(tostring(err)), nil) end
end

--- examine(context) -> report: findings, in the order in which they are told, with counts `faults` and `warnings`
function M.examine(context)
  local report = setmetatable({ faults = 0, warnings = 0 }, Report)
  for _, part in ipairs { require "rille.doctor.program", require "rille.doctor.certificates", require "rille.doctor.machine" } do
    for _, entry in ipairs(part) do run_check(report, entry[1], entry[2], context) end
  end
  return report
end

-- ---- telling it ---------------------------------------------------------------------------------------------------------

local marks = { ok = "ok", warning = "warning", fault = "FAULT" }

local function plural(count, noun) return ("%d %s%s"):format(count, noun, count == 1 and "" or "s") end

local function summary(report)
  if report.faults == 0 and report.warnings == 0 then return "all is well" end
  local parts = {}
  if report.faults > 0 then parts[1] = plural(report.faults, "fault") end
  if report.warnings > 0 then parts[#parts + 1] = plural(report.warnings, "warning") end
  return table.concat(parts, ", ")
end

local function print_text(report)
  local width = 0
  for _, finding in ipairs(report) do width = math.max(width, #finding.name) end
  local form = "%-7s  %-" .. width .. "s  %s\n"
  for _, finding in ipairs(report) do
    local continued = "\n" .. form:format("", "", ""):gsub("\n$", "")
    io.write(form:format(marks[finding.state], finding.name, (finding.is:gsub("\n%s*", continued))))
    if finding.fix then io.write(form:format("", "", "-> " .. finding.fix:gsub("\n%s*", continued .. "   "))) end
  end
  io.write("\n", summary(report), "\n")
end

local function print_json(report)
  local checks = native.array {}
  for i, finding in ipairs(report) do checks[i] = finding end
  local all = { ok = report.faults == 0, faults = report.faults, warnings = report.warnings, checks = checks }
  io.write(native.json_encode(all), "\n")
end

--- run(app, given, port, form, wrong, hosts…) -> exit status. `given` is "" where APP was not, `wrong` says what is wrong with
--- .env, form is "json" or "text".
function M.run(app, given, port, form, wrong, ...)
  local report = M.examine { app = app, given = given ~= "", port = math.tointeger(tonumber(port)), wrong = wrong ~= "" and wrong,
    hosts = { ... } }
  if form == "json" then print_json(report) else print_text(report) end
  return report.faults > 0 and 1 or 0
end

return M
