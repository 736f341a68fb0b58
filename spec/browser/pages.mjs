// Every page of `rille dev`, in an app with all headers of security, as wide as a desk and as a phone, light and dark: each is
// styled, fits its width and makes the browser complain of nothing. The pictures are for people, who look at them.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, expectNot, pictures, withBrowser, withServer } from './browser.mjs'

const app = `local rille = require "rille"

local app = rille.app { secret = "a secret of the app that nobody may see: 32 bytes" }
app:use(rille.security_headers())
app:use(rille.session())
app:use(rille.compress())

app:lifespan(function(self, running)
  local db <close> = rille.sqlite.open ":memory:"
  db:exec [[CREATE TABLE visits (id, at);
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, person INTEGER, title TEXT, text TEXT);
    INSERT INTO people VALUES (1, 'Ada', 'ada@example.org'), (2, 'Charles', 'charles@example.org');
    INSERT INTO posts (person, title) VALUES (1, 'Notes'), (2, 'Engines'), (1, 'Bernoulli'), (1, 'Poems'), (2, 'Tables'), (1, 'Looms')]]
  self.state.db = db
  running()
end)

require "app.pages"(app)
return app
`
const pages = `local rille = require "rille"

-- Greets somebody; what was asked for is counted.
local function greet(db, id, password)
  rille.log.info("a visit", { id = id, agent = "somebody \\"new\\"", token = "a token of the log" })
  db:exec("INSERT INTO visits (id) VALUES (?)", id)
  local person = db:one("SELECT id, name FROM people WHERE id = ?", id)
  local greeting = "Hello, " .. person.name
  return greeting, password
end

return function(app)
  app:get("/", function() return rille.render("front.html", { title = "The front page" }) end, { name = "front" })
  app:get("/people/{id:int}", function(req)
    req.session.user = { name = "ada", api_key = "a key of the session" }
    local api_key, wishes = "a key of the handler", { "tea", "books", size = 2 }
    local text = greet(req.app.state.db, req.params.id, api_key)
    return text, #wishes
  end, { name = "person" })
  app:get("/nothing", function(req)
    if req.query.page then return "a page" end
    rille.render("front.html", { title = "nobody sees it" })
  end)
  app:get("/column", function(req) return rille.json(req.app.state.db:query "SELECT id, nmae FROM people") end)
  app:get("/lines", function(req)
    local db, lines = req.app.state.db, {}
    for _, post in ipairs(db:query "SELECT id, person, title FROM posts") do
      local person = db:one("SELECT name FROM people WHERE id = ?", post.person)
      lines[#lines + 1] = post.title .. " by " .. person.name
    end
    return rille.html("<p>" .. table.concat(lines, "<br>") .. "</p>")
  end)
  app:get("/template", function() return rille.render("broken.html", { people = { { name = "Ada" } }, csrf_token = "hidden" }) end)
  app:get("/missing", function() return rille.render("fornt.html", {}) end)
  app:get("/middleware", function() return "never" end, { use = { function(req) return req.headers.host + 1 end } })
  app:get("/task", function()
    local task = rille.spawn(function() local step = 3; error("the task failed at step " .. step) end)
    return task:wait()
  end)
  app:get("/alone", function()
    rille.spawn(function() local step = 4; error("nobody waits for step " .. step) end)
    rille.sleep(0.05)
    return rille.html "<p>done</p>"
  end)
  app:get("/stream", function()
    return rille.stream("text/plain", function(out) out:write "one\\n"; local none; out:write(none.two) end)
  end)
  app:get("/hostile", function(req) error("no such thing: " .. req.query.q) end)
  app:on_error(404, function(req)
    if req.path == "/nowhere" then return rille.html(req.state.nowhere.title) end
    return "not found"
  end)
end
`
const templates = {
  'base.html': '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head>\n<body>{% block main %}{% endblock %}</body></html>\n',
  'front.html': '{% extends "base.html" %}\n{% block main %}<h1 id="text">{{ title }}</h1>{% endblock %}\n',
  'broken.html': '{% extends "base.html" %}\n{% block main %}\n<ul>\n{% for person in people %}\n  <li>{{ person.name }}, {{ person.address.city }}</li>\n{% endfor %}\n</ul>\n{% endblock %}\n',
}

const save = (folder, name, text) => writeFileSync(join(folder, name), text)

function project(folder) {
  for (const name of ['app', 'templates']) mkdirSync(join(folder, name))
  save(folder, 'app/init.lua', app)
  save(folder, 'app/pages.lua', pages)
  for (const [name, text] of Object.entries(templates)) save(folder, `templates/${name}`, text)
  return ['dev', join(folder, 'app')]
}

const text = (page) => page.locator('body').innerText()

async function see(page, name, address, ...words) {
  await page.goto(address)
  const seen = await text(page)
  for (const word of words) expect(name, seen, word)
  await pictures(page, name)
  return seen
}

// What a handler's failure shows, and what it does not.
async function ofHandler(page, url) {
  const seen = await see(page, 'handler', `${url}/people/7?page=2`, 'GET /people/7 failed', "attempt to index a nil value (local 'person')",
    'app/pages.lua:8', 'returns nil if no row matches', 'if not person then rille.abort(404) end', 'Locals', 'greeting', 'INSERT INTO visits', 'agent',
    'Parameters of the path', 'Edit it and save')
  for (const secret of ['a key of', 'a token of', 'sid=cookie', 'Basic c2VjcmV0']) expectNot('the page', seen, secret)
  await page.locator('.frame summary').nth(1).click()
  expect('the frame of the caller', await text(page), 'wishes')
  expect('its locals', await text(page), '{ "tea", "books", size = 2 }')
  await page.locator('summary', { hasText: 'Headers' }).click()
  expectNot('headers that are folded', await text(page), 'Basic c2VjcmV0')
  await page.locator('tr', { hasText: 'authorization' }).locator('summary').click()
  expect('what was asked for', await text(page), 'Basic c2VjcmV0')
  await pictures(page, 'handler-open')
  expectNot('the text to copy', await page.locator('#rille-text').textContent(), 'Basic c2VjcmV0')
}

