-- JSON inside the process: microseconds of CPU for each encoding and decoding, as JSON, with rille's own and, where it is
-- installed, lua-cjson.   FILE TIMES
local rille = require "rille"
package.cpath = package.cpath .. ";/usr/lib/x86_64-linux-gnu/lua/5.4/?.so;/usr/lib/aarch64-linux-gnu/lua/5.4/?.so"
local there, cjson = pcall(require, "cjson")
local path, times = ..., tonumber((select(2, ...)))

local file <close> = assert(io.open(path, "rb"))
local items = rille.json_decode(file:read "a")
local numbers = {}
for i = 1, 1000 do numbers[i] = i % 3 == 0 and i * 1.25 or i * 7919 end
local values = { objects = items, small = { status = "ok", id = 7 }, numbers = numbers }
local share = { objects = 1, small = 200, numbers = 1 }

local function cpu(f, argument, count)
  for _ = 1, count // 10 do f(argument) end
  collectgarbage()
  local start = os.clock()
  for _ = 1, count do f(argument) end
  return (os.clock() - start) / count * 1e6
end

local codecs = { rille = { encode = rille.json_encode, decode = rille.json_decode } }
if there then codecs["lua-cjson"] = { encode = cjson.encode, decode = cjson.decode } end

local figures = {}
for codec, functions in pairs(codecs) do
  figures[codec] = {}
  for name, value in pairs(values) do
    local count = times * share[name]
    figures[codec]["encode_" .. name] = cpu(functions.encode, value, count)
    figures[codec]["decode_" .. name] = cpu(functions.decode, rille.json_encode(value), count)
  end
end
print(rille.json_encode(figures))
