-- Jinja2's global functions: range, dict, namespace, cycler, joiner, lipsum.
local call = require "rille.template.call"
local failure = require "rille.template.failure"
local lookup = require "rille.template.lookup"
local macro = require "rille.template.macro"
local methods = require "rille.template.methods"
local native = require "rille.native.core"
local record = require "rille.template.record"
local text = require "rille.template.text"
local value = require "rille.template.value"

local M = { namespace = macro.namespace }

local function integer(v) return methods.integer_argument(v, "range") end

-- Returns how many numbers a range has. The difference of two integers may leave 64 bits.
local function count_of(start, stop, step)
  if (step > 0) == (start >= stop) or start == stop then return 0 end
  local span, size = math.abs((stop + 0.0) - start), math.abs(step + 0.0)
  if span / size > 2 * text.MOST_ITEMS then return math.maxinteger end
  if span + size >= 2 ^ 62 then return math.ceil(span / size) end
  return (stop - start + step - (step > 0 and 1 or -1)) // step
end

--- range(stop), range(start, stop, step)
M.range = call.global_function(record.new("start! stop step", function(start, stop, step)
  if stop == nil then start, stop = 0, start end
  start, stop, step = integer(start), integer(stop), step == nil and 1 or integer(step)
  if step == 0 then failure.fail "range: the step must not be zero" end
  local count = count_of(start, stop, step)
  if count > text.MOST_ITEMS then failure.fail("range: more than %d items are not made", text.MOST_ITEMS) end
  local list = {}
  for i = 1, count do list[i] = start + (i - 1) * step end
  return value.list(list)
end))

--- dict(mapping or pairs, name=value, …)
M.dict = call.global_function { keywords = true, params = {}, f = function(_, _, kwargs, from)
  local result = value.mapping()
  if from ~= nil then methods.add_all(result, from) end
  if kwargs then methods.add_all(result, kwargs) end
  return result
end }

-- ---- cycler: {items, position} --------------------------------------------------------------------------------------

local Cycler = { __name = "rille.template.cycler" }

local cycler_methods = {
  next = { params = {}, f = function(cycler)
    local item = cycler[1][cycler[2]]
    cycler[2] = cycler[2] % #cycler[1] + 1
    return item
  end },
  reset = { params = {}, f = function(cycler)
    cycler[2] = 1
    return native.null
  end },
}

value.kinds[Cycler] = { name = "cycler", attr = function(cycler, name)
  if name == "current" then return cycler[1][cycler[2]] end
  if name == "items" then return value.tuple(table.move(cycler[1], 1, #cycler[1], 1, {})) end
  return cycler_methods[name] and lookup.bind(cycler_methods[name], cycler)
end }

M.cycler = call.global_function(record.new("...", function(...)
  if select("#", ...) == 0 then failure.fail "cycler needs at least one item" end
  return setmetatable({ { ... }, 1 }, Cycler)
end))

-- ---- joiner: {separator, used} --------------------------------------------------------------------------------------

local Joiner = { __name = "rille.template.joiner" }

value.kinds[Joiner] = { name = "joiner", call = function(_, _, _, joiner)
  if joiner[2] then return joiner[1] end
  joiner[2] = true
  return ""
end }

M.joiner = call.global_function(record.new("sep", function(separator)
  return setmetatable({ separator == nil and ", " or separator, false }, Joiner)
end))

-- ---- lipsum ---------------------------------------------------------------------------------------------------------

local words = {}
for word in ([[a ac accumsan ad adipiscing aenean aliquam aliquet amet ante aptent arcu at auctor augue bibendum blandit class
  commodo condimentum congue consectetuer consequat conubia convallis cras cubilia cum curabitur curae cursus dapibus diam
  dictum dictumst dignissim dis dolor donec dui duis egestas eget eleifend elementum elit enim erat eros est et etiam eu
  euismod facilisi facilisis fames faucibus felis fermentum feugiat fringilla fusce gravida habitant habitasse hac hendrerit
  hymenaeos iaculis id imperdiet in inceptos integer interdum ipsum justo lacinia lacus laoreet lectus leo libero ligula
  litora lobortis lorem luctus maecenas magna magnis malesuada massa mattis mauris metus mi molestie mollis montes morbi mus
  nam nascetur natoque nec neque netus nibh nisi nisl non nonummy nostra nulla nullam nunc odio orci ornare parturient
  pede pellentesque penatibus per pharetra phasellus placerat platea porta porttitor posuere potenti praesent pretium primis
  proin pulvinar purus quam quis quisque rhoncus ridiculus risus rutrum sagittis sapien scelerisque sed sem semper senectus
  sit sociis sociosqu sodales sollicitudin suscipit suspendisse taciti tellus tempor tempus tincidunt torquent tortor
  tristique turpis ullamcorper ultrices ultricies urna ut varius vehicula vel velit venenatis vestibulum vitae vivamus
  viverra volutpat vulputate]]):gmatch "%S+" do
  words[#words + 1] = word
end

local function sentence(least, most)
  local list = {}
  for i = 1, math.random(least, most) do list[i] = words[math.random(#words)] end
  return (table.concat(list, " "):gsub("^%l", string.upper)) .. "."
end

-- Sentences of 4 to 14 words until there are enough.
local function paragraph(least, most)
  local wanted, list, count = math.random(least, math.max(least, most - 1)), {}, 0
  while count < wanted do
    local size = math.min(math.random(4, 14), wanted - count)
    list[#list + 1], count = sentence(size, size), count + size
  end
  return table.concat(list, " ")
end

local MOST_PARAGRAPHS, MOST_WORDS, MOST_IN_ALL = 1000, 10000, 1000000

--- lipsum(n=5, html=true, min=20, max=100): text to fill pages with
M.lipsum = call.global_function(record.new("n html min max", function(n, html, least, most)
  n, least, most = n == nil and 5 or integer(n), least == nil and 20 or integer(least), most == nil and 100 or integer(most)
  if n > MOST_PARAGRAPHS or most > MOST_WORDS or least > MOST_WORDS or n * math.max(most, least) > MOST_IN_ALL then
    failure.fail "lipsum: that is too much text"
  end
  local list = {}
  for i = 1, n do
    list[i] = paragraph(math.max(least, 1), most)
    if html ~= false then list[i] = "<p>" .. list[i] .. "</p>" end
  end
  local result = table.concat(list, html ~= false and "\n" or "\n\n")
  return html ~= false and value.markup(result) or result
end))

return M
