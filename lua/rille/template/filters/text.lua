-- Filters that make text of text.
local failure = require "rille.template.failure"
local format = require "rille.template.format"
local html = require "rille.template.html"
local items = require "rille.template.items"
local methods = require "rille.template.methods"
local native = require "rille.native.core"
local record = require "rille.template.record"
local text = require "rille.template.text"
local value = require "rille.template.value"
local wrap = require "rille.template.wrap"

local M = {}

local markup, is_markup, given = value.markup, value.is_markup, methods.given

-- Text of anything; and what `f` makes of it, markup again where it was markup.
local function on_text(names, f)
  return record.new(names, function(v, ...)
    if type(v) == "string" then return f(v, ...) end
    local result = f(value.text(v), ...)
    return is_markup(v) and markup(result) or result
  end, { kind = "value" })
end

-- The same, where what is undefined is none.
local function on_defined_text(names, f)
  local filter = on_text(names, f)
  local of_text = filter.f
  filter.f = function(v, ...)
    value.check_defined(v)
    return of_text(v, ...)
  end
  return filter
end

local function integer(v, default, what)
  v = given(v)
  return v == nil and default or methods.integer_argument(v, what)
end

M.upper = on_text("", text.upper)
M.lower = on_text("", text.lower)
M.capitalize = on_text("", text.capitalize)

-- Each word's first letter; what stands between words is kept. Of markup it is text again, whose tags may have changed.
M.title = record.new("", function(v)
  return (value.text(v):gsub("[^-%s({%[<]+", text.capitalize))
end, { kind = "value" })

M.trim = on_text("chars", function(s, chars)
  return text.strip(s, given(chars) and value.text(chars), true, true)
end)

M.center = on_text("width", function(s, width) return text.pad(s, integer(width, 80, "center"), "both") end)

M.string = record.new("", function(v)
  return (type(v) == "string" or is_markup(v)) and v or value.text(v)
end, { kind = "value" })

