-- HTML as text: without tags, without entities, and with links where addresses stand in it.
local entities -- loaded when used
local native = require "rille.native.core"
local text = require "rille.template.text"

local M = {}

-- ---- entities -------------------------------------------------------------------------------------------------------

-- Windows' characters that pages mean by the numbers 128 to 159 (HTML standard, numeric character reference end state).
local windows = {
  [0x80] = 0x20AC, [0x82] = 0x201A, [0x83] = 0x0192, [0x84] = 0x201E, [0x85] = 0x2026, [0x86] = 0x2020, [0x87] = 0x2021,
  [0x88] = 0x02C6, [0x89] = 0x2030, [0x8A] = 0x0160, [0x8B] = 0x2039, [0x8C] = 0x0152, [0x8E] = 0x017D, [0x91] = 0x2018,
  [0x92] = 0x2019, [0x93] = 0x201C, [0x94] = 0x201D, [0x95] = 0x2022, [0x96] = 0x2013, [0x97] = 0x2014, [0x98] = 0x02DC,
  [0x99] = 0x2122, [0x9A] = 0x0161, [0x9B] = 0x203A, [0x9C] = 0x0153, [0x9E] = 0x017E, [0x9F] = 0x0178,
}

local function character(point)
  point = windows[point] or point
  if point == 0 or point > 0x10FFFF or (point >= 0xD800 and point <= 0xDFFF) then point = 0xFFFD end
  return utf8.char(point)
end

-- &#60 and &#x3c, which end where their digits do: nil where there are none.
local function numeric(name, semicolon)
  local hex, rest = name:match "^[xX](%x+)(.*)$"
  local digits = hex
  if not hex then digits, rest = name:match "^(%d+)(.*)$" end
  if not digits then return nil end
  local char = #digits > 8 and character(0) or character(tonumber(digits, hex and 16 or 10))
  return char .. rest .. (rest ~= "" and semicolon or "")
end

