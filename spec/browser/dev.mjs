// The minute after saving a file: what goes wrong is explained in the browser, and once it is right the page follows by itself.
// Nothing here touches the browser between a save and what must be seen.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, expectNot, screenshot, withBrowser, withServer } from './browser.mjs'

const routes = (text) => `local rille = require "rille"
return function(app)
  app:get("/", function() return rille.render("page.html", { text = "${text}" }) end)
  app:get("/sql/{id:int}", function(req)
    local db = req.app.state.db
    db:exec("INSERT INTO visits VALUES (?)", req.params.id)
    local visit = db:one("SELECT id, name FROM people WHERE id = ?", req.params.id)
    return "Hello, " .. visit.name
  end, { name = "visit" })
  app:get("/form", function() return rille.html "<form method=post><button>Send</button></form>" end)
  app:post("/form", function() error "the form cannot be taken" end)
end
`
const init = `local rille = require "rille"
local app = rille.app()
app:static("/static", "static")
app:lifespan(function(self, running)
  local db <close> = rille.sqlite.open ":memory:"
  db:exec "CREATE TABLE visits (id); CREATE TABLE people (id, name); INSERT INTO people VALUES (1, 'Ada')"
  self.state.db = db
  running()
end)
require "app.routes"(app)
return app
`
const template = (inside) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Site</title>
<link rel="stylesheet" href="/static/site.css"></head>
<body><p id="text">${inside}</p></body></html>
`

// As editors do: into a file beside it, then a rename onto it.
function save(folder, name, text) {
  writeFileSync(join(folder, name + '~'), text)
  renameSync(join(folder, name + '~'), join(folder, name))
}

function project(folder) {
  for (const name of ['app', 'templates', 'static']) mkdirSync(join(folder, name))
  save(folder, 'app/init.lua', init)
  save(folder, 'app/routes.lua', routes('first'))
  save(folder, 'templates/page.html', template('{{ text }}'))
  save(folder, 'static/site.css', 'body { color: rgb(10, 20, 30) }')
  return ['dev', join(folder, 'app')]
}

// Each breaks the program, is to be explained by these words, and is repaired.
const breakages = [
  { name: 'syntax', words: ["'=' or 'in' expected", 'app/routes.lua:3', 'for post of posts do'],
    break: (f) => save(f, 'app/routes.lua', 'local M = {}\n\nfor post of posts do end\nreturn M\n') },
  { name: 'load', words: ["attempt to index a nil value (local 'settings')", 'app/routes.lua:2', 'Traceback'],
    break: (f) => save(f, 'app/routes.lua', 'local settings\nlocal limit = settings.limit\nreturn function() return limit end\n') },
  { name: 'module', words: ["module 'app.nowhere' not found", 'app/routes.lua:1'],
    break: (f) => save(f, 'app/routes.lua', 'local nowhere = require "app.nowhere"\nreturn nowhere\n') },
  { name: 'template', words: ['templates/page.html:4', '{{ text'],
    break: (f) => save(f, 'templates/page.html', template('{{ text }')),
    repair: (f, text) => { save(f, 'templates/page.html', template('{{ text }}')); save(f, 'app/routes.lua', routes(text)) } },
  { name: 'deleted', words: ["module 'app.routes' not found", 'app/init.lua:10'],
    break: (f) => rmSync(join(f, 'app/routes.lua')) },
]

async function follow(page, words) {
  for (const word of words) await page.getByText(word).first().waitFor()
}

async function recovers(page, folder, breakage, number) {
  breakage.break(folder)
  await follow(page, breakage.words)
  await screenshot(page, `dev-${number}-${breakage.name}`)
  const repair = breakage.repair ?? ((f, text) => save(f, 'app/routes.lua', routes(text)))
  repair(folder, `repaired ${number}`)
  await page.locator('#text', { hasText: `repaired ${number}` }).waitFor()
}

async function explainsHandlers(page, url) {
  await page.goto(`${url}/sql/7`)
  const text = await page.locator('body').innerText()
  for (const word of ["attempt to index a nil value (local 'visit')", 'app/routes.lua:8', 'SQL so far', 'INSERT INTO visits',
    'SELECT id, name FROM people', 'Traceback', 'GET /sql/7']) expect('the page of a handler that fails', text, word)
  await screenshot(page, 'dev-6-handler')
  await page.emulateMedia({ colorScheme: 'dark' })
  await screenshot(page, 'dev-7-handler-dark')
  await page.click('text=Copy as text')
  await page.getByText('Copied').waitFor()
  await page.locator('.where a').click()
  expect('the source', await page.locator('body').innerText(), 'return "Hello, " .. visit.name')
  await page.emulateMedia({ colorScheme: 'light' })
}

async function swapsStyles(page, url, folder) {
  const colour = () => page.evaluate(() => getComputedStyle(document.body).color)
  await page.goto(url)
  await page.evaluate(() => { window.stayed = true })
  expect('the style', await colour(), 'rgb(10, 20, 30)')
  save(folder, 'static/site.css', 'body { color: rgb(200, 0, 100) }')
  await page.waitForFunction(() => getComputedStyle(document.body).color === 'rgb(200, 0, 100)')
  if (!await page.evaluate(() => window.stayed)) throw new Error('the page was loaded again for a style')
}

async function asksBeforeSendingAgain(page, url, folder) {
  await page.goto(`${url}/form`)
  await page.click('text=Send')
  await follow(page, ['the form cannot be taken'])
  save(folder, 'app/routes.lua', routes('after the form'))
  await follow(page, ['The code has changed.'])
}

async function showsPanel(page, url) {
  await page.goto(`${url}/_rille`)
  await page.getByText('GET /sql/7').first().waitFor()
  await screenshot(page, 'dev-8-panel')
  await page.getByText('GET /sql/7').first().click()
  for (const heading of ['Timeline', 'SQL', 'Error', 'Request headers']) await page.getByText(heading).first().waitFor()
  await screenshot(page, 'dev-9-request')
  await page.click('text=Routes')
  await page.getByText('/sql/{id:int}').waitFor()
  await page.click('text=Tasks')
  await page.getByText('the stop').first().waitFor()
  await page.click('text=Memory')
  await page.getByText('MiB now').waitFor()
  await page.emulateMedia({ colorScheme: 'dark' })
  await screenshot(page, 'dev-10-memory-dark')
}

async function run(url, folder, browser) {
  const context = await browser.newContext({ viewport: { width: 390, height: 700 } }) // as large as a phone
  const page = await context.newPage()
  const problems = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.setDefaultTimeout(10000)
  await page.goto(url)
  expect('the page', await page.locator('#text').innerText(), 'first')
  for (const [i, breakage] of breakages.entries()) await recovers(page, folder, breakage, i + 1)
  await explainsHandlers(page, url)
  await swapsStyles(page, url, folder)
  await showsPanel(page, url)
  await page.emulateMedia({ colorScheme: 'light' })
  await asksBeforeSendingAgain(page, url, folder)
  expectNot('the browser', problems.join('\n'), 'Error')
}

await withServer(project, () => ({}), ({ url, folder }) => withBrowser((browser) => run(url, folder, browser)))
console.log('dev: all as expected')
