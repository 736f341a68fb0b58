-- JSON of what APIs send, beside lua-cjson in the same process: CPU time as a ratio of medians over interleaved rounds.
local rille = require "rille"
package.cpath = package.cpath .. ";/usr/lib/x86_64-linux-gnu/lua/5.4/?.so;/usr/lib/aarch64-linux-gnu/lua/5.4/?.so"
local cjson = require "cjson"
local rounds = tonumber((...)) or 7

local function post(i)
  return { id = i, title = "A title of ordinary length, number " .. i, owner = "Ada", editor = "Grace", published = i % 2 == 0,
    rating = i / 7, tags = { "lua", "http", "sqlite" },
    text = ("Some text with \"quotes\", a\nnew line and é. "):rep(4) }
end
local posts = {}
for i = 1, 50 do posts[i] = post(i) end
local numbers = {}
for i = 1, 1000 do numbers[i] = i % 3 == 0 and i * 1.25 or i * 7919 end

local cases = {
  { "one small object", { status = "ok", id = 7 }, 200000 },
  { "50 posts", posts, 1000 },
  { "1000 numbers", numbers, 1000 },
}

local function cpu(f, argument, times)
  collectgarbage()
  local start = os.clock()
  for _ = 1, times do f(argument) end
  return (os.clock() - start) / times * 1e6
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function compare(what, times, ours, theirs, argument)
  local a, b = {}, {}
  for i = 1, rounds do
    a[i] = cpu(ours, argument, times)
    b[i] = cpu(theirs, argument, times)
  end
  local mine, other = median(a), median(b)
  print(("  %-28s rille %9.2f us   cjson %9.2f us   ratio %.2f"):format(what, mine, other, mine / other))
end

for _, case in ipairs(cases) do
  local name, value, times = table.unpack(case)
  local text = rille.json_encode(value)
  compare("encode " .. name, times, rille.json_encode, cjson.encode, value)
  compare("decode " .. name, times, rille.json_decode, cjson.decode, text)
end
