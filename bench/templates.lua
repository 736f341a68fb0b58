-- Pages rendered as often as asked: CPU time of each in microseconds, as JSON. With a directory as its second argument it
-- writes the pages and their contexts there instead, for others to render the same.
--
--   rille run bench/templates.lua TIMES        rille run bench/templates.lua write DIRECTORY
local Environment = require "rille.template.environment"
local rille = require "rille"

local messages = {
  "fortune: No such file or directory", "A computer scientist is someone who fixes things that aren't broken.",
  "After enough decimal places, nobody gives a damn.", "A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1",
  "A computer program does what you tell it to do, not what you want it to do.", "Any program that runs right is obsolete.",
  "Emacs is a nice operating system, but I prefer UNIX. — Tom Christaensen", "Feature: A bug with seniority.",
  "Computers make very fast, very accurate mistakes.", "<script>alert(\"This should not be displayed in a browser.\");</script>",
  "フレームワークのベンチマーク", "Cats & dogs & \"parrots\" aren't < nor > than us",
}

local function times(n, make)
  local list = {}
  for i = 1, n do list[i] = make(i) end
  return list
end

local site = { name = "Ada & Co.", year = 2026, menu = {
  { url = "/", title = "Start" }, { url = "/products", title = "Products" }, { url = "/about", title = "About <us>" } } }

local function product(i)
  return { id = i, name = "Product <" .. i .. ">", price = i * 10, sale = i % 3 == 0 and i * 9 or nil, tags = { "new", "a&b",
    "x" } }
end

local function field(i)
  return { name = "field" .. i, label = "Field number " .. i, required = i % 2 == 0, type = i % 5 == 0 and "email" or "text",
    value = i % 3 == 0 and "v" .. i or nil, errors = i % 4 == 0 and { "is < too short", "is odd" } or {},
    options = i % 6 == 0 and { { "v" .. i, "This & that" }, { "other", "Other" } } or nil }
end

local pages = {
  { name = "fortunes", context = { fortunes = times(1000, function(i)
    return { id = i, message = messages[(i - 1) % #messages + 1] }
  end) } },
  { name = "catalogue", context = { site = site, path = "/products", products = times(100, product),
    section = { title = "All products", intro = "Everything we have & more." } } },
  { name = "form", context = { site = site, path = "/sign-up", form = { title = "Sign up", fields = times(40, field) } } },
}

local env = Environment.new { sources = { "bench/templates" }, trim_blocks = true, lstrip_blocks = true }

local function render(page) return env:render(env:get(page.name .. ".html"), page.context) end

local function write(directory)
  for _, page in ipairs(pages) do
    local function put(suffix, text)
      local file <close> = assert(io.open(directory .. "/" .. page.name .. suffix, "wb"))
      file:write(text)
    end
    put(".html", render(page))
    put(".json", rille.json_encode(page.context))
    if page.context.fortunes then
      local lines = {}
      for i, fortune in ipairs(page.context.fortunes) do lines[i] = fortune.id .. "\t" .. fortune.message .. "\n" end
      put(".txt", table.concat(lines))
    end
  end
end

local function microseconds(page, count)
  for _ = 1, count // 4 + 1 do render(page) end
  collectgarbage()
  local start = os.clock()
  for _ = 1, count do render(page) end
  return (os.clock() - start) / count * 1e6
end

-- 200 templates of a page's size, none of which was compiled before.
local function compile_200()
  local sources = {}
  for i, name in ipairs { "catalogue", "form", "forms", "list", "base" } do
    local file <close> = assert(io.open("bench/templates/" .. name .. ".html", "rb"))
    sources[i] = file:read "a"
  end
  collectgarbage()
  local start = os.clock()
  for i = 1, 200 do env:compile(sources[i % #sources + 1] .. i, "bench" .. i, "bench" .. i) end
  return (os.clock() - start) * 1e6
end

local first, second = ...
if first == "write" then return write(second) end
local result = { ["compiling 200 templates"] = compile_200() }
for _, page in ipairs(pages) do result[page.name] = microseconds(page, tonumber(first) or 100) end
print(rille.json_encode(result))