-- Decodes &lt; and the like. Some count without a semicolon, even before other letters.
local function named(name, semicolon)
  entities = entities or require "rille.template.entities"
  if semicolon ~= "" and entities[name] then return entities[name] end
  for len = math.min(#name, entities.longest_bare), 2, -1 do
    local char = entities.bare[name:sub(1, len)]
    if char then return char .. name:sub(len + 1) .. semicolon end
  end
end

--- Entities as the characters they stand for.
function M.unescape(s)
  if not s:find("&", 1, true) then return s end
  return (s:gsub("&(#?)(%w+)(;?)", function(mark, name, semicolon)
    return (mark == "#" and numeric or named)(name, semicolon)
  end))
end

local function without_comments(s)
  local pieces, from = {}, 1
  while true do
    local at = s:find("<!--", from, true)
    local _, stop
    if at then _, stop = s:find("-->", at + 4, true) end
    if not stop then break end
    pieces[#pieces + 1] = s:sub(from, at - 1)
    from = stop + 1
  end
  pieces[#pieces + 1] = s:sub(from)
  return table.concat(pieces)
end

local function without_tags(s)
  local pieces, from = {}, 1
  while true do
    local at = s:find("<", from, true)
    local stop = at and s:find(">", at, true)
    if not stop then break end
    pieces[#pieces + 1] = s:sub(from, at - 1)
    from = stop + 1
  end
  pieces[#pieces + 1] = s:sub(from)
  return table.concat(pieces)
end

--- Text of HTML: no tags, no comments, runs of spaces as one.
function M.strip_tags(s)
  s = native.trim(without_tags(without_comments(s)))
  return M.unescape((s:gsub("%s+", " ")))
end

-- ---- links ----------------------------------------------------------------------------------------------------------

local basic_domains = { com = true, net = true, int = true, edu = true, gov = true, org = true, info = true, mil = true }

-- All labels but the last are names; the last is one that `is_top` takes.
local function is_domain(host, is_top)
  local labels = text.split(host, ".")
  for i = 1, #labels - 1 do
    if not labels[i]:find "^[%w_%%\x80-\xFF-]+$" then return false end
  end
  return is_top(labels[#labels], labels)
end

local function is_any_top(label)
  return label:find "^%a%a+$" ~= nil and #label <= 63 or label:find "^xn%-%-[%w_%%][%w_%%]+$" ~= nil
end

local function is_basic_top(label, labels)
  for i = 1, #labels - 1 do
    if #labels[i] < 2 or #labels[i] > 63 then return false end
  end
  return #labels > 1 and basic_domains[label] == true
end

local function is_ip(host)
  if host:find "^%d%d?%d?%.%d%d?%d?%.%d%d?%d?%.%d%d?%d?$" then return true end
  return host:find "^%[[%x:]+%]$" ~= nil and text.count(host, ":", 2) == 2
end

-- Returns true if a word is the address of a page, with a scheme or without.
local function is_url(word)
  word = word:lower()
  local scheme = word:match "^https?://"
  local host, rest = word:sub(#(scheme or "") + 1):match "^(%[[^%]]*%])(.*)$"
  if not host then host, rest = word:sub(#(scheme or "") + 1):match "^([^:/?#]*)(.*)$" end
  rest = rest:match "^:%d%d?%d?%d?%d?(.*)$" or rest
  if rest ~= "" and not rest:find "^[/?#]" then return false end
  if scheme then return is_domain(host, is_any_top) or is_ip(host) end
  local behind_www = host:match "^www%.(.*)$"
  return behind_www and is_domain(behind_www, is_any_top) or is_domain(host, is_basic_top)
end

-- Returns true if a word is an e-mail address: after its last @ come letters, digits, dots and hyphens, with a label at the end.
local function is_email(word)
  local at = native.find_text_last(word, "@")
  local host = at and at > 1 and word:sub(at + 1)
  return host and host:find "^[%w_\x80-\xFF][%w_.\x80-\xFF-]*$" ~= nil and host:find("%.[%w_\x80-\xFF]+$", 2) ~= nil
end

-- Splits off the ( < and &lt; at the start of a word. Returns both parts.
local function split_head(word)
  local at = 1
  while true do
    local c = word:byte(at)
    if c == 40 or c == 60 then at = at + 1
    elseif c == 38 and word:sub(at, at + 3) == "&lt;" then at = at + 4
    else return word:sub(1, at - 1), word:sub(at) end
  end
end

local ends_word = { [41] = true, [62] = true, [46] = true, [44] = true } -- ) > . ,

-- Splits off the ) > . , and &gt; at the end of a word. Returns both parts.
local function split_tail(word)
  local stop = #word
  while stop > 0 do
    local c = word:byte(stop)
    if ends_word[c] then stop = stop - 1
    elseif c == 59 and word:sub(stop - 3, stop) == "&gt;" then stop = stop - 4
    else break end
  end
  return word:sub(1, stop), word:sub(stop + 1)
end

local brackets = { { "(", ")" }, { "<", ">" }, { "&lt;", "&gt;" } }

-- Closing brackets of the tail that belong to opening ones of the word go back to it.
local function balance(word, tail)
  for _, pair in ipairs(brackets) do
    local open, close = pair[1], pair[2]
    local opened = text.count(word, open)
    if opened > text.count(word, close) then
      local stop = 0
      for _ = 1, math.min(opened, text.count(tail, close)) do
        _, stop = tail:find(close, stop + 1, true)
      end
      word, tail = word .. tail:sub(1, stop), tail:sub(stop + 1)
    end
  end
  return word, tail
end

local function cut(s, limit)
  return limit and text.len(s) > limit and text.sub(s, 0, limit) .. "..." or s
end

-- A word as a link, if it is an address; else as it is.
local function link(word, options)
  local attributes = options.attributes
  if is_url(word) then
    local target = word:find "^https?://" and word or "https://" .. word
    return ('<a href="%s"%s>%s</a>'):format(target, attributes, cut(word, options.limit))
  end
  local mail = word:match "^mailto:(.*)$"
  if mail and is_email(mail) then return ('<a href="%s">%s</a>'):format(word, mail) end
  if word:find("@", 1, true) and not word:find "^www%." and not word:find(":", 1, true) and is_email(word) then
    return ('<a href="mailto:%s">%s</a>'):format(word, word)
  end
  for _, scheme in ipairs(options.schemes) do
    if word ~= scheme and word:sub(1, #scheme) == scheme then
      return ('<a href="%s"%s>%s</a>'):format(word, attributes, word)
    end
  end
  return word
end

--- Text that is HTML already, with links. Options: limit (of what a link shows), attributes (text), schemes (a list).
function M.link(s, options)
  local length = #s
  return (s:gsub("%S+", function(word)
    local head, middle = split_head(word)
    local rest, tail = split_tail(middle)
    middle, tail = balance(rest, tail)
    local linked = link(middle, options)
    length = length + #linked - #middle
    text.check_length(length)
    return head .. linked .. tail
  end))
end

--- Returns an attribute of a tag, with a space before it; "" if it has no value.
function M.attribute(name, v)
  return v and v ~= "" and (' %s="%s"'):format(name, native.html_escape(v)) or ""
end

return M