-- Escaping makes a text up to five times as long.
local function bounded_markup(s)
  text.check_length(#s)
  return markup(s)
end

M.escape = record.new("", function(v) return is_markup(v) and v or bounded_markup(value.escape(v)) end, { kind = "value" })
M.e = M.escape
M.forceescape = record.new("", function(v) return bounded_markup(native.html_escape(value.text(v))) end, { kind = "value" })
M.safe = record.new("", function(v) return is_markup(v) and v or markup(value.text(v)) end, { kind = "value" })

M.striptags = record.new("", function(v) return html.strip_tags(value.text(v)) end, { kind = "value" })

local function replace(_, esc, v, old, new, count)
  local most = given(count) and methods.integer_argument(count, "replace")
  most = most and most >= 0 and most or nil
  if not esc then return text.replace(value.text(v), value.text(old), value.text(new), most) end
  local as_html = is_markup(v) or is_markup(old) or is_markup(new)
  local s = is_markup(v) and v[1] or as_html and value.escape(v) or value.text(v)
  local function part(piece) return as_html and value.escape(piece) or value.text(piece) end
  local result = text.replace(s, value.text(old), part(new), most)
  return as_html and markup(result) or result
end

M.replace = record.in_context("old! new! count", replace, { kind = "value" })

-- Indents the lines after the first by `width` spaces, or by a text.
M.indent = on_defined_text("width first blank", function(s, width, first, blank)
  width = given(width)
  if width == nil then width = 4 end
  local indention
  if type(width) == "number" then
    width = integer(width, 4, "indent")
    indention = text.times(" ", width)
  else
    indention = value.text(width)
  end
  local lines = text.lines(s .. "\n")
  text.check_times(#lines, #indention)
  text.check_length(#s + #lines * #indention)
  for i = 2, #lines do
    if lines[i] ~= "" or blank then lines[i] = indention .. lines[i] end
  end
  return (first and indention or "") .. table.concat(lines, "\n")
end)

local holds_items = { list = true, tuple = true, mapping = true }

-- A value that is short enough stays as it is, a list too.
M.truncate = record.new("length killwords end leeway", function(v, length, killwords, ending, leeway)
  length, leeway = integer(length, 255, "truncate"), integer(leeway, 5, "truncate")
  ending = ending == nil and "..." or value.text(ending)
  local kind = value.kind(v)
  if kind ~= "string" and kind ~= "markup" and kind ~= "undefined" then
    local is_short = holds_items[kind] and (select(2, items.all_items(nil, v))) <= length + leeway
    return is_short and v or failure.fail("truncate needs text, got %s", value.describe(v))
  end
  local s = value.text(v)
  if length < text.len(ending) or leeway < 0 then
    failure.fail("truncate: a length of %d leaves no room for '%s'", length, ending)
  end
  if text.len(s) <= length + leeway then return v end
  local result = text.sub(s, 0, length - text.len(ending))
  if not killwords then
    local space = text.find_last(result, " ")
    if space then result = result:sub(1, space - 1) end
  end
  ending = is_markup(v) and value.escape(ending) or ending
  text.check_length(#result + #ending)
  return is_markup(v) and markup(result .. ending) or result .. ending
end, { kind = "value" })

M.wordwrap = record.new("width break_long_words wrapstring break_on_hyphens", function(v, width, long, separator, hyphens)
  value.check_defined(v)
  local options = { width = integer(width, 79, "wordwrap"), break_long = long ~= false, break_on_hyphens = hyphens ~= false }
  if options.width < 1 then failure.fail("wordwrap needs a width of 1 or more, got %d", options.width) end
  separator = given(separator) and value.text(separator) or "\n"
  local lines, length = text.lines(value.text(v)), 0
  for i, line in ipairs(lines) do
    lines[i] = text.concat(wrap.lines(line, options), separator)
    length = length + #lines[i]
    text.check_length(length)
  end
  return text.concat(lines, separator)
end, { kind = "value" })

M.wordcount = record.new("", function(v)
  local _, count = text.without_symbols(value.text(v)):gsub("[%w_\x80-\xFF]+", "")
  return count
end, { kind = "number" })

M.format = { params = {}, keywords = true, kind = "value", f = function(v, kwargs, ...)
  if kwargs and select("#", ...) > 0 then failure.fail "format takes values by place or by name, not both" end
  local s = is_markup(v) and v or value.text(v)
  if not kwargs then return format.percent(s, value.tuple { ... }) end
  return format.percent(s, methods.add_all(value.mapping(), kwargs))
end }

-- ---- for HTML and URLs ----------------------------------------------------------------------------------------------

local function quote(v, in_query)
  local s = value.text(v)
  local length = #s
  s = s:gsub(in_query and "[^%w_.~-]+" or "[^%w_.~/-]+", function(run)
    length = length + 2 * #run
    text.check_length(length)
    return native.url_encode(run)
  end)
  return in_query and s:gsub("%%20", "+") or s
end

-- Text for a path; pairs, or a mapping, as a query.
M.urlencode = record.new("", function(v)
  local kind = value.kind(v)
  if kind ~= "list" and kind ~= "tuple" and kind ~= "mapping" then return quote(v) end
  local pieces, length = {}, 0
  for i, pair in ipairs(kind == "mapping" and methods.mapping.items.f(v) or v) do
    local key, item = items.unpack(pair, 2)
    pieces[i] = quote(key, true) .. "=" .. quote(item, true)
    length = length + #pieces[i]
    text.check_length(length)
  end
  return text.concat(pieces, "&")
end, { kind = "value" })

-- A mapping as attributes of a tag; what is none or undefined is left out.
M.xmlattr = record.in_context("autospace", function(_, esc, v, autospace)
  value.check_defined(v)
  if value.kind(v) ~= "mapping" then failure.fail("xmlattr needs a mapping, got %s", value.describe(v)) end
  local pieces, length = {}, 0
  for _, key in ipairs(value.keys(v)) do
    local item, name = v[key], value.text(key)
    if name:find "[%s/>=]" then failure.fail("xmlattr: '%s' is no name of an attribute", name) end
    if item ~= native.null and not value.is_undefined(item) then
      pieces[#pieces + 1] = ('%s="%s"'):format(value.escape(name), value.escape(item))
      length = length + #pieces[#pieces] + 1
      text.check_length(length)
    end
  end
  local result = table.concat(pieces, " ")
  if autospace ~= false and result ~= "" then result = " " .. result end
  return esc and markup(result) or result
end, { kind = "value" })

-- "nofollow noopener", sorted, each once.
local function rel_of(rel, nofollow)
  local words, seen = {}, {}
  local given_words = text.words((given(rel) and value.text(rel) or "") .. " noopener" .. (nofollow and " nofollow" or ""))
  for _, word in ipairs(given_words) do
    if not seen[word] then words[#words + 1], seen[word] = word, true end
  end
  table.sort(words)
  return table.concat(words, " ")
end

local function schemes_of(c, list)
  local schemes = {}
  for i, scheme in ipairs(given(list) and items.to_list(c, list) or {}) do
    scheme = value.text(scheme)
    if not scheme:find "^[%w_.+-][%w_.+-]+:/?/?$" then failure.fail("urlize: '%s' is no scheme of an address", scheme) end
    schemes[i] = scheme
  end
  return schemes
end

M.urlize = record.in_context("trim_url_limit nofollow target rel extra_schemes",
  function(c, esc, v, limit, nofollow, target, rel, schemes)
    local attributes = html.attribute("rel", rel_of(rel, nofollow))
      .. html.attribute("target", given(target) and value.text(target))
    local result = html.link(value.escape(v), { limit = given(limit) and integer(limit, nil, "urlize"),
      attributes = attributes, schemes = schemes_of(c, schemes) })
    return esc and markup(result) or result
  end, { kind = "value" })

return M
