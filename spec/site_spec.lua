-- The site that script/docs makes: every link of every page leads to a page and a heading that are there, code is coloured and
-- nothing else, search has it all, and rille serves it.
local highlight = require "docs.site.highlight"
local native = require "rille.native.core"
local rille = require "rille"
local site = require "docs.site.build"
local testing = require "rille.testing"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function resolve(from, target)
  local path = (from:match "^(.*/)" or "") .. target
  return (path:gsub("[^/]+/%.%./", ""))
end

describe("the site of the docs", function()
  local out, pages = os.tmpname() .. "-site", {}

  setup(function()
    site.build(out)
    for _, folder in ipairs { "", "tutorial/", "tutorial/code/" } do
      for _, name in ipairs(native.list_directory(out .. "/" .. folder)) do
        if name:find "%.html$" then pages[folder .. name] = read(out .. "/" .. folder .. name) end
      end
    end
  end)

  teardown(function() os.execute("rm -rf '" .. out .. "' '" .. out:gsub("%-site$", "") .. "'") end)

  it("has a page for each file of the docs", function()
    local missing = {}
    for _, folder in ipairs { "", "tutorial/" } do
      for _, name in ipairs(native.list_directory("docs/" .. folder)) do
        local page = folder .. name:gsub("README%.md$", "index.html"):gsub("%.md$", ".html")
        if name:find "%.md$" and not pages[page] then missing[#missing + 1] = page end
      end
    end
    assert.same({}, missing)
  end)

  it("has no link that leads nowhere, and asks no other host for anything", function()
    local broken = {}
    for name, html in pairs(pages) do
      for kind, target in html:gsub("<pre>.-</pre>", ""):gmatch '(%a+)="([^"]*)"' do
        if kind == "src" or (kind == "href" and not target:find "^https?:") then
          local file, hash = target:match "^([^#]*)#?(.*)$"
          local there = file == "" and name or resolve(name, file)
          local known = pages[there] or native.file_info(out .. "/" .. there)
          if not known or (hash ~= "" and pages[there] and not pages[there]:find('id="' .. hash .. '"', 1, true)) then
            broken[#broken + 1] = name .. " -> " .. target
          end
        end
      end
      assert.is_nil(html:find('<script[^>]*src="https?:'), name)
      assert.is_nil(html:find('<link[^>]*href="https?:'), name)
    end
    assert.same({}, broken)
  end)

  it("leads from each page of the guide and of the tutorial to the next and back", function()
    local function follow(from, rel)
      local seen, page = { from }, from
      while true do
        local target = pages[page]:match('rel="' .. rel .. '" href="([^"]*)"')
        if not target then return seen end
        page = resolve(page, target)
        seen[#seen + 1] = page
        assert.is_true(#seen < 100, "it goes round")
      end
    end
    for _, index in ipairs { "index.html", "tutorial/index.html" } do
      local there = follow(index, "next")
      local back = follow(there[#there], "prev")
      assert.is_true(#there > 8, #there .. " pages")
      for i, page in ipairs(there) do assert.equal(page, back[#back + 1 - i]) end
    end
  end)

  it("lists the functions of a page beside it", function()
    local aside = pages["app.html"]:match '<aside aria%-label="On this page">(.-)</aside>'
    assert.truthy(aside:find(">app:get, app:post, app:put, app:patch, app:delete, app:head, app:options, app:any</a>", 1, true))
    assert.truthy(aside:find('<a href="#appurl_forname-params-query">app:url_for</a>', 1, true))
    assert.truthy(pages["cookbook.html"]:match("<aside.->(.-)</aside>"):find(">A proxy</a>", 1, true))
    assert.is_nil(pages["reference.html"]:find("<aside.-<ul>.-<ul></ul>"))
  end)

  it("works without JavaScript", function()
    for name, html in pairs(pages) do
      local link = html:match '<noscript><link rel="stylesheet" href="([^"]*)"></noscript>'
      assert.truthy(link and native.file_info(out .. "/" .. resolve(name, link)), name)
      assert.is_nil(html:find 'class="copy"', name) -- a button that does nothing is not there
      assert.is_nil(html:find " on%l+=", name)
    end
  end)

  it("can be searched", function()
    local index, found = rille.json_decode(read(out .. "/search.json")), nil
    assert.is_true(#index > 200, #index .. " sections")
    for _, section in ipairs(index) do
      local file, hash = section.url:match "^([^#]*)#?(.*)$"
      assert.truthy(pages[file], section.url)
      if section.heading == "db:transaction(function(tx) end)" then found = hash end
    end
    assert.truthy(found)
    assert.truthy(pages["sqlite.html"]:find('id="' .. found .. '"', 1, true))
  end)

  it("is served by rille", function()
    local client = testing.client(require "docs.site" { directory = out })
    local res = client:get "/"
    assert.equal("text/html; charset=utf-8", res.headers["content-type"])
    assert.truthy(res.headers["content-security-policy"])
    assert.matches("<title>rille in five minutes</title>", res:text(), 1, true)
    assert.equal(200, client:get("/tutorial/03-server.html").status)
    assert.equal(404, client:get("/nothing.html").status)
  end)
end)

describe("the site's code", function()
  it("is on a page for each chapter, and coloured where it is to be typed", function()
    local out = os.tmpname() .. "-site"
    finally(function() os.execute("rm -rf '" .. out .. "' '" .. out:gsub("%-site$", "") .. "'") end)
    site.build(out)
    local chapter = read(out .. "/tutorial/03-server.html")
    assert.matches('href="code/03-server.html"', chapter, 1, true)
    assert.matches('<span class="cmd">$ mkdir blog</span>', chapter, 1, true)
    assert.matches('<span class="del">-  return "Hello, world!"</span>', chapter:gsub("&quot;", '"'), 1, true)
    assert.matches('<figcaption>migrations/001-posts.sql</figcaption>', read(out .. "/tutorial/code/03-server.html"), 1, true)
  end)
end)

describe("highlight", function()
  it("marks comments, strings, numbers and words of the language, and changes nothing", function()
    local source = 'local x = [[a\n"b"]] .. "c\\"d" -- e <f>\nif n_end == 0x1F then return end --[==[ g\n]] ]==] h'
    local html = highlight((source:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })))
    local entities = { lt = "<", gt = ">", amp = "&" }
    assert.equal(source, (html:gsub("<[^>]*>", ""):gsub("&(%a+);", entities)))
    local pieces = {
      '<span class="k">local</span> x', '<span class="s">[[a\n"b"]]</span>', '<span class="s">"c\\"d"</span>',
      '<span class="c">-- e &lt;f&gt;</span>', '<span class="n">0x1F</span>', " n_end ",
      '<span class="c">--[==[ g\n]] ]==]</span> h',
    }
    for _, piece in ipairs(pieces) do
      assert.truthy(html:find(piece, 1, true), piece)
    end
  end)
end)