async function ofOthers(page, url) {
  await see(page, 'nothing', `${url}/nothing`, 'returned nothing', 'Line 22 makes a response and does not return it')
  await see(page, 'column', `${url}/column`, 'no such column: nmae', "There is no column 'nmae'; there is 'name'.")
  await see(page, 'template', `${url}/template`, 'templates/broken.html:5', 'Variables of the page', 'people')
  await see(page, 'template-missing', `${url}/missing`, "there is no template 'fornt.html'", "There is a template 'front.html'.")
  await see(page, 'middleware', `${url}/middleware`, "attempt to add a 'string' with a 'number'", 'app/pages.lua:')
  await see(page, 'task', `${url}/task`, 'the task failed at step 3', 'step', 'spawned at')
  await see(page, 'on-error', `${url}/nowhere`, "attempt to index a nil value (field 'nowhere')")
  const hostile = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>'
  await see(page, 'hostile', `${url}/hostile?q=${encodeURIComponent(hostile)}`, hostile)
  if (await page.locator('main img, main script').count()) throw new Error('what a client sent became a part of the page')
  await page.goto(`${url}/column`)
  await page.locator('.where a').click()
  await page.locator('#at').waitFor()
  await pictures(page, 'source')
}

async function ofPanel(page, url) {
  await page.goto(`${url}/lines`)
  await page.goto(`${url}/alone`)
  await page.goto(`${url}/stream`).catch(() => {}) // it is broken off
  await page.goto(`${url}/_rille`)
  const row = (words) => page.locator('tr', { hasText: words }).first()
  await row('GET /lines').getByText('N+1').waitFor()
  const seen = await text(page)
  expectNot('the panel', seen, 'favicon')
  expectNot('the panel', seen, '/_rille')
  expect('a time', seen, new Date().toTimeString().slice(0, 2) + ':')
  await pictures(page, 'panel')
  await page.fill('#path', 'people')
  await page.selectOption('#status', '5')
  await row('GET /people/7').waitFor()
  expectNot('what is filtered', await text(page), '/lines')
  await pictures(page, 'panel-filtered')
  await page.fill('#path', '')
  await page.selectOption('#status', '')
  await row('GET /lines').click()
  await page.getByText('The same statement 6 times').waitFor()
  await page.locator('tr', { hasText: 'FROM posts' }).getByText('Plan').click()
  await page.locator('.plan').getByText('SCAN posts').waitFor()
  await pictures(page, 'panel-request')
  await page.goBack()
  await row('GET /people/7').click()
  await page.getByText('returns nil if no row matches').waitFor()
  await pictures(page, 'panel-failed')
  const tabs = { Errors: 'nobody waits for step 4', Log: 'a visit', Routes: '/people/{id:int}', Tasks: 'the stop', Memory: 'MiB now' }
  for (const name of Object.keys(tabs)) {
    await page.click(`nav >> text=${name}`)
    await page.getByText(tabs[name]).first().waitFor()
    await pictures(page, `panel-${name.toLowerCase()}`)
  }
  await page.click('nav >> text=Errors')
  await row('nobody waits for step 4').click()
  await page.getByText('a task failed and nobody waited for it').waitFor()
  expect('the page of a task', await text(page), 'step')
  await pictures(page, 'error-of-a-task')
}

async function ofLoading(page, url, folder) {
  const broken = [
    ['load-syntax', 'app/pages.lua', 'local M = {}\n\nfor post of posts do end\nreturn M\n', "'=' or 'in' expected"],
    ['load-module', 'app/pages.lua', 'local pages = require "app.paegs"\nreturn pages\n', "module 'app.paegs' not found"],
    ['load-error', 'app/pages.lua', 'local limits = { small = 1 }\nlocal limit = limits.large.size\nreturn function() return limit end\n', "field 'large'"],
    ['load-template', 'templates/front.html', '<h1>\n  {{ title }\n</h1>\n', 'templates/front.html:2'],
  ]
  for (const [name, file, source, words] of broken) {
    await page.goto(`${url}/`)
    save(folder, file, source)
    await page.getByText(words).first().waitFor()
    await pictures(page, name)
    save(folder, file, file.startsWith('app') ? pages : templates['front.html'])
    await page.locator('#text').waitFor()
  }
}

async function run(url, folder, browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 },
    extraHTTPHeaders: { authorization: 'Basic c2VjcmV0' } })
  await context.addCookies([{ name: 'sid', value: 'cookie', url }])
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && !/status of [45]|ERR_/.test(message.text()) && problems.push(message.text()))
  page.setDefaultTimeout(10000)
  await ofHandler(page, url)
  await ofOthers(page, url)
  await ofPanel(page, url)
  await ofLoading(page, url, folder)
  expectNot('the browser', problems.join('\n'), ' ')
}

await withServer(project, () => ({ RILLE_EDITOR: '' }), ({ url, folder }) => withBrowser((browser) => run(url, folder, browser)))
console.log('pages: all as expected')
