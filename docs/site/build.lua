-- Makes a static site of docs/: `rille run docs/site/build.lua OUT`, which script/docs does.
--
--   page.md -> cmark-gfm -> HTML -> headings with anchors, links to .html, colours -> page.html (a template) -> OUT/page.html
--                                        |
--                                        +-> search.json: {page, heading, url, text} of each section
--
-- The order of pages in the navigation is that of the links in README.md and tutorial/README.md.
local rille = require "rille"
local highlight = require "docs.site.highlight"

local M = {}
local assets = { "style.css", "noscript.css", "search.js", "copy.js", "favicon.svg" }

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

local function run(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read "a"
  assert(pipe:close(), "failed: " .. command)
  return text
end

-- ---- which pages ----------------------------------------------------------------------------------------------------

local function html_name(path) return (path:gsub("README%.md$", "index.html"):gsub("%.md$", ".html")) end

local function title_of(text) return (text:match "^# ([^\n]*)") end

local function add_page(pages, path)
  local text = read("docs/" .. path)
  pages[#pages + 1] = { path = path, url = html_name(path), title = title_of(text), text = text }
end

-- The pages that an index links to, in its order.
local function add_linked(pages, index, folder)
  add_page(pages, folder .. index)
  for target in pages[#pages].text:gmatch "\n|[^\n]-%]%(([%w-]+%.md)%)" do add_page(pages, folder .. target) end
end

function M.pages()
  local guide, tutorial = {}, {}
  add_linked(guide, "README.md", "")
  add_linked(tutorial, "README.md", "tutorial/")
  add_page(guide, "coming-from.md")
  return guide, tutorial
end

-- ---- one page -------------------------------------------------------------------------------------------------------

local entities = { amp = "&", lt = "<", gt = ">", quot = '"' }

local function plain(html)
  return (html:gsub("<[^>]*>", ""):gsub("&(%a+);", entities))
end

--- anchor(heading) -> the id that GitHub gives it
function M.anchor(heading)
  return (heading:lower():gsub("[^%w%s_\128-\255-]", ""):gsub("%s", "-"))
end

local function add_anchors(html)
  return (html:gsub("<h([123])>(.-)</h%1>", function(level, inner)
    local id = M.anchor(plain(inner))
    return ('<h%s id="%s">%s <a class="anchor" href="#%s" aria-label="Link to this section">#</a></h%s>')
      :format(level, id, inner, id, level)
  end))
end

local function fix_links(html)
  return (html:gsub('href="([^"]*)"', function(target)
    if target:find "^%a+:" then return nil end
    if target:find "^code/[%w-]+$" then return ('href="%s.html"'):format(target) end -- see write_code
    local file, hash = target:match "^([^#]*)(.*)$"
    return ('href="%s%s"'):format(html_name(file), hash)
  end))
end

-- What a reader types in a terminal or changes in a file, line by line; the code is HTML already.
local marks = { console = { { "^%$ ", "cmd" } }, diff = { { "^%+", "add" }, { "^%-", "del" } } }

local function colour(language, code)
  if language == "lua" then return highlight(code) end
  if not marks[language] then return code end
  return (code:gsub("[^\n]+", function(line)
    for _, mark in ipairs(marks[language]) do
      if line:find(mark[1]) then return ('<span class="%s">%s</span>'):format(mark[2], line) end
    end
  end))
end

local function figure(language, file, code)
  local caption = file and ('<figcaption>%s</figcaption>'):format(file) or ""
  return ('<figure>%s<pre><code class="%s">%s</code></pre></figure>'):format(caption, language, colour(language, code))
end

local function language_of(html) return html:match '<code class="(%w*)"' end

local function fix_code(html)
  html = html:gsub('<pre><code class="language%-(%w+)"([^>]*)>(.-)</code></pre>', function(language, rest, code)
    return figure(language, rest:match 'data%-meta="([^"]*)"', code)
  end)
  -- Two blocks in a row, in two languages, are the same thing side by side.
  return (html:gsub("(<figure><pre>.-</figure>)%s*(<figure><pre>.-</figure>)", function(first, second)
    if first:find("</figure>.", 1) or language_of(first) == language_of(second) then return nil end
    return '<div class="pair">' .. first .. second .. "</div>"
  end))
end

local function wrap_tables(html)
  return (html:gsub("<table>.-</table>", function(text) return '<div class="table">' .. text .. "</div>" end))
end

local function body_of(page)
  local html = run(("cmark-gfm --full-info-string -e table 'docs/%s'"):format(page.path))
  return wrap_tables(fix_code(fix_links(add_anchors(html))))
end

-- "app:get(path, handler), app:post" -> "app:get, app:post"; what names no function stays as it is.
local function short_name(inner)
  local names = {}
  for code in inner:gmatch "<code>(.-)</code>" do names[#names + 1] = plain(code):match "^[%a_][%w_]*[.:][%w_.:]+" end
  return #names > 0 and table.concat(names, ", ") or plain(inner)
end

-- Sections of a page, each with those below it: {id, text, below = {{id, text}}}.
local function contents_of(html)
  local list = rille.array {}
  for level, id, inner in html:gmatch '<h([23]) id="([^"]*)">(.-) <a class="anchor"' do
    if level == "2" then list[#list + 1] = { id = id, text = plain(inner), below = rille.array {} }
    else
      if not list[1] then list[1] = { below = rille.array {} } end -- functions before the first section
      local below = list[#list].below
      below[#below + 1] = { id = id, text = short_name(inner) }
    end
  end
  return list
end

-- ---- search -----------------------------------------------------------------------------------------------------------

local function add_sections(index, page, html)
  local heading, url, from = page.title, page.url, 1
  local function add(to)
    local text = plain(html:sub(from, to)):gsub("%s+", " ")
    index[#index + 1] = { page = page.title, heading = heading, url = url, text = text:sub(1, (utf8.offset(text, 600) or 0) - 1) }
  end
  for start, id, inner, stop in html:gmatch '()<h[123] id="([^"]*)">(.-) <a class="anchor".-</h[123]>()' do
    if from > 1 then add(start - 1) end
    heading, url, from = plain(inner), page.url .. "#" .. id, stop
  end
  add(#html)
end

-- ---- all of it --------------------------------------------------------------------------------------------------------

local function neighbours(pages, i)
  return { before = pages[i - 1], after = pages[i + 1] }
end

local languages = { lua = "lua", html = "html", css = "css", sql = "sql" }

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

-- The complete code of a chapter, all files on one page.
local function code_of(name)
  local folder = "docs/tutorial/code/" .. name
  local pieces = { ('<h1>%s</h1><p><a href="../%s.html">Back to the chapter</a></p>'):format(name, name) }
  for path in run(("cd '%s' && find . -type f | LC_ALL=C sort"):format(folder)):gmatch "%./([^\n]+)" do
    pieces[#pieces + 1] = figure(languages[path:match "%.(%w+)$"] or "text", path, escape(read(folder .. "/" .. path)))
  end
  return table.concat(pieces, "\n")
end

local function write_code(out, template, guide, tutorial)
  for _, page in ipairs(tutorial) do
    local name = page.path:match "(%d%d%-.*)%.md$"
    local url = name and ("tutorial/code/%s.html"):format(name)
    if name then
      write(out .. "/" .. url, template { page = { title = name, url = url }, body = code_of(name), contents = {}, guide = guide,
        tutorial = tutorial, root = "../../", version = rille.version })
    end
  end
end

--- build(out) -> how many pages
function M.build(out)
  run(("mkdir -p '%s/tutorial/code'"):format(out))
  local template = rille.template.compile(read "docs/site/page.html")
  local guide, tutorial = M.pages()
  local index, count = rille.array {}, 0
  for _, pages in ipairs { guide, tutorial } do
    for i, page in ipairs(pages) do
      local html = body_of(page)
      add_sections(index, page, html)
      write(out .. "/" .. page.url, template { page = page, body = html, contents = contents_of(html), guide = guide,
        tutorial = tutorial, root = page.url:find("/", 1, true) and "../" or "", version = rille.version,
        beside = neighbours(pages, i) })
      count = count + 1
      rille.sleep(0)
    end
  end
  write_code(out, template, guide, tutorial)
  write(out .. "/search.json", rille.json_encode(index))
  for _, name in ipairs(assets) do write(out .. "/" .. name, read("docs/site/" .. name)) end
  return count
end

function M.main(out)
  print(("%d pages in %s"):format(M.build(out or "build/docs"), out or "build/docs"))
end

return M
