-- Draws results of bench/results as bars: rille's own CPU per request is 1, each peer's is how many times that. One SVG that is
-- light or dark as its reader's screen is.
--
--   rille run bench/chart.lua OUT RESULT...
local rille = require "rille"

local BAR, GAP, LEFT, WIDTH, MOST = 14, 4, 150, 760, 12

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return rille.json_decode(file:read "a")
end

local function label(times)
  return (times < 9.95 and "%.2f" or times < 99.5 and "%.1f" or "%.0f"):format(times) .. " ×"
end

-- The bars of one case, below y. What is longer than the picture is cut, and its figure says so.
local function group(result, y)
  local ours
  for _, row in ipairs(result.rows) do
    if row.peer == "rille" then ours = row.cpu_us end
  end
  if not ours then return nil end
  local bars, at = {}, y + 24
  table.sort(result.rows, function(a, b) return a.cpu_us < b.cpu_us end)
  for _, row in ipairs(result.rows) do
    local times = row.cpu_us / ours
    local width = math.min(times, MOST) / MOST * (WIDTH - LEFT - 80)
    bars[#bars + 1] = { y = at, text_y = at + BAR - 3, name = row.peer, width = ("%.1f"):format(width),
      end_x = ("%.1f"):format(LEFT + width + 6), label = label(times),
      class = row.peer == "rille" and "ours" or "peer", cut = times > MOST }
    at = at + BAR + GAP
  end
  return { title = result.title, y = y + 12, bars = bars, bottom = at + 14 }
end

local function chart(paths)
  local groups, y = {}, 16
  for _, path in ipairs(paths) do
    local one = group(read(path), y)
    if one then
      groups[#groups + 1], y = one, one.bottom
    end
  end
  return { groups = groups, width = WIDTH, height = y, left = LEFT, bar = BAR }
end

local TEMPLATE = [[
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ width }} {{ height }}"
     width="{{ width }}" height="{{ height }}" role="img">
<title>CPU per request, rille is 1; shorter is better</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .figure { fill: #57606a }
.ours { fill: #0b6bcb } .peer { fill: #a3b3c2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .figure { fill: #9aa6b2 } .ours { fill: #4ea1ff } .peer { fill: #4b5866 } }
</style>
{% for group in groups %}
<text class="title" x="0" y="{{ group.y }}">{{ group.title }}</text>
{% for bar in group.bars %}
<text x="{{ left - 8 }}" y="{{ bar.text_y }}" text-anchor="end">{{ bar.name }}</text>
<rect class="{{ bar.class }}" x="{{ left }}" y="{{ bar.y }}" width="{{ bar.width }}" height="{{ bar_height }}" rx="2"/>
<text class="figure" x="{{ bar.end_x }}" y="{{ bar.text_y }}">{{ bar.label }}{% if bar.cut %} (cut){% endif %}</text>
{% endfor %}
{% endfor %}
</svg>
]]

local out, paths = ..., { select(2, ...) }
local context = chart(paths)
context.bar_height = BAR
local file <close> = assert(io.open(out, "wb"))
assert(file:write(rille.template.compile(TEMPLATE, { trim_blocks = true, lstrip_blocks = true })(context)))
