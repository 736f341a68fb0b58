-- Random patterns, subjects and replacements, and what two libraries make of them.
--
--   patterns.compare(seed, ours, stock) -> nil, or a description of what differs
local M = {}

-- ---- drawing -------------------------------------------------------------------------------------------------------------

-- generator(seed) -> function(n) -> integer from 1 to n: the same for the same seed everywhere (xorshift64)
local function generator(seed)
  local x = (seed * 2 + 1) ~ 0x2545F4914F6CDD1D
  return function(n)
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    return (x >> 11) % n + 1
  end
end

local function one(draw, list) return list[draw(#list)] end

-- Few different bytes, so that a pattern has something to find.
local alphabets = { "ab", "abc", "aab b", "a1_ -", "([a])]", "a%b%", "ab\0", "\0\1\255a", "aA1 .,\n\t", "x=y&z;", "^$a",
  "aaaaaaab" }

-- What a pattern with many repetitions costs grows with its subject, without bound.
local function length_for(draw, pattern)
  local _, repeats = pattern:gsub("[*+?-]", "")
  if draw(10) == 1 and repeats <= 2 then return draw(200) end
  if draw(10) == 1 and repeats <= 4 then return draw(30) end
  return draw(repeats <= 8 and 14 or 8) - 1
end

local function subject_for(draw, pattern)
  local alphabet, bytes = one(draw, alphabets), {}
  local length = length_for(draw, pattern)
  for i = 1, length do
    local at = draw(#alphabet)
    bytes[i] = alphabet:sub(at, at)
  end
  return table.concat(bytes)
end

local singles = {
  "a", "b", "a", "b", "c", ".", ".", "1", " ", "_", "\0", "\255", "x", "=", "]", ")", "%.", "%%", "%-", "%(", "%[", "%]", "%$",
  "%^", "%q", "%\0", "%a", "%A", "%d", "%D", "%s", "%S", "%w", "%W", "%p", "%P", "%c", "%C", "%l", "%L", "%u", "%U", "%x", "%X",
  "%g", "%G", "%z", "%Z",
}
local sets = {
  "[ab]", "[^a]", "[a-c]", "[^a-c]", "[%w_]", "[^%s]", "[]]", "[^]]", "[]a]", "[a-]", "[-a]", "[a%-b]", "[%a-z]", "[a-%%]",
  "[a-%]]", "[%]]", "[^%]]", "[\0-\127]", "[\128-\255]", "[^\0]", "[.]", "[^^]", "[a^]", "[$]", "[()]", "[a-b-c]", "[z-a]",
  "[%D%d]", "[^%D%d]", "[%S1]", "[a-%a]", "[^%-a]", "[%%]",
}
local repeats = { "", "", "", "", "*", "+", "-", "?", "*", "+", "-", "?", "**", "+?" }
local specials = {
  "%b()", "%bxy", "%baa", "%bab", "%b[]", "%b\0a", "%f[a]", "%f[%w]", "%f[^%w]", "%f[%z]", "%f[\0]", "%f[^\0]", "%1", "%1", "%2",
  "%1*", "()", "()", "$", "^",
}
local garbage = {
  "%", "[", "[^", "[a", "[a-", "[%", "[%]", "[]", "[^]", "%b", "%bx", "%f", "%fa", "%f[", "%f[a", "%0", "%9", "%3", "(", "((",
  ")", "(()", "*", "+", "-", "?", "^", "$", "^^", "$$", "(%1)", "a%",
}

local function add_item(draw, parts)
  local kind = draw(20)
  if kind <= 11 then parts[#parts + 1] = one(draw, singles) .. one(draw, repeats)
  elseif kind <= 15 then parts[#parts + 1] = one(draw, sets) .. one(draw, repeats)
  else parts[#parts + 1] = one(draw, specials) end
end

local function add_items(draw, parts, most, deep)
  for _ = 1, draw(most) do
    if deep < 4 and draw(5) == 1 then
      parts[#parts + 1] = "("
      add_items(draw, parts, 2, deep + 1)
      parts[#parts + 1] = ")"
    else
      add_item(draw, parts)
    end
  end
end

-- What nests deeper than is allowed, or all but.
local function deep_pattern(draw)
  local piece = one(draw, { "a?", ".?", "a*", "a-", "(a)", "()", "a", "b?a?", "(a?" })
  return piece:rep(draw(2) == 1 and 190 + draw(20) or draw(60))
end

-- A pattern, and the subject where only one tells anything.
local function draw_pattern(draw)
  local kind, parts = draw(100), {}
  if kind == 1 then return deep_pattern(draw), ("a"):rep(draw(260)) end
  if draw(6) == 1 then parts[1] = "^" end
  add_items(draw, parts, 4, 0)
  if draw(6) == 1 then parts[#parts + 1] = "$" end
  if draw(12) == 1 then table.insert(parts, draw(#parts + 1), one(draw, garbage)) end
  local text = table.concat(parts)
  if draw(40) == 1 then text = text:sub(1, draw(#text)) end
  return text
end

local replacements = { "", "x", "<%0>", "%1", "%2", "%1%1", "%%", "%0%0", "[%1|%2]", "%9", "%", "a%", "%x", "%\0", "\0",
  "%00", "abc" }

-- A string, number, table or function that is the same for the same captures.
local function replacement(draw)
  local kind = draw(8)
  if kind <= 4 then return one(draw, replacements) end
  if kind == 5 then return one(draw, { 7, 1.5, -0.0 }) end
  if kind == 6 then return { a = "A", b = false, ab = 12, [1] = "one", [2] = {}, [" "] = true, [""] = "-" } end
  if kind == 7 then return setmetatable({}, { __index = function(_,
    key) return key == "b" and {} or type(key) .. tostring(key) end }) end
  local every = draw(4)
  local count = 0
  return function(...)
    count = count + 1
    if count % 4 == every then return nil end
    if count > 50 and every == 1 then error("enough", 0) end
    return table.concat({ select("#", ...), ... }, ";")
  end
end

-- ---- what comes out ---------------------------------------------------------------------------------------------------------

local function iterate(gmatch, ...)
  local found, step = {}, gmatch(...)
  for _ = 1, 300 do
    local values = table.pack(step())
    if values.n == 0 or values[1] == nil then break end
    found[#found + 1] = table.concat(values, "|", 1, values.n)
  end
  return #found, table.concat(found, "/")
end

local function call(library, name, replace, ...)
  if name == "gmatch" then return pcall(iterate, library.gmatch, ...) end
  if name ~= "gsub" then return pcall(library[name], ...) end
  local subject, pattern, most = ...
  return pcall(library.gsub, subject, pattern, replace, most)
end

local function same(a, b)
  if a.n ~= b.n then return false end
  for i = 1, a.n do
    if a[i] ~= b[i] or math.type(a[i]) ~= math.type(b[i]) then return false end
  end
  return true
end

local function show(values)
  local parts = {}
  for i = 1, values.n do parts[i] = ("%s %q"):format(type(values[i]), tostring(values[i])) end
  return table.concat(parts, ", ")
end

local names = { "find", "match", "gmatch", "gsub" }

--- compare(seed, ours, stock) -> nil, or what differs in the one case that the seed stands for
function M.compare(seed, ours, stock)
  local function run(library)
    local draw = generator(seed)
    draw(2)
    local name, pattern, subject = one(draw, names), draw_pattern(draw)
    subject = subject or subject_for(draw, pattern)
    local extra, plain = draw(6) == 1 and draw(20) - 10 or nil, nil
    if name == "find" and draw(10) == 1 then extra, plain = extra or 1, true end
    local replace = replacement(draw)
    if plain then return table.pack(call(library, name, replace, subject, pattern, extra, plain)), name, subject,
      pattern, extra end
    if extra then return table.pack(call(library, name, replace, subject, pattern, extra)), name, subject, pattern, extra end
    return table.pack(call(library, name, replace, subject, pattern)), name, subject, pattern
  end
  local mine, name, subject, pattern, extra = run(ours)
  local theirs = run(stock)
  if same(mine, theirs) then return nil, mine end
  return ("case %d: string.%s(%q, %q, %s)\n  ours:  %s\n  stock: %s"):format(seed, name, subject, pattern,
    tostring(extra), show(mine), show(theirs)), mine
end

return M
