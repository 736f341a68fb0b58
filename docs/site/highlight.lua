-- Colours for Lua in the docs: marks comments, strings, numbers and keywords in HTML-escaped source. One pass over the text;
-- what is not Lua's stays as it is.
local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch "%a+" do keywords[word] = true end

local function escape(s) return (s:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

local function unescape(s)
  return (s:gsub("&(%a+);", { amp = "&", lt = "<", gt = ">", quot = '"' }))
end

local function mark(class, s) return ('<span class="%s">%s</span>'):format(class, escape(s)) end

-- The end of a string that begins at `from` with a quote.
local function quoted(source, from)
  local quote, i = source:sub(from, from), from + 1
  while i <= #source do
    local c = source:sub(i, i)
    if c == "\\" then i = i + 1 elseif c == quote or c == "\n" then break end
    i = i + 1
  end
  return i
end

local function long_bracket(source, from)
  local equals = source:match("^%[(=*)%[", from)
  if not equals then return nil end
  local _, stop = source:find("]" .. equals .. "]", from, true)
  return stop or #source
end

-- The class and the end of what begins at `from`; nil where it is nothing special.
local function token(source, from)
  local c = source:sub(from, from)
  if source:find("^%-%-", from) then
    return "c", long_bracket(source, from + 2) or (source:find("\n", from, true) or #source + 1) - 1
  end
  if c == '"' or c == "'" then return "s", quoted(source, from) end
  if c == "[" then
    local stop = long_bracket(source, from)
    if stop then return "s", stop end
  end
  local _, stop = source:find("^%d[%w.]*", from)
  if stop then return "n", stop end
end

--- highlight(html) -> html, of the contents of a <code class="language-lua">
return function(html)
  local source, pieces, at = unescape(html), {}, 1
  while at <= #source do
    local class, stop = token(source, at)
    if not class then
      local _, last = source:find("^[%a_][%w_]*", at)
      stop = last or at
      local word = source:sub(at, stop)
      pieces[#pieces + 1] = keywords[word] and mark("k", word) or escape(word)
    else
      pieces[#pieces + 1] = mark(class, source:sub(at, stop))
    end
    at = stop + 1
  end
  return table.concat(pieces)
end
